//! From staged rows to rows of `events` and `activities`.
//!
//! An *activity* is what one credential did in one way within [`BUCKET_SECONDS`]: everything that
//! attribution looks at is the same for all its events, so identity is decided once per activity and
//! inherited by its events through `activity_id`. A record that issued (or was refused) credentials
//! is an activity of its own, because it names an identity by itself; so is one that tells what exists
//! ([`TELLING`]), because what it says is kept with it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{nullif, take, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};

use crate::batch::text;
use crate::decode::cluster_hint;
use crate::error::{Error, Result};
use crate::hash::Framed;
use crate::schema::{ACTIVITIES, EVENTS};
use crate::{hex, unhex};

/// Length of an activity's time bucket, in seconds; buckets start at multiples of it.
pub const BUCKET_SECONDS: i64 = 300;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Calls whose successful records tell what exists, and since when: instances with their tags and metadata
/// options, and how workloads and nodes are bound to roles. Source: the services' API references.
pub(crate) const TELLING: [(&str, &[&str]); 3] = [
    (
        "ec2.amazonaws.com",
        &[
            "RunInstances",
            "TerminateInstances",
            "ModifyInstanceMetadataOptions",
        ],
    ),
    (
        "eks.amazonaws.com",
        &[
            "CreateCluster",
            "CreateNodegroup",
            "CreateFargateProfile",
            "CreateAccessEntry",
            "CreatePodIdentityAssociation",
            "UpdatePodIdentityAssociation",
            "DeletePodIdentityAssociation",
        ],
    ),
    (
        "iam.amazonaws.com",
        &["CreateInstanceProfile", "AddRoleToInstanceProfile"],
    ),
];

/// Columns of `activities` that are computed, not copied from the events.
const COMPUTED: [&str; 8] = [
    "activity_id",
    "event_date",
    "first_event_time",
    "last_event_time",
    "calls",
    "event_id",
    "inventory_facts",
    "resource",
];

/// Members of requestParameters that name what a call is about: of a request with several, the first is kept in
/// `activities.resource`. Source: the services' API references.
pub const RESOURCE_MEMBERS: [&str; 22] = [
    "bucketName",
    "tableName",
    "queueUrl",
    "queueName",
    "topicArn",
    "functionName",
    "secretId",
    "streamName",
    "streamARN",
    "deliveryStreamName",
    "stateMachineArn",
    "keyId",
    "logGroupName",
    "repositoryName",
    "roleArn",
    "domainName",
    "dBInstanceIdentifier",
    "hostedZoneId",
    "fileSystemId",
    "eventBusName",
    "clusterName",
    "name",
];

/// Longest name of a resource that is kept, in bytes.
const RESOURCE_BYTES: usize = 256;

/// Hash that names an activity.
type ActivityId = [u8; 16];

/// Makes the rows of `events` and of `activities` from staged rows that are all new.
pub(crate) fn finish(staged: &RecordBatch, ingested_at: i64) -> Result<(RecordBatch, RecordBatch)> {
    let alone = Alone::of(staged)?;
    let ids = activity_ids(staged, &alone)?;
    let events = events(staged, &ids, ingested_at)?;
    let activities = activities(staged, &ids, &alone)?;
    Ok((events, activities))
}

/// Names the columns of `events` that [`of_events`] reads.
pub(crate) fn source_columns() -> Vec<&'static str> {
    let copied = ACTIVITIES.columns.iter().map(|column| column.name);
    copied
        .filter(|name| !COMPUTED.contains(name) && *name != "cluster_hint")
        .chain([
            "activity_id",
            "event_id",
            "event_time",
            "request_parameters",
            "response_elements",
        ])
        .collect()
}

/// Makes the rows of `activities` from rows of `events`, the same as when they were ingested.
pub(crate) fn of_events(events: &RecordBatch) -> Result<RecordBatch> {
    let hints = {
        let (source, name, request) = (
            texts(events, "event_source")?,
            texts(events, "event_name")?,
            texts(events, "request_parameters")?,
        );
        (0..events.num_rows())
            .map(|row| cluster_hint(text(source, row), text(name, row), text(request, row)))
            .collect::<StringArray>()
    };
    let ids = texts(events, "activity_id")?
        .iter()
        .map(|id| id.and_then(activity_id).ok_or_else(malformed))
        .collect::<Result<Vec<_>>>()?;
    let mut fields: Vec<_> = events.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("cluster_hint", DataType::Utf8, true)));
    let mut columns = events.columns().to_vec();
    columns.push(Arc::new(hints));
    let staged = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    let alone = Alone::of(&staged)?;
    activities(&staged, &ids, &alone)
}

fn malformed() -> Error {
    Error::Inconsistent {
        table: EVENTS.name,
        reason: "an activity_id is not 32 hexadecimal digits".to_owned(),
    }
}

