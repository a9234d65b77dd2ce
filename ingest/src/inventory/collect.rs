//! From the objects of a file to its observations, listings, counts and rejects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::Attributes;
use super::limits::FILE_REJECTS;
use super::observation::{Kind, Observation};
use super::redact;
use super::{Cluster, ClusterOf, Error, FileContext, Reject, Sink, Summary};

/// Why an object taught nothing although its kind was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// Where and when an object was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub cluster: Option<Cluster>,
    pub observed_at: i64,
}

impl Scope {
    /// An observation that knows nothing yet but its place.
    pub(super) fn observation(&self, kind: Kind, name: &str) -> Observation {
        let cluster = self.cluster.as_ref().filter(|_| kind.needs_cluster());
        Observation {
            kind,
            cluster: cluster.map(|cluster| cluster.name.clone()),
            account_id: cluster.and_then(|cluster| cluster.account_id.clone()),
            region: cluster.and_then(|cluster| cluster.region.clone()),
            namespace: None,
            name: name.to_owned(),
            uid: None,
            observed_at: self.observed_at,
            valid_from: None,
            valid_to: None,
            attributes: serde_json::Map::new(),
        }
    }
}

/// Objects of one kind in the list in hand.
#[derive(Debug, Default)]
struct Tally {
    items: u64,
    /// Place of the first one, and whether others are elsewhere.
    namespace: Option<String>,
    many_namespaces: bool,
    cluster: Option<String>,
    account_id: Option<String>,
    region: Option<String>,
    /// Not all in one account, region or cluster.
    mixed: bool,
}

/// See the module documentation.
pub(super) struct Collector<'a, S> {
    pub context: &'a FileContext,
    sink: &'a mut S,
    pub summary: Summary,
    /// Ordinal of the piece in hand.
    pub position: u64,
    /// Kinds that the list in hand lists.
    pub listed: &'static [Kind],
    tallies: BTreeMap<Kind, Tally>,
    /// Something in the list in hand is missing.
    incomplete: bool,
    told_no_cluster: bool,
}

impl<'a, S: Sink> Collector<'a, S> {
    pub(super) fn new(context: &'a FileContext, sink: &'a mut S) -> Self {
        let summary = Summary {
            files: 1,
            ..Summary::default()
        };
        Self {
            context,
            sink,
            summary,
            position: 0,
            listed: &[],
            tallies: BTreeMap::new(),
            incomplete: false,
            told_no_cluster: false,
        }
    }

    /// Where and when the file was taken.
    pub(super) fn scope(&self) -> Scope {
        let cluster = match &self.context.cluster {
            ClusterOf::Named(cluster) | ClusterOf::Folder(cluster) => Some(cluster.clone()),
            ClusterOf::Unknown | ClusterOf::Ambiguous(_) => None,
        };
        Scope {
            cluster,
            observed_at: self.context.observed_at,
        }
    }

    pub(super) fn skip(&mut self, what: &str) {
        self.summary.skip(what, 1);
    }

    pub(super) fn emit(&mut self, observation: Observation) -> Result<(), Error> {
        if observation.kind.needs_cluster() && observation.cluster.is_none() {
            return self.no_cluster();
        }
        if self.listed.contains(&observation.kind) {
            self.tally(&observation);
        }
        self.hand_over(observation)
    }

    fn hand_over(&mut self, observation: Observation) -> Result<(), Error> {
        *self
            .summary
            .observations
            .entry(observation.kind)
            .or_default() += 1;
        self.sink
            .observation(&self.context.file, observation)
            .map_err(Error::Sink)
    }

    /// Hands over what could be made of an object, or refuses it.
    pub(super) fn take(
        &mut self,
        made: Result<Observation, Malformed>,
        object: &Value,
    ) -> Result<(), Error> {
        match made {
            Ok(observation) => self.emit(observation),
            Err(Malformed(detail)) => {
                self.reject("malformed", detail, object.to_string().as_bytes())
            }
        }
    }

    /// Refuses a piece; only the structure of `text` is shown.
    pub(super) fn reject(
        &mut self,
        reason: &'static str,
        detail: &str,
        text: &[u8],
    ) -> Result<(), Error> {
        self.incomplete = true;
        self.summary.rejects += 1;
        let (reason, detail, text) = match self.summary.rejects {
            ..=FILE_REJECTS => (reason, redact::detail(detail), redact::skeleton(text)),
            count if count == FILE_REJECTS + 1 => {
                let detail = format!("more than {FILE_REJECTS}; the others are only counted");
                ("too_many_rejects", detail, String::new())
            }
            _ => return Ok(()),
        };
        let reject = Reject {
            file: self.context.file.clone(),
            position: self.position,
            reason,
            detail,
            text,
        };
        self.sink.reject(reject).map_err(Error::Sink)
    }

