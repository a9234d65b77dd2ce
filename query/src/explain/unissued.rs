//! Which issuing record the store lacks: the first on the way back from a call to a workload that is not there.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::chain::MOST_STEPS;
use super::{all, first, literal};
use crate::engine::Session;
use crate::error::Result;
use crate::text::{is_instance_id, role_name};

/// Regions that are named at most: there are fewer.
const MOST_REGIONS: usize = 64;

/// Credentials whose issuing record the store lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unissued {
    /// ARN of the session.
    pub(super) arn: String,
    /// Its role.
    pub(super) role_arn: Option<String>,
    /// When it was issued.
    pub(super) issued_at: Option<DateTime<Utc>>,
    /// The record of the same act in another account, which says no more of its caller than the account.
    pub(super) copy_event_id: Option<String>,
    /// The account whose trail has the record.
    pub(super) account: Option<String>,
    /// Regions of this account of which the store has records of that day.
    pub(super) regions: Vec<String>,
    /// The bucket, and the folder in it, that most of the store was read from.
    pub(super) bucket: Option<String>,
    /// Region in which the view `missing_keys` has the access key: what LookupEvents can be asked for.
    pub(super) lookup_region: Option<String>,
}

/// Goes back from the credentials of a call to those that they were obtained with, up to a record that names somebody. `holder` is
/// a row with the columns of `events` that say with which credentials a call was made.
pub(super) async fn behind(session: &Session, mut holder: Value) -> Result<Option<Unissued>> {
    for _ in 0..MOST_STEPS {
        let Some(arn) = session_arn(&holder) else {
            return Ok(None);
        };
        let Some(record) = issuing(session, &holder, &arn).await? else {
            return Unissued::own(session, &holder, arn).await.map(Some);
        };
        if record["mechanism"].is_string() {
            return Ok(None);
        }
        if record["identity_type"] == "AWSAccount" {
            return Unissued::copied(session, &record, arn).await;
        }
        holder = record;
    }
    Ok(None)
}

/// Gives the ARN of a session that a record issued to somebody; none of what EC2 gives to instances and AWS to its own services and
/// to people, which is nobody's of a cluster or known otherwise.
fn session_arn(holder: &Value) -> Option<String> {
    let text = |column: &str| holder[column].as_str();
    let role = text("session_issuer_arn").unwrap_or_default();
    let known = text("session_name").is_some_and(is_instance_id)
        || role.contains(":role/aws-service-role/")
        || role_name(role).is_some_and(|name| name.starts_with("AWSReservedSSO_"));
    if known || text("identity_type") != Some("AssumedRole") {
        return None;
    }
    text("identity_arn").map(str::to_owned)
}

/// Gives the record that issued credentials, with its caller in the columns that `events` has for it. The original comes before its
/// copy in another account.
async fn issuing(session: &Session, holder: &Value, arn: &str) -> Result<Option<Value>> {
    let to_it = issued_to(holder);
    first(
        session,
        &format!(
            "SELECT event_id, mechanism, identity_type, invoked_by, issued_at, caller_access_key_id AS access_key_id,
                    caller_arn AS identity_arn, caller_created_at AS session_created_at, caller_role_arn AS session_issuer_arn,
                    caller_session_name AS session_name
             FROM issuances
             WHERE error_code IS NULL AND issued_arn = {} {to_it}
             ORDER BY CASE WHEN identity_type = 'AWSAccount' THEN 1 ELSE 0 END, event_id LIMIT 1",
            literal(arn)
        ),
    )
    .await
}

/// What tells the record that issued the credentials of a call from others that issued a session of the same name: a condition on
/// rows of `issuances`.
fn issued_to(holder: &Value) -> String {
    match (&holder["access_key_id"], &holder["invoked_by"]) {
        (Value::String(key), Value::Null) => {
            format!("AND issued_access_key_id = {}", literal(key))
        }
        // A service that calls on behalf of a session has a key of its own, but the session's creation date. Names of EKS Pod Identity
        // are of one session.
        _ => holder["session_created_at"]
            .as_str()
            .map_or_else(String::new, |time| {
                format!(
                    "AND (issued_at = json_time({}) OR is_pod_identity_session(issued_session_name))",
                    literal(time)
                )
            }),
    }
}

