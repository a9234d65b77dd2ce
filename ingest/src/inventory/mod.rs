//! What `kubectl`, the AWS CLI and the EKS audit log say about clusters, as observations.
//!
//! Files are told apart by their content. [`import()`] finds them, decides which cluster and which time
//! each one speaks of, and [`parse`]s it: text is cut into documents and list elements, and each
//! becomes an [`Observation`], is skipped with a count, or becomes a [`Reject`] that costs nothing but
//! itself. Memory is bounded by one element, whatever the file holds. Values of environment variables,
//! tokens and annotations other than the documented ones never leave this module.

mod audit;
mod aws;
mod aws_auth;
mod collect;
mod document;
mod foreign;
mod import;
mod input;
mod json;
mod kubernetes;
mod limits;
mod observation;
mod redact;
mod split;
mod time;
mod write;

use std::collections::BTreeMap;
use std::io::{self, Read};

#[cfg(feature = "collect")]
pub(crate) use import::named;
pub use import::{Options, import};
pub use observation::{Kind, Observation};
#[cfg(feature = "collect")]
pub(crate) use write::import_with;
pub use write::{Imported, SHOWN_REJECTS, Written, import_into};

/// Takes what an import finds, in the order of the files.
pub trait Sink {
    /// Takes one observation, and the file that holds it.
    ///
    /// # Errors
    /// Any error stops the import.
    fn observation(&mut self, file: &str, observation: Observation) -> io::Result<()>;

    /// Takes one refused piece of a file.
    ///
    /// # Errors
    /// Any error stops the import.
    fn reject(&mut self, reject: Reject) -> io::Result<()>;
}

/// A file, or a piece of one, that taught nothing and should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file, as [`FileContext::file`] names it.
    pub file: String,
    /// Ordinal of the piece among the documents and list elements of the file, from 0.
    pub position: u64,
    /// Stable name in snake case.
    pub reason: &'static str,
    /// What is wrong and, where something can be done, what to do. Free of secrets.
    pub detail: String,
    /// Structure of the refused JSON with its values left out, at most 4 KiB. Free of secrets.
    pub text: String,
}

/// Why an import stopped. Never because of the content of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sink failed.
    #[error("cannot hand over an observation")]
    Sink(#[source] io::Error),
}

/// A cluster, as far as it is known without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Cluster name (not the ARN).
    pub name: String,
    /// The account that owns it.
    pub account_id: Option<String>,
    /// Its region.
    pub region: Option<String>,
}

/// Which cluster a file speaks of when it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClusterOf {
    /// Nothing tells.
    #[default]
    Unknown,
    /// The user said so; outranks what a log group says.
    Named(Cluster),
    /// The describe-cluster output of its folder, or of the nearest folder above, says so.
    Folder(Cluster),
    /// The folder describes several clusters.
    Ambiguous(Vec<String>),
}

/// What [`parse`] needs to know beside the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContext {
    /// Name of the file in rejects.
    pub file: String,
    /// Its cluster, for content that names none.
    pub cluster: ClusterOf,
    /// Time of the observations, µs since the epoch, UTC. Audit events carry their own time.
    pub observed_at: i64,
    /// Its lists are of the whole cluster. Of a list that somebody saved it is not known whether one namespace was asked for,
    /// where it shows objects of one, or none.
    pub whole_lists: bool,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Files read.
    pub files: u64,
    /// Observations by kind, listings among them.
    pub observations: BTreeMap<Kind, u64>,
    /// Complete listings.
    pub listings: u64,
    /// What was recognised and taught nothing: Kubernetes kinds by their own name, the rest in snake
    /// case (`audit_event`, `list_nodegroups`, …).
    pub skipped: BTreeMap<String, u64>,
    /// Pieces refused.
    pub rejects: u64,
}

impl Summary {
    /// Adds the counts of another summary.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.listings += other.listings;
        self.rejects += other.rejects;
        for (kind, count) in &other.observations {
            *self.observations.entry(*kind).or_default() += count;
        }
        for (what, count) in &other.skipped {
            self.skip(what, *count);
        }
    }

    /// Counts what was skipped; the number of different names is bounded.
    fn skip(&mut self, what: &str, count: u64) {
        let known = self.skipped.contains_key(what) || self.skipped.len() < limits::SKIPPED_NAMES;
        let name = if known { what } else { "other" };
        if let Some(counter) = self.skipped.get_mut(name) {
            *counter += count;
        } else {
            self.skipped.insert(name.to_owned(), count);
        }
    }
}

/// Reads one file, plain or gzip, and hands over what it says. Bad content becomes rejects, and so does
/// a reader that fails on the way.
///
/// # Errors
/// [`Error::Sink`] if the sink fails.
pub fn parse(
    reader: impl Read,
    context: &FileContext,
    sink: &mut impl Sink,
) -> Result<Summary, Error> {
    document::read(reader, context, sink)
}

#[cfg(test)]
mod tests;
