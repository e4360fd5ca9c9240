//! Plugins that come with the repository and misbehave: each is an error of its own environment.

use anyhow::Result;
use windlass_test_support::git::Entry;

use crate::rig::{PLAIN, Road, condition, config_map};

/// The shell of the plugin host's own tests: a plugin in text, with a place for what it does.
const SHELL: &str = include_str!("../../../../daemon/plugin-host/tests/guests/shell.wat");

const IDENTITY: &str = "(call $answer (local.get $objects) (local.get $count))";
const SOCKETS: &str = r#"(import "wasi:sockets/instance-network@0.2.0" (instance
    (export "network" (type (sub resource)))))"#;

fn plugin(imports: &str, transform: &str) -> Result<Vec<u8>> {
    let text = SHELL
        .replace("{imports}", imports)
        .replace("{lowered}", "")
        .replace("{core-imports}", "")
        .replace("{with}", "")
        .replace("{transform}", transform)
        .replace("{version}", "0.1.0");
    Ok(wat::parse_str(text)?)
}

fn environment(name: &str) -> String {
    format!(
        "{PLAIN}  pipeline:\n    - plugin: manifests\n    - plugin: {name}.wasm\n      limits: {{wallTime: 500ms, memory: 32Mi}}\n"
    )
}

#[tokio::test]
async fn plugins_that_misbehave_stop_their_own_environment_only() -> Result<()> {
    let road = Road::start("plugins").await?;
    let cases = [
        ("good", "", IDENTITY, ""),
        (
            "loops",
            "",
            "(loop $again (br $again)) unreachable",
            "WL0413",
        ),
        (
            "allocates",
            "",
            "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            "WL0414",
        ),
        ("traps", "", "unreachable", "WL0411"),
        ("sockets", SOCKETS, IDENTITY, "WL0403"),
    ];
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("plain/environment.yaml".to_owned(), PLAIN.into()),
        ("plain/map.yaml".to_owned(), config_map("plain", "1").into()),
    ];
    for (name, imports, transform, _) in cases {
        files.push((format!("{name}/environment.yaml"), environment(name).into()));
        files.push((format!("{name}/map.yaml"), config_map(name, "1").into()));
        files.push((format!("{name}/{name}.wasm"), plugin(imports, transform)?));
    }
    let entries: Vec<(&str, Entry<'_>)> = files
        .iter()
        .map(|(path, content)| (path.as_str(), Entry::File(content)))
        .collect();
    let commit = road.repository.commit_entries(&entries, "plugins")?;
    let mut daemon = road.daemon(&[]).await?;
    for name in ["plain", "good"] {
        road.ready(name, &commit).await?;
        road.value_is(name, "1").await?;
    }
    for (name, _, _, code) in cases {
        if code.is_empty() {
            continue;
        }
        let status = road.says(name, &[code, name]).await?;
        let message = status["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(&format!("`{name}.wasm`"))
                || message.contains(&format!("{name}/{name}.wasm")),
            "names the plugin: {message}"
        );
        let rendered = condition(&status, "Rendered");
        assert!(
            rendered.is_some_and(|rendered| rendered["status"] == "False"),
            "{status}"
        );
        assert_eq!(
            road.config_maps().get_opt(name).await?,
            None,
            "what could not be rendered is not applied"
        );
    }
    daemon.check_alive()
}
