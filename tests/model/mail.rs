//! Who can take an account by its mail: one account, its owner, and a thief who begins with one thing and does whatever he can, in every
//! order, beside an owner who does the same. The rules are those of `docs/design/mail.md`, with the service's own lifetimes; each of them is
//! broken here once, and missed.

use std::collections::HashSet;

use doorward::domain::mail::Purpose;
use stateright::{Checker, HasDiscoveries, Model, Property};

/// In minutes.
type Time = u32;

const WAITS: [Time; 3] = [31, 24 * 60 + 1, 7 * 24 * 60 + 1];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Address {
    /// That the account begins with; its owner reads it, but in [`Thief::FormerMailbox`].
    First,
    /// Another one of the owner's.
    Second,
    /// The thief's.
    Theirs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Who {
    Owner,
    Thief,
}
use Who::{Owner, Thief as Robber};

/// What the thief has: the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thief {
    Password,
    Session,
    /// The owner has mistyped the address that they wanted.
    NewMailbox,
    /// The account has left it.
    FormerMailbox,
    /// The account: he has registered it with the owner's address, which nobody has confirmed.
    Account,
}

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    None,
    /// A session is enough for another address.
    ChangeWithoutPassword,
    /// The link of another address is good without a session of the account.
    ConfirmWithoutSession,
    /// A reset leaves sessions.
    ResetLeavesSessions,
    /// A way back is good for ever.
    WayBackForEver,
    /// It dies with another password.
    WayBackDiesWithPassword,
    /// It leaves those that are younger.
    WayBackLeavesYounger,
    /// It leaves links to set a password.
    WayBackLeavesResets,
    /// It leaves the password.
    WayBackLeavesPassword,
    /// An account is erased at once while a way back lives.
    ErasedAtOnce,
    /// Confirming an address without a session leaves the password.
    VerifyLeavesPassword,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Link {
    /// Its place in [`Purpose::ALL`].
    purpose: u8,
    to: Address,
    made: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: Time,
    email: Address,
    is_confirmed: bool,
    /// Who knows the password, and who has a session: the owner, the thief.
    knows: [bool; 2],
    session: [bool; 2],
    links: Vec<Link>,
    /// When its first address was left, which was confirmed.
    left: Option<Time>,
    erase_at: Option<Time>,
    is_erased: bool,
    waits: u8,
    changes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    LogIn(Who),
    ChangePassword(Who),
    Forgot,
    Reset(Who, Link),
    AskChange(Who, Address),
    Confirm(Who, Link),
    AskToVerify(Who),
    Verify(Who, Link),
    NotMe(Link),
    Restore(Who, Link),
    Delete(Who),
    Wait(Time),
}

#[derive(Clone, Debug)]
struct Explored {
    thief: Thief,
    broken: Broken,
}

fn is_for(link: Link, purpose: Purpose) -> bool {
    link.purpose == purpose as u8
}

fn lifetime(purpose: Purpose) -> Time {
    Time::try_from(purpose.lifetime().as_secs() / 60).unwrap_or(Time::MAX)
}

impl Who {
    /// Everybody has what the other one knows no more.
    const fn alone(self) -> [bool; 2] {
        [matches!(self, Owner), matches!(self, Robber)]
    }
}

impl World {
    fn is_good(&self, link: Link, broken: Broken) -> bool {
        let purpose = Purpose::ALL[usize::from(link.purpose)];
        let for_ever = purpose == Purpose::WayBack && broken == Broken::WayBackForEver;
        for_ever || self.now < link.made + lifetime(purpose)
    }

    fn void(&mut self, purposes: &[Purpose]) {
        self.links.retain(|link| !purposes.iter().any(|purpose| is_for(*link, *purpose)));
    }

    /// A link while it is good is mailed again.
    fn mail(&mut self, purpose: Purpose, to: Address) {
        if !self.links.iter().any(|link| is_for(*link, purpose) && link.to == to && self.is_good(*link, Broken::None)) {
            self.links.push(Link { purpose: purpose as u8, to, made: self.now });
            self.links.sort_unstable();
        }
    }

