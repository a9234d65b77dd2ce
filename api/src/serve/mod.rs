//! The service: HTTP API, SQL and, where they are configured, schedules, over one snapshot at a time.
//!
//! A request passes the shell ([`layers`]: identity, limits, headers), the gate ([`access`]: who may), a route
//! ([`routes`]), which asks the snapshot in service ([`served`]) through an executor with bounds, and leaves as an
//! [`answer`] in the form that the client accepts.

pub mod access;
pub mod answer;
pub mod assets;
pub mod auth;
mod body;
mod connection;
mod failure;
pub mod flight;
mod json_body;
pub mod layers;
pub mod listen;
mod observe;
pub mod observed;
pub mod openapi;
mod openapi_page;
pub mod parameters;
pub mod pgwire;
pub mod problem;
mod refusal;
pub mod remembered;
pub mod routes;
pub mod rows;
pub mod schedule;
pub mod served;
pub mod state;
pub mod telemetry;
pub mod tls;
mod workers;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use access::{Access, Gate, guard};
use auth::Scope;
use layers::HttpLimits;
use routes::{detail, explain, health, lists, policy, report, session, sql, summary};
use state::State;
pub use workers::Workers;

/// Routes that carry their description.
type Routes = OpenApiRouter<State>;

/// The routes: those of the API with what they need, the metrics, and those that need nothing.
fn described() -> ([(Option<Scope>, Routes); 3], Routes, Routes) {
    let read = OpenApiRouter::new()
        .routes(routes!(summary::summary))
        .routes(routes!(lists::fallbacks))
        .routes(routes!(detail::fallback))
        .routes(routes!(lists::readiness))
        .routes(routes!(lists::workloads))
        .routes(routes!(detail::workload))
        .routes(routes!(policy::policy))
        .routes(routes!(lists::roles))
        .routes(routes!(lists::nodes))
        .routes(routes!(detail::node))
        .routes(routes!(lists::events))
        .routes(routes!(lists::timeline))
        .routes(routes!(lists::flows))
        .routes(routes!(report::report))
        .routes(routes!(summary::ingestion))
        .routes(routes!(lists::coverage));
    let sql = OpenApiRouter::new().routes(routes!(sql::sql));
    let known = OpenApiRouter::new().routes(routes!(session::session));
    let metrics = OpenApiRouter::new().routes(routes!(health::metrics));
    let open = OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz));
    let gated = [
        (Some(Scope::Read), read),
        (Some(Scope::Sql), sql),
        (None, known),
    ];
    (gated, metrics, open)
}

/// Gives the description of the API, as `/openapi.json` has it.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let (gated, metrics, open) = described();
    let mut all = OpenApiRouter::with_openapi(openapi::Api::openapi());
    for (_, router) in gated {
        all = all.nest("/api/v1", router);
    }
    let mut document = all.merge(metrics).merge(open).into_openapi();
    // An id may have slashes, which the framework's router has another sign for than the description.
    document.merge(explain_document());
    openapi::finish(document)
}

fn explain_document() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<State>::new()
        .nest(
            "/api/v1",
            OpenApiRouter::new().routes(routes!(explain::explain)),
        )
        .into_openapi()
}

/// Makes the router of the whole service. `tls` says whether clients come by TLS.
pub fn router(state: State, access: &Access, limits: &HttpLimits, tls: bool) -> Router {
    let described = openapi::Described {
        document: Arc::new(document()),
    };
    let gate = |scope| Gate {
        access: access.clone(),
        scope,
        passwords: false,
        clock: state.clock,
    };
    let (gated, metrics, open) = self::described();
    let mut router = Router::new();
    for (scope, routes) in gated {
        let mut routes = Router::from(routes);
        if scope == Some(Scope::Read) {
            routes = routes.route("/explain/{*id}", get(explain::explain));
        }
        router = router.nest(
            "/api/v1",
            routes.route_layer(from_fn_with_state(gate(scope), guard)),
        );
    }
    let flight = flight::router(state.clone(), &gate(Some(Scope::Sql)), limits.body_bytes);
    let router = router
        .merge(
            Router::from(metrics).route_layer(from_fn_with_state(gate(Some(Scope::Read)), guard)),
        )
        .merge(Router::from(open))
        .with_state(state)
        .merge(flight)
        .merge(
            Router::new()
                .route("/docs", get(openapi::page))
                .route("/openapi.json", get(openapi::json))
                .with_state(described),
        )
        .merge(assets::router(access));
    layers::shell(router, limits, tls)
}

#[cfg(test)]
mod tests;
