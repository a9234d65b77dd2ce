//! Reports by name: all rows, in the order in which the command line prints them.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::HeaderMap;
use podtrail_query::report::Report;

use super::ProblemDocument;
use crate::serve::answer::Question;
use crate::serve::parameters::{ListParameters, Parameters};
use crate::serve::problem::Problem;
use crate::serve::state::State;

/// A report, whole, as `podtrail report` prints it: `fallbacks`, `readiness`, `workloads`, `roles`, `nodes`, `denied`,
/// `unused`, `coverage`.
///
/// # Errors
/// 404 for a report that does not exist; as lists otherwise.
#[utoipa::path(
    get,
    path = "/reports/{name}",
    params(("name" = String, Path, description = "Name of the report"), ListParameters),
    responses(
        (status = 200, description = "The report's rows.", content(
            (super::sql::Rows = "application/json"),
            (serde_json::Value = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        )),
        (status = 304, description = "The client has this answer already."),
        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn report(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response, Problem> {
    let report = Report::find(&name).ok_or_else(|| {
        let names: Vec<&str> = Report::ALL.iter().map(|report| report.name()).collect();
        Problem::not_found(format!("no such report; there are {}", names.join(", ")))
    })?;
    if parameters.limit.is_some() || parameters.next_token.is_some() {
        return Err(Problem::bad_request("a report is whole: it has no pages"));
    }
    let filter = parameters.filter()?;
    let statement = report.listing().whole(&filter)?;
    let what = format!("{filter:?}");
    let question = match Question::begin(&state, &headers, &["report", report.name(), &what])? {
        Ok(question) => question,
        Err(known) => return Ok(*known),
    };
    let rows = state.reports.run(&question.now.session, statement).await?;
    question.rows(rows)
}
