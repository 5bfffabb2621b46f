//! Taking accounts over from other software.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{print, tell};
use crate::config::Config;
use crate::domain::account::{Email, UserId};
use crate::domain::import::{Column, Field, HashForm, Mapping, Outcome, PRESETS, Preset, Report, Taken};
use crate::domain::password::{NotTaken, Password, Wrapping};
use crate::platform::clock::Clock;
use crate::platform::hashing::HashPool;
use crate::platform::random::Random;
use crate::service::import::{self, Checked, Plan, Progress};
use crate::storage::Store;
use crate::storage::import::{Format, Place};

/// What is taken over, and how.
#[derive(Args, Clone)]
pub(super) struct Import {
    /// The source: `postgres://..`, `sqlite:path`, or a file (.csv, .json, .ndjson, .db, .sqlite)
    #[arg(long, required_unless_present = "reserve_ids")]
    from: Option<String>,
    /// Which software kept the accounts
    #[arg(long, default_value = "generic")]
    preset: PresetName,
    /// The table, in place of the preset's; or a query in parentheses
    #[arg(long)]
    table: Option<String>,
    /// Where a value stands, in place of the preset's: FIELD=COLUMN, with `a|b` for the first that is there, `a+b` for both, `!a` for the
    /// opposite. Fields: `id`, `email`, `email_verified`, `full_name`, `hash`, `is_active`, `is_superuser`, `created_at`, `last_login`
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = column)]
    columns: Vec<(Field, Column)>,
    /// What a bcrypt hash without a mark is of: must be said where the source may be Flask-Bcrypt, Devise or phpBB. Try it with --check
    #[arg(long)]
    scheme: Option<Scheme>,
    /// What the file is, where its name doesn't tell
    #[arg(long)]
    format: Option<FileFormat>,
    /// What this import is called, so that the next of the same name knows which rows it has taken [default: the preset]
    #[arg(long, value_name = "NAME", value_parser = name)]
    source: Option<String>,
    /// Write nothing: tell what would be taken, and what could not
    #[arg(long)]
    dry_run: bool,
    /// Ask for this person's password, tell which scheme takes it, and write nothing. Try one with a quote, an `&` and a blank at the end
    #[arg(long, value_name = "ADDRESS", value_parser = email, conflicts_with = "dry_run")]
    check: Option<Email>,
    /// Superusers there are superusers here; else nobody is
    #[arg(long)]
    superusers: bool,
    /// There are accounts here already, and none of their ids is one of the source's: checked
    #[arg(long)]
    ids_disjoint: bool,
    /// Give no id up to this one to accounts that are made from now on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=9_007_199_254_740_991))]
    reserve_ids: Option<i64>,
}

/// A preset's name, as an argument.
#[derive(Clone)]
struct PresetName(&'static Preset);

impl ValueEnum for PresetName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: std::sync::LazyLock<Vec<PresetName>> =
            std::sync::LazyLock::new(|| PRESETS.iter().map(PresetName).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name).help(self.0.title))
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Scheme {
    /// The password itself
    Bcrypt,
    /// Flask-Bcrypt with `BCRYPT_HANDLE_LONG_PASSWORDS`
    FlaskLong,
    /// Devise with a pepper (`IMPORT_PEPPER`)
    Devise,
    /// phpBB
    Phpbb,
}

#[derive(Clone, Copy, ValueEnum)]
enum FileFormat {
    /// Values with commas between; the first line has the names
    Csv,
    /// An array of objects, or an object with such an array in `users`
    Json,
    /// An object a line
    Ndjson,
}

pub(super) async fn run(config: &Config, command: Import) -> anyhow::Result<ExitCode> {
    let plan = command.from.as_deref().map(|from| plan(config, &command, from)).transpose()?;
    if let (Some(plan), Some(email)) = (&plan, &command.check) {
        return check(config, plan, email).await;
    }
    let store = Store::open(&config.database, Clock::system()).await?;
    let done = carry_out(config, &store, plan, command.reserve_ids).await;
    store.close().await;
    done
}

