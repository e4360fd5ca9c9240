//! Starts the real control plane, Git servers and the daemon for tests.
