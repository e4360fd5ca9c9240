//! The smallest program that [`windlass_source::fetch`] can start: what Windlass does behind a
//! hidden subcommand, for a program of your own and for the tests here.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass_source::fetch_child_main()
}
