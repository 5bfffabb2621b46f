//! Sessions that are bound to a device: the service's own [`Session::registration`], [`Session::presented_by`], [`Session::judge`] and
//! [`Session::apply`], in a small world with a thief who holds every cookie, may copy what is under way, and has no key but one of his own.
//! `docs/design/device-bound.md` tells what it found.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use doorward::domain::session::{
    Binding, BindingName, Challenge, ChallengeFor, DeviceKey, DeviceProof, EndReason, Ended, Generation, Means, Policy,
    Presented, Refusal, Registration, Session, Verdict,
};
use doorward::domain::timestamp::Timestamp;
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::bounds::Bounds;
use crate::world::{LOGIN, World as Unbound};

const OWNER: DeviceKey = DeviceKey([1; 65]);
const THIEF: DeviceKey = DeviceKey([2; 65]);
const NAME: BindingName = BindingName([7; 16]);
/// The name of a session of the thief's own.
const OTHER: BindingName = BindingName([8; 16]);
const CHALLENGE_LIFE: Duration = Duration::from_mins(15);
const TICK: Duration = Duration::from_mins(1);
const LONG: Duration = Duration::from_hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Real,
    /// Any good signature will do, whoever's it is.
    ProofOfAnySession,
    /// A challenge is good for ever.
    ChallengeForEver,
    /// The refresh token alone is accepted.
    TokenAlone,
    /// A challenge that was used is a reuse: 401, and the browser drops the binding.
    UsedIsRefused,
    /// Another key takes the place of the first.
    KeyIsReplaced,
}

/// What is under way from the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    /// A refresh without a proof.
    Ask,
    /// With the signature of a challenge: of this generation, that is good until then.
    Proof(Generation, Timestamp),
    /// The answer to either: a challenge, and whether new cookies came with it.
    Answer(Generation, Timestamp, bool),
}

#[derive(Clone, Debug, PartialEq)]
struct World {
    now: Timestamp,
    session: Session,
    /// What the browser will sign next. None: it has to ask.
    challenge: Option<(Generation, Timestamp)>,
    is_bound: bool,
    messages: Vec<Message>,
    /// A refresh token, of this generation.
    stolen: Option<Generation>,
    /// A proof that was under way.
    copied: Option<(Generation, Timestamp)>,
    steps: Spent,
    broken: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Spent {
    lost: u8,
    kills: u8,
    doubles: u8,
    waits: u8,
    thefts: u8,
    copies: u8,
    logout: bool,
}

/// Bits of [`World::broken`].
const OWNER_STAYS: u8 = 1;
const NOTHING_WITHOUT_KEY: u8 = 2;
const THIEF_ENDS_NOTHING: u8 = 4;
const END_IS_FOR_EVER: u8 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Refresh,
    Arrive(usize),
    Double(usize),
    Lose(usize),
    Kill,
    Steal,
    Copy(usize),
    ThiefToken,
    ThiefProof,
    ThiefOwnKey,
    ThiefRegisters,
    LogOut,
    Tick,
    Wait,
}

#[derive(Clone, Debug)]
struct Explored {
    rule: Rule,
    policy: Policy,
    bounds: Spent,
    /// How often the thief copies what there is of each kind, and how many rotations there are.
    thefts: u8,
    in_flight: usize,
    rotations: Generation,
    judged: u8,
}

impl Hash for World {
    /// All of it: the world is small.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Session { generation, rotated_at, confirmed_generation, binding, ended, idle_expires_at, .. } =
            &self.session;
        (generation, rotated_at.micros(), confirmed_generation, idle_expires_at.micros(), self.now.micros())
            .hash(state);
        (binding.map(|binding| binding.key.0[0]), ended.is_some(), self.is_bound, self.broken).hash(state);
        (self.challenge, &self.messages, self.stolen, self.copied, &self.steps).hash(state);
    }
}

impl Rule {
    fn presented(self, session: &Session, proof: &DeviceProof) -> Option<Presented> {
        let mut proof = *proof;
        match self {
            Self::ProofOfAnySession => {
                proof = DeviceProof {
                    key: OWNER,
                    challenge: Challenge { purpose: ChallengeFor::Refresh(NAME), ..proof.challenge },
                }
            }
            Self::ChallengeForEver => proof.challenge.expires = session.expires_at,
            _ => {}
        }
        session.presented_by(&proof)
    }

