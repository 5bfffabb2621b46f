//! Copies of a SQLite database: made beside a running server, put back while none runs.
//!
//! Every copy is written anew by `VACUUM INTO`: one file, without a log, which says of itself that it has none. So a log that lies beside
//! it belongs to another file: see `file_header`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::file_header::{beside, refuse_foreign_log};
use super::sqlite::{BUSY_TIMEOUT, explain, inspect};
use super::{ServeLock, StartError, StartProblem};
use crate::domain::timestamp::Timestamp;

/// A larger file is not looked through at each start: that takes as long as reading it.
const SMALL: u64 = 256 * 1024 * 1024;

/// A copy that was made and looked through.
#[derive(Debug)]
pub struct Copied {
    /// How large it is, in bytes.
    pub bytes: u64,
    /// How many accounts it holds.
    pub accounts: i64,
}

/// A database that was put back.
#[derive(Debug)]
pub struct Restored {
    /// What is in place now.
    pub copy: Copied,
    /// Where that lies which was there before, if there was something.
    pub kept: Option<PathBuf>,
}

/// Looks through a small file before a server opens it; a larger one's header. Nothing is changed: what is broken stays as it is, for
/// whoever wants to save something of it.
///
/// # Errors
/// When the file is damaged, or the log beside it is another file's; with the remedy.
pub async fn examine(database: &Path) -> Result<(), StartError> {
    refuse_foreign_log(database)?;
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (file, log) = (length(database), length(&beside(database, "-wal")));
    if file == 0 || file > SMALL {
        return Ok(());
    }
    // Who may write folds the log into the file at its end. Without a log only who may write leaves nothing behind.
    let options = existing(database).read_only(log > 0);
    let mut connection = options.connect().await.map_err(|error| explain(database, error))?;
    let sound = quick_check(&mut connection, database).await;
    drop(connection.close().await);
    sound
}

/// Copies a database, whether a server runs on it or not: one state of it, as it is at one moment.
///
/// # Errors
/// When there is no database of Doorward, it is damaged, or the copy can't be made; when `to` is there already. Nothing is left behind
/// then.
pub async fn backup(database: &Path, to: &Path) -> Result<Copied, StartError> {
    refuse_foreign_log(database)?;
    if !database.exists() {
        return Err(refuse(format!("there is no database in {} (DATABASE_URL)", database.display())));
    }
    if to.exists() {
        return Err(refuse(format!("{} is there already: name another file, or remove it", to.display())));
    }
    let copy = Unfinished::beside(to);
    let copied = copy_checked(&existing(database), database, &copy.0).await?;
    fs::rename(&copy.0, to)
        .and_then(|()| sync_folder_of(to))
        .map_err(|error| StartError::file(to, "writing", &error))?;
    Ok(copied)
}

