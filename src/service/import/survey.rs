//! The first look at all rows.

use std::collections::HashSet;

use super::{ImportError, Plan, Progress};
use crate::domain::account::UserId;
use crate::domain::import::{Candidate, Clash, Field, Record};
use crate::platform::digest::sha256;
use crate::storage::import::open;

/// What has to be known of all rows before the first account is made.
pub(super) struct Survey {
    pub(super) rows: u64,
    /// All ids are numbers, which are kept.
    pub(super) numbered: bool,
    /// The highest of them.
    pub(super) highest: UserId,
    emails: Names,
    keys: Names,
}

/// Names by 128 bits of their digest: a million take tens of MB.
#[derive(Default)]
struct Names {
    seen: HashSet<[u8; 16]>,
    twice: HashSet<[u8; 16]>,
}

impl Names {
    fn note(&mut self, name: &str) {
        let name = digest(name);
        if !self.seen.insert(name) {
            self.twice.insert(name);
        }
    }

    fn is_twice(&self, name: &str) -> bool {
        !self.twice.is_empty() && self.twice.contains(&digest(name))
    }
}

fn digest(name: &str) -> [u8; 16] {
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = sha256(name.as_bytes());
    first
}

impl Survey {
    /// Whether another row of the source is in the way.
    pub(super) fn clash(&self, candidate: &Candidate) -> Option<Clash> {
        if self.emails.is_twice(candidate.email.as_str()) {
            return Some(Clash::EmailTwice);
        }
        self.keys.is_twice(&candidate.key.0).then_some(Clash::IdTwice)
    }
}

/// Goes through all rows once.
pub(super) async fn survey(plan: &Plan, told: &mut (dyn FnMut(Progress) + Send)) -> Result<Survey, ImportError> {
    let mut records = open(&plan.place, &plan.tables).await?;
    let (mut ids, mut all_numbers, mut highest) = (false, true, 0);
    let mut survey =
        Survey { rows: 0, numbered: false, highest: UserId(0), emails: Names::default(), keys: Names::default() };
    let (mut has_emails, mut columns) = (false, None);
    let email = plan.mapping.columns.get(&Field::Email);
    loop {
        let rows = records.next(super::BATCH).await?;
        if rows.is_empty() {
            break;
        }
        survey.rows += rows.len() as u64;
        for record in &rows {
            has_emails = has_emails || email.is_some_and(|email| email.is_in(record));
            columns.get_or_insert_with(|| names(record));
            if let Some(id) = plan.mapping.id(record) {
                ids = true;
                match id.parse::<i64>() {
                    Ok(number) if number.to_string() == id => highest = highest.max(number),
                    _ => all_numbers = false,
                }
            }
            if let Ok(candidate) = plan.mapping.read(record, false) {
                survey.emails.note(candidate.email.as_str());
                survey.keys.note(&candidate.key.0);
            }
        }
        told(Progress::Looked(survey.rows));
    }
    if !has_emails && survey.rows > 0 {
        return Err(ImportError::NoEmails(columns.unwrap_or_default()));
    }
    survey.numbered = ids && all_numbers;
    // What JavaScript can't tell apart is refused row by row.
    survey.highest = UserId(highest.min((1 << 53) - 1));
    survey.emails.seen = HashSet::new();
    survey.keys.seen = HashSet::new();
    Ok(survey)
}

fn names(record: &Record) -> String {
    record.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