    fn notice(&mut self) {
        if self.is_confirmed {
            self.mail(Purpose::NotMe, self.email);
        }
    }

    fn new_password(&mut self, who: Who, broken: Broken) {
        self.knows = who.alone();
        self.void(&[Purpose::Reset, Purpose::EmailChange]);
        if broken == Broken::WayBackDiesWithPassword {
            self.void(&[Purpose::WayBack]);
        }
    }

    fn is_taken(&self) -> bool {
        !self.is_erased && (self.email == Address::Theirs || self.knows[1] || self.session[1])
    }
}

impl Explored {
    fn reads(&self, who: Who, address: Address) -> bool {
        let owner = match address {
            Address::First => self.thief != Thief::FormerMailbox,
            Address::Second => true,
            Address::Theirs => false,
        };
        owner == (who == Owner)
    }

    fn moves(&self, world: &World, who: Who) -> Vec<Move> {
        let (me, is_open) = (who as usize, world.erase_at.is_none());
        let mut moves = Vec::new();
        if world.is_erased {
            return moves;
        }
        if world.knows[me] && is_open {
            moves.push(Move::LogIn(who));
        }
        if world.session[me] {
            moves.push(Move::AskToVerify(who));
            let wanted = if who == Robber { Address::Theirs } else { Address::Second };
            if world.changes > 0 && (world.knows[me] || self.broken == Broken::ChangeWithoutPassword) {
                moves.push(Move::AskChange(who, wanted));
                if self.thief == Thief::NewMailbox {
                    moves.push(Move::AskChange(who, Address::Theirs));
                }
                if who == Robber && world.email == Address::Theirs {
                    // Another one of his: what counts is that it is mailed once more.
                    moves.push(Move::AskChange(who, Address::Theirs));
                }
            }
            if world.knows[me] {
                moves.extend([Move::ChangePassword(who), Move::Delete(who)]);
            }
        }
        for link in &world.links {
            if self.reads(who, link.to) && world.is_good(*link, self.broken) {
                moves.push(match Purpose::ALL[usize::from(link.purpose)] {
                    Purpose::Reset => Move::Reset(who, *link),
                    Purpose::NotMe => Move::NotMe(*link),
                    Purpose::Verify | Purpose::Register => Move::Verify(who, *link),
                    Purpose::EmailChange => Move::Confirm(who, *link),
                    Purpose::WayBack => Move::Restore(who, *link),
                    // Of factors, which have a model of their own: no link of this one.
                    Purpose::Enrol | Purpose::RecoveryStart | Purpose::RecoveryCancel | Purpose::RecoveryFinish => {
                        continue;
                    }
                });
            }
        }
        moves
    }

