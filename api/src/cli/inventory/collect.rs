//! `podtrail inventory collect`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Instant;

use indicatif::HumanCount;
use podtrail_ingest::Stop;
use podtrail_ingest::aws::{SESSION_NAME, aws_config};
use podtrail_ingest::collect::kubernetes::{self, Access, Connection, Follow};
use podtrail_ingest::collect::{Document, Found, Output, aws, keep};
use podtrail_ingest::inventory::Imported;
use podtrail_ingest::store::Store;
use tokio::sync::mpsc;

use super::tell;
use crate::cli::aws::{AwsArguments, clock};
use crate::cli::config::Config;
use crate::cli::signals;
use crate::cli::{Exit, Global, complain, say};

/// What collectors may be ahead.
const FOUND_AHEAD: usize = 16;

#[derive(Debug, clap::Args)]
pub(crate) struct Collect {
    /// Name or ARN of the Kubernetes cluster; that of the kubeconfig or of EKS without it
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Kubeconfig file; as kubectl does without it, else the service account of the pod
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Leave Kubernetes out
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "follow", "no_aws"])]
    no_kubernetes: bool,
    /// Leave AWS out
    #[arg(long)]
    no_aws: bool,
    /// Regions of the account; the default region without it
    #[arg(long = "region", value_delimiter = ',', value_name = "REGION")]
    regions: Vec<String>,
    /// Go on watching pods, nodes and service accounts until stopped, and read AWS every hour
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

/// What a collection came to.
#[derive(Debug, Default)]
struct Total {
    imported: Imported,
    warnings: u64,
}

impl Total {
    fn exit(&self) -> Exit {
        if self.warnings > 0 || self.imported.summary.rejects > 0 {
            Exit::Rejected
        } else {
            Exit::Ok
        }
    }

    fn warn(&mut self, warning: impl Display) {
        self.warnings += 1;
        say(&format!("podtrail: {warning}"));
    }

    fn add(&mut self, other: Imported) {
        self.imported.summary.add(&other.summary);
        self.imported.written.new += other.written.new;
        self.imported.written.known += other.written.known;
        self.imported.rejects.extend(other.rejects);
    }
}

/// What was collected once, for who goes on.
struct Collected {
    store: Store,
    total: Total,
    /// The cluster, and what its objects name in AWS.
    cluster: Option<(Connection, kubernetes::Seen)>,
}

