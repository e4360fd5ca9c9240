//! Thousands of lives of a daemon, each with its own bad luck.
//!
//! Requests are delayed, refused, lost, lost after they were carried out, and carried out after
//! they were given up; watches lag; people edit, delete and unlabel objects; new commits move
//! objects between environments; kinds vanish and come back; the daemon is killed at any moment.
//! What must never happen is checked at every step, and in the end everything has to be as the
//! newest commit wants it, with nothing left to ask for.
//!
//! `WINDLASS_SEED=n` repeats one life and prints it; `WINDLASS_LIVES=n` lives more of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rstest::rstest;
use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn live(seed: u64, environments: usize, steps: usize) {
    let mut world = World::new(seed, environments);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..steps {
            world.step();
        }
        world.settle();
        world.check_rest();
    }));
    if let Err(panic) = outcome {
        if number("WINDLASS_SEED").is_some() {
            eprintln!("{}", world.trace.join("\n"));
        }
        eprintln!("the life with the seed {seed} failed: repeat it with WINDLASS_SEED={seed}");
        resume_unwind(panic);
    }
}

#[rstest]
#[case::alone(1, 250)]
#[case::with_another(2, 400)]
#[case::three_of_them(3, 700)]
fn every_life_ends_well(#[case] environments: usize, #[case] steps: usize) {
    let lives = number("WINDLASS_LIVES").unwrap_or(700);
    match number("WINDLASS_SEED") {
        Some(seed) => live(seed, environments, steps),
        None => (0..lives).for_each(|seed| live(seed, environments, steps)),
    }
}
