//! Every table of the store: its columns, their types, units and meaning.
//!
//! This is the contract between the writer (`ingest`) and its readers (`query`, and any engine that
//! reads Delta). A column is named as CloudTrail names it, in snake case. Times are microseconds
//! since the epoch, UTC. Columns of kind [`Kind::Json`] hold compact JSON text.

mod digest_findings;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use digest_findings::DIGEST_FINDINGS;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Compact JSON text.
    Json,
    /// Microseconds since the epoch, UTC.
    Time,
    /// A day, UTC.
    Date,
    /// True or false.
    Bool,
    /// A signed 64-bit count or size.
    Int,
}

impl Kind {
    /// Gives the Arrow type that stores this kind.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name, the same in SQL, JSON and CSV.
    pub name: &'static str,
    /// Type and unit.
    pub kind: Kind,
    /// False where every row has a value.
    pub nullable: bool,
    /// Meaning, one sentence.
    pub doc: &'static str,
}

/// One Delta table of the store.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Name in SQL and folder below the store.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Columns in order.
    pub columns: &'static [Column],
    /// Partition column, if any; always the last one named in [`Table::columns`] order is kept.
    pub partition: Option<&'static str>,
    /// Columns a data file is sorted by.
    pub sort: &'static [&'static str],
    /// Columns with minimum and maximum in the Delta log, for file skipping.
    pub stats: &'static [&'static str],
}

impl Table {
    /// Gives the Arrow schema of a row, partition column included.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Gives the Arrow schema of a data file: a row without the partition column, whose value Delta
    /// keeps in the log.
    #[must_use]
    pub fn file_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .filter(|column| Some(column.name) != self.partition)
            .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

const fn text(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Text,
        nullable: true,
        doc,
    }
}
const fn id(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Text,
        nullable: false,
        doc,
    }
}
const fn json(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Json,
        nullable: true,
        doc,
    }
}
const fn time(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Time,
        nullable: true,
        doc,
    }
}
const fn date(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Date,
        nullable: true,
        doc,
    }
}
const fn flag(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Bool,
        nullable: true,
        doc,
    }
}
const fn int(name: &'static str, doc: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Int,
        nullable: true,
        doc,
    }
}

/// One row per CloudTrail record, each `event_id` once.
pub const EVENTS: Table = Table {
    name: "events",
    doc: "One row per CloudTrail record, each event_id once, nothing lost but secrets. Beyond a million events, an eventID that comes back with another time, as in edited trails, may stand twice; `podtrail doctor` counts them.",
    partition: Some("event_date"),
    sort: &["event_time", "event_id"],
    stats: &[
        "event_time",
        "event_source",
        "event_name",
        "recipient_account_id",
        "identity_arn",
        "session_issuer_arn",
        "source_ip_address",
        "error_code",
    ],
    columns: &[
        id(
            "event_id",
            "CloudTrail's eventID, or `derived-` and a hash of the record where it has none or that of another record.",
        ),
        time(
            "event_time",
            "When the call was made; null where the record does not say.",
        ),
        date(
            "event_date",
            "Day of event_time (partition); null where event_time is.",
        ),
        text(
            "event_version",
            "Version of the record format, such as 1.11.",
        ),
        text("event_source", "Service called, such as s3.amazonaws.com."),
        text("event_name", "API action called."),
        text(
            "event_type",
            "AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, AwsVpceEvent, AwsCloudTrailInsight.",
        ),
        text(
            "event_category",
            "Management, Data, NetworkActivity, Insight.",
        ),
        text("aws_region", "Region that served the call."),
        text(
            "recipient_account_id",
            "Account whose trail holds the record.",
        ),
        text(
            "source_ip_address",
            "Address the service saw, or the name of the calling service.",
        ),
        text("user_agent", "User agent of the caller."),
        text(
            "error_code",
            "Error of a failed call; null where it succeeded.",
        ),
        text("error_message", "Message of a failed call."),
        flag("read_only", "True for a call that changes nothing."),
        flag(
            "management_event",
            "True for a management event, false for a data event.",
        ),
        text("request_id", "The service's request id."),
        text(
            "shared_event_id",
            "Ties the copies of one action in several accounts.",
        ),
        text("vpc_endpoint_id", "VPC endpoint the call came through."),
        text("identity_type", "userIdentity.type."),
        text("principal_id", "userIdentity.principalId."),
        text(
            "identity_arn",
            "userIdentity.arn: of a role session, arn:…:assumed-role/ROLE/SESSION.",
        ),
        text(
            "account_id",
            "userIdentity.accountId: the caller's account.",
        ),
        text(
            "access_key_id",
            "userIdentity.accessKeyId the call was signed with.",
        ),
        text("user_name", "userIdentity.userName."),
        text(
            "invoked_by",
            "AWS service that made the call, for itself or on behalf of the identity.",
        ),
        text(
            "identity_provider",
            "userIdentity.identityProvider of a web identity caller.",
        ),
        text(
            "session_issuer_arn",
            "ARN of the role behind a session, path included.",
        ),
        text(
            "session_issuer_id",
            "Unique id (AROA…) of the role behind a session.",
        ),
        text("session_name", "Role session name."),
        time(
            "session_created_at",
            "When the session's credentials were issued (creationDate).",
        ),
        text(
            "federated_provider",
            "webIdFederationData.federatedProvider: the OIDC provider of a web identity session.",
        ),
        text(
            "ec2_role_delivery",
            "1.0 or 2.0: IMDS version that delivered instance credentials.",
        ),
        text("source_identity", "sts:SourceIdentity of the session."),
        text(
            "issued_access_key_id",
            "Access key id that this AssumeRole* record issued.",
        ),
        text(
            "issued_role_arn",
            "Role that this AssumeRole* record asked for.",
        ),
        text(
            "issued_session_name",
            "Session name that this AssumeRole* record asked for.",
        ),
        text(
            "issued_arn",
            "Assumed-role ARN that this record issued; drops the role's path.",
        ),
        time("issued_expires_at", "When the issued credentials expire."),
        text(
            "subject",
            "Subject of the web identity token, such as system:serviceaccount:NS:SA.",
        ),
        text("audience", "Audience of the web identity token."),
        json(
            "session_tags",
            "tags, principal_tags, incoming_transitive_tags, external_id of an AssumeRole* record.",
        ),
        json("resources", "resources of the record."),
        json("request_parameters", "requestParameters, secrets dropped."),
        json("response_elements", "responseElements, secrets dropped."),
        json("additional_event_data", "additionalEventData."),
        json(
            "user_identity_extra",
            "Members of userIdentity that have no column.",
        ),
        json("extra", "Members of the record that have no column."),
        id(
            "activity_id",
            "The activity that decides who made the call; see activities.",
        ),
        id(
            "source_object",
            "Object the record was read from (its first copy).",
        ),
        Column {
            name: "ingested_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When the batch of this row began to be read, by the attempt that committed it.",
        },
    ],
};

