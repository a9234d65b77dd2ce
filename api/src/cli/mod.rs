//! The command line: arguments, exit codes, and which command does what.
//!
//! Standard output carries data only; progress, summaries and complaints go to standard error.

mod aws;
mod config;
mod demo;
mod doctor;
mod eval;
mod explain;
mod ingest;
mod inventory;
mod logging;
mod maintain;
mod output;
mod policy;
mod report;
mod schedule;
mod serve;
mod signals;
mod sql;
mod token;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use arrow::array::AsArray;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use podtrail_api::serve::auth::AuthError;
use podtrail_api::time;
use podtrail_ingest::Error;
use podtrail_ingest::aws::AwsOptions;
use podtrail_ingest::store::Store;
use podtrail_query::{Engine, Limits, Session};

/// Finds out which Kubernetes workload made an AWS API call, from `CloudTrail`.
#[derive(Debug, Parser)]
#[command(
    name = "podtrail",
    version,
    max_term_width = 100,
    propagate_version = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Where the store is: a folder, or s3://bucket/prefix
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_STORE",
        default_value = "podtrail-store",
        value_name = "PLACE"
    )]
    pub(crate) store: String,
    /// Region of a store in S3; that of the environment without it
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_STORE_REGION",
        value_name = "REGION",
        hide_short_help = true
    )]
    store_region: Option<String>,
    /// Endpoint of a store in what speaks S3
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_STORE_ENDPOINT_URL",
        value_name = "URL",
        hide_short_help = true
    )]
    store_endpoint_url: Option<String>,
    /// Bucket in the path rather than in the host name; so anyway where the endpoint is an address
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_STORE_PATH_STYLE",
        hide_short_help = true
    )]
    store_path_style: bool,
    /// Configuration; podtrail.toml of the working folder where none is named
    #[arg(long, global = true, env = "PODTRAIL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Form of the data on standard output
    #[arg(short, long, global = true, env = "PODTRAIL_OUTPUT", value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// No progress and no summary on standard error
    #[arg(short, long, global = true, env = "PODTRAIL_QUIET")]
    pub(crate) quiet: bool,
    /// Colours on a terminal
    #[arg(long, global = true, env = "PODTRAIL_COLOR", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Form of the log on standard error
    #[arg(long, global = true, env = "PODTRAIL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged, such as `info` or `podtrail_ingest=debug`
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_LOG",
        default_value = "warn,podtrail::audit=info,deltalake_core=off,delta_kernel=off,buoyant_kernel=off,aws_config=off,aws_smithy_runtime=off,kube_client=off",
        value_name = "FILTER",
        hide_default_value = true
    )]
    log: String,
    /// OTLP collector (HTTP) that gets the spans of requests, such as http://localhost:4318
    #[arg(
        long,
        global = true,
        env = "PODTRAIL_OTLP_ENDPOINT",
        value_name = "URL",
        hide_short_help = true
    )]
    otlp_endpoint: Option<String>,
}

impl Global {
    /// Opens the store for reading.
    ///
    /// # Errors
    /// [`Error::Location`] where there is none.
    pub(crate) async fn open_store(&self) -> Result<Store, Error> {
        if self.is_in_s3() {
            return self.store_in_s3().await;
        }
        Store::folder(self.store.as_ref(), false)
    }

    /// Opens the store, and makes it where there is none.
    pub(crate) async fn create_store(&self) -> Result<Store, Error> {
        if self.is_in_s3() {
            let store = self.store_in_s3().await?;
            store.check_conditional_writes().await?;
            return Ok(store);
        }
        Store::folder(self.store.as_ref(), true)
    }

    /// Opens a store that exists for writing.
    ///
    /// # Errors
    /// [`Error::Location`] where there is none.
    pub(crate) async fn writable_store(&self) -> Result<Store, Error> {
        if self.is_in_s3() {
            return self.create_store().await;
        }
        self.open_store().await
    }

    /// Opens the store if there is one.
    pub(crate) async fn existing_store(&self) -> Result<Option<Store>, Error> {
        if self.is_in_s3() {
            return self.store_in_s3().await.map(Some);
        }
        match self.store_folder() {
            Some(_) => self.open_store().await.map(Some),
            None => Ok(None),
        }
    }

    /// Folder of the store, where it is one and exists.
    pub(crate) fn store_folder(&self) -> Option<PathBuf> {
        std::path::Path::new(&self.store).canonicalize().ok()
    }

    fn is_in_s3(&self) -> bool {
        self.store.contains("://")
    }

    async fn store_in_s3(&self) -> Result<Store, Error> {
        let aws = AwsOptions {
            region: self.store_region.clone(),
            endpoint: self.store_endpoint_url.clone(),
            ..AwsOptions::default()
        };
        Store::s3(&self.store, &aws, self.store_path_style, self::aws::clock).await
    }
}

