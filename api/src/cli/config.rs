//! `podtrail.toml`: what is configured rather than given on the command line.

use std::path::{Path, PathBuf};

use podtrail_ingest::Error;
use podtrail_query::{Engine, NodeAgentRule};
use serde::Deserialize;

use super::read_small;

/// Read where no file is named, if it is there.
const DEFAULT: &str = "podtrail.toml";

/// Most bytes of a configuration.
const MOST_BYTES: u64 = 1 << 20;

/// The file's content. docs/configuration.md explains it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// What `podtrail ingest` reads where no source is named.
    #[serde(default)]
    source: Vec<SourceConfig>,
    /// Clusters whose inventory is read on a schedule.
    #[serde(default)]
    cluster: Vec<ClusterConfig>,
    /// Accounts whose clusters, roles and instances are read on a schedule.
    #[serde(default)]
    account: Vec<AccountConfig>,
    /// Rules of the user's own, in the order they are tried.
    #[serde(default)]
    node_agent: Vec<NodeAgentRule>,
}

/// A source, with what would be options on the command line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// As on the command line: `s3://…`, `sqs://…`, `lookup://…`, a folder.
    pub(crate) location: String,
    /// Only these accounts.
    #[serde(default)]
    pub(crate) accounts: Vec<String>,
    /// Only these regions.
    #[serde(default)]
    pub(crate) regions: Vec<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) aws_region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) path_style: Option<bool>,
    pub(crate) requester_pays: Option<bool>,
    /// Whether its digests are verified first.
    pub(crate) verify: Option<bool>,
    /// Files of public keys for that; CloudTrail is asked without any.
    #[serde(default)]
    pub(crate) keys: Vec<PathBuf>,
}

/// A cluster that Kubernetes itself is asked about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClusterConfig {
    /// Name or ARN of the cluster.
    pub(crate) name: String,
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
}

/// An account that AWS is asked about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountConfig {
    /// Role to assume in it; the credentials of the process without it.
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
    /// Regions; the default region without any.
    #[serde(default)]
    pub(crate) regions: Vec<String>,
    pub(crate) endpoint_url: Option<String>,
}

/// A configuration and where it came from.
#[derive(Debug, Default)]
pub(crate) struct Config {
    path: PathBuf,
    content: Content,
}

impl Config {
    /// Reads the file that is named, else `podtrail.toml` of the working folder where there is one.
    ///
    /// # Errors
    /// [`Error::Read`] for a named file that cannot be read, [`Error::InvalidInput`] for one that is
    /// malformed.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Error> {
        let path = match named {
            Some(path) => path.to_owned(),
            None if Path::new(DEFAULT).is_file() => PathBuf::from(DEFAULT),
            None => return Ok(Self::default()),
        };
        let bytes = read_small(&path, MOST_BYTES)?;
        let malformed =
            |reason: &str| Error::InvalidInput(format!("{}: {}", path.display(), reason.trim()));
        let text = std::str::from_utf8(&bytes).map_err(|error| malformed(&error.to_string()))?;
        let content = toml::from_str(text).map_err(|error| malformed(&error.to_string()))?;
        Ok(Self { path, content })
    }

    /// The sources that are configured.
    pub(crate) fn sources(&self) -> &[SourceConfig] {
        &self.content.source
    }

    /// The clusters that are configured.
    pub(crate) fn clusters(&self) -> &[ClusterConfig] {
        &self.content.cluster
    }

    /// The accounts that are configured.
    pub(crate) fn accounts(&self) -> &[AccountConfig] {
        &self.content.account
    }

    /// Tells whether inventories are configured.
    pub(crate) fn has_inventories(&self) -> bool {
        !self.content.cluster.is_empty() || !self.content.account.is_empty()
    }

    /// Gives an engine the rules of the user's own.
    pub(crate) fn apply(&self, engine: Engine) -> podtrail_query::Result<Engine> {
        if self.content.node_agent.is_empty() {
            return Ok(engine);
        }
        let file = self.path.display().to_string();
        engine.with_node_agents(&file, self.content.node_agent.clone())
    }
}
