//! Keeps a wrong password from locking the push user's account.
//!
//! Every push to a phone that asks the cluster is a login with the push user's password. A wrong password fails once
//! for each of them, and the cluster locks the account after some failures. This state machine decides how many
//! pushes may be in flight, and what a refusal means: the password, the phone's association, or the authentication
//! page. It does no input or output and reads no clock. The scheduler reports what happens, and asks the cluster what
//! [`LockoutGuard::inquiry`] asks for.
//!
//! Every login that may have failed counts as *at risk* until something proves the password: refusals, pushes whose
//! reply was lost, and pushes in flight. A push begins, and the cluster is asked, only while one more of them stays
//! within [`Limits::logins`]. The password is proven by a `doAuthenticateUser` that was sent after a refusal was
//! received, or by phones that were asked after it. A reply to a push that began before proves nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::push::policy::propagation::Backoff;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most pushes in flight at once.
    pub concurrency: usize,
    /// The most logins that can fail when the password changes in mid-run, the guard's own question included.
    pub logins: usize,
    /// The most that can fail when it is wrong from the start. By as many phones that refuse one after the other
    /// the push stops where the cluster cannot be asked.
    pub in_a_row: u32,
}

impl Limits {
    /// Allows `concurrency` pushes at once, and `at_risk` logins that fail: by default as many as are in flight.
    pub fn new(concurrency: usize, in_a_row: u32, at_risk: Option<usize>) -> Self {
        let (concurrency, in_a_row) = (concurrency.max(1), in_a_row.max(1));
        let logins = at_risk.map_or_else(|| concurrency.max(in_a_row as usize), |most| most.max(1));
        Self { concurrency, logins, in_a_row }
    }
}

/// A push that began, with its place in the order of all that happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LoginTicket(u64);

/// A refusal: when its push began, and when it came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    began: u64,
    at: u64,
    /// Whether it has a likely reason that is not the password.
    expected: bool,
}

/// What the cluster is asked about refusals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PasswordCheck {
    /// Whether it is asked if the password is right. A wrong one costs a login.
    pub password: bool,
}

/// How the authentication page answers a request without credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuthenticationPage {
    Up,
    /// It answers with this HTTP status, which a page that works does not send.
    Status(u16),
    /// It does not answer; says why.
    Silent(String),
}

/// The answer of the cluster about the push user's password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Password {
    Right,
    /// It is wrong, or the account is locked.
    Wrong,
    /// The cluster answered, and does not say.
    Unknown,
    /// No answer came, so it may have counted as a login.
    Lost,
}

/// The result of a [`PasswordCheck`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    /// The page; nothing where its address is not known.
    pub page: Option<AuthenticationPage>,
    pub password: Option<Password>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The authentication page was down, so the phone could not ask.
    Page,
    /// The cluster confirmed the password after it: the phone's association, or what else is between them.
    Phone,
    /// The cluster could not be asked, and another phone accepted the password after it.
    Outvoted,
}

/// Why nothing may begin any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lockout {
    Password {
        refusals: usize,
    },
    /// Phones refused it, and the cluster could not be asked.
    Refusals {
        /// How many, without an acceptance that began after one of them.
        refusals: usize,
    },
    /// The authentication page did not come back, or no login is left for finding out why phones refused meanwhile.
    Page {
        why: String,
        waited: Duration,
    },
}

/// The authentication page is down, or was when it was asked last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outage {
    pub why: String,
    /// Since when.
    pub since: Instant,
    /// How often it was found like that.
    tries: u32,
    /// The HTTP status that it answers with, if any.
    status: Option<u16>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum State {
    Open,
    /// A phone has refused, and the cluster is to be asked why.
    Doubted,
    /// The cluster is being asked since `at`.
    Asking {
        at: u64,
        paused: bool,
    },
    Paused {
        until: Instant,
    },
    /// Nothing may begin any more.
    Stopped(Lockout),
}

