//! Rows that tell what the store holds and where it came from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Calls by access path, actor and confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// How the credentials were had: irsa, pod_identity, node_role, cluster_role, fargate_execution_role, kube2iam, kiam, eks_service_linked_role.
    #[schema(required)]
    pub access_path: Option<String>,
    /// workload, node_agent, control_plane or unknown.
    #[schema(required)]
    pub actor: Option<String>,
    /// exact, inferred, candidate or unknown.
    #[schema(required)]
    pub confidence: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// Number of calls that were refused.
    #[schema(required)]
    pub denied: Option<i64>,
}

/// Calls that no identity of a cluster made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unattributed {
    /// Reason.
    #[schema(required)]
    pub reason: Option<String>,
    /// Number of calls.
    #[schema(required)]
    pub calls: Option<i64>,
    /// First call.
    #[schema(required)]
    pub first_seen: Option<DateTime<Utc>>,
    /// Last call.
    #[schema(required)]
    pub last_seen: Option<DateTime<Utc>>,
    /// An event: the smallest id of the calls.
    #[schema(required)]
    pub event_id: Option<String>,
}

/// What the store covers of an account and region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverageRow {
    /// Account whose trail holds the record.
    #[schema(required)]
    pub recipient_account_id: Option<String>,
    /// Region that served the calls.
    #[schema(required)]
    pub aws_region: Option<String>,
    /// First event.
    #[schema(required)]
    pub first_event_time: Option<DateTime<Utc>>,
    /// Last event.
    #[schema(required)]
    pub last_event_time: Option<DateTime<Utc>>,
    /// Days on which there are events.
    #[schema(required)]
    pub days_with_events: Option<i64>,
    /// Days from the first to the last event.
    #[schema(required)]
    pub days: Option<i64>,
    /// Days without events, as FROM..TO.
    #[schema(required)]
    pub missing_days: Option<String>,
    /// Number of events.
    #[schema(required)]
    pub events: Option<i64>,
    /// Number of events that an identity of a cluster made.
    #[schema(required)]
    pub attributed: Option<i64>,
    /// Of these, events of workloads that are not known.
    #[schema(required)]
    pub workload_unknown: Option<i64>,
    /// Events whose session is older than the store.
    #[schema(required)]
    pub session_older_than_store: Option<i64>,
    /// Whether there are data events.
    pub data_events: bool,
    /// Log files of the trail that were read.
    #[schema(required)]
    pub log_files: Option<i64>,
    /// Of these, files that the digests prove.
    #[schema(required)]
    pub proven_log_files: Option<i64>,
    /// Log files that a digest lists and that are not there.
    #[schema(required)]
    pub missing_log_files: Option<i64>,
    /// Log files that were altered, moved or added.
    #[schema(required)]
    pub altered_log_files: Option<i64>,
    /// Log files that could not be read, and folders that could not be listed.
    #[schema(required)]
    pub unreadable: Option<i64>,
    /// Values of the log files that were refused.
    #[schema(required)]
    pub rejected: Option<i64>,
    /// Time whose log files are all known, there and unaltered, as FROM..TO.
    #[schema(required)]
    pub proven_time: Option<String>,
    /// Time of which a trail does not prove that, as FROM..TO.
    #[schema(required)]
    pub unproven_time: Option<String>,
}

/// What was read from a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestionRow {
    /// Source that listed the objects.
    #[schema(required)]
    pub source: Option<String>,
    /// Folder of the objects.
    #[schema(required)]
    pub prefix: Option<String>,
    /// ok, rejected, empty or unreadable.
    #[schema(required)]
    pub status: Option<String>,
    /// Result of digest validation; null where it was not asked for.
    #[schema(required)]
    pub digest_status: Option<String>,
    /// Number of objects.
    pub objects: i64,
    /// Bytes as stored.
    #[schema(required)]
    pub bytes: Option<i64>,
    /// Bytes after decompression.
    #[schema(required)]
    pub inflated_bytes: Option<i64>,
    /// CloudTrail records found.
    #[schema(required)]
    pub records: Option<i64>,
    /// Records that became events.
    #[schema(required)]
    pub new_events: Option<i64>,
    /// Records whose event was known.
    #[schema(required)]
    pub duplicates: Option<i64>,
    /// Values that were refused.
    #[schema(required)]
    pub rejected: Option<i64>,
    /// First event.
    #[schema(required)]
    pub first_event_time: Option<DateTime<Utc>>,
    /// Last event.
    #[schema(required)]
    pub last_event_time: Option<DateTime<Utc>>,
    /// Begin of the first batch.
    #[schema(required)]
    pub first_ingested_at: Option<DateTime<Utc>>,
    /// Begin of the last batch.
    #[schema(required)]
    pub last_ingested_at: Option<DateTime<Utc>>,
    /// Why an object was unreadable.
    #[schema(required)]
    pub error: Option<String>,
}

/// What was read at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRow {
    /// Source that listed the objects.
    #[schema(required)]
    pub source: Option<String>,
    /// Number of the batch among those of its source.
    #[schema(required)]
    pub seq: Option<i64>,
    /// When it began to be read.
    #[schema(required)]
    pub ingested_at: Option<DateTime<Utc>>,
    /// Number of objects.
    pub objects: i64,
    /// Bytes as stored.
    #[schema(required)]
    pub bytes: Option<i64>,
    /// CloudTrail records found.
    #[schema(required)]
    pub records: Option<i64>,
    /// Records that became events.
    #[schema(required)]
    pub new_events: Option<i64>,
    /// Records whose event was known.
    #[schema(required)]
    pub duplicates: Option<i64>,
    /// Values that were refused.
    #[schema(required)]
    pub rejected: Option<i64>,
    /// Objects that could not be read.
    pub unreadable: i64,
    /// One of the objects.
    #[schema(required)]
    pub object: Option<String>,
    /// Why one of them could not.
    #[schema(required)]
    pub error: Option<String>,
}

/// What was rejected for a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectRow {
    /// Source that listed the objects.
    #[schema(required)]
    pub source: Option<String>,
    /// Reason.
    #[schema(required)]
    pub reason: Option<String>,
    /// Values that were refused.
    #[schema(required)]
    pub rejected: Option<i64>,
    /// One of the objects.
    #[schema(required)]
    pub object: Option<String>,
    /// What exactly was wrong.
    #[schema(required)]
    pub detail: Option<String>,
    /// Begin of the first batch.
    #[schema(required)]
    pub first_ingested_at: Option<DateTime<Utc>>,
    /// Begin of the last batch.
    #[schema(required)]
    pub last_ingested_at: Option<DateTime<Utc>>,
}