/// Puts a copy in the place of a database. What is there is kept beside it, its log too.
///
/// # Errors
/// When a server runs on the database; when the copy is damaged, not Doorward's, or of a newer version. Nothing is changed then.
pub async fn restore(database: &Path, from: &Path, now: Timestamp) -> Result<Restored, StartError> {
    let _lock = ServeLock::acquire(database)?;
    let name = from.display();
    if !from.is_file() {
        return Err(refuse(format!("there is no file {name}")));
    }
    let same = |path: &Path| fs::canonicalize(path).ok();
    if same(database).is_some_and(|database| Some(database) == same(from)) {
        return Err(refuse(format!("{name} is the database itself")));
    }
    if fs::metadata(beside(from, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(refuse(format!(
            "{name}-wal lies beside it: this is the copy of a database in use, and no backup. If both were copied together while \
             nothing ran, make one of them with DATABASE_URL=sqlite://{name} doorward backup NEW_FILE, and restore that"
        )));
    }
    let copy = Unfinished::beside(database);
    let copied = copy_checked(&existing(from).read_only(true).immutable(true), from, &copy.0).await?;
    let kept = put_in_place(&copy.0, database, now).map_err(|error| StartError::file(database, "replacing", &error))?;
    Ok(Restored { copy: copied, kept })
}

/// The old file gets a second name first, and its log too, so that at no time there is no database. A crash after the rename leaves a
/// log that is not the new file's, which every start sees; [`restore`] may be run again then.
fn put_in_place(copy: &Path, database: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    const LOGS: [&str; 2] = ["-wal", "-shm"];
    let mut kept = None;
    if database.exists() {
        let name = free_name(database, now);
        keep(database, &name)?;
        for suffix in LOGS {
            let log = beside(database, suffix);
            if log.exists() {
                keep(&log, &beside(&name, suffix))?;
            }
        }
        kept = Some(name);
    }
    sync_folder_of(database)?;
    fs::rename(copy, database)?;
    for suffix in LOGS {
        match fs::remove_file(beside(database, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder_of(database)?;
    Ok(kept)
}

/// A second name; a second file where the file system has no such thing.
fn keep(file: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(file, name).or_else(|_| {
        fs::copy(file, name)?;
        File::open(name)?.sync_all()
    })
}

fn free_name(database: &Path, now: Timestamp) -> PathBuf {
    let mut name = beside(database, &format!(".before-restore-{}", now.to_string().replace([':', '-'], "")));
    while name.exists() {
        name = beside(&name, "-again");
    }
    name
}

/// Looks through the database, copies it, and looks through the copy.
async fn copy_checked(options: &SqliteConnectOptions, from: &Path, to: &Path) -> Result<Copied, StartError> {
    let mut source = options.connect().await.map_err(|error| explain(from, error))?;
    let copied = copy(&mut source, from, to).await;
    drop(source.close().await);
    copied?;
    let mut connection =
        existing(to).read_only(true).immutable(true).connect().await.map_err(|error| explain(to, error))?;
    let checked = async {
        quick_check(&mut connection, to).await?;
        sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&mut connection).await.map_err(|e| explain(to, e))
    };
    let accounts = checked.await;
    drop(connection.close().await);
    let bytes = File::open(to)
        .and_then(|file| file.sync_all().and_then(|()| file.metadata()))
        .map_err(|error| StartError::file(to, "writing", &error))?
        .len();
    Ok(Copied { bytes, accounts: accounts? })
}

async fn copy(source: &mut SqliteConnection, from: &Path, to: &Path) -> Result<(), StartError> {
    // What it is, before what is wrong with it.
    let found = inspect(source, &from.display().to_string()).await?;
    if !found.is_ours {
        return Err(StartError::new(
            StartProblem::Foreign,
            format!("{} is a SQLite database without anything of Doorward's", from.display()),
        ));
    }
    quick_check(source, from).await?;
    let path = std::path::absolute(to).map_err(|error| StartError::file(to, "writing", &error))?;
    let text = path.to_str().ok_or_else(|| refuse(format!("{} is no name in UTF-8", path.display())))?;
    // SQLite takes an empty file, and so this one is for its owner alone.
    private_new_file(to).map_err(|error| StartError::file(to, "making", &error))?;
    sqlx::query("VACUUM INTO $1").bind(text).execute(source).await.map_err(|error| {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let full = code.is_some_and(|code| code == "13");
        if full { refuse(format!("the disk of {} is full", to.display())) } else { explain(from, error) }
    })?;
    Ok(())
}

async fn quick_check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StartError> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_all(connection)
        .await
        .map_err(|error| explain(path, error))?;
    match found.first() {
        Some(word) if word == "ok" => Ok(()),
        complaint => Err(damaged(path, complaint.map_or("no answer", String::as_str))),
    }
}

/// It names pages and tables, no values.
pub(super) fn damaged(path: &Path, complaint: &str) -> StartError {
    StartError::new(
        StartProblem::Damaged,
        format!(
            "{} is damaged ({}). Nothing was changed. Restore the newest backup with `doorward restore FILE`, which keeps what is \
             there",
            path.display(),
            complaint.trim_start_matches("*** in database main ***").trim()
        ),
    )
}

fn refuse(text: String) -> StartError {
    StartError::new(StartProblem::Other, text)
}

/// A file that is there; none is made.
fn existing(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY_TIMEOUT)
}

/// The name of a copy that is not whole yet; gone at the end, if it still is there.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(path: &Path) -> Self {
        Self(beside(path, &format!(".unfinished-{}", std::process::id())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for name in [self.0.clone(), beside(&self.0, "-journal")] {
            drop(fs::remove_file(name));
        }
    }
}

fn private_new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes new names survive a power cut; Windows offers no such thing.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
