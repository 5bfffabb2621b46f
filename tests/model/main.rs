//! Model checking of the decision what a refresh token means: the service's own `judge`, in every world that the bounds of a
//! scenario allow. `docs/design/sessions.md` tells what it found.

mod bound;
mod bounds;
mod checker;
mod factors;
mod invariants;
mod mail;
mod moves;
mod rules;
mod scenarios;
mod service;
mod story;
mod view;
mod world;

use bounds::Bounds;
use checker::{counterexample, holds};
use invariants::Invariant;
use rules::Rule;
use service::Outcome;

#[test]
fn a_slow_network_logs_nobody_out() {
    for bounds in scenarios::slow_network() {
        let tally = holds(&bounds);
        assert!(tally.of(Outcome::Successor) > 0 && tally.of(Outcome::Same) > 0);
        assert_eq!(tally.of(Outcome::Reissued), 0, "a delay alone uses nothing of the allowance");
    }
}

#[test]
fn lost_replies_and_killed_browsers_log_nobody_out() {
    let tally = holds(&scenarios::mishaps());
    assert!(tally.of(Outcome::Reissued) > 0 && tally.of(Outcome::Confirmed) > 0);
    assert_eq!(tally.of(Outcome::Reuse), 0);
}

#[test]
fn a_network_that_is_slow_and_loses_replies_logs_nobody_out() {
    for bounds in scenarios::slow_and_lossy() {
        assert_eq!(holds(&bounds).of(Outcome::Reuse), 0);
    }
}

#[test]
fn a_browser_that_is_killed_soon_after_a_late_answer_stays() {
    let tally = holds(&scenarios::late_and_killed());
    assert!(tally.of(Outcome::Reissued) > 0 && tally.of(Outcome::Confirmed) > 0);
}

#[test]
fn a_session_expires_and_stays_so() {
    let tally = holds(&scenarios::expiry());
    assert!(tally.of(Outcome::Expired) > 0);
}

#[test]
fn lost_writes_log_nobody_out() {
    assert!(holds(&scenarios::fail_over()).of(Outcome::Ahead) > 0);
}

#[test]
fn a_clock_that_steps_logs_nobody_out() {
    assert!(holds(&scenarios::clock()).of(Outcome::Same) > 0);
}

#[test]
fn a_thief_does_not_share_a_session_for_long() {
    let tally = holds(&scenarios::thief());
    assert!(tally.of(Outcome::Reuse) > 0 && tally.of(Outcome::Reissued) > 0);
    // The stated limit.
    assert!(tally.of(Outcome::ThiefUnseen) > 0);
}

#[test]
fn worlds_that_look_the_same_have_the_same_future() {
    let small = Bounds { in_flight: 2, duplicates: 1, request_delay: 1, mishaps: 1, ..Bounds::quiet("look-alikes") };
    assert!(checker::look_alikes(&small) > 100);
    assert!(checker::look_alikes(&Bounds { days: 3, request_delay: 0, ..small.clone() }) > 100);
    assert!(checker::look_alikes(&Bounds { fail_overs: 1, request_delay: 0, ..small.clone() }) > 100);
    assert!(checker::look_alikes(&Bounds { clock_steps: 2, request_delay: 0, ..small.clone() }) > 100);
    assert!(checker::look_alikes(&Bounds { thefts: 1, in_flight: 1, days: 1, ..small }) > 100);
}

/// Each wrong rule, the invariant that it breaks, and in how many steps at the least. That the real one holds in the same
/// worlds is what the tests above say.
mod wrong_rules {
    use super::*;

    fn is_caught(rule: Rule, scenario: Bounds, invariant: Invariant, row: &str) {
        breaks(&Bounds { rule, ..scenario }, invariant, row);
    }

    fn slow_network() -> Bounds {
        scenarios::slow_network().swap_remove(0)
    }

    #[test]
    fn strict_one_time() {
        is_caught(Rule::StrictOneTime, slow_network(), Invariant::HonestClientStays, "Strict one-time tokens");
    }

    #[test]
    fn forking_grace() {
        is_caught(Rule::ForkingGrace, slow_network(), Invariant::OneSuccessor, "Forking grace window");
        is_caught(Rule::ForkingGrace, scenarios::thief(), Invariant::SharingEnds, "Forking grace window");
    }

    #[test]
    fn re_rotating_grace() {
        is_caught(Rule::ReRotatingGrace, slow_network(), Invariant::OneRotationPerWindow, "Re-rotating grace window");
        is_caught(Rule::ReRotatingGrace, slow_network(), Invariant::HonestClientStays, "Re-rotating grace window");
    }

