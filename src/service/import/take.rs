//! Some rows at a time.

use std::collections::HashSet;
use std::sync::Arc;

use super::taken;
use crate::domain::import::{Candidate, Clash, Confirmed, Facts, Outcome, judge};
use crate::domain::password::{NotTaken, Stored};
use crate::platform::digest::sha256;
use crate::storage::import::{NewAccount, facts, insert};
use crate::storage::{self, Store, Tx};

/// Rows that are gone through together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    candidates: Vec<(u64, Candidate)>,
}

/// What became of a row.
pub(super) struct Line {
    pub(super) row: u64,
    pub(super) email: Option<String>,
    pub(super) outcome: Outcome,
    /// What it has in the place of a password, and whether its address is confirmed, where an account was made.
    pub(super) made_with: Option<(Stored, Confirmed)>,
}

impl Batch {
    /// Nothing is made of it.
    pub(super) fn leave(&mut self, row: u64, email: Option<String>, outcome: Outcome) {
        self.lines.push(Line { row, email, outcome, made_with: None });
    }

    pub(super) fn add(&mut self, row: u64, candidate: Candidate) {
        self.candidates.push((row, candidate));
    }

    /// The accounts that the candidates would be, in one order for all who write at the same time.
    fn accounts(&mut self) -> Vec<NewAccount> {
        self.candidates.sort_by(|(_, one), (_, other)| one.email.cmp(&other.email));
        self.candidates.iter().map(|(_, candidate)| account(candidate)).collect()
    }

    /// With what became of each candidate.
    fn settled(mut self, verdicts: Vec<Result<bool, Clash>>) -> Self {
        for ((row, candidate), verdict) in self.candidates.drain(..).zip(verdicts) {
            let Candidate { email, stored, not_taken, confirmed, .. } = candidate;
            self.lines.push(Line {
                row,
                email: Some(email.as_str().to_owned()),
                outcome: outcome(verdict, not_taken),
                made_with: (verdict == Ok(true)).then_some((stored, confirmed)),
            });
        }
        self.lines.sort_by_key(|line| line.row);
        self
    }
}

fn outcome(verdict: Result<bool, Clash>, not_taken: Option<NotTaken>) -> Outcome {
    match verdict {
        Ok(true) => Outcome::Made(taken(not_taken)),
        Ok(false) => Outcome::Present,
        Err(clash) => Outcome::Clash(clash),
    }
}

fn account(candidate: &Candidate) -> NewAccount {
    let candidate = candidate.clone();
    NewAccount {
        key: sha256(candidate.key.0.as_bytes()),
        id: candidate.id,
        external_id: candidate.external_id,
        email: candidate.email,
        confirmed: candidate.confirmed,
        full_name: candidate.full_name,
        password_hash: candidate.stored.to_hash(),
        is_active: candidate.is_active,
        is_superuser: candidate.is_superuser,
        created_at: candidate.created_at,
        last_login: candidate.last_login,
    }
}

/// What would become of them.
pub(super) async fn judge_batch(store: &Store, source: &Arc<str>, mut batch: Batch) -> Result<Batch, storage::Error> {
    let accounts = batch.accounts();
    let mut tx = store.read().await?;
    let now = tx.now().await?;
    let verdicts = facts(&mut tx, source, &accounts, now).await?.into_iter().map(judge).collect();
    Ok(batch.settled(verdicts))
}

/// Makes their accounts.
pub(super) async fn take_batch(store: &Store, source: &Arc<str>, mut batch: Batch) -> Result<Batch, storage::Error> {
    let input = (Arc::clone(source), batch.accounts());
    let verdicts = store.write(input, |tx, (source, accounts)| Box::pin(take(tx, source, accounts))).await?;
    Ok(batch.settled(verdicts))
}

async fn take(tx: &mut Tx, source: &str, accounts: &[NewAccount]) -> Result<Vec<Result<bool, Clash>>, storage::Error> {
    let now = tx.now().await?;
    let mut verdicts: Vec<_> = facts(tx, source, accounts, now).await?.into_iter().map(judge).collect();
    let wanted: Vec<NewAccount> = accounts
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| **verdict == Ok(true))
        .map(|(one, _)| one.clone())
        .collect();
    if wanted.is_empty() {
        return Ok(verdicts);
    }
    let made: HashSet<String> = insert(tx, source, &wanted, now).await?.into_iter().collect();
    if made.len() < wanted.len() {
        // Somebody was faster: who, is known by now.
        let now_known = facts(tx, source, accounts, now).await?;
        for ((verdict, account), facts) in verdicts.iter_mut().zip(accounts).zip(now_known) {
            if *verdict == Ok(true) && !made.contains(account.email.as_str()) {
                *verdict = overtaken(facts);
            }
        }
    }
    Ok(verdicts)
}

/// Of a row whose account could not be made after all.
fn overtaken(facts: Facts) -> Result<bool, Clash> {
    // An account that had something of it was erased in the same moment: the next run takes it.
    judge(facts).and_then(|free| if free { Err(Clash::EmailTaken) } else { Ok(false) })
}
