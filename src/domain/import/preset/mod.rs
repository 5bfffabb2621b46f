//! Where well-known software keeps its accounts.

mod table;

use std::collections::BTreeMap;

pub use self::table::PRESETS;
use super::column::{Column, Field};
use crate::domain::password::Wrapping;

/// How a source writes its hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashForm {
    /// One text that says what it is.
    Text,
    /// Firebase: a hash and a salt; the project's parameters are a setting.
    Firebase,
    /// Keycloak: two JSON texts.
    Keycloak,
}

/// Where a program keeps its accounts.
#[derive(Debug)]
pub struct Preset {
    /// At the command line.
    pub name: &'static str,
    /// Which program.
    pub title: &'static str,
    /// Its table; several names are tried in order. Or a query in parentheses.
    pub tables: &'static [&'static str],
    columns: &'static [(Field, &'static str)],
    /// What a bcrypt without a mark is of; none: `--scheme` must say.
    pub bare: Option<Wrapping>,
    /// How its hashes are written.
    pub hash: HashForm,
    /// Stands before an id that is not the whole of it.
    pub id_prefix: &'static str,
}

impl Preset {
    /// The one that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Where each value stands.
    #[must_use]
    pub fn columns(&self) -> BTreeMap<Field, Column> {
        self.columns.iter().filter_map(|(field, column)| Some((*field, Column::parse(column).ok()?))).collect()
    }

    /// The columns as they are written, for the documentation.
    #[must_use]
    pub const fn written(&self) -> &'static [(Field, &'static str)] {
        self.columns
    }
}

#[cfg(test)]
mod tests;
