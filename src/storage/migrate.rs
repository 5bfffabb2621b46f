//! Which migrations a database has, and whether it is Doorward's at all.

use std::collections::BTreeMap;

use sqlx::migrate::Migrator;

use super::{StartError, StartProblem};

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Where sqlx keeps what was applied.
pub(super) const TABLE: &str = "_sqlx_migrations";
/// Reads it. The description tells Doorward's migrations from those of another program that uses sqlx.
pub(super) const APPLIED: &str = "SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";
/// Tables that Doorward makes: where one of them stands without [`TABLE`], somebody else made it.
pub(super) const TABLES: [&str; 4] = ["users", "sessions", "audit", "password_resets"];

/// A database that may be migrated.
pub(super) struct Found {
    /// What is not applied yet, in order.
    pub(super) pending: Vec<String>,
}

/// Decides whether these migrations may run on a database with these tables, in which those were applied.
pub(super) fn judge(
    migrator: &Migrator,
    tables: &[String],
    applied: &[(i64, String, Vec<u8>)],
    database: &str,
) -> Result<Found, StartError> {
    if applied.is_empty() && tables.iter().any(|table| table == TABLE || TABLES.contains(&table.as_str())) {
        return Err(foreign(database));
    }
    let known: BTreeMap<i64, _> = migrator.iter().map(|migration| (migration.version, migration)).collect();
    for (version, description, checksum) in applied {
        let Some(migration) = known.get(version) else { continue };
        if *migration.description != **description {
            return Err(foreign(database));
        }
        if *migration.checksum != **checksum {
            return Err(StartError::new(
                StartProblem::Changed,
                format!(
                    "migration {version:04} was applied to {database} in another form than this program holds: it was edited \
                     after it was applied, or the two come from different builds. Run the program that made the database, or \
                     restore a backup; an applied migration is never edited, a new one is added"
                ),
            ));
        }
    }
    if let Some((version, description, _)) = applied.iter().find(|(version, ..)| !known.contains_key(version)) {
        // A first migration that is not ours: another program's numbers.
        if !applied.iter().any(|(version, ..)| known.contains_key(version)) {
            return Err(foreign(database));
        }
        return Err(StartError::new(
            StartProblem::Newer,
            format!(
                "{database} was made by a newer Doorward: it has migration {version:04} ({description}), which this program does \
                 not know. Run that newer version, or restore the backup made before the upgrade"
            ),
        ));
    }
    let pending = known
        .values()
        .filter(|migration| !applied.iter().any(|(version, ..)| *version == migration.version))
        .map(|migration| format!("{:04} {}", migration.version, migration.description))
        .collect();
    Ok(Found { pending })
}

pub(super) fn foreign(database: &str) -> StartError {
    StartError::new(
        StartProblem::Foreign,
        format!(
            "{database} holds tables that Doorward did not make ({}, {TABLE}). Nothing was changed. Give Doorward a database of \
             its own: set DATABASE_URL to an empty one",
            TABLES.join(", ")
        ),
    )
}
