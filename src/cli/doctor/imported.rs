//! Passwords from elsewhere that can be looked at by a setting alone, until each of their people has logged in.

use super::Report;
use crate::config::imported::Imported;
use crate::storage::Store;
use crate::storage::import::needed_secrets;

/// Says nothing where neither a setting nor a password is.
pub(super) async fn look(settings: &Imported, store: &Store, report: &mut Report) {
    let counted = async { needed_secrets(&mut store.read().await?).await };
    let Ok(needed) = counted.await else {
        report.unknown("imported", "the accounts can't be counted", "see the line about the database");
        return;
    };
    for (setting, is_set, count) in [
        ("IMPORT_PEPPER", settings.pepper.is_some(), needed.pepper),
        ("IMPORT_FIREBASE", settings.firebase.is_some(), needed.firebase),
    ] {
        match (is_set, count) {
            (false, 0) => {}
            (false, _) => report.fail(
                "imported",
                format!("{count} accounts can't be logged in to: their imported passwords need {setting}"),
                format!("set {setting}_FILE to what the import had"),
            ),
            (true, 0) => report.ok("imported", format!("no password needs {setting} any more: it may be removed")),
            (true, _) => report.ok("imported", format!("{count} imported passwords still need {setting}")),
        }
    }
}
