//! The clock that ends calls which take too long.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wasmtime::Engine;

/// How often running guests look at the clock.
const TICK: Duration = Duration::from_millis(10);

/// A thread that raises the engine's epoch while calls are running, and sleeps while none is: an
/// idle daemon must not wake a hundred times in a second.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, of_thread) = (engine.clone(), Arc::clone(&shared));
        std::thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .spawn(move || tick(&engine, &of_thread))?;
        Ok(Self { shared })
    }

    /// Keeps the clock going for as long as the guard lives.
    pub(crate) fn run(&self) -> Running<'_> {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.running == 1 {
            self.shared.changed.notify_one();
        }
        Running { ticker: self }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
    }
}

pub(crate) struct Running<'a> {
    ticker: &'a Ticker,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.ticker.shared.lock().running -= 1;
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    loop {
        let state = shared
            .changed
            .wait_while(shared.lock(), |state| state.running == 0 && !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return;
        }
        drop(state);
        std::thread::sleep(TICK);
        engine.increment_epoch();
    }
}
