//! Answers: rows in the form that the client accepts, with the snapshot they were read from.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::SecondsFormat;
use futures::StreamExt;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use podtrail_query::listing::{Listing, PAGE_KEY};
use podtrail_query::{Answer, Snapshot};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::parameters::ListParameters;
use super::problem::Problem;
use super::remembered::{Given, Remembered};
use super::served::InService;
use super::state::State;
use crate::encode::{Encoder, Form};

/// Token of the next page, where the form has no place for it.
pub const NEXT_TOKEN: HeaderName = HeaderName::from_static("x-podtrail-next-token");
/// Versions of the tables that were read.
pub const SNAPSHOT: HeaderName = HeaderName::from_static("x-podtrail-snapshot");
/// Milliseconds that the answer took; of one that streams, until its first rows.
pub const ELAPSED: HeaderName = HeaderName::from_static("x-podtrail-elapsed-ms");
/// Since when the store cannot be read: the answer is of the last good snapshot.
pub const STALE_SINCE: HeaderName = HeaderName::from_static("x-podtrail-stale-since");

/// What stands beside the items of a JSON answer.
#[derive(Debug, Serialize)]
struct Footer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<Value>,
    snapshot: &'a Snapshot,
    elapsed_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_since: Option<String>,
}

/// Chooses the form of rows by the header `Accept`; JSON where it accepts anything.
///
/// # Errors
/// 406 where none of the forms is accepted.
pub fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let mut best: Option<(f32, Form)> = None;
    let mut asked = false;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str()
            {
                "" => continue,
                "application/json" | "application/*" | "*/*" => Some(Form::Json),
                "application/x-ndjson" | "application/jsonl" => Some(Form::Ndjson),
                "text/csv" | "text/*" => Some(Form::Csv),
                "application/vnd.apache.arrow.stream" => Some(Form::Arrow),
                _ => None,
            };
            asked = true;
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |text| text.parse().unwrap_or(0.0));
            if let Some(form) = form
                && weight > 0.0
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, form));
            }
        }
    }
    match best {
        Some((_, form)) => Ok(form),
        None if !asked => Ok(Form::Json),
        None => Err(Problem::not_acceptable(
            "accept application/json, application/x-ndjson, text/csv or application/vnd.apache.arrow.stream",
        )),
    }
}

/// Media type of a form.
fn media_type(form: Form) -> &'static str {
    match form {
        Form::Json => "application/json",
        Form::Ndjson => "application/x-ndjson",
        Form::Csv => "text/csv; charset=utf-8; header=present",
        Form::Arrow => "application/vnd.apache.arrow.stream",
    }
}

/// A request for something that the snapshot decides: its form, its tag, and when it began.
#[derive(Debug)]
pub struct Question {
    began: Instant,
    form: Form,
    tag: String,
    remembered: Arc<Remembered>,
    /// What the answer is read from.
    pub now: InService,
}

impl Question {
    /// Begins an answer. `what` tells it from all other answers of the snapshot.
    ///
    /// # Errors
    /// 406 where no form is accepted; `Ok(Err(response))` where the client has the answer already, or it was given
    /// before.
    pub fn begin(
        state: &State,
        headers: &HeaderMap,
        what: &[&str],
    ) -> Result<Result<Self, Box<Response>>, Problem> {
        let form = form(headers)?;
        let now = state.served.now();
        let tag = tag(&now, form, what);
        if known(headers, &tag).is_some() {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            stamp(&mut response, &now, Some(&tag));
            return Ok(Err(Box::new(response)));
        }
        let question = Self {
            began: Instant::now(),
            form,
            tag,
            remembered: Arc::clone(&state.remembered),
            now,
        };
        match question.remembered.get(&question.tag) {
            Some(given) => Ok(Err(Box::new(question.response(given)))),
            None => Ok(Ok(question)),
        }
    }