    #[test]
    fn unbounded_allowance() {
        is_caught(Rule::UnboundedAllowance, scenarios::thief(), Invariant::SharingEnds, "Unbounded allowance");
    }

    #[test]
    fn confirmation_at_once() {
        is_caught(Rule::ConfirmationAtOnce, scenarios::mishaps(), Invariant::HonestClientStays, "Confirmation at once");
    }

    #[test]
    fn rotation_at_the_end_of_the_window() {
        let scenario = scenarios::slow_and_lossy().swap_remove(1);
        let row = "Rotation as soon as the window closes";
        is_caught(Rule::RotationAtWindowsEnd, scenario, Invariant::HonestClientStays, row);
    }

    #[test]
    fn confirmation_that_counts_from_the_rotation() {
        let row = "Confirmation a minute after the rotation";
        is_caught(Rule::ConfirmationFromRotation, scenarios::late_and_killed(), Invariant::HonestClientStays, row);
    }

    #[test]
    fn allowance_that_does_not_open_the_window_again() {
        let row = "Allowance that leaves the window shut";
        is_caught(Rule::AllowanceKeepsWindowShut, scenarios::mishaps(), Invariant::HonestClientStays, row);
    }

    #[test]
    fn ahead_is_reuse() {
        let row = "A token ahead of the row is a forgery";
        is_caught(Rule::AheadIsReuse, scenarios::fail_over(), Invariant::HonestClientStays, row);
    }

    #[test]
    fn end_is_forgotten() {
        is_caught(Rule::EndIsForgotten, slow_network(), Invariant::EndIsForEver, "The end is looked at last");
    }

    #[test]
    fn sliding_absolute_expiry() {
        let row = "The absolute expiry moves";
        is_caught(Rule::SlidingAbsoluteExpiry, scenarios::expiry(), Invariant::NothingPastExpiry, row);
    }

    #[test]
    fn expired_token_punished() {
        let row = "An expired token is punished";
        is_caught(Rule::ExpiredTokenPunished, scenarios::expiry(), Invariant::ExpiredChangesNothing, row);
    }

    #[test]
    fn future_is_long_ago() {
        let row = "A rotation from the future is long ago";
        is_caught(Rule::FutureIsLongAgo, scenarios::clock(), Invariant::ClockStepEndsNothing, row);
    }

    #[test]
    fn reuse_judged_twice() {
        is_caught(Rule::ReuseJudgedTwice, scenarios::thief(), Invariant::OneRecordPerReuse, "Reuse is judged twice");
    }
}

/// Where the promise ends: one step further, and the model logs an honest client out.
mod limits {
    use super::*;

    fn ends_at(bounds: &Bounds, row: &str) {
        breaks(bounds, Invariant::HonestClientStays, row);
    }

    #[test]
    fn a_third_mishap_in_a_day() {
        ends_at(&Bounds { mishaps: 3, ..Bounds::quiet("mishaps") }, "A third mishap in 24 hours");
    }

    #[test]
    fn a_fail_over_and_two_mishaps() {
        let bounds = Bounds { mishaps: 2, in_flight: 2, fail_overs: 1, ..Bounds::quiet("fail-over and mishaps") };
        ends_at(&bounds, "A fail-over forgets a forgiven reply, and the browser is killed");
    }

    #[test]
    fn a_fail_over_that_forgets_the_last_use() {
        let bounds = Bounds { fail_overs: 1, days: 3, ..Bounds::quiet("fail-over and expiry") };
        ends_at(&bounds, "A fail-over forgets the last use, and the older idle expiry passes");
    }

    #[test]
    fn a_clock_that_skips_an_hour_while_requests_are_under_way() {
        let bounds =
            Bounds { in_flight: 2, clock_steps: 1, clock_skips_messages: true, ..Bounds::quiet("hasty clock") };
        breaks(&bounds, Invariant::ClockStepEndsNothing, "The clock jumps forward while refreshes are under way");
    }
}

/// The invariant is broken, in as many steps as the page says in this row.
fn breaks(bounds: &Bounds, invariant: Invariant, row: &str) {
    let found = counterexample(bounds, invariant).unwrap_or_else(|| panic!("{} holds", invariant.name()));
    let number = invariant.name().split(' ').next().unwrap_or_default();
    println!("{row} breaks {} in {} steps:\n{}", invariant.name(), found.steps, found.story);
    let line = format!("| {row} | {number} | {} |", found.steps);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/design/sessions.md");
    let page = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(page.contains(&line), "docs/design/sessions.md lacks {line:?}");
}
