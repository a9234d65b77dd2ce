//! What was collected: JSON, and where and when it was seen.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::inventory::{ClusterOf, FileContext, named};

/// One answer, in the form in which `kubectl -o json` or the AWS CLI prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Name or ARN of the cluster it speaks of, for content that names none.
    pub cluster: Option<String>,
    /// When it was true, µs since the epoch, UTC.
    pub observed_at: i64,
    /// What was asked: `kubernetes pods`, `eks:DescribeCluster`.
    pub from: String,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Body {
    Plain(Vec<u8>),
    Gzip(Vec<u8>),
}

impl Document {
    /// A document of one object.
    #[must_use]
    pub fn object(cluster: Option<String>, observed_at: i64, from: &str, object: &Value) -> Self {
        Self {
            cluster,
            observed_at,
            from: from.to_owned(),
            body: Body::Plain(object.to_string().into_bytes()),
        }
    }

    /// A document of a list.
    pub(crate) fn list(cluster: Option<String>, observed_at: i64, from: &str, list: List) -> Self {
        Self {
            cluster,
            observed_at,
            from: from.to_owned(),
            body: Body::Gzip(list.finish()),
        }
    }

    /// Whether it is of one object, not of a list that may be long.
    pub(crate) const fn is_object(&self) -> bool {
        matches!(self.body, Body::Plain(_))
    }

    /// Its JSON text.
    #[must_use]
    pub fn reader(&self) -> Box<dyn Read + Send + '_> {
        match &self.body {
            Body::Plain(bytes) => Box::new(bytes.as_slice()),
            Body::Gzip(bytes) => Box::new(GzDecoder::new(bytes.as_slice())),
        }
    }

    /// Its JSON as a value.
    ///
    /// # Errors
    /// Never for a document that a collector made.
    pub fn value(&self) -> io::Result<Value> {
        serde_json::from_reader(self.reader()).map_err(io::Error::other)
    }

    /// How it is to be imported.
    pub(crate) fn context(&self) -> FileContext {
        FileContext {
            file: self.from.clone(),
            cluster: match &self.cluster {
                Some(cluster) => ClusterOf::Named(named(cluster)),
                None => ClusterOf::Unknown,
            },
            observed_at: self.observed_at,
            // Collectors ask for all namespaces.
            whole_lists: true,
        }
    }

    /// Bytes it holds in memory.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.body {
            Body::Plain(bytes) | Body::Gzip(bytes) => bytes.len(),
        }
    }
}

/// A Kubernetes list under construction: compressed as it grows, because the pods of a large cluster
/// are a hundred megabytes of text, and ten compressed.
pub(crate) struct List {
    out: GzEncoder<Vec<u8>>,
    items: u64,
}

impl List {
    pub(crate) fn new(api_version: &str, item_kind: &str) -> Self {
        let mut list = Self {
            out: GzEncoder::new(Vec::new(), Compression::fast()),
            items: 0,
        };
        // The kind stands before the items: a reader must know it when the first one comes.
        let kind = Value::from(format!("{item_kind}List"));
        let version = Value::from(api_version);
        list.write(&format!(
            "{{\"apiVersion\":{version},\"kind\":{kind},\"items\":["
        ));
        list
    }

    pub(crate) fn push(&mut self, item: &Value) {
        let comma = if self.items == 0 { "\n" } else { ",\n" };
        self.items += 1;
        self.write(comma);
        self.write(&item.to_string());
    }

    pub(crate) const fn items(&self) -> u64 {
        self.items
    }

    fn write(&mut self, text: &str) {
        // A vector takes everything.
        let _ = self.out.write_all(text.as_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        self.write("\n]}\n");
        self.out.finish().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
