//! Time as a value.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment, in milliseconds since any fixed origin.
///
/// The driver takes it from a monotonic clock, so that a wall clock that jumps changes nothing.
/// Only differences between two moments of the same driver mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// Returns how long after `earlier` this moment is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// The moment that much later, rounded up to a millisecond: a wait is never cut short.
    fn add(self, wait: Duration) -> Time {
        let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(millis))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_never_wraps() {
        assert_eq!(Time(5) + Duration::from_micros(1), Time(6));
        assert_eq!(Time(5) + Duration::MAX, Time(u64::MAX));
        assert_eq!(
            Time(5) - Time(9),
            Duration::ZERO,
            "a clock that went back counts as no time"
        );
    }
}