fn activity_id(text: &str) -> Option<ActivityId> {
    unhex(text)?.try_into().ok()
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    Ok(rows.column(rows.schema().index_of(name)?))
}

fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    Ok(column(rows, name)?.as_string())
}

fn times<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray> {
    Ok(column(rows, name)?.as_primitive::<TimestampMicrosecondType>())
}

/// True for records that issued credentials or were asked to.
fn issuing(rows: &RecordBatch) -> Result<BooleanArray> {
    let (role, key) = (
        texts(rows, "issued_role_arn")?,
        texts(rows, "issued_access_key_id")?,
    );
    Ok((0..rows.num_rows())
        .map(|row| Some(role.is_valid(row) || key.is_valid(row)))
        .collect())
}

/// True for records that tell what exists.
fn telling(rows: &RecordBatch) -> Result<BooleanArray> {
    let (source, name, error) = (
        texts(rows, "event_source")?,
        texts(rows, "event_name")?,
        texts(rows, "error_code")?,
    );
    Ok((0..rows.num_rows())
        .map(|row| {
            let called = error.is_null(row) && source.is_valid(row) && name.is_valid(row);
            Some(
                called
                    && TELLING.iter().any(|(service, calls)| {
                        *service == source.value(row) && calls.contains(&name.value(row))
                    }),
            )
        })
        .collect())
}

/// Gives what the calls of a node's own session are about. All pods of a node share that session; what each
/// works on is one of the few things that tell them apart.
fn resources(rows: &RecordBatch) -> Result<StringArray> {
    let (session, request) = (
        texts(rows, "session_name")?,
        texts(rows, "request_parameters")?,
    );
    Ok((0..rows.num_rows())
        .map(|row| {
            let node = session.is_valid(row)
                && (session.value(row).starts_with("i-") || session.value(row).starts_with("mi-"));
            (node && request.is_valid(row)).then(|| resource(request.value(row)))?
        })
        .collect())
}

fn resource(request: &str) -> Option<String> {
    let request: serde_json::Value = serde_json::from_str(request).ok()?;
    let name = RESOURCE_MEMBERS
        .iter()
        .find_map(|member| request.get(member)?.as_str())?;
    (name.len() <= RESOURCE_BYTES).then(|| name.to_owned())
}

/// Records that are activities of their own, and why; and what calls are about.
struct Alone {
    issuing: BooleanArray,
    telling: BooleanArray,
    resources: StringArray,
}

impl Alone {
    fn of(rows: &RecordBatch) -> Result<Self> {
        Ok(Self {
            issuing: issuing(rows)?,
            telling: telling(rows)?,
            resources: resources(rows)?,
        })
    }

    fn is(&self, row: usize) -> bool {
        self.issuing.value(row) || self.telling.value(row)
    }
}

