//! Trying one person's password before anything is imported.

use super::{BATCH, ImportError, Plan};
use crate::domain::account::Email;
use crate::domain::import::{Field, HashForm};
use crate::domain::password::{NotTaken, Password, Stored, Wrapping};
use crate::platform::hashing::HashPool;
use crate::service::Failure;
use crate::storage::import::open;

/// What a password was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// No row has the address.
    NoSuchRow,
    /// What the row has is not taken.
    NotTaken(NotTaken),
    /// The row has none.
    NoPassword,
    /// Each way to read the hash, and whether the password is right for it.
    Tried(Vec<(Stored, bool)>),
}

/// Looks for the row of this address, and tries the password with every scheme that its hash may be of. Writes nothing.
///
/// # Errors
/// When the source can't be read, or the password can't be looked at.
pub async fn check(
    hashing: &HashPool,
    plan: &Plan,
    email: &Email,
    password: &Password,
) -> Result<Checked, ImportError> {
    let mut records = open(&plan.place, &plan.tables).await?;
    let record = loop {
        let rows = records.next(BATCH).await?;
        if rows.is_empty() {
            return Ok(Checked::NoSuchRow);
        }
        let column = plan.mapping.columns.get(&Field::Email);
        let is_it = |record: &&_| {
            let value = column.and_then(|column| column.of(record));
            value.as_ref().and_then(|value| value.as_str()).and_then(|text| Email::parse(text).ok()).as_ref()
                == Some(email)
        };
        if let Some(record) = rows.iter().find(is_it) {
            break record.clone();
        }
    };
    let declared = match plan.mapping.hash(&record) {
        Err(reason) => return Ok(Checked::NotTaken(reason)),
        Ok(Stored::Nothing) => return Ok(Checked::NoPassword),
        Ok(stored) => stored,
    };
    let mut ways = vec![declared];
    if plan.mapping.hash == HashForm::Text {
        for bare in [Wrapping::Plain, Wrapping::FlaskLong, Wrapping::Devise, Wrapping::Phpbb] {
            if let Ok(way) = plan.mapping.hash_as(&record, bare)
                && !ways.contains(&way)
            {
                ways.push(way);
            }
        }
    }
    let mut tried = Vec::new();
    for way in ways {
        let verified = hashing.verify(password.clone(), Some(way.to_hash())).await.map_err(Failure::from)?;
        tried.push((way, verified.matches));
    }
    Ok(Checked::Tried(tried))
}
