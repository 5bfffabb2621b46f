//! The worlds that are explored. Small ones for every run of the tests; with `DOORWARD_MODEL=large` the same ones with more of
//! everything.

use std::time::Duration;

use crate::bounds::Bounds;

/// A lost request, a delayed or a doubled one; nothing else goes wrong. Both ways together take less than a window.
pub(crate) fn slow_network() -> Vec<Bounds> {
    let delays = if is_large() { [(5, 0), (3, 2), (0, 5)] } else { [(2, 0), (1, 1), (0, 2)] };
    let world = |(request_delay, reply_delay)| Bounds {
        tick: if is_large() { Duration::from_secs(5) } else { Duration::from_secs(10) },
        in_flight: 3,
        duplicates: 1,
        request_delay,
        reply_delay,
        logout: true,
        ..Bounds::quiet("slow network")
    };
    delays.map(world).into()
}

/// Replies are lost, alone or with a node that restarts; the browser is killed. As often as is forgiven.
pub(crate) fn mishaps() -> Bounds {
    Bounds {
        in_flight: if is_large() { 5 } else { 3 },
        duplicates: if is_large() { 2 } else { 1 },
        mishaps: 2,
        days: if is_large() { 2 } else { 1 },
        ..Bounds::quiet("mishaps")
    }
}

/// Two things go wrong at once: messages are slow, and replies are lost or overtaken.
pub(crate) fn slow_and_lossy() -> Vec<Bounds> {
    let duplicates = u8::from(is_large());
    let world = |in_flight, request_delay, reply_delay| Bounds {
        in_flight,
        request_delay,
        reply_delay,
        duplicates,
        mishaps: if is_large() { 2 } else { 1 },
        ..Bounds::quiet("slow and lossy")
    };
    if is_large() {
        vec![world(3, 2, 0), world(3, 1, 1), world(3, 0, 2)]
    } else {
        vec![world(2, 2, 0), world(3, 1, 1), world(3, 0, 2)]
    }
}

/// One tab, slow messages, and two mishaps: the answer is late, and the browser is killed before it is on the disk.
pub(crate) fn late_and_killed() -> Bounds {
    Bounds {
        in_flight: if is_large() { 2 } else { 1 },
        request_delay: 1,
        reply_delay: 1,
        mishaps: 2,
        ..Bounds::quiet("late and killed")
    }
}

/// Days pass; the session expires. Only a thief keeps a cookie longer than its Max-Age.
pub(crate) fn expiry() -> Bounds {
    Bounds { in_flight: if is_large() { 3 } else { 1 }, mishaps: 1, thefts: 1, days: 3, ..Bounds::quiet("expiry") }
}

/// The database falls back to an earlier state of the session.
pub(crate) fn fail_over() -> Bounds {
    Bounds {
        in_flight: if is_large() { 5 } else { 3 },
        duplicates: if is_large() { 2 } else { 0 },
        mishaps: 1,
        fail_overs: 1,
        ..Bounds::quiet("fail-over")
    }
}

/// The service's clock steps back an hour at any moment, and forward again when nothing is under way.
pub(crate) fn clock() -> Bounds {
    Bounds {
        in_flight: if is_large() { 4 } else { 3 },
        duplicates: 1,
        mishaps: 2,
        clock_steps: if is_large() { 4 } else { 2 },
        ..Bounds::quiet("clock")
    }
}

/// A thief copies the cookie, and uses it or not, at any moment.
pub(crate) fn thief() -> Bounds {
    Bounds {
        in_flight: if is_large() { 3 } else { 2 },
        duplicates: u8::from(is_large()),
        mishaps: if is_large() { 2 } else { 1 },
        thefts: if is_large() { 3 } else { 2 },
        days: 1,
        logout: true,
        ..Bounds::quiet("thief")
    }
}

pub(crate) fn is_large() -> bool {
    #[expect(clippy::disallowed_methods, reason = "tests are not configured by the settings of the service")]
    let wish = std::env::var("DOORWARD_MODEL");
    wish.is_ok_and(|wish| wish == "large")
}
