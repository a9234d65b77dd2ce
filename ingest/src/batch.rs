//! Decoded records as Arrow rows: the *staged* form, before it is known which rows are new.
//!
//! A staged row has the columns of `events` that the record itself decides, then `cluster_hint`.
//! `event_date`, `activity_id` and `ingested_at` are added when rows are committed.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, BooleanBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::decode::Record;
use crate::error::Result;
use crate::schema::EVENTS;

/// Columns of `events` that no record decides.
const COMMITTED_LATER: [&str; 3] = ["event_date", "activity_id", "ingested_at"];

/// Schema of staged rows.
pub(crate) static STAGED: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields: Vec<Field> = EVENTS
        .columns
        .iter()
        .filter(|column| !COMMITTED_LATER.contains(&column.name))
        .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
        .collect();
    fields.push(Field::new("cluster_hint", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
});

/// Gives a row's text; `None` where it has none.
pub(crate) fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// Takes the texts out and, where more are to come, makes room for as many again.
fn finish(builder: &mut StringBuilder, more: bool) -> StringArray {
    let texts = builder.finish();
    if more {
        *builder = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
    }
    texts
}

macro_rules! staged_rows {
    (text: [$($text:ident),* $(,)?], time: [$($time:ident),* $(,)?], flag: [$($flag:ident),* $(,)?]) => {
        /// Builds staged rows from records.
        #[derive(Debug)]
        pub(crate) struct StagedRows {
            rows: usize,
            bytes: usize,
            event_id: StringBuilder,
            source_object: StringBuilder,
            $($text: StringBuilder,)*
            $($time: TimestampMicrosecondBuilder,)*
            $($flag: BooleanBuilder,)*
        }

        impl StagedRows {
            pub(crate) fn new() -> Self {
                Self {
                    rows: 0,
                    bytes: 0,
                    event_id: StringBuilder::new(),
                    source_object: StringBuilder::new(),
                    $($text: StringBuilder::new(),)*
                    $($time: TimestampMicrosecondBuilder::new().with_timezone("UTC"),)*
                    $($flag: BooleanBuilder::new(),)*
                }
            }

            /// Adds one record read from `object`.
            pub(crate) fn push(&mut self, record: &Record<'_>, object: &str) {
                self.rows += 1;
                self.bytes += object.len() + record.event_id.len();
                self.event_id.append_value(&record.event_id);
                self.source_object.append_value(object);
                $(
                    self.bytes += record.$text.as_deref().map_or(0, str::len);
                    self.$text.append_option(record.$text.as_deref());
                )*
                $(self.$time.append_option(record.$time);)*
                $(self.$flag.append_option(record.$flag);)*
            }

            /// Takes the rows out and starts anew; `more` rows, much like these, may come.
            pub(crate) fn take(&mut self, more: bool) -> Result<RecordBatch> {
                let columns = STAGED
                    .fields()
                    .iter()
                    .map(|field| -> ArrayRef {
                        match field.name().as_str() {
                            "event_id" => Arc::new(finish(&mut self.event_id, more)),
                            "source_object" => Arc::new(finish(&mut self.source_object, more)),
                            $(stringify!($text) => Arc::new(finish(&mut self.$text, more)),)*
                            $(stringify!($time) => Arc::new(self.$time.finish()),)*
                            $(stringify!($flag) => Arc::new(self.$flag.finish()),)*
                            // A column without a builder is caught by the test of this module.
                            _ => arrow::array::new_null_array(field.data_type(), self.rows),
                        }
                    })
                    .collect();
                self.rows = 0;
                self.bytes = 0;
                Ok(RecordBatch::try_new(Arc::clone(&STAGED), columns)?)
            }

            #[cfg(test)]
            fn built() -> Vec<&'static str> {
                vec!["event_id", "source_object", $(stringify!($text),)* $(stringify!($time),)* $(stringify!($flag),)*]
            }
        }
    };
}

staged_rows! {
    text: [
        event_version, event_source, event_name, event_type, event_category, aws_region,
        recipient_account_id, source_ip_address, user_agent, error_code, error_message, request_id,
        shared_event_id, vpc_endpoint_id, identity_type, principal_id, identity_arn, account_id,
        access_key_id, user_name, invoked_by, identity_provider, session_issuer_arn,
        session_issuer_id, session_name, federated_provider, ec2_role_delivery, source_identity,
        issued_access_key_id, issued_role_arn, issued_session_name, issued_arn, subject, audience,
        session_tags, resources, request_parameters, response_elements, additional_event_data,
        user_identity_extra, extra, cluster_hint,
    ],
    time: [event_time, session_created_at, issued_expires_at],
    flag: [read_only, management_event]
}

impl StagedRows {
    /// Rows held.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of text held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;
