//! Opens and creates the tables of a store.
//!
//! A store is one prefix of an object store. Each table of [`crate::schema::TABLES`] is a Delta table
//! in a folder of its name; `_ingest/` holds the commit protocol's files.

#[cfg(feature = "aws")]
mod s3;

use std::collections::HashMap;
use std::path::Path as FsPath;
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::{DataType, StructField};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::error::{Error, Result};
use crate::schema::{Kind, TABLES, Table};

/// Commits between checkpoints of a table's log: opening a table replays at most this many.
pub(crate) const CHECKPOINT_COMMITS: u64 = 10;

/// Days for which every version of a table can be read again.
pub(crate) const LOG_RETENTION_DAYS: i64 = 30;

/// A store: where it is and how to reach it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    location: String,
    url: Url,
    /// What `url`'s scheme and host stand for: the Delta log is read by whole URLs.
    root: Arc<dyn ObjectStore>,
    /// What lies below `url`.
    objects: Arc<dyn ObjectStore>,
}

impl Store {
    /// Opens a store in a local folder and creates the folder where `create` is set.
    ///
    /// # Errors
    /// [`Error::Location`] where the folder is missing (and not to be created), is no folder, or
    /// cannot be reached.
    pub fn folder(path: &FsPath, create: bool) -> Result<Self> {
        let location = path.display().to_string();
        let refuse = |reason: String| Error::Location {
            location: location.clone(),
            reason,
        };
        if create {
            std::fs::create_dir_all(path).map_err(|error| refuse(error.to_string()))?;
        }
        let absolute = path
            .canonicalize()
            .map_err(|error| refuse(error.to_string()))?;
        if !absolute.is_dir() {
            return Err(refuse("not a folder".to_owned()));
        }
        let url = Url::from_directory_path(&absolute)
            .map_err(|()| refuse("the path is not absolute".to_owned()))?;
        Self::new(location, url, Arc::new(LocalFileSystem::new()))
    }

    /// Uses the part of an object store that lies below the path of `url`, which must end in `/`.
    ///
    /// # Errors
    /// [`Error::Location`] where the URL's path is no object store path.
    pub fn new(location: impl Into<String>, url: Url, root: Arc<dyn ObjectStore>) -> Result<Self> {
        let location = location.into();
        let prefix = object_store::path::Path::from_url_path(url.path()).map_err(|error| {
            Error::Location {
                location: location.clone(),
                reason: error.to_string(),
            }
        })?;
        let objects = Arc::new(PrefixStore::new(Arc::clone(&root), prefix));
        Ok(Self {
            location,
            url,
            root,
            objects,
        })
    }

    /// Gives the location as the user named it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Gives the local folder of the store, if it is one.
    #[must_use]
    pub fn local_folder(&self) -> Option<std::path::PathBuf> {
        self.url.to_file_path().ok()
    }

