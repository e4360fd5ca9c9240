//! YAML and JSON in and out by kubectl's rules, object identity, ordering of kinds.