impl Unissued {
    /// Of credentials that no record of the store issued.
    async fn own(session: &Session, holder: &Value, arn: String) -> Result<Self> {
        let lookup = match holder["access_key_id"].as_str() {
            Some(key) => {
                let sql = format!(
                    "SELECT aws_region FROM missing_keys WHERE access_key_id = {} ORDER BY calls DESC, aws_region LIMIT 1",
                    literal(key)
                );
                first(session, &sql).await?
            }
            None => None,
        };
        let found = Self {
            role_arn: holder["session_issuer_arn"].as_str().map(str::to_owned),
            issued_at: time(&holder["session_created_at"]),
            account: arn.split(':').nth(4).map(str::to_owned),
            lookup_region: lookup.and_then(|row| row["aws_region"].as_str().map(str::to_owned)),
            arn,
            ..Self::default()
        };
        found.with_places(session).await
    }

    /// Of credentials of which the store has the record of the role's account only.
    async fn copied(session: &Session, record: &Value, arn: String) -> Result<Option<Self>> {
        let Some(copy) = record["event_id"].as_str() else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT account_id FROM events WHERE event_id = {}",
            literal(copy)
        );
        let row = first(session, &sql).await?;
        let Some(account) = row.as_ref().and_then(|row| row["account_id"].as_str()) else {
            return Ok(None);
        };
        let found = Self {
            arn,
            issued_at: time(&record["issued_at"]),
            copy_event_id: Some(copy.to_owned()),
            account: Some(account.to_owned()),
            ..Self::default()
        };
        found.with_places(session).await.map(Some)
    }

    /// Adds where records of its account and day are, and where they come from.
    async fn with_places(mut self, session: &Session) -> Result<Self> {
        if let (Some(account), Some(issued_at)) = (&self.account, self.issued_at) {
            // As text: days far from ours have no literal.
            let sql = format!(
                "SELECT DISTINCT aws_region FROM trail_days WHERE recipient_account_id = {} AND CAST(event_date AS VARCHAR) = {}
                 ORDER BY aws_region LIMIT {MOST_REGIONS}",
                literal(account),
                literal(&issued_at.date_naive().to_string())
            );
            let rows = all(session, &sql).await?;
            let regions = rows.iter().filter_map(|row| row["aws_region"].as_str());
            self.regions = regions.map(str::to_owned).collect();
        }
        let sql = "SELECT split_part(key, '/AWSLogs/', 1) AS bucket, count(*) AS objects FROM ingested_objects
                   WHERE key LIKE 's3://%/AWSLogs/%' GROUP BY 1 ORDER BY objects DESC, bucket LIMIT 1";
        let row = first(session, sql).await?;
        self.bucket = row.and_then(|row| row["bucket"].as_str().map(str::to_owned));
        Ok(self)
    }
}

/// Reads a time of a row.
pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?)
        .ok()
        .map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nobodys_of_a_cluster_is_not_asked_for() {
        let holder = |kind: &str, role: &str, name: &str| {
            json!({
                "identity_type": kind, "identity_arn": "arn", "session_name": name,
                "session_issuer_arn": format!("arn:aws:iam::111122223333:role/{role}"),
            })
        };
        assert_eq!(
            session_arn(&holder("AssumedRole", "team/app", "web")).as_deref(),
            Some("arn")
        );
        for (kind, role, name) in [
            ("AssumedRole", "node", "i-0a1b2c3d4e5f60001"),
            ("AssumedRole", "aws-service-role/eks.amazonaws.com/x", "eks"),
            (
                "AssumedRole",
                "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1",
                "ann",
            ),
            ("IAMUser", "app", "web"),
            ("AWSService", "app", "web"),
        ] {
            assert_eq!(session_arn(&holder(kind, role, name)), None, "{role}");
        }
    }

    #[test]
    fn sessions_of_one_name_are_told_apart_by_key_or_creation_date() {
        let by_key = "AND issued_access_key_id = 'ASIA1'";
        let by_time = "AND (issued_at = json_time('2026-05-01T10:00:00Z') OR is_pod_identity_session(issued_session_name))";
        let time = "2026-05-01T10:00:00Z";
        let service = "s3.amazonaws.com";
        for (key, invoked_by, created_at, expected) in [
            (Some("ASIA1"), None, Some(time), by_key),
            (Some("ASIA2"), Some(service), Some(time), by_time),
            (None, None, Some(time), by_time),
            (None, Some(service), None, ""),
        ] {
            let holder = json!({
                "access_key_id": key, "invoked_by": invoked_by, "session_created_at": created_at,
            });
            assert_eq!(issued_to(&holder), expected, "{holder}");
        }
    }

    #[test]
    fn times_of_rows_are_read() {
        let read = |text: &str| time(&json!(text)).map(|time| time.timestamp_micros());
        assert_eq!(read("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(read("1970-01-01T00:00:00.000002Z"), Some(2));
        assert_eq!(read("soon"), None);
        assert_eq!(time(&Value::Null), None);
    }
}
