//! A session as it is stored: the one list of its columns. A row that Doorward can't have written is an error.

use std::net::IpAddr;

use sqlx::query::Query;
use sqlx::{Database, Encode, FromRow, Type};

use crate::domain::account::UserId;
use crate::domain::session::{
    AuthMethod, Binding, BindingName, Delivery, DeviceKey, EndReason, Ended, Session, SessionId, SessionSecret,
};
use crate::domain::timestamp::Timestamp;
use crate::storage::Error;
use crate::storage::account::UserRow;

/// Makes the row, and what statements have of its columns: their names, to be selected of a table called `s`, and their values, to be
/// bound in the order of the names.
macro_rules! session_row {
    (
        begun { $first:ident: $first_type:ty, $($begun:ident: $begun_type:ty,)+ }
        rotated { $($rotated:ident: $rotated_type:ty,)+ }
        ended { $($ended:ident: $ended_type:ty,)+ }
    ) => {
        #[derive(Debug, FromRow)]
        pub(super) struct SessionRow {
            $first: $first_type,
            $($begun: $begun_type,)+
            $($rotated: $rotated_type,)+
            $($ended: $ended_type,)+
        }

        macro_rules! session_columns {
            () => {
                concat!(
                    "s.", stringify!($first),
                    $(", s.", stringify!($begun),)+
                    $(", s.", stringify!($rotated),)+
                    $(", s.", stringify!($ended)),+
                )
            };
        }

        impl SessionRow {
            pub(super) const COLUMNS: &[&str] = &[
                stringify!($first), $(stringify!($begun),)+ $(stringify!($rotated),)+ $(stringify!($ended)),+
            ];
            pub(super) const ROTATED: &[&str] = &[$(stringify!($rotated)),+];

            /// Binds all columns, for [`INSERT`](super::text::INSERT).
            pub(super) fn bind_all<DB: Database>(
                self,
                query: Query<'_, DB, DB::Arguments>,
            ) -> Query<'_, DB, DB::Arguments>
            where
                $first_type: for<'t> Encode<'t, DB> + Type<DB>,
                $($begun_type: for<'t> Encode<'t, DB> + Type<DB>,)+
                $($rotated_type: for<'t> Encode<'t, DB> + Type<DB>,)+
                $($ended_type: for<'t> Encode<'t, DB> + Type<DB>,)+
            {
                query.bind(self.$first) $(.bind(self.$begun))+ $(.bind(self.$rotated))+ $(.bind(self.$ended))+
            }

            /// Binds the session's id and what rotation moves, for [`ROTATE`](super::text::ROTATE).
            pub(super) fn bind_rotated<DB: Database>(
                self,
                query: Query<'_, DB, DB::Arguments>,
            ) -> Query<'_, DB, DB::Arguments>
            where
                $first_type: for<'t> Encode<'t, DB> + Type<DB>,
                $($rotated_type: for<'t> Encode<'t, DB> + Type<DB>,)+
            {
                query.bind(self.$first) $(.bind(self.$rotated))+
            }

            /// Binds all columns but the id, for the condition of a rotation without a lock.
            pub(super) fn bind_rest<DB: Database>(
                self,
                query: Query<'_, DB, DB::Arguments>,
            ) -> Query<'_, DB, DB::Arguments>
            where
                $($begun_type: for<'t> Encode<'t, DB> + Type<DB>,)+
                $($rotated_type: for<'t> Encode<'t, DB> + Type<DB>,)+
                $($ended_type: for<'t> Encode<'t, DB> + Type<DB>,)+
            {
                query $(.bind(self.$begun))+ $(.bind(self.$rotated))+ $(.bind(self.$ended))+
            }
        }
    };
}

session_row! {
    begun {
        id: Vec<u8>,
        user_id: i64,
        secret: Vec<u8>,
        created_at: i64,
        amr: Option<String>,
        proved_at: Option<i64>,
        expires_at: i64,
        device_key: Option<Vec<u8>>,
        device_session: Option<Vec<u8>>,
        token_delivery: Option<String>,
    }
    rotated {
        generation: i64,
        rotated_at: i64,
        confirmed_generation: i64,
        lost_replies: i64,
        lost_reply_at: Option<i64>,
        lost_replies_total: i64,
        last_used_at: i64,
        client_ip: Option<String>,
        user_agent: Option<String>,
        idle_expires_at: i64,
        idle_day: Option<i64>,
    }
    ended {
        ended_at: Option<i64>,
        end_reason: Option<String>,
    }
}
pub(super) use session_columns;

/// Microseconds, for Rust and for SQL. Both round towards zero.
macro_rules! a_day {
    () => {
        86_400_000_000
    };
}
pub(super) use a_day;

#[derive(FromRow)]
pub(super) struct FoundRow {
    #[sqlx(flatten)]
    pub(super) session: SessionRow,
    #[sqlx(flatten)]
    pub(super) user: UserRow,
}

#[derive(FromRow)]
pub(super) struct LockedRow {
    #[sqlx(flatten)]
    pub(super) session: SessionRow,
    pub(super) user_active: bool,
    pub(super) external_id: Option<String>,
    pub(super) now: i64,
}

