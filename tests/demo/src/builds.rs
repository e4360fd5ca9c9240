//! Builds what the demo starts, and says so: the first time it takes minutes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use windlass_test_support::build::{
    ControlPlaneBinaries, ensure_control_plane, ensure_windlass, workspace,
};

use crate::screen::Screen;
use crate::text;

/// A build that took less has only looked whether there is something to do.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The programs that the demo starts.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) control_plane: ControlPlaneBinaries,
    pub(crate) windlass: PathBuf,
}

/// Builds what is missing, one after the other: either build alone keeps every core busy.
pub(crate) fn programs(screen: &mut Screen) -> Result<Programs> {
    check_git()?;
    let built = workspace()
        .join("target/control-plane/sources.sha256")
        .exists();
    screen.line(
        "1/2  control plane: etcd, API server, controllers, scheduler, kubectl, simulated nodes",
    )?;
    if !built {
        screen.line("     Compiles Kubernetes itself, which takes minutes. This happens once: the result is kept")?;
        screen.line("     in target/control-plane.")?;
    }
    let control_plane = timed(screen, ensure_control_plane)?;

    let given = env::var_os("WINDLASS_BIN").map(PathBuf::from);
    match &given {
        Some(path) => screen.line(&format!("2/2  Windlass: {} (WINDLASS_BIN)", path.display()))?,
        None => screen.line("2/2  Windlass: the daemon and its plugins")?,
    }
    // Cargo puts the daemon beside this program.
    let beside = env::current_exe().ok();
    let beside = beside.as_deref().and_then(Path::parent);
    let built = beside.is_some_and(|folder| folder.join("windlass").exists());
    if given.is_none() && !built {
        screen.line("     Compiles the WebAssembly engine and the Git library too, which takes minutes. Later")?;
        screen.line("     builds compile what has changed.")?;
    }
    let windlass = timed(screen, ensure_windlass)?;
    // A relative path stops leading anywhere once a person has changed the folder.
    let windlass = windlass
        .canonicalize()
        .with_context(|| format!("looking for {}", windlass.display()))?;
    Ok(Programs {
        control_plane,
        windlass,
    })
}

fn timed<T>(screen: &mut Screen, build: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let built = build()?;
    let took = start.elapsed();
    if took >= WORTH_TELLING {
        screen.line(&format!("     done in {}", text::elapsed(took)))?;
    }
    Ok(built)
}

/// Looks for git and for its server, which some systems package apart: better told now than after the builds.
fn check_git() -> Result<()> {
    let output = Command::new("git")
        .arg("--exec-path")
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => bail!(
            "git does not work ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(_missing) => {
            bail!("there is no git on the PATH; install it: https://git-scm.com/downloads")
        }
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !folder.join("git-http-backend").exists() {
        bail!(
            "git is installed without `git http-backend`, which serves the demo's repository; \
             install the rest of git (on Alpine it is the package git-daemon)"
        );
    }
    Ok(())
}
