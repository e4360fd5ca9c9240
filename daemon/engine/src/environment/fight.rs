//! Two writers fighting over an object are noticed and slowed down.
//!
//! A correction that is undone at once would be made for ever, as fast as the API server answers.
//! More than five corrections of one object in a minute are a fight: from then on each waits twice
//! as long as the one before, until there has been peace for a while.

use std::time::Duration;

use crate::Time;

/// Corrections of one object in a minute that are no fight yet.
const PATIENCE: u32 = 5;
const WINDOW: Duration = Duration::from_mins(1);
const FIRST_WAIT: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// How often an object has been changed after we applied it.
#[derive(Debug, Default)]
pub(super) struct Fighting {
    window: Time,
    corrections: u32,
    level: u32,
    until: Time,
}

impl Fighting {
    /// Notes that the object has drifted again, and returns when to correct it.
    pub(super) fn drifted(&mut self, now: Time) -> Time {
        if self.level > 0 && now - self.until > LONGEST_WAIT {
            *self = Self::default();
        }
        if self.corrections == 0 || now - self.window > WINDOW {
            self.window = now;
            self.corrections = 0;
        }
        self.corrections += 1;
        if self.level == 0 && self.corrections <= PATIENCE {
            self.until = now;
        } else {
            let factor = 2_u32.saturating_pow(self.level.min(16));
            self.level = self.level.saturating_add(1);
            self.until = now + FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
        }
        self.until
    }

    /// When the drift that was noted last is corrected.
    pub(super) fn until(&self) -> Time {
        self.until
    }

    pub(super) fn is_slowed(&self) -> bool {
        self.level > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_corrections_in_a_minute_are_no_fight() {
        let mut fighting = Fighting::default();
        for second in 1..=5 {
            let now = Time(second * 1000);
            assert_eq!(fighting.drifted(now), now, "correction {second}");
        }
        let later = Time(200_000);
        assert_eq!(fighting.drifted(later), later, "the minute is over");
        assert!(!fighting.is_slowed());
    }

    #[test]
    fn more_are_slowed_down_until_there_is_peace() {
        let mut fighting = Fighting::default();
        let mut now = Time(0);
        for _ in 0..5 {
            now = fighting.drifted(now);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            let until = fighting.drifted(now);
            waits.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600]);
        let peace = now + Duration::from_mins(11);
        assert_eq!(fighting.drifted(peace), peace, "forgotten");
    }
}
