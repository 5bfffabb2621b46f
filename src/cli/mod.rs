//! The command line.

mod assemble;
mod backup;
mod collector;
mod development_key;
mod doctor;
mod healthcheck;
mod import;
mod keys;
pub mod listen;
mod mail;
mod migrate;
mod serve;
pub mod start;
mod supervisor;
mod user;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::api::document;
use crate::config::{Config, Source, reference};
use crate::platform::clock::Clock;
use crate::platform::keys::KeysError;
use crate::storage::{StartError, StartProblem};
use crate::telemetry::logging::{self, tell};

/// A self-hosted authentication service: register, log in, stay logged in, log out.
///
/// Without a command it serves. All settings are environment variables: `doorward settings` lists them.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed while running
  2  the settings or the arguments are wrong
  3  migrations are pending, or the database is newer than this program";

#[derive(Clone, Subcommand)]
enum Command {
    /// Serve (what happens without a command)
    ///
    /// Brings the database up to date, prints one line with the address, and serves until SIGTERM or Ctrl-C.
    Serve,
    /// Bring the database up to date
    Migrate {
        /// Change nothing; print what is pending, and exit with 3 if anything is
        #[arg(long)]
        check: bool,
    },
    /// Copy the SQLite database into one file, also while a server runs on it
    ///
    /// The copy is one state of the database, looked through, and for this user alone. It does not hold the keys.
    Backup {
        /// The copy; it must not be there yet
        file: PathBuf,
    },
    /// Put a backup in the place of the SQLite database, while no server runs on it
    ///
    /// Refuses a file that is damaged or of something else, and keeps what was there beside it.
    Restore {
        /// The backup; it stays as it is
        file: PathBuf,
    },
    /// Look after accounts; a running server notices within two seconds
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Take accounts over from other software, with their passwords
    ///
    /// From a database or a file. Every row of which no account can be made is told, with the reason; a hash is never printed. Run again, it
    /// takes what is new, and never changes an account. docs/migrating.md tells all of a move.
    Import(Box<import::Import>),
    /// Look after mail
    Mail {
        #[command(subcommand)]
        command: mail::Command,
    },
    /// The keys that sign access tokens
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Ask the server on this machine whether it is alive
    ///
    /// For containers: exits with 0 if it is, else with 1. Reads HOST and PORT as the server does.
    Healthcheck,
    /// Call the service from outside, through its proxy, and tell what is wrong with its set-up
    ///
    /// With the settings of the server, of which the keys matter: the service tells how a request came to whoever has it. Changes
    /// nothing. Exits with 1 when something is wrong.
    Doctor(doctor::Arguments),
    /// Print a script that completes commands in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    Man {
        /// The folder, which must be there
        folder: Option<PathBuf>,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print the documentation of all settings
    Settings {
        /// As a .env file to start from
        #[arg(long)]
        env: bool,
    },
}

/// Exit codes other than 0 and 1.
const USAGE: u8 = 2;
const MIGRATIONS: u8 = 3;

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version are told here too.
            let code = if told.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            let _ = told.print();
            return code;
        }
    };
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Completions { shell } => completions(shell),
        Command::Man { folder } => manual(folder.as_deref()),
        Command::Openapi => print(&document::text()),
        Command::Settings { env: false } => print(&reference::markdown()),
        Command::Settings { env: true } => print(&reference::dotenv()),
        Command::Keys { command: keys::Command::Generate { algorithm } } => keys::generate(algorithm),
        command => return with_config(command),
    };
    done.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

/// Runs a command that needs the settings.
fn with_config(command: Command) -> ExitCode {
    let clock = Clock::system();
    let source = Source::process();
    let config = match Config::load(&source, clock.now()) {
        Ok(config) => config,
        Err(problems) => {
            tell(&format!("{problems}\n`doorward settings` explains them all."));
            return ExitCode::from(USAGE);
        }
    };
    if let Command::Healthcheck = command {
        return healthcheck::run(&config.server.listen).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    let _flush = match logging::start(&config.logging) {
        Ok(flush) => flush,
        Err(error) => {
            return failed(&anyhow::Error::new(error).context("the thread that writes the log does not start"));
        }
    };
    if let Some(path) = source.dotenv_path() {
        tracing::info!(path = %path.display(), "read settings from a .env file");
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if let Command::Keys { command: keys::Command::Show { pem, secret } } = command {
        return keys::show(&config, pem, secret).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    let done = Runtime::new().map_err(Into::into).and_then(|runtime| match command {
        Command::Keys { command: keys::Command::Status } => {
            runtime.block_on(keys::status(&config)).map(|()| ExitCode::SUCCESS)
        }
        Command::Migrate { check } => runtime.block_on(migrate::run(&config, check)),
        Command::Import(command) => runtime.block_on(import::run(&config, *command)),
        Command::Backup { file } => runtime.block_on(backup::back_up(&config, &file)),
        Command::Restore { file } => runtime.block_on(backup::restore(&config, &file, clock.now())),
        Command::Doctor(arguments) => runtime.block_on(doctor::run(&config, arguments)),
        Command::Mail { command } => runtime.block_on(mail::run(&config, command)),
        Command::User { command } => runtime.block_on(user::run(&config, command)).map(|()| ExitCode::SUCCESS),
        _ => runtime.block_on(serve::run(&config)).map(|()| ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|error| failed(&error))
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "doorward", &mut script);
    print(&String::from_utf8(script)?)
}

fn manual(folder: Option<&Path>) -> anyhow::Result<()> {
    let command = Cli::command().name("doorward");
    if let Some(folder) = folder {
        return clap_mangen::generate_to(command, folder)
            .with_context(|| format!("can't write to {}", folder.display()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    print(&String::from_utf8(page)?)
}

/// Tells what went wrong, in one line.
fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(error) = error.downcast_ref::<KeysError>() {
        tell(&format!("the settings are wrong:\n  {error}\n`doorward settings` explains them all."));
        return ExitCode::from(USAGE);
    }
    tell(&format!("doorward: {error:#}"));
    match error.downcast_ref::<StartError>().map(StartError::problem) {
        Some(StartProblem::Newer) => ExitCode::from(MIGRATIONS),
        Some(StartProblem::Url) => ExitCode::from(USAGE),
        _ => ExitCode::FAILURE,
    }
}

/// Prints to standard output. Who stops reading (`| head`) has read enough: that is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
