//! Conformance suites, run when their folder is present.