    /// Gives the object store below which everything lies.
    #[must_use]
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Gives the object store of one table's folder.
    #[must_use]
    pub fn table_objects(&self, table: &Table) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.objects), table.name))
    }

    fn log_store(&self, table: &Table) -> Result<LogStoreRef> {
        let url = self
            .url
            .join(&format!("{}/", table.name))
            .map_err(|error| Error::Location {
                location: self.location.clone(),
                reason: error.to_string(),
            })?;
        Ok(default_logstore(
            self.table_objects(table),
            Arc::clone(&self.root),
            &url,
            &StorageConfig::default(),
        ))
    }

    /// Loads the newest snapshot of a table; `None` where the table does not exist.
    ///
    /// # Errors
    /// [`Error::Delta`] where its log cannot be read.
    pub async fn load(&self, table: &'static Table) -> Result<Option<DeltaTable>> {
        let mut delta = DeltaTable::new(self.log_store(table)?);
        match delta.load().await {
            Ok(()) => Ok(Some(delta)),
            Err(deltalake::DeltaTableError::NotATable(_)) => Ok(None),
            Err(source) => {
                // A missing log is reported in several ways; ask the store itself.
                let log = object_store::path::Path::from(format!("{}/_delta_log", table.name));
                let mut entries = self.objects.list(Some(&log));
                if futures::StreamExt::next(&mut entries).await.is_none() {
                    return Ok(None);
                }
                Err(Error::Delta {
                    table: table.name,
                    what: "load",
                    source: Box::new(source),
                })
            }
        }
    }

    /// Loads the newest snapshot of a table that must exist.
    ///
    /// # Errors
    /// [`Error::NoTable`] where it does not exist, [`Error::Delta`] where it cannot be read.
    pub async fn require(&self, table: &'static Table) -> Result<DeltaTable> {
        self.load(table).await?.ok_or_else(|| Error::NoTable {
            location: self.location.clone(),
            table: table.name,
        })
    }

    /// Gives the newest version of a table that must exist, from the names in its log alone, those of `since` and later.
    ///
    /// # Errors
    /// As [`Store::require`].
    pub async fn newest_version(&self, table: &'static Table, since: u64) -> Result<u64> {
        use deltalake::logstore::LogStore;
        if let Ok(version) = self.log_store(table)?.get_latest_version(since).await {
            return Ok(version);
        }
        // That version is gone, beyond the log's retention, or the table was made anew.
        let delta = self.require(table).await?;
        Ok(delta.version().unwrap_or_default())
    }

    /// Creates the tables that do not exist yet.
    ///
    /// # Errors
    /// [`Error::Delta`] where a table can neither be created nor loaded.
    pub async fn create_tables(&self) -> Result<()> {
        for table in TABLES {
            self.create_table(table).await?;
        }
        Ok(())
    }

    /// Loads a table, and creates it where it does not exist yet.
    pub(crate) async fn create_table(&self, table: &'static Table) -> Result<DeltaTable> {
        if let Some(loaded) = self.load(table).await? {
            return Ok(loaded);
        }
        self.create(table).await?;
        self.require(table).await
    }

    async fn create(&self, table: &'static Table) -> Result<()> {
        let configuration: HashMap<String, Option<String>> = [
            ("delta.checkpointInterval", CHECKPOINT_COMMITS.to_string()),
            ("delta.dataSkippingStatsColumns", table.stats.join(",")),
            (
                "delta.logRetentionDuration",
                format!("interval {LOG_RETENTION_DAYS} days"),
            ),
            (
                "delta.deletedFileRetentionDuration",
                "interval 7 days".to_owned(),
            ),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Some(value)))
        .collect();
        let created = DeltaTable::new(self.log_store(table)?)
            .create()
            .with_table_name(table.name)
            .with_comment(table.doc)
            .with_columns(table.columns.iter().map(|column| {
                StructField::new(column.name, delta_type(column.kind), column.nullable)
            }))
            .with_partition_columns(table.partition)
            .with_configuration(configuration)
            .await;
        // Another ingester may have created it in between, or the answer of our own PUT was lost.
        match created {
            Ok(_) => Ok(()),
            Err(source) => match self.load(table).await? {
                Some(_) => Ok(()),
                None => Err(Error::Delta {
                    table: table.name,
                    what: "create",
                    source: Box::new(source),
                }),
            },
        }
    }

    /// Reads a small file of the store; `None` where it does not exist.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<bytes::Bytes>> {
        let failed = |source| Error::Store {
            what: format!("read {path}"),
            source,
        };
        match self.objects.get(&path.into()).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Writes a small file, over one that exists.
    pub(crate) async fn put(&self, path: &str, body: Vec<u8>) -> Result<()> {
        self.objects
            .put(&path.into(), body.into())
            .await
            .map(|_| ())
            .map_err(|source| Error::Store {
                what: format!("write {path}"),
                source,
            })
    }

    /// Writes a small file that must not exist yet.
    pub(crate) async fn put_new(&self, path: &str, body: Vec<u8>) -> Result<()> {
        self.objects
            .put_opts(
                &path.into(),
                body.into(),
                object_store::PutMode::Create.into(),
            )
            .await
            .map(|_| ())
            .map_err(|source| Error::Store {
                what: format!("create {path}"),
                source,
            })
    }
}

fn delta_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Json => DataType::STRING,
        Kind::Time => DataType::TIMESTAMP,
        Kind::Date => DataType::DATE,
        Kind::Bool => DataType::BOOLEAN,
        Kind::Int => DataType::LONG,
    }
}