async fn carry_out(
    config: &Config,
    store: &Store,
    plan: Option<Plan>,
    reserve: Option<i64>,
) -> anyhow::Result<ExitCode> {
    let dry_run = plan.as_ref().is_some_and(|plan| plan.dry_run);
    if dry_run {
        ensure!(
            store.pending().await?.is_empty(),
            "{} is not up to date: `doorward migrate` first. A dry run changes nothing",
            config.database.location.describe()
        );
    } else {
        store.migrate().await?;
    }
    if let Some(up_to) = reserve.filter(|_| !dry_run) {
        let reserved = import::reserve(store, UserId(up_to)).await?;
        tell(&format!("new accounts get ids above {reserved}"));
    }
    let Some(plan) = plan else { return Ok(ExitCode::SUCCESS) };
    let mut bar = Bar::new();
    let report = import::import(store, &plan, &mut |progress| bar.show(progress)).await;
    bar.end();
    let report = report?;
    print(&text(&report, &plan))?;
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan(config: &Config, command: &Import, from: &str) -> anyhow::Result<Plan> {
    let preset = command.preset.0;
    let bare = command.scheme.map(|scheme| match scheme {
        Scheme::Bcrypt => Wrapping::Plain,
        Scheme::FlaskLong => Wrapping::FlaskLong,
        Scheme::Devise => Wrapping::Devise,
        Scheme::Phpbb => Wrapping::Phpbb,
    });
    // A check is how to find out.
    let bare = bare.or(command.check.as_ref().map(|_| Wrapping::Plain));
    let mut mapping = Mapping::of(preset, &command.columns, bare).map_err(|preset| {
        anyhow!(
            "with --preset {preset} say what its bcrypt hashes are of, with --scheme: they look the same. --check ADDRESS finds it out, with a \
             password that you know"
        )
    })?;
    mapping.superusers = command.superusers;
    let firebase = config.imported.firebase.as_ref();
    mapping.firebase = firebase.map(|firebase| (firebase.mem_cost, firebase.rounds));
    if preset.hash == HashForm::Firebase {
        ensure!(firebase.is_some(), "IMPORT_FIREBASE_FILE must name a file with the project's hash parameters");
    }
    if mapping.bare == Wrapping::Devise {
        ensure!(config.imported.pepper.is_some(), "IMPORT_PEPPER_FILE must name a file with Devise's pepper");
    }
    let format = command.format.map(|format| match format {
        FileFormat::Csv => Format::Csv,
        FileFormat::Json => Format::Json,
        FileFormat::Ndjson => Format::Ndjson,
    });
    let tables = command
        .table
        .as_ref()
        .map_or_else(|| preset.tables.iter().map(|table| (*table).to_owned()).collect(), |table| vec![table.clone()]);
    Ok(Plan {
        name: command.source.clone().unwrap_or_else(|| preset.name.to_owned()),
        place: Place::parse(from, format)?,
        tables,
        mapping,
        ids_disjoint: command.ids_disjoint,
        dry_run: command.dry_run,
        cost: config.passwords.cost,
    })
}

async fn check(config: &Config, plan: &Plan, email: &Email) -> anyhow::Result<ExitCode> {
    let typed = typed_password()?;
    let password = Password::parse(typed)
        .map_err(|_| anyhow!("this password can't be typed into Doorward: it has 72 bytes or more, or a NUL"))?;
    let hashing =
        HashPool::start_for(config.hashing, config.passwords.cost, Random::system(), config.imported.clone())?;
    let tried = match import::check(&hashing, plan, email, &password).await? {
        Checked::NoSuchRow => bail!("no row has this address"),
        Checked::NoPassword => bail!("the row has no password"),
        Checked::NotTaken(NotTaken(reason)) => bail!("the row's hash is not taken: {reason}"),
        Checked::Tried(tried) => tried,
    };
    let mut right = false;
    for (stored, matches) in tried {
        right |= matches;
        print(&format!("{}: {}\n", stored.describe(), if matches { "right" } else { "wrong" }))?;
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Never an argument: those are seen by everybody on the machine, and stay in the shell's history.
fn typed_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Their password: ").context("the password can't be read");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the password can't be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The report.
fn text(report: &Report, plan: &Plan) -> String {
    let made = if plan.dry_run { "would be made" } else { "made" };
    let mut lines = Vec::new();
    for line in &report.lines {
        let why = match line.outcome {
            Outcome::Refused(error) => error.describe().to_owned(),
            Outcome::Clash(clash) => clash.describe().to_owned(),
            Outcome::Made(Taken::WithoutPassword(NotTaken(reason))) => format!("{made} without a password: {reason}"),
            Outcome::Made(Taken::Whole) | Outcome::Present => continue,
        };
        lines.push(format!("row {}, {}: {why}", line.row, line.email.as_deref().unwrap_or("no address")));
    }
    let told = report.refused + report.clashes + report.without_password;
    if told > report.lines.len() as u64 {
        lines.push(format!("and {} more rows like these", told - report.lines.len() as u64));
    }
    lines.push(format!("{} rows read\n{} accounts {made}", report.rows, report.made));
    for (scheme, count) in &report.schemes {
        lines.push(format!("  {count} {scheme}"));
    }
    for (count, what) in [
        (report.confirmed, "of them with an address that is confirmed"),
        (report.present, "were taken before"),
        (report.clashes, "were left: somebody else has what they need"),
        (report.refused, "are no accounts"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    }
    if report.without_password > 0 {
        lines.push(format!(
            "{} have no password: they need a reset (`doorward user reset-link`)",
            report.without_password
        ));
    }
    if report.costlier > 0 {
        lines.push(format!(
            "{} take longer than others for a wrong password, which tells that they are there, until each has logged in once",
            report.costlier
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Shows how far it is: in one line of a terminal; else every so often.
struct Bar {
    terminal: bool,
    shown: Option<Instant>,
    /// The line that stands there.
    open: bool,
}

impl Bar {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: None, open: false }
    }

    fn show(&mut self, progress: Progress) {
        let pause = if self.terminal { Duration::from_millis(100) } else { Duration::from_secs(10) };
        if !self.terminal && self.shown.is_none() {
            self.shown = Some(Instant::now());
        }
        if self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        let text = match progress {
            Progress::Looked(rows) => format!("looked at {rows} rows"),
            Progress::Done(rows, all) => format!("{rows} of {all} rows ({} %)", rows * 100 / all.max(1)),
        };
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r{text}\x1b[K");
            self.open = true;
        } else {
            tell(&text);
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn column(text: &str) -> Result<(Field, Column), String> {
    let (field, column) = text.split_once('=').ok_or("write FIELD=COLUMN")?;
    let field = Field::ALL.into_iter().find(|known| known.name() == field);
    let names = || Field::ALL.map(Field::name).join(", ");
    let field = field.ok_or_else(|| format!("the fields are {}", names()))?;
    Ok((field, Column::parse(column).map_err(|_| "this is not the name of a column")?))
}

fn name(text: &str) -> Result<String, &'static str> {
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or("a name has from 1 to 100 characters, and no control characters")
}

fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "this is not an email address")
}
