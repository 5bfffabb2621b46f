//! Accounts with a second factor: whoever knows the password, reads the mail, copies cookies and sees codes being typed in, but does not
//! hold the app, or can't be verified by the passkey, has no session. What decides is the service's own: `decide`, `Ticket::admits`,
//! `Ceremony::admits`, `RecentProof::holds`, `steps`, `Recovery::removes`.

use std::hash::Hash;
use std::time::Duration;

use doorward::domain::account::UserId;
use doorward::domain::factor::{
    Ceremony, CeremonyFor, Decision, Enrolled, Proof, RecentProof, Recovery, Requirement, Step, Ticket, TicketFor,
    decide, steps,
};
use doorward::domain::session::{AuthMethod, SessionId};
use doorward::domain::timestamp::Timestamp;
use stateright::{Checker, HasDiscoveries, Model, Property};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The app shows another code, and a ticket is good still.
const TICK: Duration = Duration::from_secs(100);
/// Neither a ticket nor a recent proof is.
const WAIT: Duration = Duration::from_secs(601);
/// `FACTOR_RECOVERY`: two waits are shorter, and three are longer.
const RECOVERY: Duration = Duration::from_mins(25);

/// The service's rule, and wrong ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Real,
    /// A ticket is accepted where an access token is.
    TicketIsAccess,
    /// A ticket is not remembered as used.
    TicketGoodTwice,
    /// A ticket does not say which credentials it is of.
    TicketOutlivesCredentials,
    /// Last steps are not remembered.
    CodeGoodTwice,
    /// A new password makes the account what it was at first.
    ResetRemovesFactor,
    /// Whether there is a factor is told before the password is looked at.
    AskedBeforePassword,
    /// The sessions that had proved the password alone stay when the factor comes.
    EnrolmentKeepsSessions,
    /// The password alone is a recent proof.
    PasswordIsProof,
    /// A recent proof is what the row says.
    RowAlone,
    /// A refresh renews the proof.
    RefreshIsProof,
    /// At a sign-in by passkey nobody asks what else the account has: whoever touches it is in.
    PasskeyForgetsFactor,
    /// A challenge is not remembered as used.
    ChallengeGoodTwice,
    /// What was signed as a second factor signs in.
    ChallengeForAnything,
    /// Lost factors are removed at once.
    RecoveryWithoutWait,
    /// By a link that was made before the wait was over.
    RecoveryByTheFirstLink,
    /// A login with a factor does not stop the wait.
    LoginStopsNothing,
    /// Another password does not make it void.
    RecoveryOutlivesCredentials,
    /// The mailbox alone begins it.
    RecoveryByMailAlone,
    /// Also of somebody who can do what a superuser does.
    RecoveryOfSuperusers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Who {
    Owner,
    Thief,
}

/// A session's row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    id: u8,
    by_two: bool,
    proved_at: i64,
}