impl Collect {
    /// What is configured, each with its name on a schedule. `options` stand for what the configuration leaves open.
    pub(crate) fn configured(config: &Config, options: &AwsArguments) -> Vec<(String, Self)> {
        let clusters = config.clusters().iter().map(|cluster| {
            let collect = Self {
                cluster: Some(cluster.name.clone()),
                kubeconfig: cluster.kubeconfig.clone(),
                context: cluster.context.clone(),
                no_kubernetes: false,
                no_aws: true,
                regions: Vec::new(),
                follow: false,
                aws: options.clone(),
            };
            (format!("inventory of cluster {}", cluster.name), collect)
        });
        let accounts = config.accounts().iter().map(|account| {
            let collect = Self {
                cluster: None,
                kubeconfig: None,
                context: None,
                no_kubernetes: true,
                no_aws: false,
                regions: account.regions.clone(),
                follow: false,
                aws: AwsArguments {
                    role_arn: account.role_arn.clone(),
                    external_id: account.external_id.clone(),
                    endpoint_url: account
                        .endpoint_url
                        .clone()
                        .or_else(|| options.endpoint_url.clone()),
                    ..options.clone()
                },
            };
            let name = account.role_arn.as_deref().unwrap_or("this account");
            (format!("inventory of {name}"), collect)
        });
        clusters.chain(accounts).collect()
    }

    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Collected {
            store,
            mut total,
            cluster,
        } = Box::pin(self.collect(global)).await?;
        if let (true, Some((connection, seen))) = (self.follow, cluster) {
            Box::pin(self.watch(&store, &connection, seen, &mut total, global)).await?;
        }
        Ok(total.exit())
    }

    /// Collects once.
    pub(crate) async fn run_once(&self, global: &Global) -> anyhow::Result<Exit> {
        let collected = Box::pin(self.collect(global)).await?;
        Ok(collected.total.exit())
    }

    /// Collects what can be read. Of Kubernetes and AWS, one that cannot be read at all costs nothing but what it would
    /// have told.
    async fn collect(&self, global: &Global) -> anyhow::Result<Collected> {
        let start = Instant::now();
        let mut total = Total::default();
        let mut failures = Vec::new();
        let mut connection = match self.connect().await {
            // A typing error costs nothing.
            Err(error) if Exit::of(&error) == Exit::Usage => return Err(error),
            connected => or_note(connected, &mut failures).flatten(),
        };
        let store = global.create_store().await?;
        let found = match &connection {
            None => None,
            Some(connection) => {
                let collected = gather(&mut total, |out| async move {
                    Ok(connection.collect(&out).await?)
                });
                or_note(collected.await, &mut failures)
            }
        };
        let given = given_name(connection.as_ref());
        let mut was_read = found.is_some();
        let (seen, mut documents) = found.unwrap_or_default();
        if !self.no_aws {
            let (roles, instances) = (seen.role_arns.clone(), seen.instance_ids.clone());
            let described = self.aws(&mut total, roles, instances).await;
            if let Some((clusters, more)) = or_note(described, &mut failures) {
                was_read = true;
                connection = match connection {
                    Some(connection) => Some(name(connection, &clusters).await),
                    None => None,
                };
                documents.extend(more);
            }
        }
        let mut failures = failures.into_iter();
        if !was_read && let Some(first) = failures.next() {
            failures.for_each(|other| complain(&other));
            return Err(first);
        }
        for failure in failures {
            total.warn(format_args!("{failure:#}"));
        }
        if let Some(connection) = &connection {
            match connection.cluster() {
                Some(cluster) => {
                    for document in &mut documents {
                        if document.cluster.is_none() || document.cluster == given {
                            document.cluster = Some(cluster.to_owned());
                        }
                    }
                }
                None => say(&format!(
                    "{}: which cluster this is does not show; name it with --cluster",
                    connection.server()
                )),
            }
        }
        total.add(keep(&store, documents, clock()).await?);
        tell(&total.imported, total.warnings, start, global);
        Ok(Collected {
            store,
            total,
            cluster: connection.map(|connection| (connection, seen)),
        })
    }

    /// A way into the cluster, where Kubernetes is not left out.
    async fn connect(&self) -> anyhow::Result<Option<Connection>> {
        if self.no_kubernetes {
            return Ok(None);
        }
        let connection =
            kubernetes::connect(&self.access(), self.cluster.as_deref(), clock).await?;
        Ok(Some(connection))
    }

    fn access(&self) -> Access {
        if self.kubeconfig.is_none() && self.context.is_none() {
            return Access::Default;
        }
        Access::Kubeconfig {
            path: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }

    async fn aws(
        &self,
        total: &mut Total,
        role_arns: BTreeSet<String>,
        instance_ids: BTreeSet<String>,
    ) -> anyhow::Result<(Vec<aws::Described>, Vec<Document>)> {
        let config = aws_config(&self.aws.own()).await;
        let options = aws::Options {
            accounts: vec![aws::Account {
                role_arn: self.aws.role_arn.clone(),
                external_id: self.aws.external_id.clone(),
                regions: self.regions.clone(),
            }],
            role_arns,
            instance_ids,
            session_name: SESSION_NAME.to_owned(),
            ..aws::Options::default()
        };
        let (seen, documents) = gather(total, |out| async move {
            Ok(aws::collect(&config, &options, clock, &out).await?)
        })
        .await?;
        Ok((seen.clusters, documents))
    }

    /// Keeps what changes, until asked to stop.
    async fn watch(
        &self,
        store: &Store,
        connection: &Connection,
        mut seen: kubernetes::Seen,
        total: &mut Total,
        global: &Global,
    ) -> anyhow::Result<()> {
        let stop: Stop = signals::stop()?;
        let (sender, mut receiver) = mpsc::channel(FOUND_AHEAD);
        let out = Output::new(sender);
        let options = Follow::default();
        let follow = async {
            let ended = connection.follow(&options, &out, stop.receiver()).await;
            // What was found before it ended is still to be kept.
            drop(out);
            ended
        };
        let keeping = async {
            let mut hourly = tokio::time::interval(options.list_every);
            hourly.tick().await;
            loop {
                let found = tokio::select! {
                    found = receiver.recv() => found,
                    _ = hourly.tick(), if !self.no_aws => {
                        let documents = tokio::select! {
                            documents = self.aws_again(total, &seen) => documents,
                            () = stop.asked() => Vec::new(),
                        };
                        keep_more(store, documents, total, global).await?;
                        continue;
                    }
                };
                match found {
                    None => return anyhow::Ok(()),
                    Some(Found::Warning(warning)) => total.warn(warning),
                    Some(Found::Documents(documents)) => {
                        for document in &documents {
                            seen.see_change(document);
                        }
                        keep_more(store, documents, total, global).await?;
                    }
                }
            }
        };
        tokio::pin!(follow, keeping);
        tokio::select! {
            // Nothing can be kept any more.
            kept = &mut keeping => kept,
            ended = &mut follow => {
                keeping.await?;
                Ok(ended?)
            }
        }
    }

    /// Reads AWS once more. What fails now may work in an hour, and Kubernetes is watched on.
    async fn aws_again(&self, total: &mut Total, seen: &kubernetes::Seen) -> Vec<Document> {
        let (roles, instances) = (seen.role_arns.clone(), seen.instance_ids.clone());
        match self.aws(total, roles, instances).await {
            Ok((_, documents)) => documents,
            Err(error) => {
                total.warn(format_args!(
                    "AWS could not be read, and will be in an hour: {error:#}"
                ));
                Vec::new()
            }
        }
    }
}

