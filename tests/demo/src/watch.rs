//! Shows what the daemon does: until everything is Ready, and then for as long as a person likes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use tokio::time::sleep;

use crate::api::Environment;
use crate::demo::Demo;
use crate::rollout::Rollouts;
use crate::screen::Screen;
use crate::table::{Table, WIDTH};
use crate::text::{count, elapsed};

/// How often the daemon is asked.
const POLL: Duration = Duration::from_millis(300);

/// The columns in front of a plain line, for the time.
const TIME: usize = 12;

/// How the wait for readiness ended.
pub(crate) enum Verdict {
    /// Everything is ready; the sentence says how much that is.
    Ready(String),
    /// It is not in time; the text says why.
    NotReady(String),
}

/// What was seen at one moment.
#[derive(Default)]
struct Sight {
    environments: Vec<Environment>,
    rollouts: Rollouts,
    /// Why something could not be looked at.
    error: Option<Error>,
}

impl Sight {
    /// Looks; what cannot be seen at the moment stays as it was.
    async fn update(&mut self, demo: &Demo) {
        let environments = demo.api.environments().await;
        let rollouts = Rollouts::list(&demo.client).await;
        self.error = None;
        match environments {
            Ok(environments) => self.environments = environments,
            Err(error) => self.error = Some(error),
        }
        match rollouts {
            Ok(rollouts) => self.rollouts = rollouts,
            Err(error) => self.error = Some(error),
        }
    }

    fn ready(&self) -> usize {
        let ready = self
            .environments
            .iter()
            .filter(|environment| environment.ready);
        ready.count()
    }

    /// Nothing is ready before it was found, so the number that is in Git decides.
    fn all_ready(&self, expected: usize) -> bool {
        self.environments.len() >= expected && self.ready() == self.environments.len()
    }

    fn is_complete(&self, expected: usize) -> bool {
        self.error.is_none() && self.all_ready(expected) && self.rollouts.are_complete()
    }

    fn progress(&self, expected: usize) -> String {
        let all = self.environments.len().max(expected);
        format!(
            "{} of {} ready, {}",
            self.ready(),
            count(all, "environment"),
            self.rollouts.progress()
        )
    }

    fn table(&self, width: usize) -> Table {
        let names = self
            .environments
            .iter()
            .map(|environment| environment.name.as_str());
        Table::new(names, width)
    }
}

/// Shows the environments until all are Ready and every workload is rolled out, or time is up.
pub(crate) async fn until_ready(
    demo: &mut Demo,
    timeout: Duration,
    screen: &mut Screen,
) -> Result<Verdict> {
    let start = demo.started;
    let mut sight = Sight::default();
    let mut changes = Changes::default();
    let mut told = String::new();
    loop {
        demo.check_alive()?;
        sight.update(demo).await;
        let progress = sight.progress(demo.expected);
        if screen.is_terminal() {
            let table = sight.table(WIDTH);
            let mut lines = vec![table.header()];
            lines.extend(
                sight
                    .environments
                    .iter()
                    .map(|environment| table.row(environment)),
            );
            lines.push(String::new());
            lines.push(format!("{progress}, after {}", elapsed(start.elapsed())));
            screen.redraw(&lines)?;
        } else {
            changes.tell(&sight, start, screen)?;
            // In between, the lines of the environments say enough.
            let alone = sight.environments.is_empty() || sight.all_ready(demo.expected);
            if alone && progress != told {
                screen.line(&timed(start, &progress))?;
                told = progress;
            }
        }
        if sight.is_complete(demo.expected) {
            return Ok(Verdict::Ready(summary(&sight, start.elapsed())));
        }
        if start.elapsed() >= timeout {
            return Ok(Verdict::NotReady(reasons(&sight, demo, timeout)));
        }
        sleep(POLL).await;
    }
}

/// Tells pushes, and what becomes of them, until the daemon ends.
pub(crate) async fn follow(demo: &mut Demo, screen: &mut Screen) -> Result<()> {
    let start = demo.started;
    let mut sight = Sight::default();
    let mut changes = Changes::default();
    sight.update(demo).await;
    changes.notice(&sight);
    screen.line("")?;
    loop {
        demo.check_alive()?;
        while let Ok(push) = demo.pushes.try_recv() {
            screen.line(&timed(start, &push))?;
        }
        // An API that does not answer is either back in a moment, or the daemon has ended.
        if let Ok(environments) = demo.api.environments().await {
            sight.environments = environments;
            changes.tell(&sight, start, screen)?;
        }
        sleep(POLL).await;
    }
}