/// Calls that one identity made in the same way within five minutes.
pub const ACTIVITIES: Table = Table {
    name: "activities",
    doc: "Calls with the same credential, address, user agent, action, error and account within five minutes; several rows of one activity_id add up. An AssumeRole* record is an activity of its own.",
    partition: Some("event_date"),
    sort: &["first_event_time", "activity_id"],
    stats: &[
        "first_event_time",
        "last_event_time",
        "event_source",
        "event_name",
        "recipient_account_id",
        "identity_arn",
        "session_issuer_arn",
    ],
    columns: &[
        id(
            "activity_id",
            "Hash of the columns below that identify an activity.",
        ),
        date("event_date", "Day of the calls (partition)."),
        time("first_event_time", "First call counted in this row."),
        time("last_event_time", "Last call counted in this row."),
        int("calls", "Number of events counted in this row."),
        id(
            "event_id",
            "Smallest event_id counted in this row; the record itself where it issued credentials.",
        ),
        text("event_source", "As in events."),
        text("event_name", "As in events."),
        text("event_type", "As in events."),
        text("event_category", "As in events."),
        text("aws_region", "As in events."),
        text("recipient_account_id", "As in events."),
        text("source_ip_address", "As in events."),
        text("user_agent", "As in events."),
        text("error_code", "As in events."),
        flag("read_only", "As in events."),
        text(
            "shared_event_id",
            "As in events; of AssumeRole* records only.",
        ),
        text("vpc_endpoint_id", "As in events."),
        text("identity_type", "As in events."),
        text("principal_id", "As in events."),
        text("identity_arn", "As in events."),
        text("account_id", "As in events."),
        text("access_key_id", "As in events."),
        text("user_name", "As in events."),
        text("invoked_by", "As in events."),
        text("identity_provider", "As in events."),
        text("session_issuer_arn", "As in events."),
        text("session_name", "As in events."),
        time("session_created_at", "As in events."),
        text("federated_provider", "As in events."),
        text("ec2_role_delivery", "As in events."),
        text("issued_access_key_id", "As in events."),
        text("issued_role_arn", "As in events."),
        text("issued_session_name", "As in events."),
        text("issued_arn", "As in events."),
        time("issued_expires_at", "As in events."),
        text("subject", "As in events."),
        text("audience", "As in events."),
        json("session_tags", "As in events."),
        text(
            "cluster_hint",
            "Cluster that the request itself names: clusterName of AssumeRoleForPodIdentity, the ENI filter of the VPC CNI.",
        ),
        text(
            "resource",
            "Bucket, table, queue or the like that the calls are about, of calls with a node's own session; null elsewhere.",
        ),
        json(
            "inventory_facts",
            "request and response of a record that tells what exists, such as RunInstances or CreatePodIdentityAssociation; null elsewhere.",
        ),
    ],
};

