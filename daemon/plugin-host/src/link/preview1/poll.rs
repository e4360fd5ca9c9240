//! Waiting, which takes no time: streams are ready, and a clock goes to the time that is waited for.

use super::errno::Errno;
use super::memory::{u16_at, u32_at, u64_at};
use super::process::Process;
use super::world::{MONOTONIC, REALTIME};
use super::{MODULE, answer};
use crate::state::{State, Surroundings};
use wasmtime::{Caller, Linker};

/// The size of a `subscription`, and of the `event` that answers it, in bytes.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// The most subscriptions of one call.
const SUBSCRIPTIONS: u32 = 4096;

/// What is waited for (`eventtype`).
const CLOCK: u8 = 0;
const READ: u8 = 1;
const WRITE: u8 = 2;

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, State>, asked: u32, told: u32, count: u32, events: u32| {
            answer(&mut caller, |memory, state| {
                if count == 0 || count > SUBSCRIPTIONS {
                    return Err(Errno::INVAL.into());
                }
                let asked = memory.bytes(asked, count * SUBSCRIPTION)?;
                let happened = wait(asked, &mut state.surroundings, &state.process);
                let told = memory.bytes_mut(told, count * EVENT)?;
                for (event, room) in happened.iter().zip(told.chunks_exact_mut(EVENT as usize)) {
                    room.fill(0);
                    room[..8].copy_from_slice(&event.userdata.to_le_bytes());
                    room[8..10].copy_from_slice(&event.errno.to_le_bytes());
                    room[10] = event.kind;
                }
                Ok(memory.put_u32(events, happened.len() as u32)?)
            })
        },
    )?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Event {
    userdata: u64,
    errno: u16,
    kind: u8,
}

/// Gives what happens first: whatever needs no waiting, or else the next alarms.
fn wait(asked: &[u8], surroundings: &mut Surroundings, process: &Process) -> Vec<Event> {
    let mut now = Vec::new();
    let mut alarms: Vec<(u64, u64)> = Vec::new();
    let start = surroundings.now();
    for subscription in asked.chunks_exact(SUBSCRIPTION as usize) {
        let userdata = u64_at(subscription, 0);
        let kind = subscription[8];
        let errno = match kind {
            CLOCK => {
                let clock = u32_at(subscription, 16);
                let timeout = u64_at(subscription, 24);
                let is_absolute = u16_at(subscription, 40) & 1 == 1;
                match (clock, is_absolute) {
                    (REALTIME | MONOTONIC, false) => {
                        alarms.push((start.saturating_add(timeout), userdata));
                        continue;
                    }
                    (MONOTONIC, true) => {
                        alarms.push((timeout, userdata));
                        continue;
                    }
                    // The clock on the wall stands still, so that its alarm has to go off at once.
                    (REALTIME, true) => 0,
                    _ => Errno::INVAL.0,
                }
            }
            READ | WRITE => process
                .get(u32_at(subscription, 16))
                .map_or_else(|errno| errno.0, |_| 0),
            _ => Errno::INVAL.0,
        };
        now.push(Event {
            userdata,
            errno,
            kind,
        });
    }
    if now.is_empty()
        && let Some(first) = alarms.iter().map(|(at, _)| *at).min()
    {
        surroundings.sleep_until(first);
    }
    let time = surroundings.peek();
    let due = alarms.into_iter().filter(|(at, _)| *at <= time);
    now.extend(due.map(|(_, userdata)| Event {
        userdata,
        errno: 0,
        kind: CLOCK,
    }));
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(userdata: u64, timeout: u64, flags: u16) -> Vec<u8> {
        let mut bytes = vec![0; SUBSCRIPTION as usize];
        bytes[..8].copy_from_slice(&userdata.to_le_bytes());
        bytes[16] = 1;
        bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
        bytes[40..42].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    fn stream(userdata: u64, fd: u8) -> Vec<u8> {
        let mut bytes = vec![0; SUBSCRIPTION as usize];
        bytes[..8].copy_from_slice(&userdata.to_le_bytes());
        bytes[8] = READ;
        bytes[16] = fd;
        bytes
    }

    fn events(asked: &[Vec<u8>], surroundings: &mut Surroundings) -> Vec<(u64, u16)> {
        let process = Process::new(Vec::new(), 0, Default::default());
        wait(&asked.concat(), surroundings, &process)
            .into_iter()
            .map(|event| (event.userdata, event.errno))
            .collect()
    }

    #[test]
    fn the_first_alarm_goes_off_at_once_and_takes_the_clock_along() {
        let mut surroundings = Surroundings::default();
        let before = surroundings.peek();
        let asked = [clock(1, 5_000_000_000, 0), clock(2, 3_000_000_000, 0)];
        assert_eq!(events(&asked, &mut surroundings), [(2, 0)]);
        let passed = surroundings.peek() - before;
        assert!(
            (3_000_000_000..3_001_000_000).contains(&passed),
            "three seconds have passed: {passed} ns"
        );
        let asked = [clock(3, before, 1)];
        assert_eq!(events(&asked, &mut surroundings), [(3, 0)], "in the past");
    }

    #[test]
    fn a_stream_is_ready_before_any_alarm() {
        let mut surroundings = Surroundings::default();
        let before = surroundings.peek();
        let asked = [clock(1, 1 << 60, 0), stream(2, 0), stream(3, 9)];
        let expected = [(2, 0), (3, Errno::BADF.0)];
        assert_eq!(events(&asked, &mut surroundings), expected);
        assert!(surroundings.peek() - before < 1_000_000, "nobody slept");
    }
}