/// Forms of data on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
    Markdown,
    Arrow,
    Parquet,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read CloudTrail into the store, each event once
    Ingest(ingest::Ingest),
    /// Check that a trail's log files are what CloudTrail delivered
    Verify(verify::Verify),
    /// Read what is known of clusters, pods, roles and instances, over time
    Inventory(inventory::Inventory),
    /// Print a report
    Report(report::ReportArguments),
    /// Print a least-privilege IAM policy for a workload, from the calls seen
    Policy(policy::Policy),
    /// Tell who made a call, and how we know
    Explain(explain::Explain),
    /// Run read-only SQL, or start a SQL prompt
    Sql(sql::Sql),
    /// Serve the HTTP API, and read what is configured on a schedule
    Serve(Box<serve::Serve>),
    /// Make, list and revoke tokens of the service
    Token(token::Token),
    /// Merge small data files, clean up, and remove old days where asked to
    Maintain(maintain::Maintain),
    /// Check a store, or print what podtrail must be allowed to do
    Doctor(doctor::Doctor),
    /// Generate the history of an account with an EKS cluster, ingest it and show the reports
    Demo(demo::Demo),
    /// Measure attribution on generated histories whose truth is known
    Eval(eval::Eval),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok = 0,
    /// Something was found that the command was to fail on.
    Findings = 1,
    /// Wrong usage or bad input.
    Usage = 2,
    /// Finished, but some input was rejected.
    Rejected = 3,
    /// Failed.
    Failed = 4,
}

impl Exit {
    /// Sorts an error: what the user can mend, and what failed.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        use podtrail_ingest::Error as I;
        use podtrail_ingest::collect::kubernetes::Error as K;
        use podtrail_query::Error as Q;
        let bad_input = error.chain().any(|cause| {
            let ingest = cause
                .downcast_ref::<I>()
                .or_else(|| match cause.downcast_ref::<Q>() {
                    Some(Q::Store(error)) => Some(error),
                    _ => None,
                });
            matches!(
                ingest,
                Some(I::InvalidInput(_) | I::Read { .. } | I::Location { .. } | I::NoTable { .. })
            ) || matches!(
                cause.downcast_ref::<AuthError>(),
                Some(
                    AuthError::InvalidInput(_)
                        | AuthError::File { .. }
                        | AuthError::Malformed { .. }
                )
            ) || matches!(
                cause.downcast_ref::<Q>(),
                Some(Q::InvalidQuery(_) | Q::NotFound(_) | Q::Rules { .. })
            ) || matches!(
                cause.downcast_ref::<K>(),
                Some(K::NoKubeconfig(_) | K::Kubeconfig { .. })
            )
        });
        if bad_input { Self::Usage } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs a command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let global = arguments.global;
    match arguments.command {
        Command::Ingest(command) => command.run(&global).await,
        Command::Verify(command) => command.run(&global).await,
        Command::Inventory(command) => command.run(&global).await,
        Command::Report(command) => command.run(&global).await,
        Command::Policy(command) => command.run(&global).await,
        Command::Explain(command) => command.run(&global).await,
        Command::Sql(command) => command.run(&global).await,
        Command::Serve(command) => command.run(&global).await,
        Command::Token(command) => command.run(&global).await,
        Command::Maintain(command) => command.run(&global).await,
        Command::Doctor(command) => command.run(&global).await,
        Command::Demo(command) => command.run(&global).await,
        Command::Eval(command) => command.run(&global).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "podtrail", &mut script);
            output::to_stdout(&script)?;
            Ok(Exit::Ok)
        }
    }
}

/// Opens the store for reading.
async fn engine(global: &Global) -> anyhow::Result<Engine> {
    let config = config::Config::read(global.config.as_deref())?;
    let store = global.open_store().await?;
    Ok(config.apply(Engine::new(store, &Limits::new(cores()))?)?)
}

/// Runs a query and gives its first column, which is one of texts; rows without one are left out.
async fn texts(session: &Session, query: &str) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for batch in session.rows(query).await? {
        let column = batch.column(0).as_string::<i32>().iter();
        texts.extend(column.flatten().map(str::to_owned));
    }
    Ok(texts)
}

pub(crate) use logging::start as start_logging;

/// Reads a small file whole.
///
/// # Errors
/// [`Error::Read`] where it cannot be read, [`Error::InvalidInput`] where it is larger than `most` bytes.
fn read_small(path: &std::path::Path, most: u64) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > most {
        let text = format!("{}: larger than {most} bytes", path.display());
        return Err(Error::InvalidInput(text));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Cores of this machine.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Says on standard error what went wrong.
pub(crate) fn complain(error: &anyhow::Error) {
    say(&format!("podtrail: {error:#}"));
}

/// Writes a line to standard error. Where that is closed there is nobody to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