/// What could not be read, and why.
pub const REJECTS: Table = Table {
    name: "rejects",
    doc: "Input that did not become an event: where it stands, why, and its text.",
    partition: None,
    sort: &["object", "position"],
    stats: &["object"],
    columns: &[
        id("object", "Object it was read from."),
        int("position", "Ordinal of the value in the object, from 0."),
        int("offset", "Byte offset in the object's inflated text."),
        id(
            "reason",
            "Stable name of the reason, such as truncated or invalid_json.",
        ),
        text("detail", "What exactly was wrong."),
        text("text", "The refused text, bounded, secrets replaced."),
        id("source", "Source of the object."),
        int("seq", "Batch of the source."),
        Column {
            name: "ingested_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When the batch began to be read, by the attempt that committed it.",
        },
    ],
};

/// Every input object and what became of it.
pub const INGESTED_OBJECTS: Table = Table {
    name: "ingested_objects",
    doc: "One row per input object and version of it that was read.",
    partition: None,
    sort: &["key", "etag"],
    stats: &["key"],
    columns: &[
        id("key", "Path or URI of the object."),
        id(
            "etag",
            "Version of the object: its ETag, or a local file's time and size.",
        ),
        int("size", "Bytes as stored."),
        id("source", "Source that listed it."),
        int("seq", "Batch of the source."),
        id(
            "status",
            "ok, rejected (some or all of it), empty, unreadable (tried again next time).",
        ),
        text("kind", "cloudtrail, empty, digest, s3_notification, …"),
        text("error", "Why an object was unreadable."),
        int("records", "CloudTrail records found."),
        int("new_events", "Records that became rows of events."),
        int("duplicates", "Records whose event_id was already known."),
        int("rejected", "Values refused; see rejects."),
        int("inflated_bytes", "Bytes after decompression."),
        time("first_event_time", "Earliest event in the object."),
        time("last_event_time", "Latest event in the object."),
        text(
            "digest_status",
            "What the digests said of it when it was read; null where they were not asked. What they said since is in digest_findings.",
        ),
        Column {
            name: "ingested_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When the batch began to be read, by the attempt that committed it.",
        },
    ],
};

/// What was seen of Kubernetes and AWS, and when.
pub const INVENTORY: Table = Table {
    name: "inventory",
    doc: "One row per object of Kubernetes or AWS and time it was seen, as it was seen. A row of kind listing says that a list was complete: what it lacks was not there. The views clusters, nodes, pods, service_accounts, pod_identity_associations, instances and roles make intervals of it.",
    partition: None,
    sort: &["kind", "cluster", "observed_at"],
    stats: &["kind", "cluster", "observed_at"],
    columns: &[
        id(
            "kind",
            "listing, cluster, node, pod, service_account, pod_identity_association, access_entry, aws_auth, nodegroup, fargate_profile, role, instance, instance_profile, node_class, token_request or node_session.",
        ),
        text(
            "cluster",
            "Name of the cluster; null for what belongs to an account.",
        ),
        text("account_id", "Account of the object, where known."),
        text("region", "Region of the object, where known."),
        text("namespace", "Kubernetes namespace."),
        id(
            "name",
            "Name of the object; of a listing, the kind it lists.",
        ),
        text(
            "uid",
            "Unique id: metadata.uid, a role's AROA… id, an association's id.",
        ),
        Column {
            name: "observed_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When it was seen so.",
        },
        time("valid_from", "Since when it exists, by its own account."),
        time("valid_to", "Until when it existed, by its own account."),
        json("attributes", "What was seen of it."),
        id("source_object", "File it was read from."),
        id(
            "observation_id",
            "Hash of all the above but source_object: one observation is one row, however often it is imported.",
        ),
        Column {
            name: "ingested_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When the import of this row began.",
        },
    ],
};

/// Tables that a batch of records adds to, `events` first: its commit decides, the others follow it.
pub const BATCH_TABLES: [&Table; 4] = [&EVENTS, &ACTIVITIES, &REJECTS, &INGESTED_OBJECTS];

/// All tables, those of a batch first.
pub const TABLES: [&Table; 6] = [
    &EVENTS,
    &ACTIVITIES,
    &REJECTS,
    &INGESTED_OBJECTS,
    &INVENTORY,
    &DIGEST_FINDINGS,
];

#[cfg(test)]
mod tests;