    fn after(&self, world: &World, step: Move) -> World {
        let mut next = world.clone();
        let broken = self.broken;
        match step {
            Move::LogIn(who) => next.session[who as usize] = true,
            Move::ChangePassword(who) => {
                next.new_password(who, broken);
                next.session = who.alone();
                next.notice();
            }
            Move::Forgot => next.mail(Purpose::Reset, world.email),
            Move::Reset(who, link) => {
                next.is_confirmed |= link.to == world.email;
                next.new_password(who, broken);
                if broken != Broken::ResetLeavesSessions {
                    next.session = [false; 2];
                }
                next.notice();
            }
            Move::AskChange(_, to) => {
                next.changes -= 1;
                next.void(&[Purpose::EmailChange]);
                next.mail(Purpose::EmailChange, to);
                next.notice();
            }
            Move::Confirm(who, link) => {
                if !world.session[who as usize] && broken != Broken::ConfirmWithoutSession {
                    return next;
                }
                next.void(&[Purpose::Reset, Purpose::EmailChange, Purpose::Verify]);
                if world.is_confirmed {
                    next.mail(Purpose::WayBack, world.email);
                    if world.email == Address::First && next.left.is_none() {
                        next.left = Some(world.now);
                    }
                }
                (next.email, next.is_confirmed) = (link.to, true);
            }
            Move::AskToVerify(_) if world.is_confirmed => {}
            Move::AskToVerify(_) => next.mail(Purpose::Verify, world.email),
            Move::Verify(who, link) => {
                next.links.retain(|other| *other != link);
                next.is_confirmed = true;
                if !world.session[who as usize] && broken != Broken::VerifyLeavesPassword {
                    next.new_password(who, broken);
                    next.session = [false; 2];
                }
            }
            Move::NotMe(link) => {
                next.links.retain(|other| *other != link);
                next.void(&[Purpose::EmailChange]);
                next.session = [false; 2];
                if link.to == world.email {
                    next.mail(Purpose::Reset, world.email);
                }
            }
            Move::Restore(who, link) => {
                next.links.retain(|other| {
                    let is_younger = is_for(*other, Purpose::WayBack) && other.made >= link.made;
                    *other != link && (!is_younger || broken == Broken::WayBackLeavesYounger)
                });
                next.void(&[Purpose::Verify, Purpose::NotMe]);
                let (knows, links) = (next.knows, next.links.clone());
                next.new_password(who, broken);
                match broken {
                    Broken::WayBackLeavesPassword => next.knows = knows,
                    Broken::WayBackLeavesResets => next.links = links,
                    _ => {}
                }
                (next.email, next.is_confirmed) = (link.to, true);
                (next.session, next.erase_at, next.left) = ([false; 2], None, None);
            }
            Move::Delete(_) => {
                let ways = world
                    .links
                    .iter()
                    .copied()
                    .filter(|link| is_for(*link, Purpose::WayBack) && world.is_good(*link, broken));
                let until = ways.map(|link| link.made + lifetime(Purpose::WayBack)).max();
                next.session = [false; 2];
                next.void(&[Purpose::Reset, Purpose::EmailChange]);
                next.erase_at = until.filter(|_| broken != Broken::ErasedAtOnce);
                next.is_erased = next.erase_at.is_none();
            }
            Move::Wait(time) => {
                next.now += time;
                next.waits -= 1;
                next.is_erased |= next.erase_at.is_some_and(|at| at <= next.now);
                let links = next.links.clone();
                next.links = links.into_iter().filter(|link| next.is_good(*link, broken)).collect();
            }
        }
        if next.is_erased {
            next.links.clear();
        }
        next
    }

    /// What comes of each thing that the owner may do once they hear of it: back to the address that they read, with a password of their own.
    fn recovered(&self, world: &World) -> Vec<World> {
        if world.is_erased {
            return Vec::new();
        }
        let mut world = world.clone();
        if world.email == Address::First && world.erase_at.is_none() {
            world = self.after(&world, Move::Forgot);
        }
        let moves = self.moves(&world, Owner);
        // Where there is one: a thief's address that the owner has changed once more has a way back too, which nothing else voids.
        let way_back = moves.iter().find(|step| matches!(step, Move::Restore(_, link) if link.to == Address::First));
        if let Some(way_back) = way_back {
            return vec![self.after(&world, *way_back)];
        }
        let sets_a_password = |step: &Move| match step {
            Move::Reset(_, link) => link.to == world.email,
            Move::Verify(_, link) => link.to == world.email && !world.session[0],
            _ => false,
        };
        moves.into_iter().filter(sets_a_password).map(|step| self.after(&world, step)).collect()
    }

    /// Whether the thief gets it again, with all that he has by now.
    fn is_taken_again(&self, world: World) -> bool {
        let (mut seen, mut pending) = (HashSet::new(), vec![World { waits: 0, ..world }]);
        while let Some(world) = pending.pop() {
            if world.is_taken() {
                return true;
            }
            if seen.insert(world.clone()) {
                pending.extend(self.moves(&world, Robber).into_iter().map(|step| self.after(&world, step)));
            }
        }
        false
    }

