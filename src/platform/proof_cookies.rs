//! Makes tickets and recent proofs, and checks them. Nothing of them is stored, but which tickets were used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::digest::sha256;
use super::keys::{Mac, Purpose, Ring};
use super::random::{Random, RandomError};
use crate::domain::account::UserId;
use crate::domain::factor::{Ceremony, CeremonyFor, RecentProof, Ticket, TicketFor};
use crate::domain::session::SessionId;
use crate::domain::timestamp::Timestamp;

/// How many of the presented ones are looked at: a browser sends one.
const MAX_PRESENTED: usize = 2;
const MAC_BYTES: usize = 32;
const PASSKEYS: Purpose = Purpose::PasskeyCeremonies;

/// Tickets and recent proofs under the server's keys.
#[derive(Clone, Debug)]
pub struct ProofCookies {
    keys: Ring,
    random: Random,
}

impl ProofCookies {
    /// Under these keys.
    #[must_use]
    pub fn new(keys: Ring, random: Random) -> Self {
        Self { keys, random }
    }

    /// A ticket for somebody whose password was right.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn ticket(
        &self,
        purpose: TicketFor,
        user_id: UserId,
        version: i64,
        expires: Timestamp,
    ) -> Result<String, RandomError> {
        let key_id = self.keys.current.id();
        let ticket = Ticket { key_id, purpose, user_id, version, expires, nonce: self.random.bytes()? };
        Ok(self.write(Purpose::LoginTickets, &ticket.body()))
    }

    /// The authentic ones of the presented tickets.
    pub fn tickets<'a>(&'a self, presented: &'a [String]) -> impl Iterator<Item = Ticket> + 'a {
        presented.iter().take(MAX_PRESENTED).filter_map(|text| {
            let (body, tag) = read::<{ Ticket::BODY_BYTES }>(text)?;
            let ticket = Ticket::read(&body)?;
            let mac = Mac { key_id: ticket.key_id, tag };
            self.keys.verify(Purpose::LoginTickets, &body, &mac).then_some(ticket)
        })
    }

    /// How a ticket that was used is remembered.
    #[must_use]
    pub fn spent(ticket: &Ticket) -> [u8; 32] {
        sha256(&[b"login ticket", &ticket.nonce[..]].concat())
    }

    /// That somebody has proved who they are in this session at this time.
    #[must_use]
    pub fn recent(&self, session_id: SessionId, at: Timestamp) -> String {
        let proof = RecentProof { key_id: self.keys.current.id(), session_id, at };
        self.write(Purpose::RecentProofs, &proof.body())
    }

    /// Whether one of the presented ones is authentic and holds in this session.
    #[must_use]
    pub fn is_recent(
        &self,
        presented: &[String],
        session_id: SessionId,
        proved_at: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        presented.iter().take(MAX_PRESENTED).any(|text| {
            let Some((body, tag)) = read::<{ RecentProof::BODY_BYTES }>(text) else { return false };
            let Some(proof) = RecentProof::read(&body) else { return false };
            let mac = Mac { key_id: proof.key_id, tag };
            self.keys.verify(Purpose::RecentProofs, &body, &mac) && proof.holds(session_id, proved_at, now)
        })
    }

    /// A new challenge, and the cookie that holds it beside those of other tabs that are good still, of which the oldest give way.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn ceremony(
        &self,
        presented: &[String],
        purpose: CeremonyFor,
        bound: Option<(UserId, [u8; 16])>,
        now: Timestamp,
    ) -> Result<(Ceremony, String), RandomError> {
        let (user_id, bound_to) = bound.unzip();
        let ceremony = Ceremony {
            key_id: self.keys.current.id(),
            purpose,
            user_id,
            bound_to: bound_to.unwrap_or_default(),
            expires: now + Ceremony::LIFE,
            challenge: self.random.bytes()?,
        };
        let mut held: Vec<Ceremony> = self.ceremonies(presented).filter(|held| now < held.expires).collect();
        held.sort_by_key(|held| std::cmp::Reverse(held.expires));
        held.truncate(Ceremony::MAX_HELD - 1);
        let texts = std::iter::once(&ceremony).chain(&held).map(|ceremony| self.write(PASSKEYS, &ceremony.body()));
        let cookie = texts.collect::<Vec<_>>().join(".");
        Ok((ceremony, cookie))
    }

    /// The authentic ones of the presented challenges.
    pub fn ceremonies<'a>(&'a self, presented: &'a [String]) -> impl Iterator<Item = Ceremony> + 'a {
        let texts = presented.iter().take(MAX_PRESENTED).flat_map(|text| text.split('.').take(Ceremony::MAX_HELD));
        texts.filter_map(|text| {
            let (body, tag) = read::<{ Ceremony::BODY_BYTES }>(text)?;
            let ceremony = Ceremony::read(&body)?;
            let mac = Mac { key_id: ceremony.key_id, tag };
            self.keys.verify(PASSKEYS, &body, &mac).then_some(ceremony)
        })
    }

    /// How a challenge that was used is remembered.
    #[must_use]
    pub fn spent_ceremony(ceremony: &Ceremony) -> [u8; 32] {
        sha256(&[b"passkey ceremony", &ceremony.challenge[..]].concat())
    }

    fn write(&self, purpose: Purpose, body: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([body, &self.keys.sign(purpose, body).tag].concat())
    }
}

