//! Finds `AWSLogs` below a prefix, and takes what has none as it is.

use futures::StreamExt;

use super::super::client::Query;
use super::super::layout::LOGS;
use super::{Closed, Discovery, Failed, Found, Scoped};

/// Levels of folders below the prefix in which `AWSLogs` is searched for.
const SEARCH_DEPTH: usize = 3;

/// Folders of a level that are searched.
const SEARCH_FOLDERS: usize = 100;

impl Discovery {
    /// Searches for `AWSLogs` below a folder, and takes the folder for what it is where there is none.
    pub(super) async fn search(&self, prefix: &str, folder: String) -> Result<Vec<Scoped>, Closed> {
        let mut level = vec![folder.clone()];
        for depth in 0..SEARCH_DEPTH {
            let (logs, below, failures) = self.look_into_all(&level).await?;
            if !logs.is_empty() {
                return self.accounts(logs).await;
            }
            if depth == 0 && failures > 0 {
                // The folder itself cannot be listed: that is said.
                return Ok(Vec::new());
            }
            if below.is_empty() || below.len() > SEARCH_FOLDERS {
                break;
            }
            level = below;
        }
        self.whole(prefix, folder).await?;
        Ok(Vec::new())
    }

    /// Folders `AWSLogs` in some folders, the other folders in these, and how many could not be listed.
    async fn look_into_all(
        &self,
        level: &[String],
    ) -> Result<(Vec<String>, Vec<String>, usize), Closed> {
        let (mut logs, mut below, mut failures) = (Vec::new(), Vec::new(), 0);
        let pages: Vec<_> = level.iter().map(|folder| self.look_into(folder)).collect();
        let mut pages = std::pin::pin!(futures::stream::iter(pages).buffered(self.concurrency()));
        while let Some(page) = pages.next().await {
            match page {
                Ok((true, found)) => logs.extend(found),
                Ok((false, found)) => below.extend(found),
                Err(failed) => {
                    failures += 1;
                    self.fail(failed).await?;
                }
            }
        }
        Ok((logs, below, failures))
    }

    /// True and the folder `AWSLogs` where it is in a folder, else the folders in its first page.
    async fn look_into(&self, folder: &str) -> Result<(bool, Vec<String>), Failed> {
        let logs = format!("{folder}{LOGS}/");
        let first = self
            .page(Query {
                prefix: folder,
                folders: true,
                ..Query::default()
            })
            .await?;
        if first.folders.contains(&logs) {
            return Ok((true, vec![logs]));
        }
        if first.next.is_some() {
            let probe = self
                .page(Query {
                    prefix: &logs,
                    most: Some(1),
                    ..Query::default()
                })
                .await?;
            if !probe.objects.is_empty() {
                return Ok((true, vec![logs]));
            }
        }
        Ok((false, first.folders))
    }

    /// Sends a folder of no known layout, or the object of that name.
    pub(super) async fn whole(&self, prefix: &str, folder: String) -> Result<(), Closed> {
        let probe = |prefix| Query {
            prefix,
            most: Some(1),
            ..Query::default()
        };
        let found = match self.page(probe(&folder)).await {
            Ok(page) => !page.objects.is_empty() || page.next.is_some(),
            Err(failed) => return self.fail(failed).await,
        };
        if found {
            return self.send(Found::Folder(folder)).await;
        }
        if !prefix.is_empty() && !prefix.ends_with('/') {
            let uri = self.bucket.uri(prefix);
            match self.page(probe(prefix)).await {
                Ok(page) => {
                    if let Some(object) = page.objects.into_iter().find(|object| object.key == uri)
                    {
                        return self.send(Found::Object(object)).await;
                    }
                }
                Err(failed) => return self.fail(failed).await,
            }
        }
        let location = self.bucket.uri(prefix);
        self.fail(Failed::input(format!("nothing is at {location}")))
            .await
    }
}
