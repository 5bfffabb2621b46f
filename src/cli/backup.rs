//! Copies of the SQLite database, and their return.

use std::path::Path;
use std::process::ExitCode;

use super::{USAGE, print, tell};
use crate::config::Config;
use crate::config::database::Location;
use crate::domain::timestamp::Timestamp;
use crate::storage;

pub(super) async fn back_up(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    let Location::Sqlite(database) = &config.database.location else {
        return Ok(not_sqlite("pg_dump --format=custom --file FILE"));
    };
    let copied = storage::backup(database, file).await?;
    print(&format!("{} holds {}, and was looked through. It does not hold the keys\n", file.display(), told(&copied)))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(config: &Config, file: &Path, now: Timestamp) -> anyhow::Result<ExitCode> {
    let Location::Sqlite(database) = &config.database.location else {
        return Ok(not_sqlite("pg_restore --clean --if-exists"));
    };
    let restored = storage::restore(database, file, now).await?;
    // In whole seconds, and none of the sessions began later.
    let not_before = Timestamp::from_seconds(now.seconds() + 1);
    let kept = restored.kept.map_or_else(String::new, |kept| format!("What was there is kept in {}\n", kept.display()));
    print(&format!(
        "{} is restored: {}\n{kept}Sessions that ended since the backup are alive again, and passwords are the old ones. To end all \
         sessions and void all links, start the server with\nSESSIONS_NOT_BEFORE={not_before}\n",
        config.database.location.describe(),
        told(&restored.copy),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn told(copy: &storage::Copied) -> String {
    let accounts = if copy.accounts == 1 { "1 account".to_owned() } else { format!("{} accounts", copy.accounts) };
    format!("{accounts} in {} KiB", copy.bytes.div_ceil(1024))
}

fn not_sqlite(instead: &str) -> ExitCode {
    tell(&format!("doorward: the database is PostgreSQL, which has its own tools: {instead}"));
    ExitCode::from(USAGE)
}