    /// Says once per file that its cluster is not known.
    fn no_cluster(&mut self) -> Result<(), Error> {
        self.incomplete = true;
        if self.told_no_cluster {
            self.skip("no_cluster");
            return Ok(());
        }
        self.told_no_cluster = true;
        match &self.context.cluster {
            ClusterOf::Ambiguous(names) => {
                let names = names.join(", ");
                let advice = "give --cluster, or one folder to each cluster";
                let detail = format!("the folder describes several clusters: {advice} ({names})");
                self.reject("ambiguous_cluster", &detail, b"")
            }
            _ => self.reject(
                "no_cluster",
                "nothing tells which cluster this is: give --cluster NAME, or put the output of \
                 aws eks describe-cluster beside the file",
                b"",
            ),
        }
    }

    fn tally(&mut self, observation: &Observation) {
        let tally = self.tallies.entry(observation.kind).or_default();
        tally.items += 1;
        if tally.items == 1 {
            tally.namespace.clone_from(&observation.namespace);
            tally.cluster.clone_from(&observation.cluster);
            tally.account_id.clone_from(&observation.account_id);
            tally.region.clone_from(&observation.region);
            return;
        }
        tally.many_namespaces |= tally.namespace != observation.namespace;
        let account = tally.account_id != observation.account_id;
        let region = tally.region != observation.region;
        let cluster = observation.kind.needs_cluster() && tally.cluster != observation.cluster;
        tally.mixed |= account || region || cluster;
    }

    /// Begins a list of these kinds; with none of its first kind it is still a listing of that.
    pub(super) fn begin_list(&mut self, listed: &'static [Kind], certain: Option<Kind>) {
        self.listed = listed;
        if let Some(kind) = certain {
            self.tallies.entry(kind).or_default();
        }
    }

    /// Forgets the document in hand, which has no end.
    pub(super) fn abandon(&mut self) {
        self.listed = &[];
        self.tallies.clear();
        self.incomplete = false;
    }

    /// Ends a document: its lists become listings if nothing is missing.
    pub(super) fn end_document(&mut self, more_pages: bool) -> Result<(), Error> {
        let tallies = std::mem::take(&mut self.tallies);
        let complete = !self.incomplete && !more_pages;
        self.abandon();
        for (kind, tally) in tallies {
            if complete && !tally.mixed {
                self.listing(kind, tally)?;
            }
        }
        Ok(())
    }

    fn listing(&mut self, kind: Kind, tally: Tally) -> Result<(), Error> {
        let may_be_partial = kind.namespaced() && !self.context.whole_lists;
        if tally.items == 0 && may_be_partial && kind != Kind::PodIdentityAssociation {
            // Of which namespace is not known, so it says nothing about any pod.
            return Ok(());
        }
        if kind == Kind::Instance && tally.items < 2 {
            // As well a question for one instance.
            return Ok(());
        }
        let scope = self.scope();
        let mut listing = scope.observation(Kind::Listing, kind.as_str());
        let known = scope
            .cluster
            .filter(|_| kind.needs_cluster())
            .unwrap_or_default();
        listing.cluster = tally.cluster.filter(|_| kind.needs_cluster());
        listing.account_id = tally.account_id;
        listing.region = tally.region;
        if tally.items == 0 {
            listing.cluster = Some(known.name).filter(|name| !name.is_empty());
            listing.account_id = known.account_id;
            listing.region = known.region;
        }
        if kind.needs_cluster() && listing.cluster.is_none()
            || !kind.needs_cluster() && listing.account_id.is_none()
        {
            return Ok(());
        }
        let mut attributes = Attributes::default();
        attributes.value("items", Some(tally.items.into()));
        if may_be_partial && !tally.many_namespaces && tally.items > 0 {
            listing.namespace = tally.namespace;
            attributes.flag("partial", Some(true));
        }
        listing.attributes = attributes.into_map();
        self.listed_all(listing)
    }

    /// Hands over a listing.
    pub(super) fn listed_all(&mut self, listing: Observation) -> Result<(), Error> {
        self.summary.listings += 1;
        self.hand_over(listing)
    }
}
