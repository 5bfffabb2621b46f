//! What can happen next: to browser and network, thief and database, and time.

use std::sync::Arc;
use std::time::Duration;

use doorward::domain::session::{EndReason, Ended};
use stateright::{Model, Property};

use crate::bounds::{Bounds, DAY};
use crate::invariants;
use crate::service::{self, Party, Tally};
use crate::world::{Kind, Message, World};

pub(crate) const CLOCK_STEP: Duration = Duration::from_hours(1);

/// How many rotations a fail-over may lose.
const MAX_LAG: u32 = 2;

/// One step. Numbers are places in [`World::messages`]. A lost request is none of them: it is one that was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// A tab sends a refresh.
    Refresh,
    /// A tab sends any other request.
    Use,
    /// A request reaches a node, and is answered.
    Arrive(usize),
    /// The network makes a copy of a request.
    Duplicate(usize),
    /// A reply reaches the browser.
    Receive(usize),
    /// These replies, a bit for each, are lost together: by the network, or with a node that restarts.
    Lose(u8),
    /// The browser writes its cookies to the disk.
    WriteDisk,
    /// The browser is killed, and comes back with what the disk holds.
    Kill,
    /// Somebody copies the cookie.
    Steal,
    /// The thief refreshes, and takes the new cookie or stays with the old one.
    ThiefRefresh { stay: bool },
    /// The thief sends any other request.
    ThiefUse,
    /// The session is ended from outside.
    LogOut,
    /// A replica catches up, for the last time.
    Replicate,
    /// The replica takes over: what was written since is lost, and all that was under way.
    FailOver,
    /// The service's clock steps back an hour.
    StepBack,
    /// The service's clock steps forward an hour.
    StepForward,
    /// A tick passes.
    Tick,
    /// So much time passes that no window is open any more.
    Pause,
    /// A day passes.
    Day,
}

/// All worlds within some bounds.
pub(crate) struct Explored {
    pub(crate) bounds: Bounds,
    pub(crate) tally: Arc<Tally>,
}

impl Model for Explored {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![World::after_login(&self.bounds)]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        if world.watch.broken == 0 {
            self.network(world, moves);
            self.browser(world, moves);
            self.others(world, moves);
            self.times(world, moves);
        }
    }

    fn next_state(&self, world: &World, step: Move) -> Option<World> {
        let mut next = world.clone();
        self.make(&mut next, step);
        // A replica that is further behind can't take over any more.
        let newest = next.database.session.generation;
        if next.replica.as_ref().is_some_and(|replica| newest - replica.session.generation > MAX_LAG) {
            next.replica = None;
            next.spent.fail_overs += 1;
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::properties()
    }
}

impl Explored {
    fn network(&self, world: &World, moves: &mut Vec<Move>) {
        let mishap = world.spent.mishaps < self.bounds.mishaps;
        for (at, message) in world.messages.iter().enumerate() {
            if message.kind != Kind::Reply {
                moves.push(Move::Arrive(at));
            } else if mishap || !is_overtaken(world, message) {
                moves.push(Move::Receive(at));
            }
            if message.kind == Kind::Refresh && self.has_room(world) && world.spent.duplicates < self.bounds.duplicates
            {
                moves.push(Move::Duplicate(at));
            }
        }
        if mishap {
            let replies = world.messages.iter().enumerate().filter(|(_, message)| message.kind == Kind::Reply);
            let replies = replies.fold(0, |bits, (at, _)| bits | 1_u8 << at);
            moves.extend((1..=replies).filter(|set| set & !replies == 0).map(Move::Lose));
        }
    }

    fn browser(&self, world: &World, moves: &mut Vec<Move>) {
        let (browser, session) = (&world.browser, &world.database.session);
        // It drops a cookie whose Max-Age is over.
        if self.has_room(world) && world.now < browser.jar.expires {
            moves.push(Move::Refresh);
            // Another request matters only where it can confirm.
            let unconfirmed = session.confirmed_generation < session.generation;
            if unconfirmed && browser.jar.generation >= session.generation {
                moves.push(Move::Use);
            }
        }
        if !browser.is_written() {
            moves.push(Move::WriteDisk);
        }
        let waits = world.messages.iter().any(|message| matches!(message.kind, Kind::Refresh | Kind::Reply));
        // A token that is ahead of the row rotates at once, so that a fail-over can leave the disk two rotations behind.
        let too_far_behind = self.bounds.fail_overs > 0 && !world.disk_is_one_behind();
        if (waits || !browser.is_written()) && world.spent.mishaps < self.bounds.mishaps && !too_far_behind {
            moves.push(Move::Kill);
        }
    }

    fn others(&self, world: &World, moves: &mut Vec<Move>) {
        if world.spent.thefts < self.bounds.thefts {
            moves.push(Move::Steal);
        }
        if world.thief.is_some() {
            moves.extend([Move::ThiefRefresh { stay: false }, Move::ThiefRefresh { stay: true }, Move::ThiefUse]);
        }
        if self.bounds.logout && world.database.session.ended.is_none() {
            moves.push(Move::LogOut);
        }
        if world.spent.fail_overs < self.bounds.fail_overs {
            moves.push(if world.replica.is_some() { Move::FailOver } else { Move::Replicate });
        }
    }

