//! The codes that operators give to people whose factors they have taken away, where no mail is sent.

use crate::domain::account::UserId;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// Lets the account have no factor without the code of this seed, in the place of an earlier one.
pub async fn give_code(tx: &mut Tx, id: UserId, seed: &[u8; 32], now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO enrolment_codes (user_id, seed, created_at) VALUES ($1, $2, $3) \
               ON CONFLICT (user_id) DO UPDATE SET seed = $2, created_at = $3";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(&seed[..]).bind(now.micros()).execute(conn).await.map(drop))
}

/// The seed of the code that was given. None: none was, or it was used.
pub async fn given_code(tx: &mut Tx, id: UserId) -> Result<Option<[u8; 32]>, Error> {
    let sql = "SELECT seed FROM enrolment_codes WHERE user_id = $1";
    let seed: Option<Vec<u8>> = on!(tx, conn => sqlx::query_scalar(sql).bind(id.0).fetch_optional(conn).await)?;
    let corrupt = |_| Error::Corrupt { table: "enrolment_codes", column: "seed" };
    seed.map(|seed| seed.try_into().map_err(corrupt)).transpose()
}

/// Forgets the code that was given: the account has a factor. The user's row must be locked.
pub async fn forget_code(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    let sql = "DELETE FROM enrolment_codes WHERE user_id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(drop))
}