fn activity_ids(rows: &RecordBatch, alone: &Alone) -> Result<Vec<ActivityId>> {
    let mut copied_texts = Vec::new();
    let mut copied_others = Vec::new();
    for spec in ACTIVITIES
        .columns
        .iter()
        .filter(|spec| !COMPUTED.contains(&spec.name))
    {
        let array = column(rows, spec.name)?;
        match array.as_string_opt::<i32>() {
            Some(text) if spec.name != "shared_event_id" => copied_texts.push(text),
            Some(_) => {}
            None => copied_others.push(array),
        }
    }
    let (event_ids, event_times) = (texts(rows, "event_id")?, times(rows, "event_time")?);
    let mut ids = Vec::with_capacity(rows.num_rows());
    let mut hash = Framed::default();
    for row in 0..rows.num_rows() {
        hash.clear();
        let bucket = event_times.is_valid(row).then(|| {
            event_times
                .value(row)
                .div_euclid(BUCKET_SECONDS * MICROS_PER_SECOND)
        });
        hash.add(
            bucket
                .map(i64::to_le_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
        let own = alone.is(row).then(|| event_ids.value(row).as_bytes());
        hash.add(own);
        for text in &copied_texts {
            hash.add(text.is_valid(row).then(|| text.value(row).as_bytes()));
        }
        for array in &copied_others {
            add_other(&mut hash, array, row);
        }
        let resource = &alone.resources;
        hash.add(
            resource
                .is_valid(row)
                .then(|| resource.value(row).as_bytes()),
        );
        ids.push(hash.digest());
    }
    Ok(ids)
}

fn add_other(hash: &mut Framed, array: &ArrayRef, row: usize) {
    if array.is_null(row) {
        hash.add(None);
    } else if let Some(flags) = array.as_boolean_opt() {
        hash.add(Some(&[u8::from(flags.value(row))]));
    } else if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        hash.add(Some(&times.value(row).to_le_bytes()));
    }
}

fn events(staged: &RecordBatch, ids: &[ActivityId], ingested_at: i64) -> Result<RecordBatch> {
    let schema = EVENTS.arrow_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> Result<ArrayRef> {
            Ok(match field.name().as_str() {
                "event_date" => Arc::new(days(times(staged, "event_time")?)),
                "activity_id" => {
                    Arc::new(ids.iter().map(|id| Some(hex(id))).collect::<StringArray>())
                }
                "ingested_at" => Arc::new(
                    TimestampMicrosecondArray::from(vec![ingested_at; staged.num_rows()])
                        .with_timezone("UTC"),
                ),
                name => Arc::clone(column(staged, name)?),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// What is counted of one activity.
struct Tally {
    /// Row whose columns stand for all.
    row: u32,
    calls: i64,
    first: Option<i64>,
    last: Option<i64>,
    /// Row of the smallest event_id.
    least_id: usize,
}

fn activities(staged: &RecordBatch, ids: &[ActivityId], alone: &Alone) -> Result<RecordBatch> {
    let (event_ids, event_times) = (texts(staged, "event_id")?, times(staged, "event_time")?);
    let mut index: HashMap<ActivityId, usize> = HashMap::new();
    let mut tallies: Vec<Tally> = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        let time = event_times.is_valid(row).then(|| event_times.value(row));
        let at = *index.entry(*id).or_insert_with(|| {
            let first = Tally {
                row: u32::try_from(row).unwrap_or(u32::MAX),
                calls: 0,
                first: time,
                last: time,
                least_id: row,
            };
            tallies.push(first);
            tallies.len() - 1
        });
        let tally = &mut tallies[at];
        tally.calls += 1;
        tally.first = tally.first.min(time);
        tally.last = tally.last.max(time);
        if event_ids.value(row) < event_ids.value(tally.least_id) {
            tally.least_id = row;
        }
    }
    let rows: UInt32Array = tallies.iter().map(|tally| Some(tally.row)).collect();
    let shown = take_record_batch(staged, &rows)?;
    let issuing = take(&alone.issuing, &rows, None)?;
    let telling = take(&alone.telling, &rows, None)?;
    let facts = inventory_facts(&shown, telling.as_boolean())?;
    let resources = take(&alone.resources, &rows, None)?;
    let schema = ACTIVITIES.arrow_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            match field.name().as_str() {
                "inventory_facts" => return Ok(Arc::clone(&facts)),
                "resource" => return Ok(Arc::clone(&resources)),
                _ => {}
            }
            computed(
                field.name(),
                &shown,
                &tallies,
                ids,
                event_ids,
                issuing.as_boolean(),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn computed(
    name: &str,
    shown: &RecordBatch,
    tallies: &[Tally],
    ids: &[ActivityId],
    event_ids: &StringArray,
    issuing: &BooleanArray,
) -> Result<ArrayRef> {
    let time = |pick: fn(&Tally) -> Option<i64>| -> ArrayRef {
        Arc::new(
            tallies
                .iter()
                .map(pick)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        )
    };
    Ok(match name {
        "activity_id" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(hex(&ids[tally.row as usize])))
                .collect::<StringArray>(),
        ),
        "event_date" => Arc::new(days(times(shown, "event_time")?)),
        "first_event_time" => time(|tally| tally.first),
        "last_event_time" => time(|tally| tally.last),
        "calls" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(tally.calls))
                .collect::<Int64Array>(),
        ),
        "event_id" => Arc::new(
            tallies
                .iter()
                .map(|tally| Some(event_ids.value(tally.least_id)))
                .collect::<StringArray>(),
        ),
        // Of other calls it names the single event, not the activity.
        "shared_event_id" => nullif(column(shown, name)?, &arrow::compute::not(issuing)?)?,
        _ => Arc::clone(column(shown, name)?),
    })
}

/// What telling records asked for and were answered, as JSON text.
fn inventory_facts(rows: &RecordBatch, telling: &BooleanArray) -> Result<ArrayRef> {
    let (request, response) = (
        texts(rows, "request_parameters")?,
        texts(rows, "response_elements")?,
    );
    let text = |array: &StringArray, row: usize| {
        if array.is_valid(row) {
            array.value(row).to_owned()
        } else {
            "null".to_owned()
        }
    };
    Ok(Arc::new(
        (0..rows.num_rows())
            .map(|row| {
                telling.value(row).then(|| {
                    let (request, response) = (text(request, row), text(response, row));
                    format!("{{\"request\":{request},\"response\":{response}}}")
                })
            })
            .collect::<StringArray>(),
    ))
}

fn days(times: &TimestampMicrosecondArray) -> Date32Array {
    times
        .iter()
        .map(|time| time.and_then(|time| i32::try_from(time.div_euclid(MICROS_PER_DAY)).ok()))
        .collect()
}

#[cfg(test)]
mod tests;