    fn judge(self, session: &Session, presented: Presented, policy: &Policy, now: Timestamp) -> Verdict {
        let verdict = session.judge(true, presented, policy, now);
        match self {
            Self::TokenAlone if presented.by == Means::Token => {
                Session { binding: None, ..session.clone() }.judge(true, presented, policy, now)
            }
            Self::UsedIsRefused
                if verdict == Verdict::Refuse(Refusal::DeviceProof) && presented.generation < session.generation =>
            {
                Verdict::Reuse
            }
            _ => verdict,
        }
    }

    fn registration(self, session: &Session, proof: &DeviceProof, now: Timestamp) -> Registration {
        match session.registration(proof, now) {
            Registration::Taken if self == Self::KeyIsReplaced => Registration::Bind,
            decided => decided,
        }
    }
}

impl Explored {
    fn new(rule: Rule, judged: u8) -> Self {
        let bounds = Bounds::quiet("bound");
        let large = crate::scenarios::is_large();
        let many = if large { 2 } else { 1 };
        Self {
            rule,
            policy: bounds.policy,
            bounds: Spent {
                lost: many,
                kills: 1,
                doubles: many,
                waits: if large { 3 } else { 2 },
                logout: true,
                ..Spent::default()
            },
            thefts: many,
            in_flight: many.into(),
            rotations: if large { 4 } else { 2 },
            judged,
        }
    }

    /// The service's answer to a proof. None: the session is over, and the browser told so. True: with new cookies.
    fn answer(&self, world: &mut World, proof: &DeviceProof) -> Option<bool> {
        let Some(presented) = self.rule.presented(&world.session, proof) else {
            return world.session.refusal(true, &self.policy, world.now).is_none().then_some(false);
        };
        match self.rule.judge(&world.session, presented, &self.policy, world.now) {
            Verdict::Refuse(Refusal::DeviceProof) => Some(false),
            Verdict::Refuse(_) => None,
            Verdict::Reuse => {
                world.session.ended = Some(Ended { at: world.now, reason: EndReason::Reuse });
                None
            }
            verdict => {
                world.session.apply(&verdict, presented, &self.policy, world.now);
                Some(true)
            }
        }
    }

    fn arrive(&self, world: &mut World, at: usize) {
        let (now, was_over) = (world.now, world.session.ended.is_some());
        let answer = match world.messages.remove(at) {
            Message::Answer(generation, expires, _) => {
                world.challenge = Some((generation, expires));
                return;
            }
            Message::Ask => (!was_over).then_some(false),
            Message::Proof(generation, expires) => {
                let challenge = Challenge { purpose: ChallengeFor::Refresh(NAME), generation, expires };
                self.answer(world, &DeviceProof { key: OWNER, challenge })
            }
        };
        world.demand(END_IS_FOR_EVER, !was_over || answer.is_none());
        if let Some(cookies) = answer {
            world.messages.push(Message::Answer(world.session.generation, now + CHALLENGE_LIFE, cookies));
            world.messages.sort_unstable();
        } else {
            world.is_bound = false;
            world.demand(OWNER_STAYS, was_over);
        }
    }

    /// What a thief is given is counted, and what ends by him.
    fn thief(world: &mut World, act: impl FnOnce(&mut World) -> bool, may_succeed: bool) {
        let before = world.session.clone();
        let given = act(world);
        world.demand(NOTHING_WITHOUT_KEY, !given || may_succeed);
        world.demand(THIEF_ENDS_NOTHING, world.session.ended == before.ended);
        world.demand(END_IS_FOR_EVER, before.ended.is_none() || !given);
    }
}

impl World {
    fn demand(&mut self, what: u8, holds: bool) {
        self.broken |= if holds { 0 } else { what };
    }
}

