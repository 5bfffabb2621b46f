//! Which migrations a database has, and whether it is Doorward's at all.

use std::collections::BTreeMap;

use sqlx::migrate::{Migration, Migrator};

use super::{StartError, StartProblem};

pub(in crate::storage) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(in crate::storage) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Where sqlx keeps what was applied.
pub(in crate::storage) const TABLE: &str = "_sqlx_migrations";
/// Reads it. The description tells Doorward's migrations from those of another program that uses sqlx.
pub(in crate::storage) const APPLIED: &str =
    "SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";

/// A database that may be migrated.
pub(in crate::storage) struct Found {
    /// What is not applied yet, in order.
    pub(in crate::storage) pending: Vec<String>,
    /// Some of Doorward's are applied: it is no empty database.
    pub(in crate::storage) is_ours: bool,
}

/// Decides whether these migrations may run on a database with these tables, in which those were applied.
pub(in crate::storage) fn judge(
    migrator: &Migrator,
    tables: &[String],
    applied: &[(i64, String, Vec<u8>)],
    database: &str,
) -> Result<Found, StartError> {
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
    let pending: Vec<&Migration> = migrator
        .iter()
        .filter(|migration| !applied.iter().any(|(version, ..)| *version == migration.version))
        .collect();
    let ours =
        applied.is_empty().then_some(TABLE).into_iter().chain(pending.iter().flat_map(|migration| made_by(migration)));
    if ours.into_iter().any(|ours| tables.iter().any(|table| table == ours)) {
        return Err(foreign(database));
    }
    let name = |migration: &&Migration| format!("{:04} {}", migration.version, migration.description);
    Ok(Found { pending: pending.iter().map(name).collect(), is_ours: !applied.is_empty() })
}

/// The tables that a migration makes: where one stands already, somebody else made it.
fn made_by(migration: &Migration) -> impl Iterator<Item = &str> {
    let sql = migration.sql.as_str().lines();
    sql.filter_map(|line| {
        let name = line.strip_prefix("CREATE TABLE ").or_else(|| line.strip_prefix("CREATE UNLOGGED TABLE "))?;
        name.split_whitespace().next()
    })
}

pub(in crate::storage) fn foreign(database: &str) -> StartError {
    StartError::new(
        StartProblem::Foreign,
        format!(
            "{database} holds tables that Doorward did not make, with the names of its own (such as users or {TABLE}). Nothing \
             was changed. Give Doorward a database of its own: set DATABASE_URL to an empty one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_that_a_migration_makes_are_found_in_its_text() {
        let first = SQLITE.iter().next().unwrap();
        let made: Vec<&str> = made_by(first).collect();
        assert_eq!(made[..3], ["users", "sessions", "audit"]);
        let postgres: Vec<&str> = POSTGRES.iter().flat_map(made_by).collect();
        assert_eq!(SQLITE.iter().flat_map(made_by).collect::<Vec<_>>(), postgres);
    }
}