    fn footer(&self) -> Footer<'_> {
        Footer {
            truncated: None,
            next_token: None,
            snapshot: self.now.snapshot(),
            elapsed_ms: elapsed(self.began),
            stale_since: stale_since(&self.now),
        }
    }

    /// Answers with one JSON object: the members of `value`, and the snapshot.
    ///
    /// # Errors
    /// 406 where the client accepts rows only.
    pub fn object(self, value: &impl Serialize) -> Result<Response, Problem> {
        if self.form != Form::Json {
            return Err(Problem::not_acceptable(
                "this is one JSON object: accept application/json",
            ));
        }
        let mut members = members(value)?;
        members.extend(self::members(&self.footer())?);
        let body = serde_json::to_vec(&members).map_err(Problem::internal)?;
        Ok(self.give(body, None))
    }

    /// Answers with a page of rows, whose last column is the key that pages are cut by.
    ///
    /// # Errors
    /// 500 where rows cannot be written.
    pub fn page(
        self,
        rows: &[RecordBatch],
        schema: &SchemaRef,
        limit: u64,
        token: impl Fn(&str) -> String,
    ) -> Result<Response, Problem> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (rows, last) = cut(rows, limit);
        let next = last.as_deref().map(token);
        let schema = without_key(schema);
        let mut encoder = Encoder::new(self.form, schema).map_err(Problem::internal)?;
        let mut body = Vec::new();
        if self.form == Form::Json {
            body.extend_from_slice(b"{\"items\":[");
        }
        for batch in rows {
            body.extend(encoder.batch(&batch).map_err(Problem::internal)?);
        }
        body.extend(encoder.end().map_err(Problem::internal)?);
        if self.form == Form::Json {
            let footer = Footer {
                next_token: Some(next.clone().map_or(Value::Null, Value::String)),
                ..self.footer()
            };
            body.extend(tail(&footer)?);
        }
        let header = match next {
            Some(next) if self.form != Form::Json => {
                let value = HeaderValue::try_from(next).map_err(Problem::internal)?;
                Some((NEXT_TOKEN, value))
            }
            _ => None,
        };
        Ok(self.give(body, header))
    }

    /// Answers with the rows of a statement, as they come.
    ///
    /// # Errors
    /// As [`stream`].
    pub fn rows(self, rows: Answer) -> Result<Response, Problem> {
        let tag = Some(self.tag.as_str());
        stream(self.form, self.now, tag, rows, None, self.began)
    }

    /// Gives an answer, and remembers it.
    fn give(&self, body: Vec<u8>, header: Option<(HeaderName, HeaderValue)>) -> Response {
        let given = Given {
            body: body.into(),
            header,
        };
        self.remembered.put(&self.tag, &given);
        self.response(given)
    }

    fn response(&self, given: Given) -> Response {
        let mut response = given.response();
        stamp(&mut response, &self.now, Some(&self.tag));
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(media_type(self.form)),
        );
        headers.insert(ELAPSED, HeaderValue::from(elapsed(self.began)));
        response
    }
}

/// Reads a page of a list and answers with it.
///
/// # Errors
/// For parameters that are wrong, and where the list cannot be read.
pub async fn list(
    state: &State,
    headers: &HeaderMap,
    listing: &Listing,
    parameters: &ListParameters,
) -> Result<Response, Problem> {
    let filter = parameters.filter()?;
    let limit = parameters.rows()?;
    let after = parameters.after(listing, &filter)?;
    let what = format!("{filter:?} {after:?} {limit}");
    let question = match Question::begin(state, headers, &[listing.name, &what])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    // One row more than asked for tells whether there is another page.
    let rows = limit + 1;
    let narrow = match listing.span(&filter, after.as_deref(), rows)? {
        Some(span) => {
            let session = &question.now.session;
            let found = state.reports.run(session, span.statement()).await?;
            span.narrow(&found.all().await?)?
        }
        None => filter.clone(),
    };
    let statement = listing.page(&narrow, after.as_deref(), rows)?;
    let answer = state.reports.run(&question.now.session, statement).await?;
    let schema = answer.schema();
    let rows = answer.all().await?;
    question.page(&rows, &schema, limit, |key| {
        parameters.token(listing, &filter, key)
    })
}

/// Streams the rows of a statement. An error after the head cuts the body off: a short answer never looks whole.
///
/// # Errors
/// 500 where the columns cannot be written.
pub fn stream(
    form: Form,
    now: InService,
    tag: Option<&str>,
    rows: Answer,
    columns: Option<Value>,
    began: Instant,
) -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    stamp(&mut response, &now, tag);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(form)));
    headers.insert(ELAPSED, HeaderValue::from(elapsed(began)));
    let encoder = Encoder::new(form, rows.schema()).map_err(Problem::internal)?;
    let has_parameters = rows.has_parameters();
    let head = match (&columns, form) {
        (Some(columns), Form::Json) => format!("{{\"columns\":{columns},\"items\":["),
        (None, Form::Json) => "{\"items\":[".to_owned(),
        _ => String::new(),
    };
    let begin = futures::stream::once(async move { Ok(Bytes::from(head)) });
    let body = futures::stream::unfold(Some((rows, encoder)), move |parts| {
        let now = now.clone();
        let with_truncated = columns.is_some();
        async move {
            let (mut rows, mut encoder) = parts?;
            match rows.next().await {
                Some(Ok(batch)) => match encoder.batch(&batch) {
                    Ok(bytes) => Some((Ok(Bytes::from(bytes)), Some((rows, encoder)))),
                    Err(error) => {
                        let text = (!has_parameters).then(|| error.to_string());
                        Some((Err(cut_off("not_encoded", text)), None))
                    }
                },
                Some(Err(error)) => {
                    let text = (!has_parameters).then(|| error.to_string());
                    Some((Err(cut_off(error.kind(), text)), None))
                }
                None => {
                    let truncated = with_truncated.then(|| rows.is_truncated());
                    let end = end(form, &mut encoder, &now, truncated, began);
                    Some((end, None))
                }
            }
        }
    });
    // Compression asks once more after the end.
    *response.body_mut() = Body::from_stream(begin.chain(body).fuse());
    Ok(response)
}