impl Model for Explored {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        let mut session = Unbound::session(&Bounds { policy: self.policy.clone(), ..Bounds::quiet("bound") });
        let proof = registration(&session, OWNER);
        assert_eq!(session.registration(&proof, LOGIN), Registration::Bind);
        session.binding = Some(Binding { key: OWNER, name: NAME });
        vec![World {
            now: LOGIN,
            challenge: Some((session.generation, LOGIN + CHALLENGE_LIFE)),
            session,
            is_bound: true,
            messages: Vec::new(),
            stolen: None,
            copied: None,
            steps: Spent::default(),
            broken: 0,
        }]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        if world.broken & self.judged != 0 {
            return;
        }
        let (steps, bounds) = (&world.steps, &self.bounds);
        if world.is_bound && world.messages.len() < self.in_flight {
            moves.push(Move::Refresh);
        }
        for (at, message) in world.messages.iter().enumerate() {
            moves.push(Move::Arrive(at));
            if steps.lost < bounds.lost {
                moves.push(Move::Lose(at));
            }
            if matches!(message, Message::Proof(..)) {
                if steps.copies < self.thefts {
                    moves.push(Move::Copy(at));
                }
                if steps.doubles < bounds.doubles {
                    moves.push(Move::Double(at));
                }
            }
        }
        if steps.kills < bounds.kills {
            moves.push(Move::Kill);
        }
        if steps.thefts < self.thefts {
            moves.push(Move::Steal);
        }
        moves.extend([Move::ThiefOwnKey, Move::ThiefRegisters]);
        moves.extend(world.stolen.map(|_| Move::ThiefToken));
        moves.extend(world.copied.map(|_| Move::ThiefProof));
        if !steps.logout && bounds.logout {
            moves.push(Move::LogOut);
        }
        if steps.waits < bounds.waits {
            moves.extend([Move::Tick, Move::Wait]);
        }
    }

    fn next_state(&self, world: &World, step: Move) -> Option<World> {
        let mut next = world.clone();
        let now = world.now;
        match step {
            Move::Refresh => {
                next.messages.push(match world.challenge {
                    Some((generation, expires)) => Message::Proof(generation, expires),
                    None => Message::Ask,
                });
                next.messages.sort_unstable();
            }
            Move::Arrive(at) => self.arrive(&mut next, at),
            Move::Double(at) => {
                next.messages.insert(at, world.messages[at]);
                next.steps.doubles += 1;
            }
            Move::Lose(at) => {
                next.messages.remove(at);
                next.steps.lost += 1;
            }
            // The cookies and the next challenge are lost, the binding is not.
            Move::Kill => {
                next.messages.retain(|message| !matches!(message, Message::Answer(..)));
                next.challenge = None;
                next.steps.kills += 1;
            }
            Move::Steal => {
                next.stolen = Some(world.session.generation);
                next.steps.thefts += 1;
            }
            Move::Copy(at) => {
                if let Message::Proof(generation, expires) = world.messages[at] {
                    next.copied = Some((generation, expires));
                    next.steps.copies += 1;
                }
            }
            Move::ThiefToken => {
                let generation = world.stolen?;
                let presented = Presented { generation, expires: world.session.idle_expires_at, by: Means::Token };
                let act = |world: &mut World| match self.rule.judge(&world.session, presented, &self.policy, now) {
                    Verdict::Refuse(_) => false,
                    Verdict::Reuse => {
                        world.session.ended = Some(Ended { at: now, reason: EndReason::Reuse });
                        false
                    }
                    verdict => {
                        world.session.apply(&verdict, presented, &self.policy, now);
                        true
                    }
                };
                Self::thief(&mut next, act, false);
            }
            Move::ThiefProof => {
                let (generation, expires) = world.copied?;
                let challenge = Challenge { purpose: ChallengeFor::Refresh(NAME), generation, expires };
                let act = |world: &mut World| self.answer(world, &DeviceProof { key: OWNER, challenge }) == Some(true);
                // The stated limit: a proof that is copied on its way is good until its challenge is not.
                Self::thief(&mut next, act, now < expires);
            }
            // Anybody is given a challenge who knows the name; a signature by another key, for a session of the thief's own.
            Move::ThiefOwnKey => {
                let generation = world.session.generation;
                let challenge =
                    Challenge { purpose: ChallengeFor::Refresh(OTHER), generation, expires: now + CHALLENGE_LIFE };
                let act = |world: &mut World| self.answer(world, &DeviceProof { key: THIEF, challenge }) == Some(true);
                Self::thief(&mut next, act, false);
            }
            // With the challenge of the login's answer, which was in time.
            Move::ThiefRegisters => {
                let proof = registration(&world.session, THIEF);
                match self.rule.registration(&world.session, &proof, now) {
                    _ if world.session.ended.is_some() => {}
                    Registration::Bind => {
                        next.session.binding = Some(Binding { key: THIEF, name: NAME });
                        next.demand(NOTHING_WITHOUT_KEY, false);
                    }
                    // Nobody can tell who is who: that is no refresh, and the session ends.
                    Registration::Taken => next.session.ended = Some(Ended { at: now, reason: EndReason::Device }),
                    Registration::Already | Registration::Refuse => {}
                }
            }
            Move::LogOut => {
                next.session.ended.get_or_insert(Ended { at: now, reason: EndReason::Logout });
                next.steps.logout = true;
            }
            Move::Tick => {
                next.now = now + TICK;
                next.steps.waits += 1;
            }
            Move::Wait => {
                next.now = now + LONG;
                next.steps.waits += 1;
            }
        }
        (next != *world).then_some(next)
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.session.generation <= 1 + self.rotations
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the owner stays", |model: &Self, world: &World| {
                world.broken & model.judged & OWNER_STAYS == 0
            }),
            Property::always("nothing without the key", |model: &Self, world: &World| {
                world.broken & model.judged & NOTHING_WITHOUT_KEY == 0
            }),
            Property::always("a thief ends nothing by refreshing", |model: &Self, world: &World| {
                world.broken & model.judged & THIEF_ENDS_NOTHING == 0
            }),
            Property::always("an end is for ever", |model: &Self, world: &World| {
                world.broken & model.judged & END_IS_FOR_EVER == 0
            }),
        ]
    }
}

