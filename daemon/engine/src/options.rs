//! How an environment wants to be synced (`sync` in `environment.yaml`).

use std::time::Duration;

/// What is done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DriftMode {
    /// The drifted object is applied again.
    #[default]
    Correct,
    /// Drift is reported and left alone.
    Report,
}

/// How much one sync may prune without a person's confirmation.
///
/// Both have to be passed for a refusal: a third of a tiny environment is a small thing, and so
/// are ten objects of a large one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneLimit {
    /// Share of the environment's members, in percent.
    pub percent: u8,
    /// Number of objects.
    pub objects: usize,
}

/// Waits between attempts: the first, then twice as long each time, up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

/// How failed requests are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// After failures that pass by themselves: an overloaded or unreachable API server.
    pub transient: Backoff,
    /// After failures that need somebody to change something.
    pub rejected: Backoff,
}

/// How an environment is synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether objects that left Git are deleted.
    pub prune: bool,
    /// What is done about drift.
    pub drift: DriftMode,
    /// How long after its apply an object may take to become healthy.
    pub timeout: Duration,
    /// How much is pruned without confirmation.
    pub prune_limit: PruneLimit,
    /// How failures are retried.
    pub retry: Retry,
    /// How many requests of this environment may be on their way at once; at least one is.
    pub max_in_flight: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prune: true,
            drift: DriftMode::default(),
            timeout: Duration::from_mins(5),
            prune_limit: PruneLimit::default(),
            retry: Retry::default(),
            max_in_flight: 64,
        }
    }
}

impl Default for PruneLimit {
    fn default() -> Self {
        Self {
            percent: 30,
            objects: 10,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            transient: Backoff {
                first: Duration::from_secs(1),
                longest: Duration::from_mins(2),
            },
            rejected: Backoff {
                first: Duration::from_secs(30),
                longest: Duration::from_mins(10),
            },
        }
    }
}
