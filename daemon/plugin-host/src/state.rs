//! What the host keeps for one call, and the bounds it watches.

use crate::bridge::Bridge;
use crate::link::preview1::Process;
use crate::text::Tail;
use crate::{Level, Limits, LogLine, text};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wasmtime::ResourceLimiter;

/// The data of a store: it lives as long as the call.
pub(crate) struct State {
    pub(crate) bridge: Bridge,
    pub(crate) memory: Memory,
    pub(crate) log: Vec<LogLine>,
    pub(crate) printed: Tail,
    pub(crate) surroundings: Surroundings,
    /// The streams and files of a command; a component has none.
    pub(crate) process: Process,
    /// When the call has to be over; none when that is beyond what a clock can say.
    deadline: Option<Instant>,
    host_calls_left: u64,
    log_bytes_left: u64,
}

/// Why the host ended a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("too many host calls")]
    HostCalls,
    #[error("too many bytes logged")]
    LogBytes,
    #[error("too many bytes on standard output")]
    OutputBytes,
    #[error("exit with status {0}")]
    Exit(u8),
    #[error("{0}")]
    Misuse(String),
}

impl State {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bridge: Bridge::default(),
            memory: Memory::new(limits.memory_bytes),
            log: Vec::new(),
            printed: Tail::default(),
            surroundings: Surroundings::default(),
            process: Process::default(),
            deadline: Instant::now().checked_add(limits.wall_time),
            host_calls_left: limits.host_calls,
            log_bytes_left: limits.log_bytes,
        }
    }

    /// The state of a command, with what stands on its standard input and the files it finds.
    pub(crate) fn for_command(
        limits: &Limits,
        input: Vec<u8>,
        files: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        Self {
            process: Process::new(input, limits.output_bytes, files),
            ..Self::new(limits)
        }
    }

    /// How much time the call has left.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    /// Gives time back that the call did not use up itself.
    pub(crate) fn extend(&mut self, time: Duration) {
        self.deadline = self
            .deadline
            .and_then(|deadline| deadline.checked_add(time));
    }

    /// Counts one call of the host. To be called first by every host function.
    pub(crate) fn count_call(&mut self) -> Result<(), Stop> {
        self.host_calls_left = self.host_calls_left.checked_sub(1).ok_or(Stop::HostCalls)?;
        Ok(())
    }

    /// Keeps a log line, and gives it as it may be shown.
    pub(crate) fn log(&mut self, level: Level, message: &str) -> Result<String, Stop> {
        self.count_log(message.len() + size_of::<LogLine>())?;
        let message = text::message(message);
        self.log.push(LogLine {
            level,
            message: message.clone(),
        });
        Ok(message)
    }

    /// Keeps the end of what is printed.
    pub(crate) fn print(&mut self, printed: &[u8]) -> Result<(), Stop> {
        self.printed.push(printed);
        self.count_log(printed.len())
    }

    fn count_log(&mut self, bytes: usize) -> Result<(), Stop> {
        self.log_bytes_left = u64::try_from(bytes)
            .ok()
            .and_then(|bytes| self.log_bytes_left.checked_sub(bytes))
            .ok_or(Stop::LogBytes)?;
        Ok(())
    }

    /// The log with the end of what was printed behind it.
    pub(crate) fn into_log(self) -> Vec<LogLine> {
        let mut log = self.log;
        let printed = self.printed.show();
        log.extend(printed.lines().map(|line| LogLine {
            level: Level::Debug,
            message: line.to_owned(),
        }));
        log
    }
}

/// Counts the memory of all memories and tables of a call together.
pub(crate) struct Memory {
    limit: u64,
    used: u64,
    peak: u64,
    /// What the guest would have had when it was first refused. A refusal is no trap: some guests
    /// collect their garbage and go on. If it crashes then, this is why.
    pub(crate) refused: Option<u64>,
}

impl Memory {
    /// One entry of a table takes a pointer.
    const TABLE_ENTRY: usize = size_of::<usize>();

    fn new(limit: u64) -> Self {
        Self {
            limit,
            used: 0,
            peak: 0,
            refused: None,
        }
    }

