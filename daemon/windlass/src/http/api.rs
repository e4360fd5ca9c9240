//! `GET /api/v1/environments[/NAME]`: what the controller knows, without a request to the cluster.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Faces, error};

/// `?namespace=` picks one where two namespaces hold an environment of the same name.
#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    namespace: Option<String>,
}

pub(super) async fn environments(
    State(faces): State<Faces>,
    Query(filter): Query<Filter>,
) -> Response {
    let summaries: Vec<_> = faces
        .controller
        .summaries()
        .into_iter()
        .filter(|summary| {
            filter
                .namespace
                .as_ref()
                .is_none_or(|ns| *ns == summary.namespace)
        })
        .collect();
    Json(serde_json::json!({ "environments": summaries })).into_response()
}

pub(super) async fn environment(
    State(faces): State<Faces>,
    Path(name): Path<String>,
    Query(filter): Query<Filter>,
) -> Response {
    match faces
        .controller
        .detail(filter.namespace, name.clone())
        .await
    {
        Ok(Some(detail)) => Json(detail).into_response(),
        Ok(None) => error(
            StatusCode::NOT_FOUND,
            "WL0902",
            &format!("there is no environment `{name}`; /api/v1/environments lists them"),
        ),
        Err(_stopping) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "WL0903",
            "the daemon is stopping",
        ),
    }
}
