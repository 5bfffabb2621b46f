//! Derives refresh tokens and checks them. Nothing is stored: a session, a generation and a key always give the same bytes, so
//! that any node hands the same successor to any retry.

use aws_lc_rs::hmac;

use super::keys::{Key, Keys, Purpose};
use crate::domain::session::{BODY_BYTES, RefreshToken};
use crate::domain::session::{Session, SessionSecret};
use crate::domain::timestamp::Timestamp;

/// The session's newest refresh token, under the current key.
#[must_use]
pub fn derive(keys: &Keys, session: &Session) -> String {
    // Whole seconds: the token has no room for more, and must not outlive the row.
    let expires = Timestamp::from_seconds(session.idle_expires_at.seconds());
    let body = RefreshToken::body(keys.refresh.current.id(), session.id, session.generation, expires);
    let tag = hmac::sign(&mac_key(&keys.refresh.current, &session.secret), &body);
    let mut mac = [0; 32];
    mac.copy_from_slice(tag.as_ref());
    RefreshToken::write(&body, &mac)
}

/// Whether the token was made by us for the session with this secret. Takes the same time whatever is wrong with it.
#[must_use]
pub fn is_authentic(keys: &Keys, token: &RefreshToken, secret: &SessionSecret) -> bool {
    let Some(key) = keys.refresh.find(token.key_id) else { return false };
    let body: [u8; BODY_BYTES] = RefreshToken::body(token.key_id, token.session_id, token.generation, token.expires);
    hmac::verify(&mac_key(key, secret), &body, &token.mac).is_ok()
}

/// Of the server's secret and the row's: a database dump alone, or a leaked root alone, forges no token.
fn mac_key(key: &Key, secret: &SessionSecret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.derive(&secret.0, Purpose::RefreshTokens).as_ref())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::secret::Secret;
    use crate::domain::account::UserId;
    use crate::domain::session::{Delivery, NewSession, Policy, SessionId};
    use crate::platform::keys::Roots;

    fn keys(current: u8, previous: Option<u8>) -> Keys {
        let secret = |byte| Secret::new(vec![byte; 32]);
        let (signing, previous_signing) = (Some(secret(current)), previous.map(secret));
        Keys::new(Roots { signing, previous_signing, ..Roots::default() }).unwrap()
    }

    fn session(secret: u8) -> Session {
        let day = Duration::from_hours(24);
        let policy = Policy {
            access_ttl: day,
            idle_ttl: day,
            absolute_ttl: day,
            grace: day,
            lost_replies_per_day: 0,
            not_before: None,
            max_per_user: 1,
            bound_ttl: Duration::from_mins(10),
            unbound_for: None,
            second_factor: crate::domain::factor::Requirement::Optional,
        };
        let new = NewSession {
            id: SessionId([7; 16]),
            user_id: UserId(1),
            secret: SessionSecret([secret; 32]),
            amr: Vec::new(),
            delivery: Delivery::Cookies,
            client_ip: None,
            user_agent: None,
        };
        Session::begin(new, &policy, Timestamp::from_micros(1_700_000_000_999_999))
    }

    fn parsed(text: &str) -> RefreshToken {
        RefreshToken::parse(text).unwrap()
    }

    #[test]
    fn the_same_session_and_generation_give_the_same_bytes() {
        assert_eq!(derive(&keys(1, None), &session(3)), derive(&keys(1, Some(2)), &session(3)));
        let next = Session { generation: 2, ..session(3) };
        assert_ne!(derive(&keys(1, None), &session(3)), derive(&keys(1, None), &next));
    }

    /// What the version before there was a `SECRET_KEY` made of these keys and sessions: nodes of it stand beside ours.
    #[test]
    fn tokens_without_a_secret_key_are_what_they_always_were() {
        for (keys, secret, token) in [
            (keys(1, None), 3, "AdexPN8HBwcHBwcHBwcHBwcHBwcHAAAAAQAAZVVCgHaEAeOdYR5zhNVaDDleYt5j2IgHBpWXjvs8EsvUv-R2"),
            (
                keys(2, Some(1)),
                4,
                "AYopVdUHBwcHBwcHBwcHBwcHBwcHAAAAAQAAZVVCgNHjf8utozTdbcGGYqFokK_mntM3L1RYMF0i3OpwJQZU",
            ),
        ] {
            assert_eq!(derive(&keys, &session(secret)), token);
        }
    }

    #[test]
    fn only_the_key_together_with_the_rows_secret_makes_a_token() {
        let token = parsed(&derive(&keys(1, None), &session(3)));
        assert!(is_authentic(&keys(1, None), &token, &session(3).secret));
        assert!(!is_authentic(&keys(1, None), &token, &session(4).secret));
        assert!(!is_authentic(&keys(2, None), &token, &session(3).secret));
        let other_key = RefreshToken { key_id: keys(2, None).refresh.current.id(), ..token };
        assert!(!is_authentic(&keys(2, None), &other_key, &session(3).secret));
    }

    #[test]
    fn no_byte_can_be_changed() {
        let token = derive(&keys(1, None), &session(3));
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = RefreshToken::parse(std::str::from_utf8(&changed).unwrap());
            assert!(changed.is_none_or(|token| !is_authentic(&keys(1, None), &token, &session(3).secret)));
        }
    }

    #[test]
    fn the_previous_key_is_accepted_and_does_not_sign() {
        let old = parsed(&derive(&keys(1, None), &session(3)));
        let changed = keys(2, Some(1));
        assert!(is_authentic(&changed, &old, &session(3).secret));
        let new = parsed(&derive(&changed, &session(3)));
        assert_eq!(new.key_id, keys(2, None).refresh.current.id());
        assert!(!is_authentic(&keys(1, None), &new, &session(3).secret));
    }
}
