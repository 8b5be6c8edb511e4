//! The guard against a made-up cluster: whatever the order of events, how many logins fail, and who is served.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use proptest::prelude::*;

use crate::push::policy::lockout::*;

fn guard(concurrency: usize) -> LockoutGuard {
    LockoutGuard::new(Limits::new(concurrency, 3, None), true)
}

/// A guard that trusts the password, with this many pushes in flight.
fn trusting(concurrency: usize, in_flight: usize) -> (LockoutGuard, Vec<LoginTicket>) {
    let mut guard = guard(concurrency);
    for _ in 0..3 {
        assert_eq!(guard.allowed(), 1);
        let ticket = guard.begin();
        assert!(!guard.may_begin());
        guard.accepted(ticket, true);
    }
    let tickets = (0..in_flight).map(|_| guard.begin()).collect();
    (guard, tickets)
}

fn password(password: Password) -> Findings {
    Findings { page: Some(AuthenticationPage::Up), password: Some(password) }
}

#[test]
fn phones_are_asked_one_by_one_until_three_have_accepted() {
    let (guard, _) = trusting(32, 0);
    // One login is kept for the question.
    assert_eq!(guard.allowed(), 31);
    assert_eq!(trusting(8, 0).0.allowed(), 7);
    let one = Limits::new(32, 3, Some(1));
    assert_eq!(LockoutGuard::new(one, true).allowed(), 1);
}

#[test]
fn acceptances_of_pushes_that_began_before_a_refusal_reopen_nothing() {
    let (mut guard, mut tickets) = trusting(32, 31);
    guard.refused(tickets.remove(0), false);
    for ticket in tickets.drain(..20) {
        guard.accepted(ticket, true);
        assert_eq!(guard.allowed(), 0);
    }
    let now = Instant::now();
    assert_eq!(guard.inquiry(now), Some(PasswordCheck { password: true }));
    guard.answered(password(Password::Wrong), now);
    assert_eq!(guard.lockout(), Some(&Lockout::Password { refusals: 1 }));
}

#[test]
fn a_password_that_the_cluster_confirms_opens_at_once_and_tells_what_the_refusal_was() {
    let (mut guard, mut tickets) = trusting(8, 7);
    let first = guard.refused(tickets.remove(0), false);
    let now = Instant::now();
    assert_eq!(guard.inquiry(now), Some(PasswordCheck { password: true }));
    assert_eq!(guard.inquiry(now), None, "one question at a time");
    let second = guard.refused(tickets.remove(0), false);
    guard.answered(password(Password::Right), now);
    assert_eq!((guard.cause(first), guard.cause(second)), (Some(Cause::Phone), None));
    // What came while it was asked has to be asked about again.
    assert_eq!(guard.allowed(), 0);
    assert_eq!(guard.inquiry(now), Some(PasswordCheck { password: true }));
    guard.answered(password(Password::Right), now);
    assert_eq!((guard.cause(second), guard.allowed()), (Some(Cause::Phone), 7));
}

#[test]
fn a_page_that_is_down_is_waited_for_with_growing_pauses_and_then_one_phone_tries() {
    let (mut guard, mut tickets) = trusting(8, 1);
    let begun = Instant::now();
    let refusal = guard.refused(tickets.remove(0), false);
    guard.inquiry(begun);
    let down = |page| Findings { page: Some(page), password: Some(Password::Unknown) };
    guard.answered(down(AuthenticationPage::Silent("is away".into())), begun);
    assert_eq!(guard.cause(refusal), Some(Cause::Page));
    let mut pauses = Vec::new();
    let mut now = begun;
    for _ in 0..7 {
        let until = guard.paused_until().unwrap();
        assert_eq!((guard.allowed(), guard.inquiry(now)), (0, None));
        pauses.push((until - now).as_secs());
        now = until;
        assert_eq!(guard.inquiry(now), Some(PasswordCheck { password: true }));
        guard.answered(down(AuthenticationPage::Silent("is away".into())), now);
    }
    assert_eq!(pauses, [2, 2, 4, 4, 8, 8, 16]);
    now = guard.paused_until().unwrap();
    guard.inquiry(now);
    guard.answered(password(Password::Right), now);
    assert_eq!(guard.allowed(), 1);
    assert!(guard.outage().is_some(), "no phone has been accepted since");
    let ticket = guard.begin();
    guard.accepted(ticket, true);
    assert_eq!(guard.outage(), None);
}

