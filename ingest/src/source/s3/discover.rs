//! Finds the partitions of a trail that can hold events of the time asked for, in the order of their
//! days, then accounts and regions, with as few listings as tell them. Accounts and regions are found
//! by listing folders.

mod dates;
mod search;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::client::{Bucket, Page, Query};
use super::fault::{Fault, Kind as FaultKind};
use super::layout::{
    Days, Kind, Place, Scope, Window, is_account, is_organisation, is_region, place,
};
use crate::error::Error;
use crate::source::ObjectRef;

/// What of a trail is wanted.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) window: Window,
    /// Gives the time, in microseconds since the epoch.
    pub(super) clock: fn() -> i64,
    /// All where empty.
    pub(super) accounts: Vec<String>,
    /// All where empty.
    pub(super) regions: Vec<String>,
}

impl Selection {
    pub(super) fn has_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|wanted| wanted == account)
    }

    pub(super) fn has_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|wanted| wanted == region)
    }

    /// The days of a scope that are wanted. Nothing is delivered after tomorrow, whatever the time zone
    /// of the clock.
    fn days(&self, of: Days) -> Days {
        let mut days = of.and(self.window.days());
        if let (Some(first), None) = (days.first, days.last) {
            let now = DateTime::from_timestamp_micros((self.clock)()).unwrap_or_default();
            let tomorrow = now.date_naive().succ_opt();
            days.last = tomorrow.map(|tomorrow| tomorrow.max(first));
        }
        days
    }
}

/// Something to list, in order.
#[derive(Debug)]
pub(super) enum Found {
    /// The files of one account, region and day.
    Day(Arc<Scope>, NaiveDate),
    /// A folder of no known layout.
    Folder(String),
    /// The one object that the location names.
    Object(ObjectRef),
    /// A folder that could not be listed.
    Failed(Failed),
}

/// A listing that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// True where it may succeed another time.
    pub(super) transient: bool,
}

impl Failed {
    pub(super) fn new(bucket: &Bucket, prefix: &str, fault: Fault) -> Self {
        let reason = match fault.kind {
            FaultKind::Gone => format!("{}; check the bucket's name", fault.cause),
            _ => fault.cause,
        };
        Self {
            error: Error::Aws {
                what: format!("cannot list {}", bucket.uri(prefix)),
                reason,
            },
            transient: matches!(fault.kind, FaultKind::Transient | FaultKind::Expired),
        }
    }

    fn input(text: String) -> Self {
        Self {
            error: Error::InvalidInput(text),
            transient: false,
        }
    }
}

/// Nobody takes partitions any more.
pub(super) struct Closed;

/// An account, what kind of its events, and the folder of these.
type Folder = (String, Kind, String);

/// The folders of events in the folder of an account.
fn of_account(folder: &str, account: &str) -> Vec<Folder> {
    [Kind::Events, Kind::Network]
        .map(|kind| {
            let events = format!("{folder}{}/", kind.folder());
            (account.to_owned(), kind, events)
        })
        .into()
}

/// A scope, and the days of it that are wanted.
struct Scoped {
    scope: Arc<Scope>,
    days: Days,
}

/// Searches one trail.
pub(super) struct Discovery {
    pub(super) bucket: Arc<Bucket>,
    pub(super) selection: Selection,
    pub(super) out: mpsc::Sender<Found>,
}

impl Discovery {
    /// Sends all partitions below a prefix.
    pub(super) async fn run(&self, prefix: &str) -> Result<(), Closed> {
        let folder = if prefix.is_empty() || prefix.ends_with('/') {
            prefix.to_owned()
        } else {
            format!("{prefix}/")
        };
        let scopes = match place(&folder) {
            Place::Unknown => self.search(prefix, folder).await?,
            Place::Accounts => self.accounts(vec![folder]).await?,
            Place::Account { account } | Place::Regions { account, .. }
                if !self.selection.has_account(&account) =>
            {
                return self.left_out(&folder, &account).await;
            }
            Place::Account { account } => self.regions(of_account(&folder, &account)).await?,
            Place::Regions { account, kind } => self.regions(vec![(account, kind, folder)]).await?,
            Place::Scope { scope, .. } if !self.wants(&scope) => {
                let of = format!("{} in {}", scope.account, scope.region);
                return self.left_out(&folder, &of).await;
            }
            Place::Scope { scope, days } => {
                let scope = Arc::new(scope);
                vec![Scoped { scope, days }]
            }
            Place::Digests => Vec::new(),
            Place::Other => return self.whole(prefix, folder).await,
        };
        self.partitions(scopes).await
    }

    fn wants(&self, scope: &Scope) -> bool {
        self.selection.has_account(&scope.account) && self.selection.has_region(&scope.region)
    }

    /// Says that the filters leave out all that the prefix names.
    async fn left_out(&self, folder: &str, of: &str) -> Result<(), Closed> {
        let location = self.bucket.uri(folder);
        self.fail(Failed::input(format!(
            "{location} holds the events of {of}, which the accounts and regions asked for leave out"
        )))
        .await
    }

