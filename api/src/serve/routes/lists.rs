//! Lists: filtered, page by page.

use axum::extract::State as Shared;
use axum::response::Response;
use http::HeaderMap;
use podtrail_query::listing;
use podtrail_query::report::Report;

use super::{Page, ProblemDocument};
use crate::serve::answer;
use crate::serve::parameters::{ListParameters, Parameters};
use crate::serve::problem::Problem;
use crate::serve::rows::{
    CoverageRow, EventRow, FallbackRow, FlowRow, NodeRow, ReadinessRow, RoleRow, TimelineRow,
    WorkloadRow,
};
use crate::serve::state::State;

macro_rules! list {
    ($name:ident, $path:literal, $listing:expr, $row:ty, $doc:literal) => {
        #[doc = $doc]
        ///
        /// # Errors
        /// For parameters that are wrong, and where the list cannot be read.
        #[utoipa::path(
                    get,
                    path = $path,
                    params(ListParameters),
                    responses(
                        (status = 200, description = $doc, content(
                            (Page<$row> = "application/json"),
                            ($row = "application/x-ndjson"),
                            (String = "text/csv"),
                            (Vec<u8> = "application/vnd.apache.arrow.stream"),
                        )),
                        (status = 304, description = "The client has this answer already."),
                        (status = "default", description = "An error.", body = ProblemDocument, content_type = "application/problem+json"),
                    ),
                )]
        pub async fn $name(
            Shared(state): Shared<State>,
            headers: HeaderMap,
            Parameters(parameters): Parameters<ListParameters>,
        ) -> Result<Response, Problem> {
            answer::list(&state, &headers, &$listing, &parameters).await
        }
    };
}

list!(
    fallbacks,
    "/fallbacks",
    listing::FALLBACKS,
    FallbackRow,
    "Pods that fall back to their node's role: who, why, and what to do."
);
list!(
    readiness,
    "/readiness",
    Report::Readiness.listing(),
    ReadinessRow,
    "Whether IMDS hop limit 1 is safe, per cluster and node role."
);
list!(
    workloads,
    "/workloads",
    Report::Workloads.listing(),
    WorkloadRow,
    "Which workload used which role, by which access path."
);
list!(
    roles,
    "/roles",
    Report::Roles.listing(),
    RoleRow,
    "Roles of clusters: what each is for, who may use it, and who did."
);
list!(
    nodes,
    "/nodes",
    Report::Nodes.listing(),
    NodeRow,
    "Nodes, their metadata options, and who used their role."
);
list!(
    events,
    "/events",
    listing::EVENTS,
    EventRow,
    "Calls, the newest first, with who made them."
);
list!(
    coverage,
    "/coverage",
    Report::Coverage.listing(),
    CoverageRow,
    "What the store covers, by account and region, and how much of it is attributed."
);
list!(
    timeline,
    "/timeline",
    listing::TIMELINE,
    TimelineRow,
    "Calls per hour, by access path and actor."
);
list!(
    flows,
    "/flows",
    listing::FLOWS,
    FlowRow,
    "Which workload used which role for which service; names are null where the workload is not known."
);