/// Decides how many phones may be asked at once; see the module.
#[derive(Clone, Debug)]
pub struct LockoutGuard {
    limits: Limits,
    /// Whether there is a cluster that can be asked.
    asks: bool,
    state: State,
    /// Counts begins, replies and questions, so that each has its place in their order.
    clock: u64,
    /// Pushes in flight that log in.
    in_flight: usize,
    /// Whether several pushes may be in flight.
    trusted: bool,
    /// Whether that was so at any time: until then the password may be wrong from the start.
    was_trusted: bool,
    /// Acceptances since the last refusal, of pushes that began after it.
    accepted: u32,
    /// The refusals that may be failed logins.
    refusals: Vec<Refused>,
    last_refusal: u64,
    /// Whether the last refusal was that of a push that began after another one.
    by_probe: bool,
    /// When pushes ended of which nothing was heard.
    lost: Vec<u64>,
    /// When the cluster was asked and no answer came. Unlike a push, that logs in also while the page is down.
    unanswered: Vec<u64>,
    /// The last time at which an accepted push began.
    proven: u64,
    /// When the cluster was asked that confirmed the password.
    confirmed: u64,
    /// When the page was asked that was down.
    page_down: u64,
    outage: Option<Outage>,
    /// The HTTP status by which a page that works answers a request without credentials.
    normal: Option<u16>,
    relearn: Relearn,
}

/// Whether the page is to be asked what it answers while phones are accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relearn {
    No,
    Due,
    Asking,
}

impl LockoutGuard {
    /// Acceptances after which several pushes may be in flight. One alone proves little: a phone that has lost its
    /// Authentication URL accepts anything, and the cluster need not know.
    pub const PROOFS: u32 = 3;
    /// How long the authentication page may be down until the push stops.
    pub const LONGEST_OUTAGE: Duration = Duration::from_secs(15 * 60);

    /// Makes a guard; `asks` is whether there is a cluster that can be asked.
    pub fn new(limits: Limits, asks: bool) -> Self {
        Self {
            limits,
            asks,
            state: State::Open,
            clock: 0,
            in_flight: 0,
            trusted: false,
            was_trusted: false,
            accepted: 0,
            refusals: Vec::new(),
            last_refusal: 0,
            by_probe: false,
            lost: Vec::new(),
            unanswered: Vec::new(),
            proven: 0,
            confirmed: 0,
            page_down: 0,
            outage: None,
            normal: None,
            relearn: Relearn::No,
        }
    }

    /// Sets other limits from now on: those of the next wave.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns how many pushes that log in may be in flight now.
    pub fn allowed(&self) -> usize {
        if self.state != State::Open {
            return 0;
        }
        let spent = self.spent();
        let left = self.most_logins().saturating_sub(spent);
        if self.trusted {
            let room = left.saturating_sub(self.reserve());
            // Lost replies alone never end a push: one phone at a time is always asked.
            return room.max(usize::from(self.refusals.is_empty())).min(self.limits.concurrency);
        }
        usize::from(self.refusals.is_empty() || left > 0)
    }

    /// Tells whether one more push that logs in may begin now.
    pub fn may_begin(&self) -> bool {
        self.in_flight < self.allowed()
    }

    /// Tells whether the password is trusted, so that several phones may be asked at once.
    pub fn trusts_password(&self) -> bool {
        self.trusted
    }

    /// Returns why nothing may begin any more.
    pub fn lockout(&self) -> Option<&Lockout> {
        match &self.state {
            State::Stopped(why) => Some(why),
            State::Open | State::Doubted | State::Asking { .. } | State::Paused { .. } => None,
        }
    }

    /// Returns what is wrong with the authentication page, until phones are accepted again.
    pub fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// Returns until when nothing happens because the page is down.
    pub fn paused_until(&self) -> Option<Instant> {
        match &self.state {
            State::Paused { until } => Some(*until),
            State::Open | State::Doubted | State::Asking { .. } | State::Stopped(_) => None,
        }
    }

    /// Returns what this refusal meant, once that is known.
    pub fn cause(&self, refusal: Refused) -> Option<Cause> {
        let (page, phone) = (self.page_down >= refusal.began, self.confirmed >= refusal.at);
        match (page, phone) {
            (true, true) if self.confirmed < self.page_down => Some(Cause::Phone),
            (true, _) => Some(Cause::Page),
            (false, true) => Some(Cause::Phone),
            (false, false) if self.proven > refusal.at => Some(Cause::Outvoted),
            (false, false) => None,
        }
    }

    /// Records that a push begins that logs in.
    pub fn begin(&mut self) -> LoginTicket {
        self.in_flight += 1;
        LoginTicket(self.tick())
    }