fn registration(session: &Session, key: DeviceKey) -> DeviceProof {
    let expires = session.created_at + TICK;
    DeviceProof {
        key,
        challenge: Challenge { purpose: ChallengeFor::Registration(session.id), generation: 1, expires },
    }
}

/// The shortest way to break it; none: it holds.
fn shortest(explored: &Explored, name: &'static str) -> Option<Vec<Move>> {
    let mut shortest: Option<Vec<Move>> = None;
    loop {
        let mut checker = explored.clone().checker();
        // The checker remembers the last way it found, not the first: ask for a shorter one until there is none.
        if let Some(known) = &shortest {
            checker = checker.target_max_depth(known.len() + 1);
        }
        let checker = checker.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        match checker.discovery(name) {
            Some(path) if shortest.as_ref().is_none_or(|known| path.clone().into_actions().len() < known.len()) => {
                shortest = Some(path.into_actions());
            }
            _ => return shortest,
        }
    }
}

#[test]
fn a_bound_session_stays_with_its_device() {
    let explored = Explored::new(Rule::Real, u8::MAX);
    let checker = explored.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("bound: {} states, {} steps", checker.unique_state_count(), checker.state_count());
    assert!(checker.unique_state_count() > 10_000, "{}", checker.unique_state_count());
    let broken: Vec<_> = checker.discoveries().into_iter().map(|(name, path)| (name, path.into_actions())).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn wrong_rules_are_caught() {
    for (rule, judged, name, row) in [
        (Rule::ProofOfAnySession, NOTHING_WITHOUT_KEY, "nothing without the key", "A proof of any session"),
        (Rule::ChallengeForEver, NOTHING_WITHOUT_KEY, "nothing without the key", "A challenge that is good for ever"),
        (Rule::TokenAlone, NOTHING_WITHOUT_KEY, "nothing without the key", "The refresh token alone"),
        (Rule::TokenAlone, THIEF_ENDS_NOTHING, "a thief ends nothing by refreshing", "The refresh token alone"),
        (Rule::UsedIsRefused, OWNER_STAYS, "the owner stays", "A used challenge is refused"),
        (Rule::KeyIsReplaced, NOTHING_WITHOUT_KEY, "nothing without the key", "A registration that replaces the key"),
    ] {
        let moves = shortest(&Explored::new(rule, judged), name).unwrap_or_else(|| panic!("{rule:?}: {name} holds"));
        println!("{row} breaks \"{name}\" in {} steps: {moves:?}", moves.len());
        let line = format!("| {row} | {name} | {} |", moves.len());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/design/device-bound.md");
        let page = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(page.contains(&line), "docs/design/device-bound.md lacks {line:?}");
    }
}
