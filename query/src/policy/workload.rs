//! The policy of one workload, from the calls that the store shows.

use std::fmt::Write;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::{Call, Options, Policy, policy};
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::explain::literal;

/// Makes a least-privilege policy for what a service account did itself; what it did with roles that it assumed
/// is those roles' business.
///
/// # Errors
/// [`Error::NotFound`] where the store shows no call of it.
pub async fn of_workload(
    session: &Session,
    cluster: &str,
    namespace: &str,
    service_account: &str,
    options: Options,
) -> Result<Policy> {
    let mut query = String::from(
        "SELECT events.event_source, events.event_name, events.error_code, events.aws_region, events.recipient_account_id,
                events.resources, events.request_parameters, events.management_event, count(*) AS calls
         FROM attribution JOIN events ON events.event_id = attribution.event_id
         WHERE attribution.actor = 'workload' AND attribution.hops = 0",
    );
    // Writing to a String cannot fail.
    let _ = write!(
        query,
        " AND attribution.cluster = {} AND attribution.namespace = {} AND attribution.service_account = {}
          GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7",
        literal(cluster),
        literal(namespace),
        literal(service_account)
    );
    let batches = session.rows(&query).await?;
    let mut columns = Vec::with_capacity(batches.len());
    for batch in &batches {
        let text = |at: usize| -> Result<StringArray> {
            let column = cast(batch.column(at), &DataType::Utf8)
                .map_err(|error| Error::from_engine("read the calls", error.into()))?;
            Ok(column.as_string::<i32>().clone())
        };
        let texts = (0..7).map(text).collect::<Result<Vec<_>>>()?;
        let management: BooleanArray = batch.column(7).as_boolean().clone();
        let calls: Int64Array = batch.column(8).as_primitive().clone();
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
                    management_event: management.is_valid(row).then(|| management.value(row)),
                    calls: u64::try_from(calls.value(row)).unwrap_or(0),
                }
            })
        })
        .collect();
    if calls.is_empty() {
        return Err(Error::NotFound(format!(
            "no call of {cluster}/{namespace}/{service_account} in the store"
        )));
    }
    policy(calls, options)
}
