//! What there is when somebody asks.

use std::time::Duration;

use prometheus::core::{AtomicU64, GenericCounter};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, Opts, Registry};

/// A moment of the service. What is none is left out: nobody knows it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The program's version.
    pub version: &'static str,
    /// The hashing pool.
    pub hashing: Hashing,
    /// What is remembered of sessions.
    pub sessions: SessionCache,
    /// Sessions that could be used, in the whole database.
    pub live_sessions: Option<u64>,
    /// Connections to the database.
    pub connections: Connections,
    /// How long ago revocations of other nodes were read.
    pub revocations_read: Option<Duration>,
    /// Counters of attempts in memory.
    pub throttle_counters: usize,
    /// Requests that were held while passwords were hashed, since the start.
    pub requests_held: u64,
    /// Mails, where they are sent.
    pub mail: Option<Mail>,
    /// Lines of the log that were lost since the start.
    pub log_lines_dropped: u64,
}

/// The outbox, as this process saw it last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Mails that wait.
    pub waiting: u64,
    /// How long the oldest has waited.
    pub age: Duration,
    /// Mails that were given up, and are still remembered.
    pub dead: u64,
}

/// The hashing pool.
#[derive(Clone, Debug, Default)]
pub struct Hashing {
    /// Jobs, and reserved places, that wait.
    pub waiting: usize,
    /// Lanes in which a password is verified or hashed.
    pub running: usize,
    /// Lanes that there are.
    pub lanes: usize,
    /// How long a login that comes now would wait.
    pub predicted_wait: Duration,
    /// How long jobs have waited, all together, since the start.
    pub waited: Duration,
    /// Jobs that have begun.
    pub begun: u64,
    /// Jobs that were refused for want of time.
    pub shed: u64,
    /// Jobs whose caller had gone.
    pub abandoned: u64,
    /// Rounds of bcrypt.
    pub rounds: u64,
}

/// What is remembered of sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionCache {
    /// Live ones.
    pub live: u64,
    /// Ended ones.
    pub ended: u64,
}

/// Connections to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub busy: u32,
    /// Open, with nothing to do.
    pub idle: u32,
    /// As many as there may be.
    pub max: u32,
}

impl Observed {
    /// In a registry of its own: two who ask at once do not mix.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let tell = Tell(Registry::new());
        tell.gauges("doorward_build_info", "Always 1.", "version", &[(self.version, 1.0)]);
        let hashing = &self.hashing;
        tell.gauge("doorward_hash_queue_depth", "Passwords that wait to be hashed.", hashing.waiting);
        tell.seconds(
            "doorward_hash_queue_predicted_wait_seconds",
            "How long a login that comes now would wait for its hash.",
            hashing.predicted_wait,
        );
        tell.gauge("doorward_hash_lanes_in_use", "Passwords that are being hashed.", hashing.running);
        tell.gauge("doorward_hash_lanes", "Passwords that can be hashed at a time.", hashing.lanes);
        tell.total("doorward_hash_jobs_begun_total", "Passwords whose hashing has begun.", hashing.begun);
        tell.total_seconds(
            "doorward_hash_wait_seconds_total",
            "How long passwords have waited until then, all together.",
            hashing.waited,
        );
        tell.total("doorward_hash_jobs_shed_total", "Passwords refused for want of time.", hashing.shed);
        tell.total("doorward_hash_jobs_abandoned_total", "Passwords whose caller went away.", hashing.abandoned);
        tell.total("doorward_hash_rounds_total", "Rounds of bcrypt; a hash of cost c has 2^c.", hashing.rounds);
        tell.gauges(
            "doorward_session_cache_entries",
            "Sessions that this process remembers.",
            "kind",
            &[("live", count(self.sessions.live)), ("ended", count(self.sessions.ended))],
        );
        if let Some(live) = self.live_sessions {
            tell.gauge("doorward_sessions_live", "Sessions that can be used, in the whole database.", live);
        }
        let Connections { busy, idle, max } = self.connections;
        tell.gauges(
            "doorward_database_connections",
            "Connections of this process to the database.",
            "state",
            &[("busy", busy.into()), ("idle", idle.into())],
        );
        tell.gauge("doorward_database_connections_max", "As many as there may be.", max);
        if let Some(age) = self.revocations_read {
            tell.seconds(
                "doorward_revocations_read_age_seconds",
                "How long ago this process read what other nodes have revoked.",
                age,
            );
        }
        if let Some(Mail { waiting, age, dead }) = self.mail {
            tell.gauge("doorward_mail_waiting", "Mails that wait to be sent, in the whole database.", waiting);
            tell.seconds("doorward_mail_oldest_age_seconds", "How long the oldest of them has waited.", age);
            tell.gauge("doorward_mail_dead", "Mails that were given up in the last days.", dead);
        }
        tell.gauge("doorward_throttle_counters", "Counters of attempts in memory.", self.throttle_counters as u64);
        tell.total(
            "doorward_http_requests_held_total",
            "Requests of who asked too fast while passwords were hashed: they were answered a little later.",
            self.requests_held,
        );
        tell.total("doorward_log_lines_dropped_total", "Lines of the log that were lost.", self.log_lines_dropped);
        tell.0.gather()
    }
}

/// Beyond 2^53 a gauge is no longer exact, which nobody minds.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows only floating point")]
fn count(number: u64) -> f64 {
    number as f64
}

struct Tell(Registry);

impl Tell {
    fn gauge(&self, name: &str, help: &str, value: impl TryInto<u64>) {
        self.float(name, help, value.try_into().map_or(f64::NAN, count));
    }

    fn seconds(&self, name: &str, help: &str, value: Duration) {
        self.float(name, help, value.as_secs_f64());
    }

    fn float(&self, name: &str, help: &str, value: f64) {
        let gauge = super::made(&self.0, Gauge::new(name, help));
        gauge.set(value);
    }

    fn gauges(&self, name: &str, help: &str, label: &str, values: &[(&str, f64)]) {
        let gauges = super::made(&self.0, GaugeVec::new(Opts::new(name, help), &[label]));
        for (word, value) in values {
            gauges.with_label_values(&[*word]).set(*value);
        }
    }

    fn total(&self, name: &str, help: &str, value: u64) {
        super::made(&self.0, GenericCounter::<AtomicU64>::new(name, help)).inc_by(value);
    }

    fn total_seconds(&self, name: &str, help: &str, value: Duration) {
        super::made(&self.0, prometheus::Counter::new(name, help)).inc_by(value.as_secs_f64());
    }
}