#[test]
fn a_page_that_stays_down_stops_the_push_with_that_reason() {
    let (mut guard, mut tickets) = trusting(8, 1);
    let begun = Instant::now();
    guard.refused(tickets.remove(0), false);
    let mut now = begun;
    while guard.lockout().is_none() {
        if let Some(until) = guard.paused_until() {
            now = until;
        }
        if guard.inquiry(now).is_some() {
            let page = Some(AuthenticationPage::Status(503));
            guard.answered(Findings { page, password: Some(Password::Right) }, now);
        } else {
            // A phone tries, and is refused.
            let ticket = guard.begin();
            guard.refused(ticket, false);
        }
    }
    let waited = LockoutGuard::LONGEST_OUTAGE;
    let why = "answers HTTP 503".to_owned();
    assert_eq!(guard.lockout(), Some(&Lockout::Page { why, waited }));
}

#[test]
fn a_page_that_answers_errors_without_credentials_though_it_works_is_found_out() {
    let (mut guard, mut tickets) = trusting(8, 1);
    let mut now = Instant::now();
    let odd = || Findings {
        page: Some(AuthenticationPage::Status(500)),
        password: Some(Password::Right),
    };
    guard.refused(tickets.remove(0), false);
    for _ in 0..2 {
        now = guard.paused_until().unwrap_or(now);
        guard.inquiry(now).unwrap();
        guard.answered(odd(), now);
    }
    // One phone tries, and is accepted; the page still answers the same.
    let ticket = guard.begin();
    guard.accepted(ticket, true);
    assert_eq!(guard.inquiry(now), Some(PasswordCheck { password: false }));
    guard.answered(Findings { page: Some(AuthenticationPage::Status(500)), password: None }, now);
    let ticket = guard.begin();
    let refusal = guard.refused(ticket, false);
    guard.inquiry(now).unwrap();
    guard.answered(odd(), now);
    assert_eq!((guard.cause(refusal), guard.allowed()), (Some(Cause::Phone), 7));
}

#[test]
fn without_an_answer_of_the_cluster_single_phones_tell() {
    let limits = Limits::new(8, 3, None);
    let (mut guard, mut tickets) = trusting(8, 3);
    guard = LockoutGuard { asks: false, limits, ..guard };
    let first = guard.refused(tickets.remove(0), false);
    assert!(!guard.may_begin(), "what is in flight comes back first");
    guard.accepted(tickets.remove(0), true);
    guard.refused(tickets.remove(0), false);
    // They began before the refusal, so this one counts as the first that was asked after it.
    let ticket = guard.begin();
    guard.accepted(ticket, true);
    assert_eq!((guard.cause(first), guard.allowed()), (Some(Cause::Outvoted), 1));
    for _ in 0..3 {
        assert_eq!(guard.lockout(), None);
        let ticket = guard.begin();
        guard.refused(ticket, false);
    }
    assert_eq!(guard.lockout(), Some(&Lockout::Refusals { refusals: 3 }));
}

#[derive(Clone, Debug)]
struct Phone {
    kind: Kind,
    /// Milliseconds from the beginning of a push to the question, and from there to the reply.
    asks_after: u64,
    replies_after: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Controlled,
    /// It does not.
    NotControlled,
    /// It accepts everything without asking, which the cluster does not know.
    AsksNobody,
    LosesReply,
    /// It cannot be reached.
    Away,
}

