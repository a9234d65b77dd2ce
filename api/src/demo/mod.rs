//! Generates a labelled account history: a CloudTrail trail of EKS clusters
//! and their surroundings, what kubectl and the AWS CLI would have shown of
//! them meanwhile, and the truth about every record.
//!
//! The same options give the same bytes, on every machine. The history is
//! simulated in order of time and delivered as it goes, so memory does not
//! grow with the number of events.

mod account;
mod api_shapes;
mod apis;
mod bindings;
mod cast;
mod changes;
mod churn;
mod clock;
mod cluster;
mod control_plane;
mod credentials;
mod demo_workloads;
mod fallback_workloads;
mod fargate;
mod features;
mod fleet;
mod folder;
mod gzip;
mod idle_workloads;
mod inventory;
mod json;
mod kube2iam;
mod launch;
mod longer;
mod node_shapes;
mod nodes;
mod outsiders;
mod people;
mod plans;
mod pod_identity;
mod records;
mod replica;
mod rng;
mod running;
mod scaled_workloads;
mod sdk;
mod session;
mod setup;
mod sim;
mod sts;
mod trail;
mod truth;
mod workloads;
mod world;

use std::io;

use chrono::{DateTime, Duration, Utc};

pub use folder::FolderOutput;
pub use truth::Truth;

/// What history to generate.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Decides every random choice.
    pub seed: u64,
    /// End of the history. Objects delivered late carry a delivery time of up
    /// to 40 minutes after it.
    pub end: DateTime<Utc>,
    /// Length of the history; a day for the demo.
    pub duration: Duration,
    /// Clusters: the first is `myeks`, created as the history begins; the
    /// others (`eks-002`…) ran before, in other accounts and regions. At least 1.
    pub clusters: u32,
    /// Distinct events to aim for, reached by adding pods that call more. The
    /// fixed cast makes about 14,000 a day and cluster, never fewer. `None`
    /// leaves it at that.
    pub events: Option<u64>,
    /// Records per object; `None` for sizes like those of real deliveries.
    pub records_per_file: Option<u32>,
    /// Time between two snapshots of the inventory, at least a minute; a last
    /// one is taken at the end. `None`: no inventory.
    pub inventory_every: Option<Duration>,
    /// Length of the history of two small clusters beside those, in an account of their own, that ends with
    /// theirs: after a week one of their node roles can be called safe, of the other too little was seen. It
    /// changes nothing of the rest. `None`: there are none.
    pub longer: Option<Duration>,
}

impl Default for DemoOptions {
    /// The demo: a day of one cluster, up to a fixed time, because nothing here
    /// reads the clock.
    fn default() -> Self {
        Self {
            seed: 1,
            end: DateTime::from_timestamp(DEFAULT_END, 0).unwrap_or_default(),
            duration: Duration::hours(24),
            clusters: 1,
            events: None,
            records_per_file: None,
            inventory_every: Some(Duration::minutes(30)),
            longer: None,
        }
    }
}

/// 2026-08-20T12:00:00Z.
const DEFAULT_END: i64 = 1_787_227_200;

/// What was generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// Distinct events, and rows of truth.
    pub events: u64,
    /// Events that a cluster's identities made.
    pub attributable: u64,
    /// Records delivered: events and their duplicates.
    pub records: u64,
    /// Records delivered a second time.
    pub duplicates: u64,
    /// Objects delivered.
    pub objects: u64,
    /// Bytes of JSON of all distinct records.
    pub bytes: u64,
    /// Bytes of all objects as delivered.
    pub compressed_bytes: u64,
    /// Inventory files.
    pub inventory_files: u64,
}

impl DemoSummary {
    /// Both together.
    fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            attributable: self.attributable + other.attributable,
            records: self.records + other.records,
            duplicates: self.duplicates + other.duplicates,
            objects: self.objects + other.objects,
            bytes: self.bytes + other.bytes,
            compressed_bytes: self.compressed_bytes + other.compressed_bytes,
            inventory_files: self.inventory_files + other.inventory_files,
        }
    }
}

/// Where a history goes. The methods are called in turns, in no promised
/// order; an error ends the generation.
pub trait DemoOutput {
    /// Takes one trail object: its key, and its bytes compressed with gzip.
    fn trail_object(&mut self, key: &str, gz: &[u8]) -> io::Result<()>;
    /// Takes one file of the inventory, as kubectl or the AWS CLI prints it: its
    /// path (`<cluster>/pods-20260820T120000Z.json`) and its text. A path comes
    /// once.
    fn inventory_file(&mut self, path: &str, json: &[u8]) -> io::Result<()>;
    /// Takes the truth about one event.
    fn truth(&mut self, row: &Truth<'_>) -> io::Result<()>;
}

/// Why a history could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The output refused a trail object.
    #[error("cannot write trail object {key}: {source}")]
    Object {
        /// Key of the object.
        key: String,
        /// What the output said.
        source: io::Error,
    },
    /// The output refused an inventory file.
    #[error("cannot write inventory file {path}: {source}")]
    Inventory {
        /// Path of the file.
        path: String,
        /// What the output said.
        source: io::Error,
    },
    /// The compressor failed, or its thread could not be started.
    #[error("cannot compress a trail object: {source}")]
    Compress {
        /// What went wrong.
        source: io::Error,
    },
    /// The output refused a row of truth.
    #[error("cannot write the truth about event {event_id}: {source}")]
    Truth {
        /// `eventID` of the record.
        event_id: String,
        /// What the output said.
        source: io::Error,
    },
}

/// Generates the history that `options` describe and hands it to `out` piece
/// by piece. Fails only if `out` does.
pub fn generate(
    options: &DemoOptions,
    out: &mut impl DemoOutput,
) -> Result<DemoSummary, DemoError> {
    let made = simulate(options, out, options.seed, options.duration, cast::build)?;
    let Some(length) = options.longer else {
        return Ok(made);
    };
    // Nothing is drawn from the same chance: the rest stays as it is.
    let seed = options.seed ^ 0x6c6f_6e67_6572_0003;
    let beside = simulate(options, out, seed, length, longer::build)?;
    Ok(made.and(beside))
}

/// Simulates who `build` puts into a world that ends when the options say.
fn simulate(
    options: &DemoOptions,
    out: &mut dyn DemoOutput,
    seed: u64,
    length: Duration,
    build: impl FnOnce(&DemoOptions, &mut world::World<'_>) -> sim::Schedule,
) -> Result<DemoSummary, DemoError> {
    let end = options.end.timestamp();
    let begin = end - length.num_seconds().max(0);
    let trail = trail::Trail::new(out, seed, options.records_per_file);
    let mut world = world::World::new(trail, seed, begin, end);
    build(options, &mut world).run(&mut world)?;
    if options.inventory_every.is_some() && begin < end {
        inventory::finish(&mut world)?;
    }
    Ok(world.trail.summary())
}

#[cfg(test)]
mod tests;
