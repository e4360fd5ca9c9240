//! The plugins that ship with Windlass, compiled to components by the build and embedded.
//!
//! They are ordinary plugins: the host loads them from these bytes as it loads anybody's.

/// Name, component and its SHA-256, sorted by name.
static PLUGINS: [(&str, &[u8], [u8; 32]); 6] = include!(concat!(env!("OUT_DIR"), "/plugins.in"));

/// Gives the component of a built-in plugin; none when there is no plugin of this name.
pub fn get(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, component, _)| *component)
}

/// The SHA-256 of a component, when it is one of those that [`get`] gives; anybody else's are not
/// known here, not even equal ones.
///
/// A plugin that is compiled already need not be read to be found.
pub fn digest(component: &[u8]) -> Option<[u8; 32]> {
    PLUGINS
        .iter()
        .find(|(_, known, _)| std::ptr::eq(*known, component))
        .map(|(.., digest)| *digest)
}

/// The names of all built-in plugins, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use windlass_plugin_host::{Host, HostOptions};

    #[test]
    fn names_are_sorted() {
        assert!(names().is_sorted(), "{:?}", names().collect::<Vec<_>>());
    }

    #[test]
    fn every_plugin_loads_and_calls_itself_by_its_name() {
        let host = Host::new(HostOptions::default()).unwrap();
        for name in names() {
            let component = get(name).unwrap();
            let plugin = host.load(name, component).unwrap();
            let digest = digest(component).unwrap();
            let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(plugin.digest(), hexadecimal, "{name}");
            let another = component.to_vec();
            assert_eq!(super::digest(&another), None, "another's is read");
            assert_eq!(plugin.description().name, name);
            assert!(
                plugin.description().config_schema.is_some(),
                "{name} describes its configuration"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_nothing() {
        assert_eq!(get("unknown"), None);
    }
}
