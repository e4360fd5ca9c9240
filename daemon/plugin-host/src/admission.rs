//! Looks at a component's type before anything of it runs: what it imports and what it exports.

use crate::link;
use crate::state::State;
use crate::{CONTRACT_VERSION, Exports, PluginError, PluginId};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Linker};

/// The interfaces of the contract that a plugin may import.
const IMPORTS: [&str; 5] = ["types", "files", "secrets", "log", "plugins"];

/// The packages of WASI 0.2 behind which a plugin finds a harmless nothing.
const WASI: [&str; 5] = [
    "wasi:io",
    "wasi:cli",
    "wasi:clocks",
    "wasi:random",
    "wasi:filesystem",
];

/// Where the functions of a component are.
pub(crate) struct Entrances {
    pub(crate) transform: Option<ComponentExportIndex>,
    pub(crate) validate: Option<ComponentExportIndex>,
    pub(crate) assess: Option<ComponentExportIndex>,
    pub(crate) describe: ComponentExportIndex,
}

impl Entrances {
    /// Which of them there are.
    pub(crate) fn exports(&self) -> Exports {
        Exports {
            transform: self.transform.is_some(),
            validate: self.validate.is_some(),
            assess: self.assess.is_some(),
        }
    }
}

/// The name of an interface, taken apart: `wasi:io/poll@0.2.6`.
#[derive(Clone, Copy)]
struct Name<'a> {
    /// `wasi:io`
    package: &'a str,
    /// `poll`; empty when the name is no interface's.
    interface: &'a str,
    /// `0.2.6`; empty when there is none.
    version: &'a str,
    /// `wasi:io/poll`
    unversioned: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Self {
        let (unversioned, version) = name.split_once('@').unwrap_or((name, ""));
        let (package, interface) = unversioned.split_once('/').unwrap_or((unversioned, ""));
        Self {
            package,
            interface,
            version,
            unversioned,
        }
    }

    fn is_contract(&self) -> bool {
        self.package == "windlass:plugin"
    }

    /// Whether the version is `series.N`.
    fn is_of(&self, series: &str) -> bool {
        self.version
            .strip_prefix(series)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    }
}

/// Checks every import and gives a linker that has all of them.
pub(crate) fn admit(
    plugin: &PluginId,
    engine: &Engine,
    base: &Linker<State>,
    component: &Component,
) -> Result<Linker<State>, PluginError> {
    let mut linker = base.clone();
    let component_type = component.component_type();
    for (full_name, import) in component_type.imports(engine) {
        let name = Name::parse(full_name);
        check_import(plugin, full_name, name)?;
        let ComponentItem::ComponentInstance(instance) = &import.ty else {
            return Err(forbidden(plugin, full_name, ONLY_INTERFACES));
        };
        if !name.is_contract() {
            let functions = instance
                .exports(engine)
                .map(|(function, item)| (function.to_owned(), item.ty));
            link::define_unreachable(&mut linker, name.unversioned, functions)
                .map_err(|error| forbidden(plugin, full_name, &format!("{error:#}")))?;
        }
    }
    Ok(linker)
}

const ONLY_INTERFACES: &str = "Windlass gives whole interfaces and nothing else; build the plugin \
                               against the published `wit/` folder";

fn check_import(plugin: &PluginId, full_name: &str, name: Name<'_>) -> Result<(), PluginError> {
    if name.is_contract() {
        if !name.is_of(series(CONTRACT_VERSION)) {
            return Err(other_contract(plugin, full_name, name));
        }
        return if IMPORTS.contains(&name.interface) {
            Ok(())
        } else {
            let reason = format!(
                "windlass:plugin {CONTRACT_VERSION} has no such interface; a newer Windlass may \
                 have it"
            );
            Err(forbidden(plugin, full_name, &reason))
        };
    }
    if WASI.contains(&name.package) {
        return if name.is_of("0.2") {
            Ok(())
        } else {
            let reason = "Windlass gives WASI 0.2; build the plugin for `wasm32-wasip2`";
            Err(forbidden(plugin, full_name, reason))
        };
    }
    let reason = match name.package {
        "wasi:sockets" | "wasi:http" => {
            "a plugin has no network, so that the same commit always renders the same; commit what \
             it would fetch, or fetch it before the commit, and leave out the code or the \
             dependency that opens connections"
        }
        _ => {
            "a plugin gets `windlass:plugin/files`, `secrets`, `log` and `plugins`, and WASI 0.2 \
             without network; leave out the code or the dependency that imports this"
        }
    };
    Err(forbidden(plugin, full_name, reason))
}

