//! EKS clusters and what belongs to them, IAM roles and EC2 instances, from the AWS APIs.
//!
//! Each account is read with its own credentials, region by region; IAM once per account. A call that
//! fails becomes a warning that names the IAM action and resource, and the rest goes on.

mod ec2;
mod eks;
mod failure;
mod iam;
mod json;
mod session;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use serde_json::Value;

use crate::collect::permissions::Call;
use crate::collect::{Closed, Document, Output, Warning};

/// Calls of one service under way at once, per account and region.
const CALLS: usize = 8;

/// IAM calls under way at once: its limits are per account and low.
const IAM_CALLS: usize = 4;

/// Clusters read at once, per account and region.
const CLUSTERS: usize = 4;

/// One account to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Role to assume; without it the credentials of the default chain are used as they are.
    pub role_arn: Option<String>,
    /// External id the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Regions to read; none means the default region.
    pub regions: Vec<String>,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Accounts to read; none means the one of the default credentials.
    pub accounts: Vec<Account>,
    /// Names of the only clusters to read; none means all. Named clusters are read even where
    /// `eks:ListClusters` is denied.
    pub clusters: BTreeSet<String>,
    /// Further roles to look at, such as those that service accounts are annotated with.
    pub role_arns: BTreeSet<String>,
    /// Further instances to look at, such as those that nodes name.
    pub instance_ids: BTreeSet<String>,
    /// Name of the session of assumed roles.
    pub session_name: String,
}

/// A cluster that was described: what tells it apart from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// URL of its API server.
    pub endpoint: Option<String>,
    /// Its OIDC issuer, a URL.
    pub oidc_issuer: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The clusters, by account and region in the order of the options.
    pub clusters: Vec<Described>,
    /// Documents handed over.
    pub documents: u64,
}

/// Why nothing could be collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Every call failed; the first failure.
    #[error("cannot read anything from AWS: {0}")]
    Nothing(Warning),
    /// The receiver is gone.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Reads all accounts, with credentials, endpoints and retries as `base` has them.
///
/// # Errors
/// [`Error::Nothing`] where no call succeeded, [`Error::Closed`] where the receiver is gone.
pub async fn collect(
    base: &SdkConfig,
    options: &Options,
    clock: fn() -> i64,
    out: &Output,
) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let counts = Counts::default();
    let own = [Account::default()];
    let accounts = match options.accounts.as_slice() {
        [] => &own,
        accounts => accounts,
    };
    for account in accounts {
        let regions = session::regions(base, account, options).await;
        let mut found = Found::default();
        for config in &regions {
            let reader = Reader::new(config, account, clock, out, &counts);
            eks::read(&reader, options, &mut found).await?;
            ec2::read(&reader, options, &mut found).await?;
        }
        if let Some(config) = regions.first() {
            let mut reader = Reader::new(config, account, clock, out, &counts);
            // IAM knows no regions.
            reader.region = None;
            iam::read(&reader, options, &found).await?;
        }
        seen.clusters.append(&mut found.clusters);
    }
    seen.documents = counts.documents.load(Ordering::Relaxed);
    match counts.first.into_inner() {
        Some(warning) if counts.answers.into_inner() == 0 => Err(Error::Nothing(warning)),
        _ => Ok(seen),
    }
}

/// What the regions of an account name in IAM.
#[derive(Debug, Default)]
struct Found {
    clusters: Vec<Described>,
    role_arns: BTreeSet<String>,
    profile_arns: BTreeSet<String>,
    account_id: Option<String>,
}

/// Counts over all accounts.
#[derive(Debug, Default)]
struct Counts {
    documents: AtomicU64,
    answers: AtomicU64,
    first: OnceLock<Warning>,
}

/// Reads one region of one account.
struct Reader<'a> {
    config: &'a SdkConfig,
    account: &'a Account,
    region: Option<&'a str>,
    clock: fn() -> i64,
    out: &'a Output,
    counts: &'a Counts,
    /// What was warned of, by action and cluster: one warning for all objects of a kind tells enough.
    warned: Mutex<HashSet<(&'static str, String)>>,
}

