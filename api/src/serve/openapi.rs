//! The description of the API, and a page to read it.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{Html, IntoResponse, Response};
use podtrail_query::listing::{self, Listing};
use podtrail_query::report::Report;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};

/// What the document begins with.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "podtrail",
        description = "Which Kubernetes workload made an AWS API call. Read-only. Times are RFC 3339 in UTC; columns that hold \
                       JSON are texts. Every answer that is read from the store says which snapshot (table versions) it was read from; \
                       those to GET have a weak ETag that changes with it. Errors are application/problem+json."
    ),
    security((), ("token" = []))
)]
pub struct Api;

/// Lists by path, for the filters that each takes.
fn listings() -> [(&'static str, Listing); 9] {
    [
        ("/api/v1/fallbacks", listing::FALLBACKS),
        ("/api/v1/readiness", Report::Readiness.listing()),
        ("/api/v1/workloads", Report::Workloads.listing()),
        ("/api/v1/roles", Report::Roles.listing()),
        ("/api/v1/nodes", Report::Nodes.listing()),
        ("/api/v1/events", listing::EVENTS),
        ("/api/v1/coverage", Report::Coverage.listing()),
        ("/api/v1/timeline", listing::TIMELINE),
        ("/api/v1/flows", listing::FLOWS),
    ]
}

/// Finishes the document: the token, and of the filters of a list only those that it takes.
#[must_use]
pub fn finish(mut document: Document) -> Document {
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "A token of `podtrail token create`, or of the OIDC issuer. Not needed on loopback.",
                ))
                .build(),
        ),
    );
    let listings = listings();
    for (path, item) in &mut document.paths.paths {
        let Some(operation) = &mut item.get else {
            continue;
        };
        if let Some((_, listing)) = listings.iter().find(|(each, _)| each == path) {
            keep(operation, |name| {
                listing.takes(name) || ["limit", "next_token"].contains(&name)
            });
        }
        if path.starts_with("/api/v1/reports/") {
            keep(operation, |name| {
                Report::ALL
                    .iter()
                    .any(|report| report.listing().takes(name))
            });
        }
    }
    document
}

fn keep(operation: &mut Operation, takes: impl Fn(&str) -> bool) {
    if let Some(parameters) = &mut operation.parameters {
        parameters.retain(|parameter| match parameter {
            RefOr::T(Parameter {
                name, parameter_in, ..
            }) => *parameter_in != ParameterIn::Query || takes(name),
            RefOr::Ref(_) => true,
        });
    }
}

/// The document.
#[derive(Clone)]
pub struct Described {
    /// The document.
    pub document: std::sync::Arc<Document>,
}

impl std::fmt::Debug for Described {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Described")
    }
}

/// `/openapi.json`.
pub async fn json(Shared(described): Shared<Described>) -> Response {
    Json(described.document.as_ref()).into_response()
}

/// `/docs`: the document for people, made here so that nothing is loaded from elsewhere.
pub async fn page(Shared(described): Shared<Described>) -> Html<String> {
    Html(super::openapi_page::render(&described.document))
}
