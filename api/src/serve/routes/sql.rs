//! Read-only SQL.

use std::collections::HashMap;
use std::time::Instant;

use axum::Extension;
use axum::extract::State as Shared;
use axum::response::Response;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use http::HeaderMap;
use podtrail_query::Statement;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Meta, ProblemDocument};
use crate::serve::access::Caller;
use crate::serve::answer::{form, stream};
use crate::serve::json_body::JsonBody;
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// Rows of an answer where the request does not say.
const ROWS: u64 = 10_000;

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    /// One statement that only reads. Placeholders are `$1`, `$2`, … or `$name`.
    #[schema(example = "SELECT count(*) AS calls FROM attribution WHERE access_path = $1")]
    pub query: String,
    /// Values of the placeholders: a list, or an object by name. Texts, numbers, booleans and nulls.
    #[serde(default)]
    #[schema(value_type = Option<Params>)]
    pub params: Option<Params>,
    /// Rows after which the answer ends and says `truncated`; 10,000 where it is not given.
    #[schema(minimum = 1)]
    pub limit: Option<u64>,
}

/// Values of placeholders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Params {
    /// Of `$1`, `$2`, …
    List(Vec<Value>),
    /// By name.
    Map(HashMap<String, Value>),
}

/// Rows of a statement or a report.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Rows {
    /// Names and types of the columns; of a statement only.
    pub columns: Option<Vec<Column>>,
    /// The rows, each an object by column.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
    /// Whether there were more rows than asked for; of a statement only.
    pub truncated: Option<bool>,
    /// Snapshot and time.
    #[serde(flatten)]
    #[schema(inline)]
    pub meta: Meta,
}

/// A column.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Runs one statement that only reads the tables, views and `system` tables. Several rows of one column name are
/// refused: give them names with AS.
///
/// # Errors
/// 400 for SQL that is wrong or not allowed, 422 and 504 where a bound is reached, 503 where too much runs.
#[utoipa::path(
    post,
    path = "/sql",
    request_body = SqlRequest,
    responses(
        (status = 200, description = "The rows, streamed.", content(
            (Rows = "application/json"),
            (serde_json::Value = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        )),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn sql(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SqlRequest>,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let form = form(&headers)?;
    if request.limit == Some(0) {
        return Err(Problem::bad_request("limit: a number from 1"));
    }
    let statement = Statement {
        sql: request.query,
        parameters: request.params.map(values).transpose()?,
        most_rows: Some(request.limit.unwrap_or(ROWS).min(state.sql.bounds().rows)),
        by: caller.name,
        door: "http",
    };
    // Other forms than JSON have no place to say that rows are missing: there a bound is an error.
    let statement = match (form, request.limit) {
        (crate::encode::Form::Json, _) | (_, Some(_)) => statement,
        (_, None) => Statement {
            most_rows: None,
            ..statement
        },
    };
    let now = state.served.now();
    let rows = state.sql.run(&now.session, statement).await?;
    let schema = rows.schema();
    let columns: Vec<Value> = schema
        .fields()
        .iter()
        .map(|field| json!({"name": field.name(), "type": field.data_type().to_string()}))
        .collect();
    stream(form, now, None, rows, Some(Value::Array(columns)), began)
}

fn values(params: Params) -> Result<ParamValues, Problem> {
    Ok(match params {
        Params::List(values) => {
            ParamValues::List(values.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        Params::Map(values) => ParamValues::Map(
            values
                .into_iter()
                .map(|(name, json)| Ok((name, value(json)?)))
                .collect::<Result<_, Problem>>()?,
        ),
    })
}

fn value(json: Value) -> Result<ScalarAndMetadata, Problem> {
    let value = match json {
        Value::Null => ScalarValue::Null,
        Value::Bool(flag) => ScalarValue::Boolean(Some(flag)),
        Value::String(text) => ScalarValue::Utf8(Some(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => ScalarValue::Int64(Some(whole)),
            (None, float) => ScalarValue::Float64(float),
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(Problem::bad_request(
                "params: a value is a text, a number, a boolean or null",
            ));
        }
    };
    Ok(value.into())
}
