//! The table `digest_findings`.

use super::{Column, Kind, Table, id, text, time};

/// What digests say where `ingested_objects` does not say it.
pub const DIGEST_FINDINGS: Table = Table {
    name: "digest_findings",
    doc: "What the digests of trails say where ingested_objects does not: of log files that were read before their proof came, or that are missing, altered or added, of digests and folders, and of time. Of an object the newest row counts, of both tables, but what was altered or is missing stays so until digests prove it; of the time of a chain, all rows of its newest observed_at. The views digest_statuses and digest_times show those.",
    partition: None,
    sort: &["object", "observed_at", "from_time"],
    stats: &["object", "observed_at"],
    columns: &[
        id("subject", "log, digest, folder or time."),
        id(
            "status",
            "What was found, as podtrail verify names it; of time, valid (all log files delivered are known, there and unaltered) or gap.",
        ),
        id(
            "object",
            "Path or URI of the log file, digest or folder, as in ingested_objects; of time, the folder of the chain's digests.",
        ),
        text("account_id", "Account whose logs it is about, where known."),
        text("region", "Region whose logs it is about, where known."),
        text("trail", "Name of the trail, where known."),
        text("home_region", "Region that the trail was created in."),
        time("from_time", "Begin of the time; null elsewhere."),
        time("to_time", "End of the time; null elsewhere."),
        text("detail", "Why, for people."),
        id("source", "Source that was verified."),
        Column {
            name: "observed_at",
            kind: Kind::Time,
            nullable: false,
            doc: "When it was found so.",
        },
    ],
};
