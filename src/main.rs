//! The `doorward` command. Everything it does stands in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    doorward::cli::run()
}