/// What came out, else nothing and the reason among the failures.
fn or_note<T>(outcome: anyhow::Result<T>, failures: &mut Vec<anyhow::Error>) -> Option<T> {
    outcome.map_err(|error| failures.push(error)).ok()
}

/// Keeps what was found after the first look.
async fn keep_more(
    store: &Store,
    documents: Vec<Document>,
    total: &mut Total,
    global: &Global,
) -> anyhow::Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    let kept = keep(store, documents, clock()).await?;
    if !global.quiet && kept.written.new > 0 {
        say(&format!(
            "{} new observations",
            HumanCount(kept.written.new)
        ));
    }
    total.add(kept);
    Ok(())
}

/// Runs a collector and takes in what it finds; warnings are said.
async fn gather<T, F>(
    total: &mut Total,
    collector: impl FnOnce(Output) -> F,
) -> anyhow::Result<(T, Vec<Document>)>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let (sender, mut receiver) = mpsc::channel(FOUND_AHEAD);
    let collecting = collector(Output::new(sender));
    let taking = async {
        let mut documents = Vec::new();
        while let Some(found) = receiver.recv().await {
            match found {
                Found::Documents(found) => documents.extend(found),
                Found::Warning(warning) => total.warn(warning),
            }
        }
        documents
    };
    let (seen, documents) = tokio::join!(collecting, taking);
    Ok((seen?, documents))
}

/// The name of a cluster that the user, or the kubeconfig, gave.
fn given_name(connection: Option<&Connection>) -> Option<String> {
    connection.and_then(Connection::cluster).map(str::to_owned)
}

/// Names a cluster by its OIDC issuer, where nothing else did; one that has a name alone by its ARN, since other accounts and
/// regions may have a cluster of this name.
async fn name(connection: Connection, clusters: &[aws::Described]) -> Connection {
    let given = given_name(Some(&connection));
    if given.as_ref().is_some_and(|name| name.starts_with("arn:")) {
        return connection;
    }
    let Some(issuer) = connection.oidc_issuer().await else {
        return connection;
    };
    let mut fitting = clusters
        .iter()
        .filter(|cluster| cluster.oidc_issuer.as_deref() == Some(issuer.as_str()))
        .filter(|cluster| given.as_ref().is_none_or(|name| *name == cluster.name));
    match (fitting.next(), fitting.next()) {
        (Some(cluster), None) => connection.named(&cluster.arn),
        _ => connection,
    }
}
