//! `podtrail token`: tokens of the HTTP API and of PostgreSQL clients.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use podtrail_api::serve::auth::{Scope, Scopes, TokenFile, TokenRecord};

use super::{Exit, Global, output, say, time};

#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    #[command(flatten)]
    file: TokenArguments,
    #[command(subcommand)]
    command: Command,
}

/// Where tokens are kept.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TokenArguments {
    /// File of the tokens' hashes, which `podtrail token` writes and `podtrail serve` reads
    #[arg(
        long,
        env = "PODTRAIL_TOKENS",
        default_value = "podtrail-tokens.jsonl",
        value_name = "FILE"
    )]
    pub(crate) tokens: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token and print it, this once
    Create {
        /// What it is for
        name: String,
        /// What it allows: read, sql (and read), admin (and both)
        #[arg(
            long = "scope",
            value_delimiter = ',',
            default_value = "read",
            value_name = "SCOPE"
        )]
        scopes: Vec<Scope>,
        /// When it ends to be valid, such as 90d from now; never without it
        #[arg(long, value_parser = time::duration, value_name = "DURATION")]
        expires: Option<chrono::Duration>,
    },
    /// List the tokens, without their secrets
    List,
    /// End a token at once
    Revoke {
        /// Its id
        id: String,
    },
}

impl Token {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let file = TokenFile::open(&self.file.tokens)?;
        let now = Utc::now();
        match self.command {
            Command::Create {
                name,
                scopes,
                expires,
            } => {
                let scopes: Scopes = scopes.into_iter().collect();
                let expires_at = expires.map(|duration| now + duration);
                let (record, secret) = file.create(&name, scopes, expires_at, now)?;
                output::to_stdout(format!("{}\n", secret.expose()).as_bytes())?;
                if !global.quiet {
                    say(&format!(
                        "token {} is shown only this once; {} keeps its hash",
                        record.id,
                        self.file.tokens.display()
                    ));
                }
            }
            Command::List => output::print_batch(global, rows(&file.list()?)?).await?,
            Command::Revoke { id } => {
                file.revoke(&id, now)?;
                if !global.quiet {
                    say(&format!("token {id} is revoked"));
                }
            }
        }
        Ok(Exit::Ok)
    }
}

fn rows(records: &[TokenRecord]) -> anyhow::Result<RecordBatch> {
    let texts = |texts: Vec<Option<String>>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let column =
        |pick: &dyn Fn(&TokenRecord) -> Option<String>| texts(records.iter().map(pick).collect());
    let shown = |time: Option<DateTime<Utc>>| time.map(time::shown);
    Ok(RecordBatch::try_from_iter([
        ("id", column(&|record| Some(record.id.clone()))),
        ("name", column(&|record| Some(record.name.clone()))),
        ("scopes", column(&|record| Some(record.scopes.to_string()))),
        (
            "created_at",
            column(&|record| shown(Some(record.created_at))),
        ),
        ("expires_at", column(&|record| shown(record.expires_at))),
        ("revoked_at", column(&|record| shown(record.revoked_at))),
    ])?)
}
