//! Tells a way through the model as a person would: when, what, and what came of it.

use std::fmt::Write as _;

use stateright::Model;

use crate::moves::{Explored, Move};
use crate::world::{Kind, LOGIN, Token, World};

/// One line a step, with the seconds since the login as the service's clock shows them.
pub(crate) fn tell(explored: &Explored, moves: &[Move]) -> String {
    let mut world = World::after_login(&explored.bounds);
    let mut story = String::new();
    for step in moves {
        let Some(next) = explored.next_state(&world, *step) else { break };
        let seconds = world.now.seconds() - LOGIN.seconds();
        let _ = writeln!(story, "{seconds:>7} s  {}", line(&world, *step, &next));
        world = next;
    }
    story
}

fn line(world: &World, step: Move, next: &World) -> String {
    let cookie = |token: Token| {
        if token.branch == 0 { token.generation.to_string() } else { format!("{}'", token.generation) }
    };
    let replies = |world: &World| world.messages.iter().filter(|message| message.kind == Kind::Reply).count();
    let message = |at: usize| cookie(world.messages[at].token);
    let outcome = || {
        let (before, after) = (&world.database, &next.database);
        if next.database.session.ended != world.database.session.ended {
            "the session is ended for reuse".to_owned()
        } else if after.fork.is_some() && before.fork.is_none() {
            "a fork".to_owned()
        } else if after.session.generation != before.session.generation {
            format!("rotated to {}", after.session.generation)
        } else if after.session.lost_replies_total != before.session.lost_replies_total {
            format!("{} again, as a lost reply", after.session.generation)
        } else if after.session.confirmed_generation != before.session.confirmed_generation {
            format!("{} is confirmed", after.session.generation)
        } else if replies(next) > replies(world) {
            format!("answered with {}", after.session.generation)
        } else {
            "no change".to_owned()
        }
    };
    match step {
        Move::Refresh => format!("a tab sends a refresh with {}", cookie(world.browser.jar)),
        Move::Use => format!("a tab sends another request with {}", cookie(world.browser.jar)),
        Move::Arrive(at) => format!("the request with {} arrives: {}", message(at), outcome()),
        Move::Duplicate(at) => format!("the network copies the request with {}", message(at)),
        Move::Receive(at) => format!("the browser receives {}", message(at)),
        Move::Lose(set) => {
            let lost = (0..world.messages.len()).filter(|at| set & 1 << at != 0).map(message);
            format!("lost: the replies with {}", lost.collect::<Vec<_>>().join(", "))
        }
        Move::WriteDisk => format!("the browser writes {} to its disk", cookie(world.browser.jar)),
        Move::Kill => format!("the browser is killed and comes back with {}", cookie(world.browser.disk)),
        Move::Steal => format!("a thief copies {}", cookie(world.browser.jar)),
        Move::ThiefRefresh { stay } => {
            let presented = world.thief.map_or_else(String::new, cookie);
            let kept = if stay { ", but stays with the old cookie" } else { "" };
            format!("the thief refreshes with {presented}: {}{kept}", outcome())
        }
        Move::ThiefUse => format!("the thief sends another request: {}", outcome()),
        Move::LogOut => "the session is ended by a logout".to_owned(),
        Move::Replicate => "a replica catches up for the last time".to_owned(),
        Move::FailOver => format!("fail-over: the newest is {}", next.database.session.generation),
        Move::StepBack => "the clock steps back an hour".to_owned(),
        Move::StepForward => "the clock steps forward an hour".to_owned(),
        Move::Tick | Move::Pause | Move::Day => {
            format!("{} s pass", next.now.seconds() - world.now.seconds())
        }
    }
}