/// The environments as they were told last, by name.
#[derive(Default)]
struct Changes(BTreeMap<String, Environment>);

impl Changes {
    /// The environments that are not as they were before.
    fn notice<'a>(&mut self, sight: &'a Sight) -> Vec<&'a Environment> {
        let current = sight.environments.iter();
        let changed = current
            .clone()
            .filter(|now| self.0.get(&now.name) != Some(now));
        let changed = changed.collect();
        self.0 = current.map(|now| (now.name.clone(), now.clone())).collect();
        changed
    }

    fn tell(&mut self, sight: &Sight, start: Instant, screen: &mut Screen) -> Result<()> {
        let table = sight.table(WIDTH - TIME);
        let is_first = self.0.is_empty();
        let changed = self.notice(sight);
        if is_first && !changed.is_empty() {
            screen.line(&format!("{:TIME$}{}", "", table.header()))?;
        }
        for environment in changed {
            screen.line(&timed(start, &table.row(environment)))?;
        }
        Ok(())
    }
}

fn timed(start: Instant, line: &str) -> String {
    let width = TIME - 2;
    format!("{:>width$}  {line}", elapsed(start.elapsed()))
}

fn summary(sight: &Sight, took: Duration) -> String {
    let objects = sight
        .environments
        .iter()
        .map(|environment| environment.objects)
        .sum();
    format!(
        "\nEverything is Ready after {}: {} with {}; {} rolled out.",
        elapsed(took),
        count(sight.environments.len(), "environment"),
        count(objects, "object"),
        sight.rollouts.kinds()
    )
}

/// Why not everything is ready, for a person who was not there.
fn reasons(sight: &Sight, demo: &Demo, timeout: Duration) -> String {
    let mut text = format!("\nNot everything is Ready after {}.\n", elapsed(timeout));
    if sight.environments.len() < demo.expected {
        text.push_str(&format!(
            "  {} of {} environments were found\n",
            sight.environments.len(),
            demo.expected
        ));
    }
    for environment in sight
        .environments
        .iter()
        .filter(|environment| !environment.ready)
    {
        let Environment {
            name,
            phase,
            message,
            ..
        } = environment;
        text.push_str(&format!("  {name} is {phase}: {message}\n"));
    }
    for workload in &sight.rollouts.unfinished {
        text.push_str(&format!("  {workload}\n"));
    }
    if let Some(error) = &sight.error {
        text.push_str(&format!("  {error:#}\n"));
    }
    text.push_str(&demo.log_tail());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn environment(name: &str, ready: bool) -> Environment {
        Environment {
            name: name.to_owned(),
            ready,
            phase: "Ready".to_owned(),
            attempted_revision: Some("a".to_owned()),
            objects: 1,
            ready_objects: 1,
            message: "all is well".to_owned(),
        }
    }

    fn sight(environments: Vec<Environment>) -> Sight {
        Sight {
            environments,
            rollouts: Rollouts {
                deployments: 1,
                ..Rollouts::default()
            },
            error: None,
        }
    }

    #[rstest]
    #[case::nothing_found(&[], false)]
    #[case::not_all_found(&[true], false)]
    #[case::one_not_ready(&[true, false], false)]
    #[case::all_ready(&[true, true], true)]
    #[case::one_more_not_ready(&[true, true, false], false)]
    fn all_that_is_in_git_must_be_ready(#[case] ready: &[bool], #[case] expected: bool) {
        let environments = ready.iter().map(|ready| environment("e", *ready)).collect();
        assert_eq!(sight(environments).is_complete(2), expected, "{ready:?}");
    }

    #[test]
    fn workloads_must_be_rolled_out_too() {
        let mut sight = sight(vec![environment("e", true)]);
        assert!(sight.is_complete(1));
        sight.rollouts.unfinished.push("Deployment a/b".to_owned());
        assert!(!sight.is_complete(1));
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut changes = Changes::default();
        let mut now = sight(vec![environment("one", true), environment("two", true)]);
        assert_eq!(changes.notice(&now).len(), 2, "the first sight is new");
        assert!(changes.notice(&now).is_empty(), "nothing changed");
        now.environments[1].ready = false;
        let told: Vec<&str> = changes
            .notice(&now)
            .iter()
            .map(|e| e.name.as_str())
            .collect();
        assert_eq!(told, ["two"]);
        now.environments[0].attempted_revision = Some("b".to_owned());
        let told: Vec<&str> = changes
            .notice(&now)
            .iter()
            .map(|e| e.name.as_str())
            .collect();
        assert_eq!(
            told,
            ["one"],
            "that a revision was looked at is worth a line"
        );
    }
}