    async fn send(&self, found: Found) -> Result<(), Closed> {
        self.out.send(found).await.map_err(|_| Closed)
    }

    async fn fail(&self, failed: Failed) -> Result<(), Closed> {
        self.send(Found::Failed(failed)).await
    }

    async fn page(&self, query: Query<'_>) -> Result<Page, Failed> {
        let page = self.bucket.page(query).await;
        page.map_err(|fault| Failed::new(&self.bucket, query.prefix, fault))
    }

    /// Names of the folders in a folder, in order.
    async fn folders(&self, folder: &str) -> Result<Vec<String>, Failed> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .page(Query {
                    prefix: folder,
                    folders: true,
                    token: token.as_deref(),
                    ..Query::default()
                })
                .await?;
            let below = page.folders.iter();
            names.extend(below.filter_map(|path| name(folder, path).map(str::to_owned)));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Looks at several folders at once; the answers keep their order. Gives the number that failed.
    async fn each<T: Send>(
        &self,
        of: Vec<T>,
        mut take: impl FnMut(T, Vec<String>) + Send,
        folder: impl Fn(&T) -> String + Send + Sync,
    ) -> Result<usize, Closed> {
        let mut failures = 0;
        let folder = &folder;
        let listed = futures::stream::iter(of).map(|item| async move {
            let names = self.folders(&folder(&item)).await;
            (item, names)
        });
        let mut listed = std::pin::pin!(listed.buffered(self.concurrency()));
        while let Some((item, names)) = listed.next().await {
            match names {
                Ok(names) => take(item, names),
                Err(failed) => {
                    failures += 1;
                    self.fail(failed).await?;
                }
            }
        }
        Ok(failures)
    }

    fn concurrency(&self) -> usize {
        self.bucket.options.list_concurrency.max(1)
    }

    /// Finds the accounts in folders `AWSLogs`, and in those of organisations in them.
    async fn accounts(&self, folders: Vec<String>) -> Result<Vec<Scoped>, Closed> {
        let (mut accounts, mut organisations) = (Vec::new(), Vec::new());
        let wanted = |name: &str| is_account(name) && self.selection.has_account(name);
        let location = self.bucket.uri(&folders.join(", "));
        let mut failures = self
            .each(
                folders,
                |folder, names| {
                    for name in names {
                        if is_organisation(&name) {
                            organisations.push(format!("{folder}{name}/"));
                        } else if wanted(&name) {
                            accounts.extend(of_account(&format!("{folder}{name}/"), &name));
                        }
                    }
                },
                String::clone,
            )
            .await?;
        failures += self
            .each(
                organisations,
                |folder, names| {
                    for name in names.into_iter().filter(|name| wanted(name)) {
                        accounts.extend(of_account(&format!("{folder}{name}/"), &name));
                    }
                },
                String::clone,
            )
            .await?;
        let asked = self.selection.accounts.iter();
        let missing: Vec<&str> = asked
            .filter(|asked| !accounts.iter().any(|(found, ..)| found == *asked))
            .map(String::as_str)
            .collect();
        if failures == 0 && !missing.is_empty() {
            let missing = missing.join(", ");
            let text = format!("{location} has no folder of account {missing}");
            self.fail(Failed::input(text)).await?;
        } else if failures == 0 && accounts.is_empty() {
            let text = format!("{location} has no folder of an account");
            self.fail(Failed::input(text)).await?;
        }
        self.regions(accounts).await
    }

    /// Finds the regions in folders of events. Those asked for are taken for there, other than those of network
    /// activity, which few trails have: of what is not there, no day need be tried.
    async fn regions(&self, folders: Vec<Folder>) -> Result<Vec<Scoped>, Closed> {
        let mut scopes = Vec::new();
        let mut add = |(account, kind, folder): Folder, names: Vec<String>| {
            for region in names.iter().filter(|name| is_region(name)) {
                let scope = Scope::new(kind, &folder, &account, region);
                scopes.push(scope);
            }
        };
        let is_taken =
            |(_, kind, _): &Folder| !self.selection.regions.is_empty() && *kind != Kind::Network;
        let (taken, listed): (Vec<Folder>, Vec<Folder>) = folders.into_iter().partition(is_taken);
        for folder in taken {
            add(folder, self.selection.regions.clone());
        }
        self.each(listed, add, |(_, _, folder)| folder.clone())
            .await?;
        scopes.sort();
        scopes.dedup();
        let scopes = scopes.into_iter().filter(|scope| self.wants(scope));
        Ok(scopes
            .map(|scope| Scoped {
                scope: Arc::new(scope),
                days: Days::default(),
            })
            .collect())
    }
}

/// The name of a folder in another.
fn name<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_suffix('/')
}

#[cfg(test)]
mod tests;
