//! Rate limits. (Placeholder of the same shape until the real one lands: it admits everything.)

use std::net::IpAddr;

use crate::config::throttle::Throttle;
use crate::domain::session::SessionId;
use crate::domain::throttle::Throttled;
use crate::domain::timestamp::Timestamp;

/// All rate limits of one node.
#[derive(Debug)]
pub struct Throttles;

/// An admitted attempt, to be given back when the server itself could not do its work.
#[derive(Debug)]
pub struct Reservation;

impl Throttles {
    /// Limits as they are set.
    #[must_use]
    pub fn new(_settings: &Throttle) -> Self {
        Self
    }

    /// An attempt to log in.
    pub fn login(&self, _ip: Option<IpAddr>, _now: Timestamp) -> Result<Reservation, Throttled> {
        Ok(Reservation)
    }

    /// An attempt to register.
    pub fn register(&self, _ip: Option<IpAddr>, _now: Timestamp) -> Result<Reservation, Throttled> {
        Ok(Reservation)
    }

    /// A refresh.
    pub fn refresh(&self, _session: SessionId, _now: Timestamp) -> Result<(), Throttled> {
        Ok(())
    }

    /// Gives an attempt back.
    pub fn refund(&self, _reservation: Reservation) {}
}