impl<'a> Reader<'a> {
    fn new(
        config: &'a SdkConfig,
        account: &'a Account,
        clock: fn() -> i64,
        out: &'a Output,
        counts: &'a Counts,
    ) -> Self {
        Self {
            config,
            account,
            region: config.region().map(AsRef::as_ref),
            clock,
            out,
            counts,
            warned: Mutex::default(),
        }
    }

    /// The answer of a call and when it came; `None` after a warning, and for an object that went in the
    /// meantime.
    async fn answer<T, E>(
        &self,
        call: Call,
        object: &str,
        result: Result<T, SdkError<E>>,
    ) -> Result<Option<(T, i64)>, Closed>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let error = match result {
            Ok(answer) => {
                self.counts.answers.fetch_add(1, Ordering::Relaxed);
                return Ok(Some((answer, (self.clock)())));
            }
            Err(error) => error,
        };
        let failure = failure::of(&error);
        if failure.is_gone() {
            // It answered.
            self.counts.answers.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(call = call.action, object, "gone since it was listed");
            return Ok(None);
        }
        let warning = failure.warning(call, object, &self.place());
        let _ = self.counts.first.set(warning.clone());
        if self.is_first_warning(call, object) {
            self.out.warning(warning).await?;
        } else {
            tracing::debug!(%warning, "not read");
        }
        Ok(None)
    }

    /// What all pages of a list hold, and when the first came; `None` where one could not be read.
    async fn pages<P, E, T>(
        &self,
        call: Call,
        object: &str,
        pages: PaginationStream<Result<P, SdkError<E>>>,
        items: impl Fn(P) -> Vec<T> + Send,
    ) -> Result<Option<(Vec<T>, i64)>, Closed>
    where
        P: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        let never = |_: &SdkError<E>| false;
        self.pages_unless(call, object, pages, never, items).await
    }

    /// As [`Reader::pages`], `None` also where an error says that there is no such list, which is an answer.
    async fn pages_unless<P, E, T>(
        &self,
        call: Call,
        object: &str,
        mut pages: PaginationStream<Result<P, SdkError<E>>>,
        is_none: impl Fn(&SdkError<E>) -> bool + Send,
        items: impl Fn(P) -> Vec<T> + Send,
    ) -> Result<Option<(Vec<T>, i64)>, Closed>
    where
        P: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        let (mut all, mut since) = (Vec::new(), None);
        while let Some(page) = pages.next().await {
            if page.as_ref().is_err_and(&is_none) {
                self.counts.answers.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
            let Some((page, at)) = self.answer(call, object, page).await? else {
                return Ok(None);
            };
            since.get_or_insert(at);
            all.extend(items(page));
        }
        Ok(Some((all, since.unwrap_or_else(self.clock))))
    }

    fn is_first_warning(&self, call: Call, object: &str) -> bool {
        let cluster = object.split('/').next().unwrap_or_default();
        let cluster = if call.action.starts_with("eks:") {
            cluster
        } else {
            ""
        };
        let warned = self.warned.lock();
        // A set stays sound whatever happened to who held it.
        let mut warned = warned.unwrap_or_else(PoisonError::into_inner);
        warned.insert((call.action, cluster.to_owned()))
    }

    fn place(&self) -> String {
        let account = match &self.account.role_arn {
            Some(role) => format!("as {role}"),
            None => "own credentials".to_owned(),
        };
        match self.region {
            Some(region) => format!("{account}, {region}"),
            None => account,
        }
    }

    async fn document(
        &self,
        cluster: Option<&str>,
        observed_at: i64,
        call: Call,
        value: &Value,
    ) -> Result<(), Closed> {
        self.counts.documents.fetch_add(1, Ordering::Relaxed);
        let cluster = cluster.map(str::to_owned);
        let document = Document::object(cluster, observed_at, call.action, value);
        self.out.document(document).await
    }
}

#[cfg(test)]
mod tests;
