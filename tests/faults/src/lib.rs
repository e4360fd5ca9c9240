//! A proxy that counts and cuts requests, and the tests that kill the daemon at each.