/// What a browser holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Browser {
    session: Option<u8>,
    /// In which session something was proved, and when.
    recent: Option<(u8, i64)>,
    /// Its number, of which credentials, and until when.
    ticket: Option<(u8, i64, i64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the world, apart from the others")]
struct World {
    now: i64,
    factor: Option<Who>,
    last_step: Step,
    version: i64,
    /// Which password it is, and whether the thief knows it.
    password: u8,
    thief_knows: bool,
    active: bool,
    rows: Vec<Row>,
    owner: Browser,
    thief: Browser,
    /// A session that the thief has a copy of is not one that they began.
    copied: Option<u8>,
    /// When what the copied cookies tell was proved.
    copied_proof: Option<i64>,
    /// A stated limit, or the stated exception, was used: what follows is another story.
    lost: bool,
    /// The factor is a passkey, and not an app.
    key: bool,
    /// The thief can touch it, and be verified by it no more than by a stone.
    touched: bool,
    /// What the owner's passkey has signed last, with the cookie that goes with it: the challenge's number, and whether it was to sign in.
    answered: Option<(u8, bool)>,
    challenges: u8,
    spent_challenges: Vec<u8>,
    superuser: bool,
    /// The wait for the removal of factors, as its row says it.
    recovery: Option<(i64, i64, i64)>,
    /// When it began in truth, and whether the owner has shown the factor, or changed the password, since.
    waits_since: Option<(i64, bool)>,
    /// When the thief's last link about it was made.
    link: Option<i64>,
    /// The step of a code that was typed in before the thief's eyes.
    seen: Option<Step>,
    spent: Vec<u8>,
    sessions: u8,
    tickets: u8,
    budget: Budget,
    broken: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Budget {
    ticks: u8,
    waits: u8,
    resets: u8,
    disables: u8,
    copies: u8,
    changes: u8,
    recoveries: u8,
    touches: u8,
}

/// Time enough for proofs to grow old, and a thief with a copy.
const LONG: Budget =
    Budget { ticks: 0, waits: 1, resets: 0, disables: 0, copies: 1, changes: 0, recoveries: 0, touches: 0 };
/// Everything that can happen to an account, in a short time.
const BUSY: Budget =
    Budget { ticks: 1, waits: 0, resets: 1, disables: 1, copies: 0, changes: 1, recoveries: 0, touches: 0 };
/// An account with a passkey, which a thief who knows no password gets into their hands.
const KEYED: Budget =
    Budget { ticks: 1, waits: 1, resets: 0, disables: 1, copies: 1, changes: 1, recoveries: 0, touches: 1 };
/// Time enough for somebody to wait for the removal of factors.
const PATIENT: Budget =
    Budget { ticks: 0, waits: 4, resets: 1, disables: 0, copies: 0, changes: 1, recoveries: 1, touches: 0 };

const HALF_IS_NOTHING: u8 = 1;
const FACTOR_STAYS: u8 = 2;
const CODE_ONCE: u8 = 4;
const TICKET_ONCE: u8 = 8;
const NOTHING_IS_TOLD: u8 = 16;
const TICKET_DIES: u8 = 32;
const CHALLENGE_ONCE: u8 = 64;
const NOBODY_IS_ROBBED: u8 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Password(Who),
    WrongPassword,
    /// With the app, or with what was seen of it.
    Code(Who),
    /// By a passkey and nothing else.
    Passkey(Who),
    /// The thief touches the passkey: from now on they can, and nobody verifies them.
    Touch,
    /// The thief sends once more what the owner's passkey has signed.
    Replay,
    /// A ticket in the place of an access token.
    Knock,
    Refresh(Who),
    Reauthenticate(Who),
    Enrol(Who),
    Remove(Who),
    ChangePassword,
    /// The thief reads the owner's mail.
    Reset,
    CopyCookies,
    CopyTicket,
    /// The thief, who reads the mail, follows the link that begins the wait.
    BeginRecovery,
    /// The link that is mailed then.
    MailLink,
    /// And follows that.
    FinishRecovery,
    Disable,
    Enable,
    Tick,
    Wait,
}

#[derive(Clone, Debug)]
struct Explored {
    rule: Rule,
    judged: u8,
    bounds: Budget,
}

impl World {
    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    fn browser(&mut self, who: Who) -> &mut Browser {
        match who {
            Who::Owner => &mut self.owner,
            Who::Thief => &mut self.thief,
        }
    }

    fn demand(&mut self, what: u8, holds: bool) {
        self.broken |= if holds { 0 } else { what };
    }

    fn enrolled(&self) -> Enrolled {
        let has = self.factor.is_some();
        Enrolled { totp: has && !self.key, passkeys: u32::from(has && self.key), recovery_codes: 0 }
    }

    fn knows(&self, who: Who) -> bool {
        who == Who::Owner || self.thief_knows
    }

    fn row_of(&self, who: Who) -> Option<usize> {
        let browser = if who == Who::Owner { &self.owner } else { &self.thief };
        self.rows.iter().position(|row| Some(row.id) == browser.session)
    }

    fn begin(&mut self, who: Who, methods: &[AuthMethod]) {
        self.sessions += 1;
        let (id, now, by_two) = (self.sessions, self.now, methods.contains(&AuthMethod::MultiFactor));
        // The session of the same browser is replaced.
        let before = self.browser(who).session;
        self.rows.retain(|row| Some(row.id) != before);
        self.rows.push(Row { id, by_two, proved_at: now });
        let browser = self.browser(who);
        (browser.session, browser.recent, browser.ticket) = (Some(id), Some((id, now)), None);
        if who == Who::Thief {
            self.copied = None;
        }
    }

    /// The thief gets the passkey into their hands.
    fn touch(&mut self) {
        self.touched = true;
        self.budget.touches += 1;
    }

    /// The account has other credentials.
    fn move_on(&mut self) {
        self.version += 1;
        self.seen_by_owner();
    }

    /// The wait that went on ought to be over.
    fn seen_by_owner(&mut self) {
        if let Some((_, interrupted)) = &mut self.waits_since {
            *interrupted = true;
        }
    }
}

impl Explored {
    fn new(rule: Rule, judged: u8, bounds: Budget) -> Self {
        Self { rule, judged, bounds }
    }

    /// Whether what a browser holds opens what a stolen session must not.
    fn is_recent(&self, world: &World, who: Who) -> bool {
        let Some(row) = world.row_of(who).map(|at| &world.rows[at]) else { return false };
        let browser = if who == Who::Owner { &world.owner } else { &world.thief };
        let proved_at = Some(Timestamp::from_micros(row.proved_at));
        let (session, at) = match (self.rule, browser.recent) {
            (Rule::RowAlone, _) => (row.id, row.proved_at),
            (_, Some(recent)) => recent,
            (_, None) => return false,
        };
        let id = |number| SessionId([number; 16]);
        let proof = RecentProof { key_id: [0; 4], session_id: id(session), at: Timestamp::from_micros(at) };
        proof.holds(id(row.id), proved_at, world.at())
    }

    /// What somebody shows of the factor, if it is good.
    fn held(&self, world: &mut World, who: Who) -> Option<Proof> {
        if !world.key {
            return self.code(world, who).then_some(Proof::Totp);
        }
        let can = who == Who::Owner || world.touched;
        can.then_some(Proof::Passkey { verified: who == Who::Owner, synced: false })
    }

    /// Whoever can touches the passkey, or sends what it has signed before, and says that it is all.
    fn sign_in(&self, world: &mut World, who: Who, replayed: Option<(u8, bool)>) {
        let (number, to_sign_in, verified) = match replayed {
            Some((number, to_sign_in)) => (number, to_sign_in, true),
            None if who == Who::Owner || world.touched => {
                world.challenges += 1;
                (world.challenges, true, who == Who::Owner)
            }
            None => return,
        };
        let (purpose, bound) = if to_sign_in {
            (CeremonyFor::SignIn, None)
        } else {
            (CeremonyFor::SecondFactor, Some((UserId(1), [1; 16])))
        };
        let (user_id, bound_to) = bound.unzip();
        let ceremony = Ceremony {
            key_id: [0; 4],
            purpose,
            user_id,
            bound_to: bound_to.unwrap_or_default(),
            expires: world.at() + Ceremony::LIFE,
            challenge: [number; 32],
        };
        let asked = match self.rule {
            Rule::ChallengeForAnything => (purpose, bound),
            _ => (CeremonyFor::SignIn, None),
        };
        let is_spent = world.spent_challenges.contains(&number);
        let is_good = ceremony.admits(asked.0, asked.1, None, world.at()) && world.active && world.factor.is_some();
        if !is_good || is_spent && self.rule != Rule::ChallengeGoodTwice {
            return;
        }
        world.demand(CHALLENGE_ONCE, !is_spent);
        let proved = Proof::Passkey { verified: verified || self.rule == Rule::PasskeyForgetsFactor, synced: false };
        if let Decision::SignedIn(signed_in) = decide(world.enrolled(), &[proved], Requirement::Optional) {
            if !is_spent {
                world.spent_challenges.push(number);
            }
            if who == Who::Owner {
                world.answered = Some((number, true));
            }
            world.begin(who, signed_in.methods());
        }
    }

    /// The step of a code that somebody can type in, if it is good. Uses it up.
    fn code(&self, world: &mut World, who: Who) -> bool {
        let shown = world.now / 30_000_000;
        let typed = if world.factor == Some(who) { Some(shown) } else { world.seen };
        let last = if self.rule == Rule::CodeGoodTwice { Step::MIN } else { world.last_step };
        let good = typed.filter(|step| steps(world.at(), last).contains(step));
        let Some(step) = good else { return false };
        world.demand(CODE_ONCE, step > world.last_step);
        world.last_step = step;
        if who == Who::Owner {
            world.seen = Some(step);
        }
        true
    }

    fn second_factor(&self, world: &mut World, who: Who) {
        let Some((number, version, expires)) = world.browser(who).ticket else { return };
        let ticket = Ticket {
            key_id: [0; 4],
            purpose: TicketFor::SecondFactor,
            user_id: UserId(1),
            version,
            expires: Timestamp::from_micros(expires),
            nonce: [number; 16],
        };
        let asked = if self.rule == Rule::TicketOutlivesCredentials { version } else { world.version };
        let is_good = ticket.admits(TicketFor::SecondFactor, asked, world.active, None, world.at());
        let is_spent = world.spent.contains(&number);
        if !is_good || (is_spent && self.rule != Rule::TicketGoodTwice) {
            return;
        }
        let Some(held) = self.held(world, who) else { return };
        if let Decision::SignedIn(signed_in) = decide(world.enrolled(), &[Proof::Password, held], Requirement::Optional)
        {
            if world.key && who == Who::Owner {
                // What was signed for that is not to sign in with.
                world.challenges += 1;
                world.answered = Some((world.challenges, false));
            }
            world.demand(TICKET_ONCE, !is_spent);
            world.demand(TICKET_DIES, version == world.version);
            if !is_spent {
                world.spent.push(number);
            }
            let ticket = world.browser(who).ticket;
            world.begin(who, signed_in.methods());
            world.seen_by_owner();
            if self.rule != Rule::LoginStopsNothing {
                world.recovery = None;
            }
            if self.rule == Rule::TicketGoodTwice {
                world.browser(who).ticket = ticket;
            }
        }
    }

    /// None: it is refused.
    fn change_password(&self, world: &World, next: &mut World) -> Option<()> {
        let row = world.row_of(Who::Owner)?;
        if world.factor.is_some() && !self.is_recent(world, Who::Owner) {
            return None;
        }
        // A new session takes the place of all, and keeps what was proved.
        let Row { by_two, proved_at, .. } = next.rows[row].clone();
        next.sessions += 1;
        next.rows = vec![Row { id: next.sessions, by_two, proved_at }];
        (next.owner.session, next.owner.recent) = (Some(next.sessions), None);
        (next.password, next.thief_knows) = (world.password + 1, false);
        next.move_on();
        next.budget.changes += 1;
        Some(())
    }

    fn reauthenticate(&self, world: &mut World, who: Who) {
        let Some(row) = world.row_of(who) else { return };
        let mut proved: Vec<_> = world.knows(who).then_some(Proof::Password).into_iter().collect();
        if world.factor.is_some() {
            proved.extend(self.held(world, who));
        }
        let enrolled = if self.rule == Rule::PasswordIsProof { Enrolled::default() } else { world.enrolled() };
        if let Decision::SignedIn(_) = decide(enrolled, &proved, Requirement::Optional) {
            let (id, now) = (world.rows[row].id, world.now);
            world.rows[row].proved_at = now;
            world.browser(who).recent = Some((id, now));
            if proved.len() > 1 {
                world.seen_by_owner();
                if self.rule != Rule::LoginStopsNothing {
                    world.recovery = None;
                }
            }
        }
    }

    /// The thief has a ticket, and so has proved the password; the link is in the mail that they read.
    fn begin_recovery(&self, world: &mut World) {
        let has_ticket = world.thief.ticket.is_some_and(|(_, version, expires)| {
            version == world.version && world.at() < Timestamp::from_micros(expires)
        });
        let may = has_ticket || self.rule == Rule::RecoveryByMailAlone;
        let is_refused = world.superuser && self.rule != Rule::RecoveryOfSuperusers;
        if !may || is_refused || world.factor.is_none() || world.recovery.is_some() {
            return;
        }
        let wait = if self.rule == Rule::RecoveryWithoutWait { Duration::ZERO } else { RECOVERY };
        let Recovery { version, started_at, due_at } = Recovery::begin(wait, world.version, world.at());
        world.recovery = Some((version, started_at.micros(), due_at.micros()));
        world.waits_since = Some((world.now, !has_ticket));
        world.budget.recoveries += 1;
        if self.rule == Rule::RecoveryByTheFirstLink {
            world.link = Some(world.now);
        }
    }

    fn finish_recovery(&self, world: &mut World) {
        let Some(((version, started_at, due_at), link)) = world.recovery.zip(world.link) else { return };
        let at = Timestamp::from_micros;
        let recovery = Recovery { version, started_at: at(started_at), due_at: at(due_at) };
        let asked = if self.rule == Rule::RecoveryOutlivesCredentials { version } else { world.version };
        let is_superuser = world.superuser && self.rule != Rule::RecoveryOfSuperusers;
        let link = if self.rule == Rule::RecoveryByTheFirstLink { due_at.max(link) } else { link };
        let now = if self.rule == Rule::RecoveryByTheFirstLink { at(link) } else { world.at() };
        if world.factor.is_none() || !recovery.removes(at(link), asked, is_superuser, now) {
            return;
        }
        // The stated exception: they knew the password, the whole wait has passed, and nobody who holds the factor has stirred.
        let patient = world
            .waits_since
            .is_some_and(|(since, interrupted)| !interrupted && world.at() >= Timestamp::from_micros(since) + RECOVERY);
        world.demand(NOBODY_IS_ROBBED, patient && !world.superuser);
        (world.factor, world.recovery, world.lost) = (None, None, true);
        world.rows.clear();
    }

    /// Another app, or none, in the place of what there is.
    fn set_factor(&self, world: &mut World, who: Who, factor: Option<Who>) {
        let Some(row) = world.row_of(who).filter(|_| self.is_recent(world, who)) else { return };
        // The stated limit: all cookies, copied within ten minutes of a proof.
        if who == Who::Thief && world.factor == Some(Who::Owner) {
            let proved = world.copied_proof.map(Timestamp::from_micros);
            world.lost = proved.is_some_and(|at| world.at() < at + RecentProof::LIFE);
            let lost = world.lost;
            world.demand(FACTOR_STAYS, lost);
        }
        let is_first = world.factor.is_none();
        (world.factor, world.last_step) = (factor, world.now / 30_000_000);
        world.move_on();
        if factor.is_some() {
            let id = world.rows[row].id;
            world.rows[row].by_two = true;
            if is_first && self.rule != Rule::EnrolmentKeepsSessions {
                world.rows.retain(|row| row.id == id);
            }
        }
    }
}

impl Model for Explored {
    type State = World;
    type Action = Move;

    /// One whose factor is there, and one that gets it while a thief who knows the password is in.
    fn init_states(&self) -> Vec<World> {
        let fresh = World {
            now: START.micros(),
            factor: None,
            last_step: Step::MIN,
            version: 1,
            password: 0,
            thief_knows: true,
            active: true,
            rows: Vec::new(),
            owner: Browser::default(),
            thief: Browser::default(),
            copied: None,
            copied_proof: None,
            lost: false,
            key: false,
            touched: false,
            answered: None,
            challenges: 0,
            spent_challenges: Vec::new(),
            superuser: false,
            recovery: None,
            waits_since: None,
            link: None,
            seen: None,
            spent: Vec::new(),
            sessions: 0,
            tickets: 0,
            budget: Budget::default(),
            broken: 0,
        };
        if self.bounds.touches > 0 {
            let mut keyed = fresh;
            (keyed.factor, keyed.key, keyed.thief_knows) = (Some(Who::Owner), true, false);
            return vec![keyed];
        }
        let mut shared = fresh.clone();
        for who in [Who::Owner, Who::Thief] {
            shared.begin(who, &[AuthMethod::Password]);
        }
        // What the thief could have enrolled by then is another story: the first to enrol.
        shared.thief.recent = None;
        let mut alone = fresh;
        alone.factor = Some(Who::Owner);
        alone.begin(Who::Owner, &[AuthMethod::Password, AuthMethod::OneTimeCode, AuthMethod::MultiFactor]);
        let mut superuser = alone.clone();
        superuser.superuser = true;
        if self.bounds.recoveries == 0 { vec![shared, alone] } else { vec![alone, superuser] }
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        if world.broken & self.judged != 0 || world.lost {
            return;
        }
        let (done, most) = (&world.budget, &self.bounds);
        for who in [Who::Owner, Who::Thief] {
            moves.extend([Move::Password(who), Move::Code(who), Move::Refresh(who)]);
            // Until there is a factor a thief who knows the password may set up their own: see the page's limits.
            if who == Who::Owner || world.factor.is_some() {
                moves.extend([Move::Reauthenticate(who), Move::Remove(who)]);
                // An app beside a passkey is left out: either alone is what is asked for.
                moves.extend((!world.key).then_some(Move::Enrol(who)));
            }
            moves.extend(world.key.then_some(Move::Passkey(who)));
        }
        moves.extend(world.key.then_some(Move::Replay));
        if done.touches < most.touches {
            moves.push(Move::Touch);
        }
        moves.extend([Move::WrongPassword, Move::Knock]);
        if done.changes < most.changes {
            moves.push(Move::ChangePassword);
        }
        if done.resets < most.resets {
            moves.push(Move::Reset);
        }
        if done.copies < most.copies {
            moves.push(Move::CopyCookies);
            // Whoever has a ticket and the key has shown both.
            moves.extend((!world.key).then_some(Move::CopyTicket));
        }
        if done.recoveries < most.recoveries {
            moves.push(Move::BeginRecovery);
        }
        if world.recovery.is_some() {
            moves.extend([Move::MailLink, Move::FinishRecovery]);
        }
        if done.disables < most.disables {
            moves.push(Move::Disable);
        }
        if !world.active {
            moves.push(Move::Enable);
        }
        if done.ticks < most.ticks {
            moves.push(Move::Tick);
        }
        if done.waits < most.waits {
            moves.push(Move::Wait);
        }
    }

    fn next_state(&self, world: &World, step: Move) -> Option<World> {
        let mut next = world.clone();
        match step {
            Move::Password(who) if world.knows(who) && world.active => {
                match decide(world.enrolled(), &[Proof::Password], Requirement::Optional) {
                    Decision::SignedIn(signed_in) => next.begin(who, signed_in.methods()),
                    Decision::Wanted(_) => {
                        next.tickets += 1;
                        let expires = world.at() + Ticket::LIFE;
                        let ticket = (next.tickets, world.version, expires.micros());
                        next.browser(who).ticket = Some(ticket);
                    }
                    Decision::Enrol => {}
                }
            }
            Move::Password(_) => {}
            Move::WrongPassword => {
                let told = self.rule == Rule::AskedBeforePassword && world.factor.is_some();
                next.demand(NOTHING_IS_TOLD, !told);
            }
            Move::Code(who) => self.second_factor(&mut next, who),
            Move::Passkey(who) => self.sign_in(&mut next, who, None),
            Move::Replay => self.sign_in(&mut next, Who::Thief, Some(world.answered?)),
            Move::Touch => next.touch(),
            Move::Knock => {
                if self.rule == Rule::TicketIsAccess && world.thief.ticket.is_some() {
                    next.begin(Who::Thief, &[AuthMethod::Password]);
                }
            }
            Move::Refresh(who) => {
                let row = world.row_of(who)?;
                if self.rule == Rule::RefreshIsProof {
                    let id = next.rows[row].id;
                    next.rows[row].proved_at = world.now;
                    next.browser(who).recent = Some((id, world.now));
                }
            }
            Move::Reauthenticate(who) => self.reauthenticate(&mut next, who),
            Move::Enrol(who) => self.set_factor(&mut next, who, Some(who)),
            Move::Remove(who) => {
                world.factor?;
                self.set_factor(&mut next, who, None);
            }
            Move::ChangePassword => self.change_password(world, &mut next)?,
            Move::Reset => {
                next.rows.clear();
                (next.password, next.thief_knows) = (world.password + 1, true);
                next.move_on();
                next.budget.resets += 1;
                if self.rule == Rule::ResetRemovesFactor {
                    next.demand(FACTOR_STAYS, world.factor.is_none());
                    next.factor = None;
                }
            }
            Move::CopyCookies => {
                world.row_of(Who::Owner)?;
                next.thief = Browser { ticket: next.thief.ticket, ..world.owner.clone() };
                next.copied = world.owner.session;
                next.copied_proof = world.owner.recent.map(|(_, at)| at);
                next.budget.copies += 1;
            }
            Move::CopyTicket => {
                next.thief.ticket = Some(world.owner.ticket?);
                next.budget.copies += 1;
            }
            Move::BeginRecovery => self.begin_recovery(&mut next),
            Move::MailLink => {
                // The service mails it once the wait is over, and not before.
                let (_, _, due_at) = world.recovery?;
                if world.now < due_at {
                    return None;
                }
                next.link = Some(world.now);
            }
            Move::FinishRecovery => self.finish_recovery(&mut next),
            Move::Disable => {
                next.active = false;
                next.rows.clear();
                next.move_on();
                next.budget.disables += 1;
            }
            Move::Enable => next.active = true,
            Move::Tick => {
                next.now = (world.at() + TICK).micros();
                next.budget.ticks += 1;
            }
            Move::Wait => {
                next.now = (world.at() + WAIT).micros();
                next.budget.waits += 1;
            }
        }
        // Whoever does not hold the app has no session of their own making.
        let own = next.row_of(Who::Thief).map(|at| next.rows[at].id).filter(|id| next.copied != Some(*id));
        next.demand(HALF_IS_NOTHING, next.factor != Some(Who::Owner) || own.is_none());
        // Numbers that are all alike but for their being new.
        if next.sessions > 4 || next.tickets > 2 || next.version > 3 || next.challenges > 3 {
            return None;
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        macro_rules! kept {
            ($name:literal, $what:ident) => {
                Property::always($name, |model: &Self, world: &World| world.broken & model.judged & $what == 0)
            };
        }
        vec![
            kept!("half is nothing", HALF_IS_NOTHING),
            kept!("the factor stays", FACTOR_STAYS),
            kept!("a code is good once", CODE_ONCE),
            kept!("a ticket is good once", TICKET_ONCE),
            kept!("nothing is told before the password", NOTHING_IS_TOLD),
            kept!("a ticket dies with the credentials", TICKET_DIES),
            kept!("a challenge is good once", CHALLENGE_ONCE),
            kept!("no factor goes behind its owner's back", NOBODY_IS_ROBBED),
        ]
    }
}

fn shortest(explored: &Explored, name: &'static str) -> Option<Vec<Move>> {
    let checker = explored.clone().checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    checker.discovery(name).map(stateright::Path::into_actions)
}

#[test]
fn nobody_comes_in_by_half() {
    let scenarios = if crate::scenarios::is_large() {
        vec![
            Budget { ticks: 1, waits: 1, resets: 1, disables: 1, copies: 1, changes: 1, recoveries: 0, touches: 0 },
            PATIENT,
            KEYED,
        ]
    } else {
        vec![LONG, PATIENT, Budget { disables: 0, changes: 0, ..BUSY }, Budget { resets: 0, ticks: 0, ..BUSY }, KEYED]
    };
    for bounds in scenarios {
        let explored = Explored::new(Rule::Real, u8::MAX, bounds);
        let checker = explored.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        println!("factors, {bounds:?}: {} states, {} steps", checker.unique_state_count(), checker.state_count());
        assert!(checker.unique_state_count() > 1_000, "{}", checker.unique_state_count());
        let broken: Vec<_> =
            checker.discoveries().into_iter().map(|(name, path)| (name, path.into_actions())).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

const ROBBED: &str = "no factor goes behind its owner's back";

#[test]
fn wrong_rules_are_caught() {
    for (rule, judged, name, bounds) in [
        (Rule::TicketIsAccess, HALF_IS_NOTHING, "half is nothing", BUSY),
        (Rule::TicketGoodTwice, TICKET_ONCE, "a ticket is good once", BUSY),
        (Rule::TicketOutlivesCredentials, TICKET_DIES, "a ticket dies with the credentials", BUSY),
        (Rule::CodeGoodTwice, CODE_ONCE, "a code is good once", BUSY),
        (Rule::CodeGoodTwice, HALF_IS_NOTHING, "half is nothing", BUSY),
        (Rule::ResetRemovesFactor, FACTOR_STAYS, "the factor stays", BUSY),
        (Rule::AskedBeforePassword, NOTHING_IS_TOLD, "nothing is told before the password", BUSY),
        (Rule::EnrolmentKeepsSessions, HALF_IS_NOTHING, "half is nothing", BUSY),
        (Rule::PasswordIsProof, FACTOR_STAYS, "the factor stays", LONG),
        (Rule::RowAlone, FACTOR_STAYS, "the factor stays", LONG),
        (Rule::RefreshIsProof, FACTOR_STAYS, "the factor stays", LONG),
        (Rule::PasskeyForgetsFactor, HALF_IS_NOTHING, "half is nothing", KEYED),
        (Rule::ChallengeGoodTwice, CHALLENGE_ONCE, "a challenge is good once", KEYED),
        (Rule::ChallengeGoodTwice, HALF_IS_NOTHING, "half is nothing", KEYED),
        (Rule::ChallengeForAnything, HALF_IS_NOTHING, "half is nothing", KEYED),
        (Rule::RecoveryWithoutWait, NOBODY_IS_ROBBED, ROBBED, PATIENT),
        (Rule::RecoveryByTheFirstLink, NOBODY_IS_ROBBED, ROBBED, PATIENT),
        (Rule::LoginStopsNothing, NOBODY_IS_ROBBED, ROBBED, PATIENT),
        (Rule::RecoveryOutlivesCredentials, NOBODY_IS_ROBBED, ROBBED, PATIENT),
        (Rule::RecoveryByMailAlone, NOBODY_IS_ROBBED, ROBBED, PATIENT),
        (Rule::RecoveryOfSuperusers, NOBODY_IS_ROBBED, ROBBED, PATIENT),
    ] {
        let moves =
            shortest(&Explored::new(rule, judged, bounds), name).unwrap_or_else(|| panic!("{rule:?}: {name} holds"));
        println!("{rule:?} breaks \"{name}\" in {} steps: {moves:?}", moves.len());
    }
}
