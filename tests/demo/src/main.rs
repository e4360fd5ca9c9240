//! `cargo demo`: from a fresh clone to a running Windlass.
//!
//! Builds what is missing, starts a real control plane with simulated nodes and a Git server, serves `repo-example/` from
//! it, and runs the daemon as its users do. Everything that is started ends with this process, and what is worth looking at
//! stays in `target/demo` until the next start.

mod api;
mod builds;
mod demo;
mod folder;
mod hints;
mod interrupt;
mod metrics;
mod repository;
mod rollout;
mod screen;
mod secrets;
mod table;
mod text;
mod watch;
mod webhook;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use demo::Demo;
use folder::Folder;
use interrupt::Interrupt;
use screen::Screen;
use watch::Verdict;

/// What shells report for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Starts a control plane, a Git server with repo-example/, and Windlass, and says what to try.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version, max_term_width = 100)]
struct Arguments {
    /// Ends once everything is Ready: exit code 0, or 1 with the reasons when it is not in time.
    #[arg(long)]
    once: bool,
    /// How long it may take until everything is Ready, from the end of the builds.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write one such as 90s or 5m");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_error| wrong())?;
    Duration::try_from(parsed).map_err(|_negative| wrong())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut screen = Screen::new();
    // Nothing catches signals yet, so that Ctrl-C ends the compilers as it does everywhere.
    let programs = builds::programs(&mut screen)?;
    let folder = Folder::fresh()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let result = runtime.block_on(async {
        let mut interrupt = Interrupt::new()?;
        let start = Demo::start(&programs, &folder, &mut screen);
        let demo = tokio::select! {
            demo = start => Some(demo?),
            () = interrupt.received() => None,
        };
        match demo {
            Some(demo) => attend(demo, arguments, &mut interrupt, &mut screen).await,
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    });
    // A request that is under way on a blocking thread need not be waited for.
    runtime.shutdown_background();
    result
}

/// Shows a running demo until it is over, and ends it.
async fn attend(
    mut demo: Demo,
    arguments: &Arguments,
    interrupt: &mut Interrupt,
    screen: &mut Screen,
) -> Result<ExitCode> {
    let mut was_ready = false;
    let shown = tokio::select! {
        shown = show(&mut demo, arguments, screen, &mut was_ready) => Some(shown),
        () = interrupt.received() => None,
    };
    let code = match shown {
        Some(shown) => shown?,
        None if was_ready => ExitCode::SUCCESS,
        None => ExitCode::from(INTERRUPTED),
    };
    if !arguments.once {
        screen.line("\nstopping")?;
    }
    demo.stop().await?;
    Ok(code)
}

async fn show(
    demo: &mut Demo,
    arguments: &Arguments,
    screen: &mut Screen,
    was_ready: &mut bool,
) -> Result<ExitCode> {
    match watch::until_ready(demo, arguments.timeout, screen).await? {
        Verdict::Ready(summary) => {
            *was_ready = true;
            screen.line(&summary)?;
            screen.line(&demo.hints())?;
        }
        Verdict::NotReady(reasons) if arguments.once => {
            eprintln!("{reasons}");
            return Ok(ExitCode::FAILURE);
        }
        Verdict::NotReady(reasons) => {
            eprintln!("{reasons}");
            screen.line("\nIt may still become ready; Ctrl-C ends the demo.")?;
        }
    }
    if arguments.once {
        return Ok(ExitCode::SUCCESS);
    }
    watch::follow(demo, screen).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("5m", Some(300))]
    #[case("90s", Some(90))]
    #[case("1h30m", Some(5400))]
    #[case("-5m", None)]
    #[case("5", None)]
    #[case("soon", None)]
    fn a_duration_is_read_or_refused(#[case] text: &str, #[case] seconds: Option<u64>) {
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(duration(text).ok(), expected, "{text}");
    }
}
