//! The policy of one workload, from the calls that the store shows.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::{About, Call, Options, Policy, granted, made};
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::explain::literal;
use crate::namesakes;

/// Makes a least-privilege policy for what a service account did itself; what it did with roles that it assumed
/// is those roles' business. `cluster` is its name, ARN or OIDC issuer.
///
/// # Errors
/// [`Error::NotFound`] where the store shows no call of it, [`Error::InvalidQuery`] where several clusters have the name.
pub async fn of_workload(
    session: &Session,
    cluster: &str,
    namespace: &str,
    service_account: &str,
    options: Options,
) -> Result<Policy> {
    let cluster = &namesakes::asked(session, cluster).await?;
    let who = format!(
        "cluster = {} AND namespace = {} AND service_account = {}",
        literal(cluster),
        literal(namespace),
        literal(service_account)
    );
    // Sums per hour tell quickly what was called: no other call is attributed then.
    let called = session
        .rows(&format!(
            "SELECT DISTINCT event_source, event_name FROM hourly_attribution WHERE {who} AND actor = 'workload' AND hops = 0"
        ))
        .await?;
    let agree = session.rows("SELECT 1 FROM sums_agree WHERE agree").await?;
    let agree = agree.iter().any(|batch| batch.num_rows() > 0);
    let (sources, names) = (literals(&called, 0)?, literals(&called, 1)?);
    if agree && sources.is_empty() {
        return Err(unknown(cluster, namespace, service_account));
    }
    let of_these = if agree {
        format!(
            "coalesce(event_source, '') IN ({sources}) AND coalesce(event_name, '') IN ({names})"
        )
    } else {
        "true".to_owned()
    };
    let query = format!(
        "SELECT events.event_source, events.event_name, events.error_code, events.aws_region, events.recipient_account_id,
                events.resources, events.request_parameters,
                CASE WHEN attribution.access_path IN ('irsa', 'pod_identity') THEN events.session_issuer_arn END AS role_arn,
                events.management_event, count(*) AS calls
         FROM (SELECT * FROM attribution WHERE {of_these}) AS attribution
         JOIN (SELECT * FROM events WHERE {of_these}) AS events
           ON events.event_id = attribution.event_id
         WHERE attribution.actor = 'workload' AND attribution.hops = 0 AND {who}
           -- What EKS calls as itself to give it credentials is no call of its own.
           AND events.identity_type IS DISTINCT FROM 'AWSService'
         GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"
    );
    let batches = session.rows(&query).await?;
    let mut columns = Vec::with_capacity(batches.len());
    for batch in &batches {
        let text = |at: usize| -> Result<StringArray> {
            let column = cast(batch.column(at), &DataType::Utf8)
                .map_err(|error| Error::from_engine("read the calls", error.into()))?;
            Ok(column.as_string::<i32>().clone())
        };
        let texts = (0..8).map(text).collect::<Result<Vec<_>>>()?;
        let management: BooleanArray = batch.column(8).as_boolean().clone();
        let calls: Int64Array = batch.column(9).as_primitive().clone();
        columns.push((texts, management, calls));
    }
    let calls: Vec<Call<'_>> = columns
        .iter()
        .flat_map(|(texts, management, calls)| {
            (0..calls.len()).map(move |row| {
                let text = |at: usize| texts[at].is_valid(row).then(|| texts[at].value(row));
                Call {
                    event_source: text(0).unwrap_or_default(),
                    event_name: text(1).unwrap_or_default(),
                    error_code: text(2),
                    region: text(3).unwrap_or_default(),
                    account_id: text(4).unwrap_or_default(),
                    resources_json: text(5),
                    request_parameters_json: text(6),
                    role_arn: text(7),
                    management_event: management.is_valid(row).then(|| management.value(row)),
                    about: About::Request,
                    calls: u64::try_from(calls.value(row)).unwrap_or(0),
                }
            })
        })
        .collect();
    if calls.is_empty() {
        return Err(unknown(cluster, namespace, service_account));
    }
    let (mut policy, used) = made(calls, options)?;
    policy.granted = granted::of_roles(session, &used).await?;
    Ok(policy)
}

fn unknown(cluster: &str, namespace: &str, service_account: &str) -> Error {
    Error::NotFound(format!(
        "no call of {cluster}/{namespace}/{service_account} in the store"
    ))
}

/// The different texts of a column, as a list in SQL.
fn literals(batches: &[RecordBatch], column: usize) -> Result<String> {
    let mut texts = BTreeSet::new();
    for batch in batches {
        let column = cast(batch.column(column), &DataType::Utf8)
            .map_err(|error| Error::from_engine("read the actions", error.into()))?;
        let column = column.as_string::<i32>();
        texts.extend(column.iter().map(|text| literal(text.unwrap_or_default())));
    }
    Ok(texts.into_iter().collect::<Vec<_>>().join(", "))
}