    /// Records that a push was accepted; `proves` is whether that proves the password.
    pub fn accepted(&mut self, ticket: LoginTicket, proves: bool) {
        self.ended(ticket);
        if !proves {
            return;
        }
        self.proven = self.proven.max(ticket.0);
        self.lost.retain(|at| *at > ticket.0);
        self.unanswered.retain(|at| *at > ticket.0);
        if ticket.0 < self.last_refusal || ticket.0 < self.page_down || self.state != State::Open {
            return;
        }
        if self.outage.take().is_some_and(|outage| outage.status.is_some()) {
            self.relearn = Relearn::Due;
        }
        self.accepted += 1;
        if self.accepted >= Self::PROOFS {
            self.refusals.clear();
            self.trust();
        }
    }

    /// Records that a phone refused the push user. It is `expected` where the phone was changed a moment ago, or has refused
    /// while the password was right: then it is no sign of a wrong password, but a login at risk all the same. Returns
    /// the refusal, for [`Self::cause`].
    pub fn refused(&mut self, ticket: LoginTicket, expected: bool) -> Refused {
        let first = self.unexplained().next().map(|first| first.at);
        self.in_flight = self.in_flight.saturating_sub(1);
        let now = self.tick();
        self.by_probe = first.is_none_or(|first| ticket.0 > first);
        let refusal = Refused { began: ticket.0, at: now, expected };
        self.refusals.push(refusal);
        self.last_refusal = now;
        self.accepted = 0;
        if self.state == State::Open {
            if self.asks {
                self.state = State::Doubted;
            } else {
                self.ask_phones();
            }
        } else {
            self.stop_if_exhausted();
        }
        refusal
    }

