//! `podtrail.toml`: what is configured rather than given on the command line.

use std::path::{Path, PathBuf};

use podtrail_ingest::Error;
use podtrail_query::{Engine, NodeAgentRule};
use serde::Deserialize;

/// Read where no file is named, if it is there.
const DEFAULT: &str = "podtrail.toml";

/// Most bytes of a configuration.
const MOST_BYTES: u64 = 1 << 20;

/// The file's content. docs/configuration.md explains it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Rules of the user's own, in the order they are tried.
    #[serde(default)]
    node_agent: Vec<NodeAgentRule>,
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
        let unreadable = |source| Error::Read {
            path: path.clone(),
            source,
        };
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > MOST_BYTES {
            let text = format!("{}: larger than {MOST_BYTES} bytes", path.display());
            return Err(Error::InvalidInput(text));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let content = toml::from_str(&text).map_err(|error| {
            Error::InvalidInput(format!("{}: {}", path.display(), error.to_string().trim()))
        })?;
        Ok(Self { path, content })
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