    /// What the table says that a thief with this can't.
    fn keeps(&self, world: &World) -> bool {
        match self.thief {
            // For as long as the first address has a way back, and where it was never left, its reader has the account again, for good.
            Thief::Password | Thief::Account => {
                let has_way_back = world.left.is_some_and(|left| world.now < left + lifetime(Purpose::WayBack));
                let is_there = world.email == Address::First && !world.is_erased;
                let ways = self.recovered(world);
                !(has_way_back || is_there)
                    || (!ways.is_empty() && !ways.into_iter().any(|way| self.is_taken_again(way)))
            }
            // Neither another password nor another address, and nothing is erased by him.
            Thief::Session => world.email != Address::Theirs && !world.knows[1],
            Thief::NewMailbox => !world.is_taken(),
            // After seven days, nothing, where he did not take it before.
            Thief::FormerMailbox => world.now < lifetime(Purpose::WayBack) || !self.can_begin(world),
        }
    }

    /// Whether the thief, who has nothing of it, gets the account.
    fn can_begin(&self, world: &World) -> bool {
        world.email == Address::Second && !world.knows[1] && self.is_taken_again(world.clone())
    }
}

impl Model for Explored {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        let mut world = World {
            now: 0,
            email: Address::First,
            is_confirmed: self.thief != Thief::Account,
            knows: [true, false],
            session: [true, false],
            links: Vec::new(),
            left: None,
            erase_at: None,
            is_erased: false,
            waits: 2,
            changes: 3,
        };
        match self.thief {
            Thief::Password => world.knows[1] = true,
            Thief::Session => world.session[1] = true,
            Thief::Account => (world.knows, world.session) = (Robber.alone(), Robber.alone()),
            Thief::NewMailbox => {}
            Thief::FormerMailbox => {
                world.email = Address::Second;
                world.mail(Purpose::WayBack, Address::First);
            }
        }
        vec![world]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        moves.extend([Owner, Robber].into_iter().flat_map(|who| self.moves(world, who)));
        if world.erase_at.is_none() && !world.is_erased {
            moves.push(Move::Forgot);
        }
        if world.waits > 0 {
            moves.extend(WAITS.map(Move::Wait));
        }
    }

    fn next_state(&self, world: &World, step: Move) -> Option<World> {
        Some(self.after(world, step)).filter(|next| next != world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the table", Self::keeps),
            Property::sometimes("he takes it", |_, world: &World| world.is_taken()),
        ]
    }
}

/// How many worlds there are, and whether the table holds in all of them.
fn explore(thief: Thief, broken: Broken) -> (usize, bool, bool) {
    let model = Explored { thief, broken };
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    if let Some(path) = checker.discovery("the table").filter(|_| broken == Broken::None) {
        panic!("{thief:?}: {:#?}", path.into_actions());
    }
    let found = checker.discoveries();
    (checker.unique_state_count(), !found.contains_key("the table"), found.contains_key("he takes it"))
}

#[test]
fn the_table_of_who_can_take_an_account_holds() {
    for (thief, takes_it) in [
        (Thief::Password, true),
        (Thief::Session, true),
        (Thief::NewMailbox, false),
        (Thief::FormerMailbox, true),
        (Thief::Account, true),
    ] {
        let (worlds, holds, taken) = explore(thief, Broken::None);
        println!("{thief:?}: {worlds} worlds");
        assert!(holds && worlds > 100, "{thief:?}: {worlds}");
        assert_eq!(taken, takes_it, "{thief:?}");
    }
}

#[test]
fn each_of_its_rules_is_missed() {
    for (broken, thief) in [
        (Broken::ChangeWithoutPassword, Thief::Session),
        (Broken::ConfirmWithoutSession, Thief::NewMailbox),
        (Broken::ResetLeavesSessions, Thief::Password),
        (Broken::WayBackForEver, Thief::FormerMailbox),
        (Broken::WayBackDiesWithPassword, Thief::Password),
        (Broken::WayBackLeavesYounger, Thief::Password),
        (Broken::WayBackLeavesResets, Thief::Password),
        (Broken::WayBackLeavesPassword, Thief::Password),
        (Broken::ErasedAtOnce, Thief::Password),
        (Broken::VerifyLeavesPassword, Thief::Account),
    ] {
        assert!(!explore(thief, broken).1, "{broken:?} breaks nothing that {thief:?} can't");
    }
}
