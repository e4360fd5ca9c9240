//! A folder as the target, instead of the cluster.

use anyhow::{Context as _, Result};
use windlass_test_support::eventually;

use crate::rig::{PLAIN, Road, SOON, config_map, files_with};

#[tokio::test]
async fn a_folder_can_be_the_target() -> Result<()> {
    let road = Road::start("folder").await?;
    let root = road.scratch.path().join("out");
    let environment = |path: &str| format!("{PLAIN}  target: {{directory: {{path: {path}}}}}\n");
    let commit = road.push(&[
        ("web/environment.yaml", Some(&environment("web"))),
        ("web/a.yaml", Some(&config_map("a", "to a file"))),
        ("web/b.yaml", Some(&config_map("b", "to a file"))),
        ("out/environment.yaml", Some(&environment("../outside"))),
        ("out/map.yaml", Some(&config_map("c", "to a file"))),
    ])?;
    let target = root.display().to_string();
    let _daemon = road.daemon(&["--target-root", &target]).await?;
    road.ready("web", &commit).await?;
    let written = files_with(&root, b"to a file")?;
    assert_eq!(written.len(), 2, "{written:?}");
    let maps = road.config_maps().list(&Default::default()).await?.items;
    let ours = maps.iter().filter(|map| {
        map.data
            .as_ref()
            .is_some_and(|data| data.contains_key("value"))
    });
    assert_eq!(ours.count(), 0, "nothing of it goes to the cluster");
    road.says("out", &["../outside", "--target-root"]).await?;
    assert!(!road.scratch.path().join("outside").exists());

    let file = written
        .iter()
        .find(|file| file.to_string_lossy().contains("a.yaml"));
    let file = file.context("a file for `a`")?;
    std::fs::remove_file(file)?;
    eventually(SOON, "the deleted file to be back", async || {
        Ok(file.exists().then_some(()))
    })
    .await?;
    road.push(&[("web/b.yaml", None)])?;
    eventually(
        SOON,
        "the file of a removed object to be gone",
        async || Ok((files_with(&root, b"to a file")?.len() == 1).then_some(())),
    )
    .await
}

#[tokio::test]
async fn a_folder_that_is_away_at_the_start_is_taken_up_when_it_is_back() -> Result<()> {
    let road = Road::start("folder-away").await?;
    let root = road.scratch.path().join("out");
    let environment = format!("{PLAIN}  target: {{directory: {{path: web}}}}\n");
    let commit = road.push(&[
        ("web/environment.yaml", Some(&environment)),
        ("web/a.yaml", Some(&config_map("a", "to a file"))),
        ("web/b.yaml", Some(&config_map("b", "to a file"))),
    ])?;
    let target = root.display().to_string();
    let mut daemon = road.daemon(&["--target-root", &target]).await?;
    road.ready("web", &commit).await?;
    daemon.kill9()?;

    // As when a volume is not mounted: a file stands where the folder has been.
    let aside = road.scratch.path().join("aside");
    std::fs::rename(&root, &aside)?;
    std::fs::write(&root, "")?;
    let _daemon = road.daemon(&["--target-root", &target]).await?;
    road.says("web", &["WL0720"]).await?;
    std::fs::remove_file(&root)?;
    std::fs::rename(&aside, &root)?;
    road.ready("web", &commit).await?;
    // It is watched again, so that what leaves Git leaves the folder.
    road.push(&[("web/b.yaml", None)])?;
    eventually(
        SOON,
        "the file of a removed object to be gone",
        async || Ok((files_with(&root, b"to a file")?.len() == 1).then_some(())),
    )
    .await
}
