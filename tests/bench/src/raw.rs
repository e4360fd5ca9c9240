//! The rate of a plain client: what the same API server takes when nobody thinks about it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};
use windlass_test_support::workload;

use crate::report::median;

const MANAGER: &str = "windlass-bench";

/// Requests in flight: few, as a careful client has, and many, as the daemon may have.
pub(crate) const IN_FLIGHT: [usize; 2] = [16, 48];

/// Applications for each measurement; long enough for a rate, short enough to leave the store small.
const APPLICATIONS: usize = 250;

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) when: &'static str,
    pub(crate) in_flight: usize,
    pub(crate) objects: usize,
    pub(crate) took: Duration,
    /// Median time of a request, in seconds.
    pub(crate) p50: f64,
}

impl Raw {
    /// Objects applied in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.objects as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "when": self.when,
            "inFlight": self.in_flight,
            "objects": self.objects,
            "seconds": self.took.as_secs_f64(),
            "objectsPerSecond": self.rate(),
            "p50Seconds": self.p50,
        })
    }
}

/// Measures every number of [`IN_FLIGHT`], in namespaces of their own.
pub(crate) async fn measure(client: &Client, when: &'static str) -> Result<Vec<Raw>> {
    let mut found = Vec::new();
    for in_flight in IN_FLIGHT {
        let namespace = format!("raw-{when}-{in_flight}");
        create_namespace(client, &namespace).await?;
        let raw = apply_all(client, &namespace, when, in_flight).await?;
        eprintln!(
            "a plain client, {in_flight} in flight, {when}: {:.0} objects a second",
            raw.rate()
        );
        found.push(raw);
    }
    Ok(found)
}

async fn apply_all(
    client: &Client,
    namespace: &str,
    when: &'static str,
    in_flight: usize,
) -> Result<Raw> {
    let objects: Vec<Value> = (0..APPLICATIONS)
        .flat_map(|number| workload::objects(&format!("app-{number:04}"), namespace))
        .collect();
    let count = objects.len();
    let begin = Instant::now();
    let times: Vec<f64> = futures::stream::iter(objects)
        // On tasks of their own, because one task would use one core and be slower than the API server.
        .map(|object| tokio::spawn(apply(client.clone(), namespace.to_owned(), object)))
        .buffer_unordered(in_flight)
        .map(|joined| joined.context("a request panicked")?)
        .try_collect()
        .await?;
    Ok(Raw {
        when,
        in_flight,
        objects: count,
        took: begin.elapsed(),
        p50: median(&times),
    })
}

async fn apply(client: Client, namespace: String, object: Value) -> Result<f64> {
    let text = |pointer: &str| {
        let value = object.pointer(pointer).and_then(Value::as_str);
        value.with_context(|| format!("an object of the workload has no {pointer}"))
    };
    let resource = resource(text("/apiVersion")?, text("/kind")?);
    let name = text("/metadata/name")?.to_owned();
    let api = Api::<DynamicObject>::namespaced_with(client, &namespace, &resource);
    let params = PatchParams::apply(MANAGER).force();
    let begin = Instant::now();
    api.patch(&name, &params, &Patch::Apply(&object))
        .await
        .with_context(|| format!("applying {} {namespace}/{name}", resource.kind))?;
    Ok(begin.elapsed().as_secs_f64())
}

/// The resource of a kind of the workload, whose plurals are all regular.
pub(crate) fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Makes a namespace, so that its creation is no part of what is measured.
pub(crate) async fn create_namespace(client: &Client, name: &str) -> Result<()> {
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    Api::<Namespace>::all(client.clone())
        .patch(name, &PatchParams::apply(MANAGER), &Patch::Apply(namespace))
        .await
        .with_context(|| format!("making the namespace {name}"))?;
    Ok(())
}