/// Finds the exports of the contract.
pub(crate) fn entrances(
    plugin: &PluginId,
    engine: &Engine,
    component: &Component,
) -> Result<Entrances, PluginError> {
    let component_type = component.component_type();
    for (full_name, _) in component_type.exports(engine) {
        let name = Name::parse(full_name);
        if name.is_contract() && !name.is_of(series(CONTRACT_VERSION)) {
            return Err(other_contract(plugin, full_name, name));
        }
    }
    let missing = |missing| PluginError::NoPlugin {
        plugin: plugin.clone(),
        missing,
    };
    let entrances = Entrances {
        transform: function(component, "transform"),
        validate: function(component, "validate"),
        assess: function(component, "assess"),
        describe: function(component, "describe").ok_or_else(|| missing("describe"))?,
    };
    if entrances.exports() == Exports::default() {
        return Err(missing("transform"));
    }
    Ok(entrances)
}

/// Each interface has one function, of its own name.
fn function(component: &Component, name: &str) -> Option<ComponentExportIndex> {
    let interface = format!("windlass:plugin/{name}@{CONTRACT_VERSION}");
    let interface = component.get_export_index(None, interface.as_str())?;
    component.get_export_index(Some(&interface), name)
}

fn forbidden(plugin: &PluginId, import: &str, reason: &str) -> PluginError {
    PluginError::ForbiddenImport {
        plugin: plugin.clone(),
        import: import.to_owned(),
        reason: reason.to_owned(),
    }
}

fn other_contract(plugin: &PluginId, full_name: &str, name: Name<'_>) -> PluginError {
    PluginError::OtherContract {
        plugin: plugin.clone(),
        item: full_name.to_owned(),
        supported: CONTRACT_VERSION,
        remedy: if numbers(name.version) > numbers(CONTRACT_VERSION) {
            "use a newer Windlass, or build the plugin against this contract"
        } else {
            "build the plugin again, against this contract"
        },
    }
}

/// `0.1` of `0.1.0`: while the first number is 0, the second is the one that breaks.
fn series(version: &str) -> &str {
    version
        .rsplit_once('.')
        .map_or(version, |(series, _)| series)
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::contract("windlass:plugin/files@0.1.0", None)]
    #[case::contract_later("windlass:plugin/log@0.1.7", None)]
    #[case::contract_next("windlass:plugin/files@0.2.0", Some("WL0404"))]
    #[case::contract_pre_release("windlass:plugin/files@0.1.0-draft", Some("WL0404"))]
    #[case::contract_without_version("windlass:plugin/files", Some("WL0404"))]
    #[case::contract_unknown("windlass:plugin/network@0.1.9", Some("WL0403"))]
    #[case::export_as_import("windlass:plugin/transform@0.1.0", Some("WL0403"))]
    #[case::wasi("wasi:io/poll@0.2.6", None)]
    #[case::wasi_files("wasi:filesystem/types@0.2.0", None)]
    #[case::wasi_next("wasi:io/poll@0.3.0", Some("WL0403"))]
    #[case::sockets("wasi:sockets/tcp@0.2.0", Some("WL0403"))]
    #[case::http("wasi:http/outgoing-handler@0.2.0", Some("WL0403"))]
    #[case::alike("wasi:io-extra/poll@0.2.0", Some("WL0403"))]
    #[case::unknown("example:thing/api@1.0.0", Some("WL0403"))]
    #[case::plain("run", Some("WL0403"))]
    fn imports_are_denied_by_default(#[case] import: &str, #[case] code: Option<&str>) {
        let plugin = PluginId::new("p", None);
        let refusal = check_import(&plugin, import, Name::parse(import)).err();
        assert_eq!(refusal.as_ref().map(PluginError::code), code, "{refusal:?}");
        if let Some(refusal) = refusal {
            assert!(
                refusal.to_string().contains(import),
                "the import is named: {refusal}"
            );
        }
    }

    #[rstest]
    #[case::newer("0.10.0", "use a newer Windlass")]
    #[case::older("0.0.9", "build the plugin again")]
    fn the_older_side_is_told_to_change(#[case] version: &str, #[case] remedy: &str) {
        let plugin = PluginId::new("p", None);
        let item = format!("windlass:plugin/transform@{version}");
        let error = other_contract(&plugin, &item, Name::parse(&item)).to_string();
        assert!(error.contains(remedy), "{error}");
    }
}
