//! What can be seen on this machine: the settings, and the database that they name.

use std::time::Duration;

use super::Report;
use crate::config::Config;
use crate::config::database::{Database, Location};
use crate::platform::clock::Clock;
use crate::storage::{self, StartProblem, Store};

/// Further apart, and what expires does so at the wrong time.
const SKEW: Duration = Duration::from_secs(5);

pub(super) async fn look(config: &Config, clock: &Clock, report: &mut Report) {
    for warning in &config.warnings {
        report.warn("settings", warning.to_string(), "docs/configuration.md explains each setting");
    }
    if config.warnings.is_empty() {
        report.ok("settings", "nothing to complain of");
    }
    if let Location::Sqlite(path) = &config.database.location {
        let name = path.display();
        if !path.exists() {
            report.fail(
                "database",
                format!("{name} is not there"),
                "run this with the settings, and in the folder, of the server",
            );
            return;
        }
        if let Err(error) = storage::examine(path).await {
            report.fail("database", format!("{name} can't be used"), error.to_string());
            return;
        }
    }
    let settings = Database { start_timeout: Duration::ZERO, ..config.database.clone() };
    let store = match Store::open(&settings, clock.clone()).await {
        Ok(store) => store,
        Err(error) if error.problem() == StartProblem::Pooler => {
            report.fail("pooler", "what stands before PostgreSQL can't be used", error.to_string());
            return;
        }
        Err(error) => {
            report.fail(
                "database",
                format!("{} can't be used", config.database.location.describe()),
                error.to_string(),
            );
            return;
        }
    };
    match store.pending().await {
        Ok(pending) if pending.is_empty() => report.ok("database", "it answers, and is up to date"),
        Ok(pending) => report.warn(
            "database",
            format!("migrations are pending: {}", pending.join(", ")),
            "start the new version, or run `doorward migrate`",
        ),
        Err(error) => report.fail("database", "its tables are not what this program needs", error.to_string()),
    }
    if matches!(config.database.location, Location::Postgres(_)) {
        sessions(&store, report).await;
    }
    compare_clocks(&store, clock, report).await;
    super::imported::look(&config.imported, &store, report).await;
    store.close().await;
}

/// The store does not open on sessions that a pooler lends to several clients; messages between them are another matter.
async fn sessions(store: &Store, report: &mut Report) {
    match store.revocations().await {
        Ok(_) => report.ok("pooler", "each connection has a session of PostgreSQL of its own, and may listen there"),
        Err(error) => report.warn(
            "pooler",
            format!("nobody may listen there: {error}"),
            "what ends on one node is then seen by others within two seconds instead of at once; a pooler must be in session mode, and \
             have a connection more for each node",
        ),
    }
}

async fn compare_clocks(store: &Store, clock: &Clock, report: &mut Report) {
    let now = async { store.read().await?.now().await };
    let Ok(theirs) = now.await else {
        report.fail("database_clock", "the database does not tell the time", "see the line about the database");
        return;
    };
    let ours = clock.now();
    let apart = ours.since(theirs).max(theirs.since(ours));
    if apart > SKEW {
        report.warn(
            "database_clock",
            format!("this machine's clock and the database's are {} s apart", apart.as_secs()),
            "let NTP set both (timedatectl set-ntp true)",
        );
    } else {
        report.ok("database_clock", "this machine's clock and the database's agree");
    }
}
