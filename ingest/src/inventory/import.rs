//! Paths to files, and for each file its cluster and its time.

mod files;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::limits::CLUSTER_BYTES;
use super::split::{Part, Splitter};
use super::{
    Cluster, ClusterOf, Error, FileContext, Reject, Sink, Summary, aws, document, foreign, json,
    redact, time,
};
use files::Found;

/// What the user says about an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Name or ARN of the cluster of all files that do not name theirs.
    pub cluster: Option<String>,
    /// Time of all observations, µs since the epoch, UTC.
    pub at: Option<i64>,
    /// The time now, µs since the epoch, UTC: for what has no time of its own, such as a pipe.
    pub now: i64,
}

/// Clusters described in each folder.
type Folders = BTreeMap<PathBuf, Vec<Cluster>>;

/// Reads files, and all files in folders, in the order of their names.
///
/// A file that names no cluster belongs to the one of [`Options::cluster`], else to the one whose
/// `aws eks describe-cluster` output, imported with it, lies in its folder or in the nearest folder
/// above. It was observed at [`Options::at`], else at the `YYYYMMDDTHHMMSSZ` in its name, else
/// when it was written. Audit events carry their own time.
///
/// # Errors
/// [`Error::Sink`] if the sink fails. Files that cannot be read become rejects.
pub fn import(
    paths: &[PathBuf],
    options: &Options,
    sink: &mut impl Sink,
) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let found = files::find(paths);
    for refused in found.refused {
        summary.rejects += 1;
        sink.reject(Reject {
            file: refused.path.display().to_string(),
            position: 0,
            reason: refused.reason,
            detail: redact::detail(&refused.detail),
            text: String::new(),
        })
        .map_err(Error::Sink)?;
    }
    for (what, count) in found.skipped {
        summary.skip(what, count);
    }
    let folders = described(&found.list);
    let named = options.cluster.as_deref().map(named);
    for file in &found.list {
        let context = FileContext {
            file: file.path.display().to_string(),
            cluster: cluster_of(file, named.as_ref(), &folders),
            observed_at: observed_at(file, options),
            whole_lists: false,
        };
        summary.add(&one(file, &context, sink)?);
    }
    Ok(summary)
}

fn one(file: &Found, context: &FileContext, sink: &mut impl Sink) -> Result<Summary, Error> {
    match File::open(&file.path) {
        Ok(reader) => document::read(reader, context, sink),
        Err(error) => document::read(Failed(Some(error)), context, sink),
    }
}

/// A file that could not be opened reads like one that breaks at its first byte.
struct Failed(Option<std::io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The cluster the user named; its ARN tells account and region too.
pub(crate) fn named(text: &str) -> Cluster {
    let arn = json::arn(text).filter(|arn| arn.service == "eks");
    let name = arn.and_then(|arn| arn.resource.strip_prefix("cluster/"));
    Cluster {
        name: name.unwrap_or(text).to_owned(),
        account_id: arn.and_then(|arn| arn.account).map(str::to_owned),
        region: arn.and_then(|arn| arn.region).map(str::to_owned),
    }
}

/// The clusters that describe-cluster outputs among the files describe.
fn described(files: &[Found]) -> Folders {
    let mut folders = Folders::new();
    for file in files.iter().filter(|file| file.regular) {
        for cluster in clusters_in(&file.path) {
            let known = folders.entry(file.folder.clone()).or_default();
            if !known.contains(&cluster) {
                known.push(cluster);
            }
        }
    }
    folders
}

/// The describe-cluster outputs at the beginning of a file. Errors are met again when it is read.
fn clusters_in(path: &Path) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    let Ok(reader) = File::open(path) else {
        return clusters;
    };
    let mut splitter = Splitter::new(reader, CLUSTER_BYTES);
    if foreign::refused(splitter.peek()).is_some() {
        return clusters;
    }
    while let Some(part) = splitter.next() {
        if let Part::Document { head, lists: false } = part
            && head.contains(":cluster/")
            && let Ok(value) = serde_json::from_str::<Value>(&format!("{{{head}}}"))
            && let Some(cluster) = aws::cluster_of(&value)
        {
            clusters.push(cluster);
        }
    }
    clusters
}

fn cluster_of(file: &Found, named: Option<&Cluster>, folders: &Folders) -> ClusterOf {
    let nearest = file
        .folder
        .ancestors()
        .find_map(|folder| folders.get(folder));
    let described = nearest.map_or(&[][..], Vec::as_slice);
    if let Some(named) = named {
        // The description of the same cluster knows more than its name.
        let mut same = described
            .iter()
            .filter(|cluster| cluster.name == named.name);
        let fuller = same
            .next()
            .filter(|_| same.next().is_none() && named.account_id.is_none());
        return ClusterOf::Named(fuller.unwrap_or(named).clone());
    }
    match described {
        [] => ClusterOf::Unknown,
        [one] => ClusterOf::Folder(one.clone()),
        several => {
            let names = several.iter().map(|cluster| told_apart(cluster, several));
            ClusterOf::Ambiguous(names.collect())
        }
    }
}

/// The name of a cluster; with its place where another of them has the same.
fn told_apart(cluster: &Cluster, among: &[Cluster]) -> String {
    let alike = among.iter().filter(|other| other.name == cluster.name);
    let alike = alike.count();
    match (&cluster.account_id, &cluster.region) {
        (Some(account), Some(region)) if alike > 1 => {
            format!("{} of account {account} in {region}", cluster.name)
        }
        _ => cluster.name.clone(),
    }
}

fn observed_at(file: &Found, options: &Options) -> i64 {
    let in_name = || {
        let name = file.path.file_name()?.to_str()?;
        time::in_file_name(name)
    };
    let written = || {
        let modified = file.modified.filter(|_| file.regular)?;
        let since = modified.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok()
    };
    options
        .at
        .or_else(in_name)
        .or_else(written)
        .unwrap_or(options.now)
}

#[cfg(test)]
mod tests;
