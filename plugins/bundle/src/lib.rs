//! The plugins that ship with Windlass, compiled to components by the build and embedded.
//!
//! They are ordinary plugins: the host loads them from these bytes as it loads anybody's.

/// Name and component, sorted by name.
static PLUGINS: [(&str, &[u8]); 6] = include!(concat!(env!("OUT_DIR"), "/plugins.in"));

/// Gives the component of a built-in plugin; none when there is no plugin of this name.
pub fn get(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, component)| *component)
}

/// The names of all built-in plugins, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|(name, _)| *name)
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
            let plugin = host.load(name, get(name).unwrap()).unwrap();
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