    fn times(&self, world: &World, moves: &mut Vec<Move>) {
        let (bounds, spent) = (&self.bounds, &world.spent);
        let may_wait = |message: &Message| {
            message.age < if message.kind == Kind::Reply { bounds.reply_delay } else { bounds.request_delay }
        };
        let written = world.browser.is_written();
        if world.messages.iter().all(may_wait) && (written || world.browser.behind < bounds.disk_lag) {
            moves.push(Move::Tick);
        }
        let at_rest = world.messages.is_empty() && written;
        if at_rest {
            moves.push(Move::Pause);
            if spent.days < bounds.days {
                moves.push(Move::Day);
            }
        }
        if spent.clock_steps < bounds.clock_steps {
            if bounds.clock_skips_messages || spent.clock_is_back && at_rest {
                moves.push(Move::StepForward);
            } else if !spent.clock_is_back {
                moves.push(Move::StepBack);
            }
        }
    }

    fn has_room(&self, world: &World) -> bool {
        world.messages.len() < self.bounds.in_flight
    }

    fn make(&self, world: &mut World, step: Move) {
        let (bounds, tally) = (&self.bounds, &self.tally);
        match step {
            Move::Refresh => world.send(Kind::Refresh, world.browser.jar),
            Move::Use => world.send(Kind::Use, world.browser.jar),
            Move::Arrive(at) => {
                let Message { kind, token, .. } = world.messages.remove(at);
                if kind == Kind::Use {
                    service::confirm(world, bounds, tally, token);
                } else if let Some(cookie) = service::refresh(world, bounds, tally, Party::Owner, token)
                    && kind == Kind::Refresh
                {
                    world.send(Kind::Reply, cookie);
                }
            }
            Move::Duplicate(at) => {
                world.messages.insert(at, world.messages[at]);
                world.spent.duplicates += 1;
            }
            Move::Receive(at) => {
                let reply = world.messages.remove(at);
                world.spent.mishaps += u8::from(is_overtaken(world, &reply));
                world.receive(reply.token);
            }
            Move::Lose(set) => {
                let kept = world.messages.iter().enumerate().filter(|(at, _)| set & 1 << at == 0);
                world.messages = kept.map(|(_, message)| *message).collect();
                world.spent.mishaps += 1;
            }
            Move::WriteDisk => {
                world.browser.disk = world.browser.jar;
                world.browser.behind = 0;
            }
            Move::Kill => {
                world.browser.jar = world.browser.disk;
                world.browser.behind = 0;
                world.messages.retain(|message| message.kind != Kind::Reply);
                let waiting = world.messages.iter_mut().filter(|message| message.kind == Kind::Refresh);
                waiting.for_each(|message| message.kind = Kind::Orphan);
                world.messages.sort_unstable();
                world.spent.mishaps += 1;
            }
            Move::Steal => {
                world.thief = Some(world.browser.jar);
                world.watch.given[Party::Thief as usize] = world.browser.jar == world.watch.newest;
                world.spent.thefts += 1;
            }
            Move::ThiefRefresh { stay } => {
                if let Some(token) = world.thief
                    && let Some(cookie) = service::refresh(world, bounds, tally, Party::Thief, token)
                    && !stay
                {
                    world.thief = Some(cookie);
                }
            }
            Move::ThiefUse => {
                if let Some(token) = world.thief {
                    service::confirm(world, bounds, tally, token);
                    world.watch.thief_acted = true;
                }
            }
            Move::LogOut => {
                let ended = Some(Ended { at: world.now, reason: EndReason::Logout });
                world.database.rows_mut().for_each(|session| session.ended.clone_from(&ended));
            }
            Move::Replicate => world.replica = Some(Box::new(world.database.clone())),
            Move::FailOver => {
                if let Some(replica) = world.replica.take() {
                    world.watch.forget(&replica.session);
                    world.database = *replica;
                    world.messages.clear();
                    world.spent.fail_overs += 1;
                }
            }
            Move::StepBack | Move::StepForward => {
                let back = step == Move::StepBack;
                world.now = if back { world.now - CLOCK_STEP } else { world.now + CLOCK_STEP };
                world.spent.clock_is_back = back;
                world.spent.clock_steps += 1;
            }
            Move::Tick => {
                world.now = world.now + world.tick;
                world.messages.iter_mut().for_each(|message| message.age += 1);
                world.browser.behind += u8::from(!world.browser.is_written());
            }
            Move::Pause => world.now = world.now + world.tick * world.oldest_age,
            Move::Day => {
                world.now = world.now + DAY;
                world.spent.days += 1;
                // A client that is not up to date has yet to come back from its last mishap.
                let up_to_date = world.browser.jar.generation >= world.database.session.generation;
                world.spent.mishaps = u8::from(!up_to_date);
            }
        }
    }
}

/// Whether the browser has received a newer cookie than this reply brings.
fn is_overtaken(world: &World, reply: &Message) -> bool {
    reply.token.generation < world.browser.jar.generation
}
