//! What to try, as commands that can be copied.

use std::path::PathBuf;

use crate::text::shell;

/// Where things are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) clone: PathBuf,
    pub(crate) git_url: String,
    pub(crate) api: String,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) windlass: PathBuf,
    pub(crate) log: PathBuf,
}

/// The page that is shown once everything is Ready.
pub(crate) fn page(places: &Places) -> String {
    let clone = shell(&places.clone);
    let kubectl = shell(&places.kubectl);
    let windlass = shell(&places.windlass);
    let kubeconfig = shell(&places.kubeconfig);
    let log = shell(&places.log);
    let Places { git_url, api, .. } = places;
    format!(
        "
Where things are
  repository   {clone}
               a clone to edit, commit and push in; it is made anew at the next start
  served at    {git_url}
  daemon       {api}, its log is {log}
  kubeconfig   {kubeconfig}

What to try, in another terminal
  cd {clone}
  export KUBECONFIG={kubeconfig}

Release a new version: one environment is rendered again, a Deployment rolls, a new migration Job
runs, the old one is pruned.
  sed -i 's/ORDER_TAG: r146/ORDER_TAG: r147/' coffee/staging/environment.yaml
  git commit -am 'Release r147 of order to staging' && git push
  {kubectl} -n staging get deployments,jobs

Make a mistake: both environments over this base refuse it with file and field, and the cluster
stays as it is.
  sed -i '/limits:/,+2d' coffee/base/order.yaml
  git commit -am 'Forget the limits' && git push
  {windlass} status
  git revert --no-edit HEAD && git push

Change the cluster by hand, and see it come back at once.
  {kubectl} -n deltastream delete deployment analytics
  {kubectl} -n deltastream get deployment analytics
  {kubectl} -n prod scale deployment server --replicas=1
  {kubectl} -n prod get deployment server

Ask Windlass.
  {windlass} status
  {windlass} status coffee-staging
  {windlass} tree coffee-staging
  {windlass} render {clone}/coffee/staging --explain
  {windlass} diff {clone}/coffee/staging
  curl -s {api}/api/v1/environments
  curl -s {api}/api/v1/environments/coffee-staging

Pushes and changes show up here. Ctrl-C ends the demo and everything it started."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, Result};
    use std::fs;
    use windlass_test_support::build::workspace;

    fn demo_page() -> String {
        page(&Places {
            clone: "/demo/repository".into(),
            git_url: "http://127.0.0.1:1/environments.git".to_owned(),
            api: "http://127.0.0.1:8080".to_owned(),
            kubeconfig: "/demo/kube config".into(),
            kubectl: "/demo/kubectl".into(),
            windlass: "/bin/windlass".into(),
            log: "/demo/daemon.log".into(),
        })
    }

    #[test]
    fn commands_change_what_is_in_the_example() -> Result<()> {
        let page = demo_page();
        let edits = page
            .lines()
            .filter_map(|line| line.trim().strip_prefix("sed -i '"));
        let mut count = 0;
        for edit in edits {
            let (script, file) = edit.split_once("' ").context("a script and a file")?;
            let pattern = script
                .split('/')
                .nth(1)
                .context("a script with a pattern")?;
            let path = workspace().join("repo-example").join(file);
            let text = fs::read_to_string(&path)?;
            assert!(text.contains(pattern), "{pattern} in {file}");
            count += 1;
        }
        assert_eq!(count, 2, "the page edits files: {page}");
        Ok(())
    }

    #[test]
    fn paths_with_spaces_can_be_copied_too() {
        assert!(demo_page().contains("export KUBECONFIG='/demo/kube config'"));
    }

    #[test]
    fn what_is_not_a_command_fits_the_screen() {
        for line in demo_page().lines() {
            assert!(line.chars().count() <= crate::table::WIDTH, "{line}");
        }
    }
}