/// A made-up cluster; times are in milliseconds.
#[derive(Clone, Debug)]
struct World {
    phones: Vec<Phone>,
    limits: Limits,
    /// When the password is changed.
    changed: Option<u64>,
    /// When the page is down, and whether it answers something then.
    page_down: Option<(u64, u64, bool)>,
    /// What the cluster says where it is asked about the password; nothing where it knows.
    cluster: Option<Password>,
    /// Whether there is a cluster that can be asked.
    asks: bool,
    answers_after: u64,
    /// After how many phones a wave ends.
    wave: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Happens {
    Asked(LoginTicket, usize),
    Replied(LoginTicket, usize, Reply),
    Answered(Option<bool>, Option<Password>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reply {
    Accepted,
    Refused,
    Lost,
    Away,
}

#[derive(Debug, Default)]
struct Outcome {
    failed_logins: usize,
    served: Vec<usize>,
    refused: Vec<usize>,
    lockout: Option<Lockout>,
}

/// Runs the guard in a world.
struct Run<'a> {
    world: &'a World,
    guard: LockoutGuard,
    begun: Instant,
    now: u64,
    events: BinaryHeap<Reverse<(u64, usize)>>,
    happens: Vec<Happens>,
    queue: VecDeque<(usize, u32)>,
    attempts: Vec<u32>,
    /// Phones that refused while the password was right.
    again: Vec<bool>,
    doubted: Vec<(Refused, usize)>,
    outcome: Outcome,
}

impl World {
    fn is_wrong(&self, at: u64) -> bool {
        self.changed.is_some_and(|changed| at >= changed)
    }

    fn is_down(&self, at: u64) -> bool {
        self.page_down.is_some_and(|(from, to, _)| (from..to).contains(&at))
    }

    fn run(&self) -> Outcome {
        let mut run = Run {
            world: self,
            guard: LockoutGuard::new(self.limits, self.asks),
            begun: Instant::now(),
            now: 0,
            events: BinaryHeap::new(),
            happens: Vec::new(),
            queue: VecDeque::new(),
            attempts: vec![0; self.phones.len()],
            again: vec![false; self.phones.len()],
            doubted: Vec::new(),
            outcome: Outcome::default(),
        };
        let all: Vec<usize> = (0..self.phones.len()).collect();
        for wave in all.chunks(self.wave.max(1)) {
            run.guard.set_limits(self.limits);
            run.queue = wave.iter().map(|phone| (*phone, 0)).collect();
            run.wave();
        }
        run.outcome.lockout = run.guard.lockout().cloned();
        run.outcome
    }
}

impl Run<'_> {
    fn at(&self) -> Instant {
        self.begun + Duration::from_millis(self.now)
    }

    fn plan(&mut self, after: u64, happens: Happens) {
        self.happens.push(happens);
        self.events.push(Reverse((self.now + after, self.happens.len() - 1)));
    }

    fn wave(&mut self) {
        for _ in 0..200_000 {
            self.settle();
            while self.guard.may_begin()
                && let Some((phone, _)) = self.queue.pop_front()
            {
                let ticket = self.guard.begin();
                self.attempts[phone] += 1;
                self.plan(self.world.phones[phone].asks_after, Happens::Asked(ticket, phone));
            }
            if let Some(inquiry) = self.guard.inquiry(self.at()) {
                let wrong = self.world.is_wrong(self.now);
                let known = if wrong { Password::Wrong } else { Password::Right };
                let password = inquiry.password.then(|| self.world.cluster.unwrap_or(known));
                let counts = password.is_some_and(|answer| answer != Password::Unknown);
                self.outcome.failed_logins += usize::from(counts && wrong);
                let page = Some(!self.world.is_down(self.now));
                self.plan(self.world.answers_after, Happens::Answered(page, password));
            }
            if let Some(Reverse((when, which))) = self.events.pop() {
                self.now = when;
                let happens = self.happens[which].clone();
                self.take(happens);
            } else if self.guard.lockout().is_some()
                || (self.queue.is_empty() && self.doubted.is_empty())
            {
                return;
            } else if let Some(until) = self.guard.paused_until() {
                let left = until.saturating_duration_since(self.at()).as_millis();
                self.now += u64::try_from(left).unwrap().max(1);
            } else if self.queue.is_empty() {
                let refused = std::mem::take(&mut self.doubted);
                self.outcome.refused.extend(refused.into_iter().map(|(_, phone)| phone));
            } else {
                panic!("nothing happens any more: {:?}", self.guard);
            }
        }
        panic!("it does not end: {:?}", self.guard);
    }

    fn take(&mut self, happens: Happens) {
        match happens {
            Happens::Asked(ticket, phone) => {
                let Phone { kind, replies_after, .. } = self.world.phones[phone];
                let logs_in =
                    matches!(kind, Kind::Controlled | Kind::NotControlled | Kind::LosesReply);
                let (down, wrong) = (self.world.is_down(self.now), self.world.is_wrong(self.now));
                self.outcome.failed_logins += usize::from(logs_in && wrong && !down);
                let reply = match kind {
                    Kind::AsksNobody => Reply::Accepted,
                    Kind::LosesReply => Reply::Lost,
                    Kind::Away => Reply::Away,
                    Kind::NotControlled => Reply::Refused,
                    Kind::Controlled if down || wrong => Reply::Refused,
                    Kind::Controlled => Reply::Accepted,
                };
                self.plan(replies_after, Happens::Replied(ticket, phone, reply));
            }
            Happens::Replied(ticket, phone, reply) => {
                let again = self.attempts[phone] < 2;
                match reply {
                    Reply::Accepted => {
                        // The survey knows that this phone does not ask the cluster.
                        let proves = self.world.phones[phone].kind == Kind::Controlled;
                        self.guard.accepted(ticket, proves);
                        self.outcome.served.push(phone);
                    }
                    Reply::Refused => {
                        let refusal = self.guard.refused(ticket, self.again[phone]);
                        self.doubted.push((refusal, phone));
                    }
                    Reply::Lost => self.guard.lost(ticket),
                    Reply::Away => self.guard.ended(ticket),
                }
                if matches!(reply, Reply::Lost | Reply::Away) && again {
                    self.queue.push_back((phone, 0));
                }
            }
            Happens::Answered(page, password) => {
                let answers = self.world.page_down.is_some_and(|(_, _, answers)| answers);
                let page = page.map(|up| match (up, answers) {
                    (true, _) => AuthenticationPage::Up,
                    (false, true) => AuthenticationPage::Status(500),
                    (false, false) => AuthenticationPage::Silent("is away".to_owned()),
                });
                self.guard.answered(Findings { page, password }, self.at());
            }
        }
    }

    fn settle(&mut self) {
        let doubted = std::mem::take(&mut self.doubted);
        for (refusal, phone) in doubted {
            match self.guard.cause(refusal) {
                None => self.doubted.push((refusal, phone)),
                Some(Cause::Page) => {
                    self.attempts[phone] -= 1;
                    self.queue.push_back((phone, 0));
                }
                // Some are retried as often as phones for which a change has not taken effect.
                Some(Cause::Phone | Cause::Outvoted)
                    if self.attempts[phone] < 2 + u32::try_from(phone % 3).unwrap() =>
                {
                    self.again[phone] = true;
                    self.queue.push_back((phone, 0));
                }
                Some(Cause::Phone | Cause::Outvoted) => self.outcome.refused.push(phone),
            }
        }
    }
}

fn phones(most: usize) -> impl Strategy<Value = Vec<Phone>> {
    let kind = prop_oneof![
        30 => Just(Kind::Controlled),
        3 => Just(Kind::NotControlled),
        1 => Just(Kind::AsksNobody),
        1 => Just(Kind::LosesReply),
        1 => Just(Kind::Away),
    ];
    let phone = (kind, 0_u64..300, 0_u64..3000)
        .prop_map(|(kind, asks_after, replies_after)| Phone { kind, asks_after, replies_after });
    proptest::collection::vec(phone, 1..most)
}

fn world() -> impl Strategy<Value = World> {
    let limits = (1_usize..40, proptest::option::weighted(0.3, 1_usize..12))
        .prop_map(|(concurrency, at_risk)| Limits::new(concurrency, 3, at_risk));
    let cluster = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Password::Unknown)),
        1 => Just(Some(Password::Lost)),
    ];
    (phones(150), limits, cluster, prop::bool::weighted(0.8), 0_u64..400, 1_usize..200).prop_map(
        |(phones, limits, cluster, asks, answers_after, wave)| World {
            phones,
            limits,
            changed: None,
            page_down: None,
            cluster,
            asks,
            answers_after,
            wave,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A password that changes in mid-run costs no more logins than may be at risk, whatever the order of events.
    #[test]
    fn a_changed_password_costs_at_most_what_was_at_risk(
        world in world(),
        changed in 0_u64..20_000,
        page_down in proptest::option::weighted(0.2, (0_u64..20_000, 1_u64..40_000, any::<bool>())),
    ) {
        let page_down = page_down.map(|(from, lasts, answers)| (from, from + lasts, answers));
        let world = World { changed: Some(changed), page_down, ..world };
        let outcome = world.run();
        // Replies that are lost one after the other never end a push that goes on with one phone at a time.
        let lost = world.phones.iter().filter(|phone| phone.kind == Kind::LosesReply).count();
        let most = world.limits.logins.max(if lost > 0 { 3 } else { 0 }) + 2 * lost;
        prop_assert!(outcome.failed_logins <= most, "{outcome:?}");
    }

    /// A password that is wrong from the start costs three.
    #[test]
    fn a_wrong_password_costs_three(world in world()) {
        let mut world = World { changed: Some(0), ..world };
        world.phones.retain(|phone| phone.kind != Kind::LosesReply);
        let outcome = world.run();
        prop_assert!(outcome.failed_logins <= 3.min(world.limits.logins), "{outcome:?}");
        prop_assert!(outcome.served.iter().all(|at| world.phones[*at].kind == Kind::AsksNobody));
    }

    /// With the right password everybody is served whom the push user controls, and who can be reached.
    #[test]
    fn associations_and_a_page_that_is_down_for_a_while_keep_nobody_from_being_served(
        world in world(),
        page_down in proptest::option::of((0_u64..20_000, 1_u64..600_000, any::<bool>())),
    ) {
        let page_down = page_down.map(|(from, lasts, answers)| (from, from + lasts, answers));
        // With one login at risk, a refusal leaves none to find out with.
        let limits = Limits { logins: world.limits.logins.max(2), ..world.limits };
        let world = World { page_down, limits, cluster: None, asks: true, ..world };
        let outcome = world.run();
        prop_assert_eq!(&outcome.lockout, &None);
        for (at, phone) in world.phones.iter().enumerate() {
            if matches!(phone.kind, Kind::Controlled | Kind::AsksNobody) {
                prop_assert!(outcome.served.contains(&at), "{at}: {outcome:?}");
            }
        }
        let refused = outcome.refused.iter().map(|at| world.phones[*at].kind);
        prop_assert!(refused.clone().all(|kind| kind == Kind::NotControlled));
    }
}
