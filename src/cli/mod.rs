//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::reference;

/// A self-hosted authentication service: register, log in, stay logged in, log out.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the documentation of all settings
    Settings {
        /// As a .env file to copy from
        #[arg(long)]
        env: bool,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Some(Command::Settings { env: false }) => print!("{}", reference::markdown()),
        Some(Command::Settings { env: true }) => print!("{}", reference::dotenv()),
        None => {}
    }
    ExitCode::SUCCESS
}