    /// The most there was at any time, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let more = desired.saturating_sub(current) as u64;
        let wanted = self.used.saturating_add(more);
        if wanted > self.limit {
            self.refused.get_or_insert(wanted);
            return false;
        }
        self.used = wanted;
        self.peak = self.peak.max(wanted);
        true
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(
            current.saturating_mul(Self::TABLE_ENTRY),
            desired.saturating_mul(Self::TABLE_ENTRY),
        ))
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        256
    }

    /// Each memory reserves some gigabytes of addresses, which are plenty and not endless.
    fn memories(&self) -> usize {
        16
    }
}

/// The clocks and the randomness of a call: the same in every call, so that a plugin that looks
/// at them is a pure function still.
pub(crate) struct Surroundings {
    monotonic: u64,
    random: u64,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            // Some programs subtract a little from the first instant that they see.
            monotonic: 1_000_000_000,
            random: 0x5749_4e44_4c41_5353,
        }
    }
}

impl Surroundings {
    /// 2020-01-01T00:00:00Z, in seconds since 1970: late enough for certificates and calendars.
    pub(crate) const WALL_CLOCK_SECONDS: u64 = 1_577_836_800;

    /// The time that passes from one look at the clock to the next, so that a loop which waits
    /// for a time comes to its end.
    const STEP_NANOSECONDS: u64 = 1_000;

    /// The monotonic clock, in nanoseconds.
    pub(crate) fn now(&mut self) -> u64 {
        self.sleep(Self::STEP_NANOSECONDS);
        self.monotonic
    }

    /// The monotonic clock, without letting the time pass.
    pub(crate) fn peek(&self) -> u64 {
        self.monotonic
    }

    /// Lets the time pass at once.
    pub(crate) fn sleep(&mut self, nanoseconds: u64) {
        self.monotonic = self.monotonic.saturating_add(nanoseconds);
    }

    /// Lets the time pass at once until `instant`.
    pub(crate) fn sleep_until(&mut self, instant: u64) {
        self.monotonic = self.monotonic.max(instant);
    }

    /// The next number of the sequence SplitMix64 (Steele, Lea, Flood: Fast splittable
    /// pseudorandom number generators, 2014), which is evenly spread and needs no table.
    pub(crate) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fills a room with random bytes.
    pub(crate) fn fill(&mut self, room: &mut [u8]) {
        for part in room.chunks_mut(8) {
            let random = self.random().to_le_bytes();
            part.copy_from_slice(&random[..part.len()]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_are_counted_together() {
        let mut memory = Memory::new(1000);
        assert!(memory.memory_growing(0, 600, None).unwrap(), "within");
        assert!(memory.memory_growing(0, 300, None).unwrap(), "a second one");
        assert!(
            !memory.table_growing(0, 20, None).unwrap(),
            "160 more bytes"
        );
        assert!(
            memory.memory_growing(600, 700, None).unwrap(),
            "to the brim"
        );
        assert!(!memory.memory_growing(700, 701, None).unwrap(), "over");
        assert_eq!(memory.peak(), 1000, "what was refused does not count");
        assert_eq!(memory.refused, Some(1060), "the first refusal is kept");
    }

    #[test]
    fn surroundings_are_the_same_in_every_call() {
        let look = || {
            let mut seen = Surroundings::default();
            let before = seen.now();
            seen.sleep(5_000_000_000);
            (seen.now() - before, seen.random(), seen.random())
        };
        assert_eq!(look(), look());
        assert_eq!(
            look().0,
            5_000_001_000,
            "time passes by sleeping and by looking"
        );
    }

    #[test]
    fn printing_and_logging_share_one_bound() {
        let mut state = State::new(&Limits {
            log_bytes: 200,
            ..Limits::default()
        });
        state.log(Level::Info, &"x".repeat(50)).unwrap();
        state.print(&[b'x'; 100]).unwrap();
        assert_eq!(state.log(Level::Info, "x").unwrap_err(), Stop::LogBytes);
    }
}
