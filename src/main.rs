//! The `doorward` command. Everything it does stands in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Gives memory back to the system once a flood of connections is over.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    doorward::cli::run()
}
