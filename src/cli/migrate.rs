//! Brings the database up to date, or tells what that would do.

use std::process::ExitCode;

use crate::config::Config;
use crate::platform::clock::Clock;
use crate::storage::Store;

pub(super) async fn run(config: &Config, check: bool) -> anyhow::Result<ExitCode> {
    let store = Store::open(&config.database, Clock::system()).await?;
    let database = config.database.location.describe();
    let code = if check {
        let pending = store.pending().await?;
        if pending.is_empty() {
            super::print(&format!("{database} is up to date\n"))?;
            ExitCode::SUCCESS
        } else {
            super::print(&format!("pending on {database}:\n  {}\n", pending.join("\n  ")))?;
            ExitCode::from(super::MIGRATIONS)
        }
    } else {
        match store.migrate().await? {
            0 => super::print(&format!("{database} is up to date\n"))?,
            1 => super::print(&format!("applied 1 migration to {database}\n"))?,
            applied => super::print(&format!("applied {applied} migrations to {database}\n"))?,
        }
        ExitCode::SUCCESS
    };
    store.close().await;
    Ok(code)
}
