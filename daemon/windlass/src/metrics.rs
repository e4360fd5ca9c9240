//! Counters in Prometheus form. One registry a process, handed around as a value.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::controller::Key;

/// Labels of a metric about one environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct EnvironmentLabels {
    pub(crate) namespace: String,
    pub(crate) environment: String,
}

/// Labels of a metric about one environment with an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct EnvironmentResult {
    pub(crate) namespace: String,
    pub(crate) environment: String,
    pub(crate) result: &'static str,
}

/// Labels of a metric about one repository with an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RepositoryResult {
    pub(crate) namespace: String,
    pub(crate) repository: String,
    pub(crate) result: &'static str,
}

/// Labels of a metric with an outcome alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) result: &'static str,
}

/// Labels of the webhook counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct WebhookResult {
    pub(crate) provider: &'static str,
    pub(crate) result: &'static str,
}

/// Everything that is counted.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    /// Renders by outcome: `ran` (a step was executed), `remembered` (none was), `failed`.
    pub(crate) renders: Family<EnvironmentResult, Counter>,
    /// Requests that write an object: `applied`, `failed`.
    pub(crate) applies: Family<Outcome, Counter>,
    /// Requests that delete an object: `deleted`, `failed`.
    pub(crate) prunes: Family<Outcome, Counter>,
    /// Objects applied again because their fields had changed in the cluster.
    pub(crate) corrections: Family<EnvironmentLabels, Counter>,
    /// Fetches by outcome: `changed`, `unchanged`, `failed`.
    pub(crate) fetches: Family<RepositoryResult, Counter>,
    /// Webhooks by outcome: `accepted`, `duplicate`, `refused`, `unmatched`, `malformed`.
    pub(crate) webhooks: Family<WebhookResult, Counter>,
    /// 1 when the environment is Ready, 0 otherwise.
    pub(crate) ready: Family<EnvironmentLabels, Gauge>,
    /// Seconds from the moment an environment's new render was known until it was applied in full.
    pub(crate) sync_duration: Histogram,
    /// Environments known.
    pub(crate) environments: Gauge<i64>,
    /// Seconds from the start of the process until it was ready.
    pub(crate) start_seconds: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Ends what is told of an environment that is no more.
    pub(crate) fn forget(&self, key: &Key) {
        let labels = EnvironmentLabels {
            namespace: key.namespace.clone(),
            environment: key.name.clone(),
        };
        self.ready.remove(&labels);
        self.corrections.remove(&labels);
    }

    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("windlass");
        let renders = Family::default();
        registry.register(
            "renders",
            "Renders of an environment by outcome",
            renders.clone(),
        );
        let applies = Family::default();
        registry.register(
            "applies",
            "Server-side apply requests by outcome",
            applies.clone(),
        );
        let prunes = Family::default();
        registry.register("prunes", "Delete requests by outcome", prunes.clone());
        let corrections = Family::default();
        registry.register(
            "drift_corrections",
            "Objects applied again because they had been changed in the cluster",
            corrections.clone(),
        );
        let fetches = Family::default();
        registry.register(
            "fetches",
            "Fetches of a repository by outcome",
            fetches.clone(),
        );
        let webhooks = Family::default();
        registry.register(
            "webhooks",
            "Webhook deliveries by outcome",
            webhooks.clone(),
        );
        let ready = Family::default();
        registry.register(
            "environment_ready",
            "1 when the environment is Ready",
            ready.clone(),
        );
        let sync_duration = Histogram::new(exponential_buckets(0.01, 2.0, 16));
        registry.register_with_unit(
            "sync_duration",
            "Time from a known render to its full application",
            Unit::Seconds,
            sync_duration.clone(),
        );
        let environments = Gauge::<i64>::default();
        registry.register("environments", "Environments known", environments.clone());
        let start_seconds = Gauge::<f64, AtomicU64>::default();
        registry.register_with_unit(
            "start",
            "Time from the start of the process until it was ready",
            Unit::Seconds,
            start_seconds.clone(),
        );
        Self {
            registry: Arc::new(registry),
            renders,
            applies,
            prunes,
            corrections,
            fetches,
            webhooks,
            ready,
            sync_duration,
            environments,
            start_seconds,
        }
    }

    /// The exposition text, in OpenMetrics form.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail; an empty page would still be a valid one.
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}
