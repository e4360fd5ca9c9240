//! When a failed request is tried again.
//!
//! Each object backs off by itself, so that one that is refused does not slow the others. When
//! nothing but transient failures comes back the API server is in trouble, not an object: then a
//! breaker holds back the whole environment and lets one request at a time find out.

use std::time::Duration;

use windlass_manifest::ObjectId;

use crate::applyset::SetId;
use crate::fingerprint::sha256;
use crate::options::{Backoff, Retry};
use crate::{FailureClass, Time};

/// The wait before the attempt after attempt number `attempt` (from 1), without jitter.
fn doubled(backoff: Backoff, attempt: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1).min(30));
    backoff.first.saturating_mul(factor).min(backoff.longest)
}

/// Takes up to a fifth off a wait, always the same for the same seed: objects that failed together
/// do not come back together, and a test can tell when they come.
fn jittered(wait: Duration, seed: &str) -> Duration {
    let [byte, ..] = sha256(seed.as_bytes());
    wait.saturating_sub(wait / 5 * u32::from(byte) / 255)
}

/// How long to wait after a failure of `class` at attempt number `attempt` (from 1).
pub(super) fn wait(
    retry: &Retry,
    class: &FailureClass,
    set: &SetId,
    id: Option<&ObjectId>,
    attempt: u32,
) -> Duration {
    // A server may ask for more than our own longest wait; it may not ask for for ever.
    if let FailureClass::Transient {
        retry_after: Some(asked),
    } = class
    {
        return (*asked).clamp(
            retry.transient.first.min(Duration::from_secs(1)),
            Duration::from_mins(10),
        );
    }
    let backoff = if class.is_brief() {
        retry.transient
    } else {
        retry.rejected
    };
    let id = id.map(ToString::to_string).unwrap_or_default();
    jittered(
        doubled(backoff, attempt),
        &format!("{}/{id}/{attempt}", set.as_str()),
    )
}

/// Holds an environment's requests back while the API server is in trouble.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    opened: u32,
    open_until: Option<Time>,
}

impl Breaker {
    /// Transient failures in a row before requests are held back.
    const PATIENCE: u32 = 5;

    /// How many requests may be on their way now.
    pub(super) fn room(&self, now: Time, max_in_flight: usize) -> usize {
        match self.open_until {
            None => max_in_flight.max(1),
            Some(until) if now < until => 0,
            Some(_) => 1,
        }
    }

    /// The API server answered: whatever it said, it can be asked.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// A request failed for reasons that are not its own. Returns until when to hold back, when
    /// this failure is the one that opens the breaker.
    pub(super) fn failed(&mut self, now: Time, retry: &Retry, set: &SetId) -> Option<Time> {
        self.failures = self.failures.saturating_add(1);
        let is_open = self.open_until.is_some_and(|until| now < until);
        // What was sent before the breaker opened comes back after it has, and tells nothing new.
        if is_open || self.failures < Self::PATIENCE {
            return None;
        }
        self.opened = self.opened.saturating_add(1);
        let seed = format!("{}//{}", set.as_str(), self.opened);
        let until = now + jittered(doubled(retry.transient, self.opened), &seed);
        self.open_until = Some(until);
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn set() -> SetId {
        SetId::of_parent("shop", "windlass", "Environment", "windlass.dev")
    }

    #[rstest]
    #[case(FailureClass::Transient { retry_after: None }, 1, 1_000)]
    #[case(FailureClass::Transient { retry_after: None }, 4, 8_000)]
    #[case(FailureClass::Transient { retry_after: None }, 40, 120_000)]
    #[case(FailureClass::Stale, 1, 1_000)]
    #[case(FailureClass::Rejected, 1, 30_000)]
    #[case(FailureClass::Forbidden, 3, 120_000)]
    #[case(FailureClass::Rejected, u32::MAX, 600_000)]
    fn waits_double_up_to_a_longest(
        #[case] class: FailureClass,
        #[case] attempt: u32,
        #[case] longest: u64,
    ) {
        let waited = wait(&Retry::default(), &class, &set(), None, attempt);
        let longest = Duration::from_millis(longest);
        assert!(
            waited <= longest,
            "{class:?} {attempt}: {waited:?} is over {longest:?}"
        );
        assert!(
            waited >= longest * 4 / 5,
            "{class:?} {attempt}: jitter takes a fifth at most: {waited:?}"
        );
        assert_eq!(
            waited,
            wait(&Retry::default(), &class, &set(), None, attempt),
            "deterministic"
        );
    }

    #[rstest]
    #[case(7, 7)]
    #[case(0, 1)]
    #[case(100_000, 600)]
    fn the_servers_wish_is_followed_within_bounds(#[case] asked: u64, #[case] expected: u64) {
        let class = FailureClass::Transient {
            retry_after: Some(Duration::from_secs(asked)),
        };
        let waited = wait(&Retry::default(), &class, &set(), None, 1);
        assert_eq!(waited, Duration::from_secs(expected));
    }

    #[test]
    fn the_breaker_opens_after_failures_in_a_row_and_then_sends_one_at_a_time() {
        let retry = Retry::default();
        let mut breaker = Breaker::default();
        for _ in 1..Breaker::PATIENCE {
            assert_eq!(breaker.failed(Time(0), &retry, &set()), None);
        }
        assert_eq!(breaker.room(Time(0), 64), 64, "not yet");
        let until = breaker.failed(Time(0), &retry, &set()).unwrap_or_default();
        assert_eq!(breaker.room(Time(0), 64), 0);
        assert_eq!(
            breaker.failed(Time(1), &retry, &set()),
            None,
            "a late answer changes nothing"
        );
        assert_eq!(breaker.room(until, 64), 1, "one request finds out");
        let next = breaker.failed(until, &retry, &set()).unwrap_or_default();
        assert!(next - until > until - Time(0), "the second wait is longer");
        breaker.answered();
        assert_eq!(breaker.room(Time(0), 64), 64);
    }
}