/// Tells the log why an answer breaks off: by the kind of error alone where its text may have values of parameters.
fn cut_off(kind: &'static str, text: Option<String>) -> std::io::Error {
    let why = text.unwrap_or_else(|| kind.to_owned());
    tracing::warn!(why, "an answer was cut off");
    std::io::Error::other(why)
}

fn end(
    form: Form,
    encoder: &mut Encoder,
    now: &InService,
    truncated: Option<bool>,
    began: Instant,
) -> Result<Bytes, std::io::Error> {
    let not_encoded = || cut_off("not_encoded", None);
    let mut bytes = encoder.end().map_err(|_| not_encoded())?;
    if form == Form::Json {
        let footer = Footer {
            truncated,
            next_token: None,
            snapshot: now.snapshot(),
            elapsed_ms: elapsed(began),
            stale_since: stale_since(now),
        };
        bytes.extend(tail(&footer).map_err(|_| not_encoded())?);
    }
    Ok(Bytes::from(bytes))
}

/// What follows the items: the footer's members behind them.
fn tail(footer: &Footer<'_>) -> Result<Vec<u8>, Problem> {
    let members = serde_json::to_vec(footer).map_err(Problem::internal)?;
    let mut tail = b"],".to_vec();
    tail.extend_from_slice(&members[1..]);
    Ok(tail)
}

fn members(value: &impl Serialize) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(value).map_err(Problem::internal)? {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::internal("an answer that is no object")),
    }
}

fn elapsed(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn stale_since(now: &InService) -> Option<String> {
    now.stale_since
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Cuts rows to a page, and gives the key of its last row where more follow.
fn cut(rows: &[RecordBatch], limit: usize) -> (Vec<RecordBatch>, Option<String>) {
    let total: usize = rows.iter().map(RecordBatch::num_rows).sum();
    let mut room = limit;
    let mut page = Vec::with_capacity(rows.len());
    let mut last = None;
    for batch in rows {
        let count = batch.num_rows().min(room);
        if count == 0 {
            continue;
        }
        room -= count;
        let batch = batch.slice(0, count);
        let key = batch.num_columns() - 1;
        if let Some(keys) = batch.column(key).as_string_opt::<i32>() {
            last = Some(keys.value(count - 1).to_owned());
        }
        let mut rest = batch;
        rest.remove_column(key);
        page.push(rest);
    }
    (page, last.filter(|_| total > limit))
}

fn without_key(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .filter(|field| field.name() != PAGE_KEY)
        .cloned()
        .collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}

/// Tag of an answer: whatever decides it. Weak, because the time that it took is in it as well.
fn tag(now: &InService, form: Form, what: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(format!(
        "{form:?} {:?} {:?}",
        now.snapshot(),
        now.stale_since
    ));
    for part in what {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let text = URL_SAFE_NO_PAD.encode(&hash.finalize()[..12]);
    format!("W/\"{text}\"")
}

/// Finds a tag among those that the client has, weak or not (RFC 9110, section 13.1.2); the tag itself where any will do.
pub(super) fn known<'a>(headers: &'a HeaderMap, tag: &'a str) -> Option<&'a str> {
    let strong = tag.trim_start_matches("W/");
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .find(|each| each.trim_start_matches("W/") == strong || *each == "*")
        .map(|each| if each == "*" { tag } else { each })
}

/// Headers of every answer.
fn stamp(response: &mut Response, now: &InService, tag: Option<&str>) {
    let headers = response.headers_mut();
    let snapshot = serde_json::to_string(now.snapshot()).unwrap_or_default();
    for (name, value) in [
        (SNAPSHOT, Some(snapshot)),
        (ETAG, tag.map(str::to_owned)),
        (STALE_SINCE, stale_since(now)),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(VARY, HeaderValue::from_static("accept, authorization"));
    let cache = if tag.is_some() {
        "private, no-cache"
    } else {
        "no-store"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
}

#[cfg(test)]
mod tests;
