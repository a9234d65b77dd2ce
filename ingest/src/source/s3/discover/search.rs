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
    /// Searches for `AWSLogs` below a folder, at any level, and takes the folder for what it is where there is none.
    pub(super) async fn search(&self, prefix: &str, folder: String) -> Result<Vec<Scoped>, Closed> {
        let mut level = vec![folder.clone()];
        let mut all: Vec<String> = Vec::new();
        for depth in 0..SEARCH_DEPTH {
            let (logs, below, failures) = self.look_into_all(&level, !all.is_empty()).await?;
            if depth == 0 && failures > 0 {
                // The folder itself cannot be listed: that is said.
                return Ok(Vec::new());
            }
            all.extend(logs);
            if below.len() > SEARCH_FOLDERS && !all.is_empty() {
                tracing::warn!(
                    bucket = self.bucket.name(),
                    "more than {SEARCH_FOLDERS} folders beside {LOGS} are not searched for further trails"
                );
            }
            if below.is_empty() || below.len() > SEARCH_FOLDERS {
                break;
            }
            level = below;
        }
        if !all.is_empty() {
            return self.accounts(all).await;
        }
        self.whole(prefix, folder).await?;
        Ok(Vec::new())
    }

    /// Folders `AWSLogs` in some folders, the other folders in these, and how many could not be listed. What is `beside`
    /// a trail that was found need not be one's own: that it may not be listed is no fault.
    async fn look_into_all(
        &self,
        level: &[String],
        beside: bool,
    ) -> Result<(Vec<String>, Vec<String>, usize), Closed> {
        let (mut logs, mut below, mut failures) = (Vec::new(), Vec::new(), 0);
        let pages: Vec<_> = level.iter().map(|folder| self.look_into(folder)).collect();
        let mut pages = std::pin::pin!(futures::stream::iter(pages).buffered(self.concurrency()));
        while let Some(page) = pages.next().await {
            match page {
                Ok((found, others)) => {
                    logs.extend(found);
                    below.extend(others);
                }
                Err(failed) if beside => {
                    tracing::warn!(error = %failed.error, "not searched for further trails");
                }
                Err(failed) => {
                    failures += 1;
                    self.fail(failed).await?;
                }
            }
        }
        Ok((logs, below, failures))
    }

    /// The folder `AWSLogs` where it is in a folder, and the other folders in its first page.
    async fn look_into(&self, folder: &str) -> Result<(Option<String>, Vec<String>), Failed> {
        let logs = format!("{folder}{LOGS}/");
        let first = self
            .page(Query {
                prefix: folder,
                folders: true,
                ..Query::default()
            })
            .await?;
        let mut below = first.folders;
        if let Some(at) = below.iter().position(|found| *found == logs) {
            below.remove(at);
            return Ok((Some(logs), below));
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
                return Ok((Some(logs), below));
            }
        }
        Ok((None, below))
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
