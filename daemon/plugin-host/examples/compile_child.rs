//! The smallest program that compiles for a host: what Windlass does behind a hidden subcommand,
//! for a program of your own and for the tests here.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass_plugin_host::compile_child_main()
}