/// The body and the tag. None: it is nothing of ours.
fn read<const BODY: usize>(text: &str) -> Option<([u8; BODY], [u8; MAC_BYTES])> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, tag) = bytes.split_at_checked(BODY)?;
    Some((body.try_into().ok()?, tag.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secret::Secret;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn cookies(current: u8, accepted: &[u8]) -> ProofCookies {
        let secret = |byte: &u8| Secret::new(vec![*byte; 32]);
        ProofCookies::new(Ring::new(secret(&current), accepted.iter().map(secret)), Random::system())
    }

    /// Every character changed, and every purpose for the other.
    #[test]
    fn forged_ones_are_none() {
        let (cookies, session) = (cookies(1, &[]), SessionId([7; 16]));
        let ticket = cookies.ticket(TicketFor::SecondFactor, UserId(1), 4, NOW).unwrap();
        let recent = cookies.recent(session, NOW);
        assert_eq!(cookies.tickets(std::slice::from_ref(&ticket)).count(), 1);
        assert!(cookies.is_recent(std::slice::from_ref(&recent), session, Some(NOW), NOW));
        assert!(!cookies.is_recent(std::slice::from_ref(&ticket), session, Some(NOW), NOW));
        assert_eq!(cookies.tickets(std::slice::from_ref(&recent)).count(), 0);
        for text in [&ticket, &recent] {
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let forged = [String::from_utf8(bytes).unwrap()];
                assert_eq!(cookies.tickets(&forged).count(), 0, "{at}");
                assert!(!cookies.is_recent(&forged, session, Some(NOW), NOW), "{at}");
            }
        }
    }

    /// Several tabs hold theirs in one cookie; what is forged, too old or of another kind is left out.
    #[test]
    fn challenges_of_several_tabs_stand_in_one_cookie() {
        let (cookies, bound) = (cookies(1, &[]), Some((UserId(1), [5; 16])));
        let mut cookie = String::new();
        let mut challenges = Vec::new();
        for tab in 0..6 {
            let now = NOW + std::time::Duration::from_secs(tab);
            let (made, text) = cookies.ceremony(&[cookie], CeremonyFor::Reproof, bound, now).unwrap();
            challenges.insert(0, made.challenge);
            cookie = text;
        }
        let held = |text: &str| {
            let text = [text.to_owned()];
            cookies.ceremonies(&text).map(|held| held.challenge).collect::<Vec<_>>()
        };
        assert_eq!(held(&cookie), challenges[..4]);
        assert!(cookie.len() < 600);
        let later = NOW + Ceremony::LIFE + std::time::Duration::from_secs(4);
        let (_, text) = cookies.ceremony(&[cookie.clone()], CeremonyFor::SignIn, None, later).unwrap();
        assert_eq!(held(&text)[1..], challenges[..1]);
        let first = cookie.split('.').next().unwrap().to_owned();
        for at in 0..first.len() {
            let mut bytes = first.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(held(&String::from_utf8(bytes).unwrap()).is_empty(), "{at}");
        }
        let ticket = cookies.ticket(TicketFor::SecondFactor, UserId(1), 4, NOW).unwrap();
        assert!(held(&ticket).is_empty() && held("").is_empty() && held("...").is_empty());
        assert_eq!(cookies.tickets(&[first]).count(), 0);
    }

    #[test]
    fn a_change_of_keys_voids_none() {
        let ticket = [cookies(1, &[]).ticket(TicketFor::Enrolment, UserId(1), 4, NOW).unwrap()];
        assert_eq!(cookies(2, &[]).tickets(&ticket).count(), 0);
        let read: Vec<_> = cookies(2, &[1]).tickets(&ticket).collect();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].purpose, read[0].user_id, read[0].version), (TicketFor::Enrolment, UserId(1), 4));
    }
}