impl SessionRow {
    /// What a user's sessions are ordered by.
    pub(super) fn key(&self) -> Result<(Timestamp, SessionId), Error> {
        Ok((Timestamp::from_micros(self.created_at), session_id(self.id.clone())?))
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.0.to_vec(),
            user_id: session.user_id.0,
            secret: stored(&session.secret, is_sealed(session.binding.as_ref(), session.delivery)).to_vec(),
            created_at: session.created_at.micros(),
            amr: AuthMethod::join(&session.amr),
            proved_at: session.proved_at.map(Timestamp::micros),
            expires_at: session.expires_at.micros(),
            device_key: session.binding.as_ref().map(|binding| binding.key.0.to_vec()),
            device_session: session.binding.as_ref().map(|binding| binding.name.0.to_vec()),
            // As the version before leaves it: else no row of that were as it was looked at.
            token_delivery: (session.delivery != Delivery::Cookies).then(|| session.delivery.as_str().to_owned()),
            generation: i64::from(session.generation),
            rotated_at: session.rotated_at.micros(),
            confirmed_generation: i64::from(session.confirmed_generation),
            lost_replies: i64::from(session.lost_replies),
            lost_reply_at: session.lost_reply_at.map(Timestamp::micros),
            lost_replies_total: i64::from(session.lost_replies_total),
            last_used_at: session.last_used_at.micros(),
            client_ip: session.client_ip.map(|ip| ip.to_string()),
            user_agent: session.user_agent.clone(),
            idle_expires_at: session.idle_expires_at.micros(),
            // A row that says nothing, or what the version before left, is not as it was looked at: it is locked, and written.
            idle_day: Some(session.idle_expires_at.micros() / a_day!()),
            ended_at: session.ended.as_ref().map(|ended| ended.at.micros()),
            end_reason: session.ended.as_ref().map(|ended| ended.reason.as_str().to_owned()),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Error;

    fn try_from(row: SessionRow) -> Result<Self, Error> {
        let count = |value: i64, column| u32::try_from(value).map_err(|_| corrupt(column));
        let ended = match (row.ended_at, row.end_reason) {
            (None, None) => None,
            (Some(at), Some(reason)) => {
                Some(Ended { at: Timestamp::from_micros(at), reason: EndReason::read(&reason) })
            }
            _ => return Err(corrupt("ended_at")),
        };
        let binding = match (row.device_key, row.device_session) {
            (None, None) => None,
            (Some(key), Some(name)) => Some(Binding {
                key: DeviceKey(key.try_into().map_err(|_| corrupt("device_key"))?),
                name: BindingName(name.try_into().map_err(|_| corrupt("device_session"))?),
            }),
            _ => return Err(corrupt("device_key")),
        };
        // Rows of the version before say nothing.
        let delivery = match row.token_delivery {
            None => Delivery::Cookies,
            Some(text) => Delivery::read(&text).ok_or_else(|| corrupt("token_delivery"))?,
        };
        let secret = SessionSecret(row.secret.try_into().map_err(|_| corrupt("secret"))?);
        Ok(Self {
            id: session_id(row.id)?,
            user_id: UserId(row.user_id),
            secret: SessionSecret(stored(&secret, is_sealed(binding.as_ref(), delivery))),
            amr: AuthMethod::split(row.amr.as_deref()),
            proved_at: row.proved_at.map(Timestamp::from_micros),
            generation: count(row.generation, "generation")?,
            rotated_at: Timestamp::from_micros(row.rotated_at),
            confirmed_generation: count(row.confirmed_generation, "confirmed_generation")?,
            lost_replies: count(row.lost_replies, "lost_replies")?,
            lost_reply_at: row.lost_reply_at.map(Timestamp::from_micros),
            lost_replies_total: count(row.lost_replies_total, "lost_replies_total")?,
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
            client_ip: row.client_ip.map(|ip| ip.parse::<IpAddr>()).transpose().map_err(|_| corrupt("client_ip"))?,
            user_agent: row.user_agent,
            idle_expires_at: Timestamp::from_micros(row.idle_expires_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            binding,
            delivery,
            ended,
        })
    }
}

/// Whether a version that knows neither bindings nor bodies must find no refresh token of the session authentic: it would rotate a bound
/// one for whoever has copied a token, and answer another one with cookies.
fn is_sealed(binding: Option<&Binding>, delivery: Delivery) -> bool {
    binding.is_some() || delivery == Delivery::Body
}

/// The secret as it is stored, from what it is, and back. A sealed one has each bit turned, and no server key with it.
pub(super) fn stored(secret: &SessionSecret, is_sealed: bool) -> [u8; 32] {
    if is_sealed { secret.0.map(|byte| !byte) } else { secret.0 }
}

pub(super) fn session_id(bytes: Vec<u8>) -> Result<SessionId, Error> {
    bytes.try_into().map(SessionId).map_err(|_| corrupt("id"))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: "sessions", column }
}
