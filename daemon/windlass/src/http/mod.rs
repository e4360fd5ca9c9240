//! The daemon's HTTP face: probes, metrics, a read-only API and webhooks.

mod api;
mod payload;
mod signature;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::controller::Handle;
use crate::metrics::Metrics;
pub(crate) use webhook::Deliveries;

/// What every request may reach.
#[derive(Clone)]
pub(crate) struct Faces {
    /// The controller: what is known, and whom to wake.
    pub(crate) controller: Handle,
    /// Counters for `/metrics`.
    pub(crate) metrics: Metrics,
    /// The daemon-wide webhook secret, if there is one.
    pub(crate) webhook_secret: Option<Arc<[u8]>>,
    /// Deliveries seen lately, so that a repeated one is merged.
    pub(crate) deliveries: Arc<Deliveries>,
}

/// The routes. Nothing here waits for the cluster or for Git: an answer is what is known now.
pub(crate) fn router(faces: Faces) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/environments", get(api::environments))
        .route("/api/v1/environments/{name}", get(api::environment))
        .route("/webhook/{provider}", post(webhook::any_repository))
        .route(
            "/webhook/{provider}/{namespace}/{repository}",
            post(webhook::one_repository),
        )
        .fallback(not_found)
        .with_state(faces)
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready once the first list of environments is known, not ready from the moment of SIGTERM on, so
/// that a load balancer stops sending webhooks before the server is gone.
async fn readyz(State(faces): State<Faces>) -> (StatusCode, &'static str) {
    if faces.controller.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if faces.controller.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}

async fn metrics(State(faces): State<Faces>) -> impl IntoResponse {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, TYPE)], faces.metrics.text())
}

async fn not_found() -> impl IntoResponse {
    error(
        StatusCode::NOT_FOUND,
        "WL0901",
        "there is nothing at this address; see /api/v1/environments, /healthz, /readyz, /metrics",
    )
}

/// An error answer: `{"error": {"code": …, "message": …}}`.
fn error(status: StatusCode, code: &str, message: &str) -> axum::response::Response {
    let body = serde_json::json!({ "error": { "code": code, "message": message } });
    (status, axum::Json(body)).into_response()
}