    /// Records that a push had no reply, or none that can be read: it may have been a login.
    pub fn lost(&mut self, _: LoginTicket) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let now = self.tick();
        self.lost.push(now);
        // No login is left but the one for the question.
        let last = self.spent() + 1 == self.most_logins();
        if self.state == State::Open && self.asks && last {
            self.state = State::Doubted;
        }
        self.stop_if_exhausted();
    }

    /// Records that a push ended in a way that proves nothing about the password.
    pub fn ended(&mut self, _: LoginTicket) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.tick();
        self.stop_if_exhausted();
    }

    /// Returns what the cluster is to be asked now; [`Self::answered`] takes what came of it.
    pub fn inquiry(&mut self, now: Instant) -> Option<PasswordCheck> {
        // After a question without an answer, the last login is kept for the phone that is asked when the page is back.
        let waiting = matches!(self.state, State::Paused { .. });
        let kept = usize::from(waiting && !self.unanswered.is_empty());
        let room = self.at_risk() + kept < self.most_logins();
        let paused = match &self.state {
            _ if self.relearn == Relearn::Asking => return None,
            State::Open if self.relearn == Relearn::Due => {
                self.relearn = Relearn::Asking;
                return Some(PasswordCheck { password: false });
            }
            State::Doubted if room || self.in_flight == 0 => false,
            State::Paused { until } if now >= *until => true,
            State::Open
            | State::Doubted
            | State::Asking { .. }
            | State::Paused { .. }
            | State::Stopped(_) => return None,
        };
        self.state = State::Asking { at: self.tick(), paused };
        if room {
            // While it is asked it is a login at risk as any other.
            self.in_flight += 1;
        }
        Some(PasswordCheck { password: room })
    }

    pub fn answered(&mut self, findings: Findings, now: Instant) {
        let down = findings.page.and_then(|page| self.trouble(page));
        if self.relearn == Relearn::Asking {
            self.relearn = Relearn::No;
            // Phones are accepted, so this is how a page that works answers.
            self.normal = down.and_then(|(_, status)| status).or(self.normal);
            return;
        }
        let State::Asking { at, paused } = self.state else { return };
        if findings.password.is_some() {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        match findings.password {
            Some(Password::Wrong) => {
                let refusals = self.refusals.len();
                self.state = State::Stopped(Lockout::Password { refusals });
                return;
            }
            Some(Password::Right) => {
                self.refusals.retain(|refusal| refusal.at > at);
                self.lost.retain(|lost| *lost > at);
                self.unanswered.retain(|asked| *asked > at);
            }
            Some(Password::Lost) => {
                let asked = self.tick();
                self.unanswered.push(asked);
            }
            Some(Password::Unknown) | None => {}
        }
        let right = findings.password == Some(Password::Right);
        if let Some((why, status)) = down {
            self.page_down = at;
            self.pause(why, status, paused && right, now);
        } else if paused {
            // What was refused while the page was down is tried again, beginning with one phone.
            self.page_down = at;
            if self.is_spent() {
                self.state = State::Stopped(Lockout::Refusals { refusals: self.refusals.len() });
            } else if self.refusals.is_empty() || self.at_risk() < self.most_logins() {
                self.open_for_one();
            } else {
                let why = "the cluster cannot confirm the password".to_owned();
                self.pause(why, None, false, now);
            }
        } else if right {
            self.confirmed = at;
            self.outage = None;
            self.trust();
            self.state = if self.refusals.is_empty() { State::Open } else { State::Doubted };
        } else if findings.password.is_none() && !self.refusals.is_empty() {
            self.state = State::Stopped(Lockout::Refusals { refusals: self.refusals.len() });
        } else {
            self.ask_phones();
        }
        self.stop_if_exhausted();
    }

    /// Lets one phone at a time find out, unless enough of them have.
    fn ask_phones(&mut self) {
        self.open_for_one();
        let row = self.unexplained().filter(|refusal| !refusal.expected).count();
        if row >= self.limits.in_a_row as usize && self.by_probe {
            self.state = State::Stopped(Lockout::Refusals { refusals: row });
        }
        self.stop_if_exhausted();
    }

    fn open_for_one(&mut self) {
        self.trusted = false;
        self.accepted = 0;
        self.state = State::Open;
    }

    fn pause(&mut self, why: String, status: Option<u16>, may_try: bool, now: Instant) {
        let since = self.outage.as_ref().map_or(now, |outage| outage.since);
        let tries = self.outage.as_ref().map_or(0, |outage| outage.tries).saturating_add(1);
        self.outage = Some(Outage { why: why.clone(), since, tries, status });
        let waited = now.saturating_duration_since(since);
        self.trusted = false;
        self.accepted = 0;
        // The page may have been up when the phones refused. With no login left to find out, waiting does not help.
        self.state = if waited >= Self::LONGEST_OUTAGE || self.is_spent() {
            State::Stopped(Lockout::Page { why, waited })
        } else if may_try && status.is_some() && tries.is_multiple_of(2) {
            // Without credentials a page may answer so although it works, so one phone tries; its refusal costs no login
            // where the page is down.
            State::Open
        } else {
            let left = Self::LONGEST_OUTAGE.saturating_sub(waited);
            State::Paused { until: now + Backoff::USUAL.delay(tries.div_ceil(2)).min(left) }
        };
    }

    /// Says what is wrong with the page, if anything is, and the HTTP status of that.
    fn trouble(&self, page: AuthenticationPage) -> Option<(String, Option<u16>)> {
        match page {
            AuthenticationPage::Up => None,
            AuthenticationPage::Status(status) if self.normal == Some(status) => None,
            AuthenticationPage::Status(status) => {
                Some((format!("answers HTTP {status}"), Some(status)))
            }
            AuthenticationPage::Silent(why) => Some((why, None)),
        }
    }

    fn trust(&mut self) {
        self.trusted = true;
        self.was_trusted = true;
    }

    /// Stops where a phone would have to be asked, and no login is left for that.
    fn stop_if_exhausted(&mut self) {
        let stuck = self.state == State::Open && self.in_flight == 0 && self.allowed() == 0;
        if stuck {
            self.state = State::Stopped(Lockout::Refusals { refusals: self.refusals.len() });
        }
    }

    /// Returns the refusals that neither an acceptance nor the page explains.
    fn unexplained(&self) -> impl Iterator<Item = &Refused> {
        let (proven, page_down) = (self.proven, self.page_down);
        self.refusals.iter().filter(move |refusal| refusal.at > proven && refusal.began > page_down)
    }

    /// Tells whether phones have refused, and no login is left to find out why.
    fn is_spent(&self) -> bool {
        self.in_flight == 0 && !self.refusals.is_empty() && self.spent() >= self.most_logins()
    }

    fn at_risk(&self) -> usize {
        self.in_flight + self.spent()
    }

    /// Returns how many logins that ended may have failed.
    fn spent(&self) -> usize {
        self.refusals.len() + self.lost.len() + self.unanswered.len()
    }

    fn most_logins(&self) -> usize {
        if self.was_trusted {
            self.limits.logins
        } else {
            self.limits.logins.min(self.limits.in_a_row as usize)
        }
    }

    /// Returns how many logins are kept for finding out why phones refuse.
    fn reserve(&self) -> usize {
        usize::from(self.most_logins() > 1)
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

#[cfg(test)]
mod tests;
