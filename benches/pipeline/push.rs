//! The push: the engine alone, over sockets, and against a bare load generator.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axlpaper::domain::payload_kind::ObjectKind;
use axlpaper::event::{Outcome, PhoneResult, Proof, Unobserved};
use axlpaper::media::{Compression, Options, Picture, PreparedSet, demo_picture, prepare_all};
use axlpaper::phone::PhoneClient;
use axlpaper::push::attempt_log::NullLog;
use axlpaper::push::delivery::connector::PhoneConnector;
use axlpaper::push::delivery::external::ExternalDelivery;
use axlpaper::push::delivery::picture::PictureDelivery;
use axlpaper::push::delivery::session::DeliverySession;
use axlpaper::push::policy::lockout::LockoutGuard;
use axlpaper::push::scheduler::{self, PushSettings, SiteLimitConfig};
use axlpaper::push::{AttemptReply, Delivery, DownloadStatus, ReplyKind, Target};
use axlpaper::sim::{PUSH_PASSWORD, PUSH_USER};
use futures::future::{BoxFuture, FutureExt as _, ready};
use secrecy::SecretString;

use crate::Failure;
use crate::args::Size;
use crate::load::{LIMIT, Look, NAME, Pictures, generate_load, image_of};
use crate::oha;
use crate::process::{file_limit, memory, processor_time};
use crate::server::{Kind, LATENCY, Server};
use crate::survey::{Stages, ratio, read};
use crate::table::{Bound, Table};

/// Measures the push, with each number of phones at once.
pub async fn measure(size: &Size, table: &mut Table) -> Result<(), Failure> {
    let mut fleet = Fleet::start(Kind::Ready, size.push).await?;
    for &at_once in size.at_once {
        alone(&fleet.targets, at_once, size.rounds, table).await?;
    }
    for &at_once in size.at_once {
        fleet.push(Where::Here, at_once, table).await?;
    }
    let shown = fleet.server.ask("shown")?;
    if shown != fleet.server.phones {
        return Err(format!("{shown} of {} phones show the picture", fleet.server.phones).into());
    }
    drop(fleet);
    let mut fleet = Fleet::start(Kind::Listening, size.push).await?;
    for &at_once in size.at_once {
        let before = fleet.server.ask("accepted")?;
        fleet.push(Where::Elsewhere, at_once, table).await?;
        let accepted = fleet.server.ask("accepted")? - before;
        if accepted < fleet.server.phones {
            return Err(format!("the phones accepted {accepted} pushes").into());
        }
    }
    Ok(())
}

/// Where the pictures stand that phones are told of.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Where {
    /// On our own server, from which they download.
    Here,
    /// On another one; the phones answer, and download nothing.
    Elsewhere,
}

impl Where {
    fn word(self) -> &'static str {
        match self {
            Self::Here => "push over sockets",
            Self::Elsewhere => "push alone over sockets",
        }
    }

    /// The best that can be known of a phone.
    fn best(self) -> Outcome {
        match self {
            Self::Here => Outcome::Verified,
            Self::Elsewhere => Outcome::Accepted,
        }
    }
}

/// Phones, and what is pushed to them.
struct Fleet {
    server: Server,
    targets: Vec<Target>,
    pictures: PreparedSet,
}

impl Fleet {
    async fn start(kind: Kind, phones: u32) -> Result<Self, Failure> {
        let server = Server::start(kind, phones)?;
        let (audit, _) = read(server.axl, &server.trust, &Stages::default()).await?;
        let targets = axlpaper::push::targets(ObjectKind::Background, &audit, |_| false, true);
        if targets.len() != server.phones {
            let (ready, there) = (targets.len(), server.phones);
            return Err(format!("{ready} of {there} phones are ready").into());
        }
        let pictures = tokio::task::block_in_place(|| {
            let specs = targets.iter().filter_map(|target| target.accepts.image());
            prepare_all(
                &Picture::from(demo_picture()),
                specs,
                &Options::default(),
                Compression::Quick,
            )
        })?;
        Ok(Self { server, targets, pictures })
    }

    async fn push(&self, at: Where, at_once: usize, table: &mut Table) -> Result<(), Failure> {
        // A connection to the phone, one from it, and one that is still saying good-bye.
        let files = at_once * 3 + 200;
        if file_limit().is_some_and(|limit| limit < files) {
            table.note(format!("push, {at_once} at once: not measured, needs {files} open files"));
            return Ok(());
        }
        over_sockets(self, at, at_once, table).await
    }

    fn served(&self, at: Where) -> Result<Pictures<'_>, Failure> {
        Ok(match at {
            Where::Here => Pictures::here(&self.pictures)?,
            Where::Elsewhere => Pictures::Elsewhere,
        })
    }

    /// The delivery as the program makes it.
    fn delivery(&self, at: Where) -> Result<Box<dyn Delivery>, Failure> {
        let password = SecretString::from(PUSH_PASSWORD);
        let port = self.server.phone_port;
        let phones = PhoneClient::new(PUSH_USER, &password, port, LIMIT)?;
        let session = DeliverySession::new(PhoneConnector::new(phones));
        let name = NAME.to_owned();
        Ok(match at {
            Where::Here => {
                let pictures = self.pictures.clone();
                let host = crate::load::host()?;
                Box::new(PictureDelivery::new(session, host, pictures, name, LIMIT)?)
            }
            Where::Elsewhere => {
                let mut models = HashMap::new();
                for target in &self.targets {
                    let files = self.pictures.get(image_of(target)?);
                    let files = files.ok_or("a picture is missing")?.clone();
                    models.insert(target.model.clone(), crate::load::elsewhere(files));
                }
                Box::new(ExternalDelivery::new(session, models, name))
            }
        })
    }
}

/// A delivery that takes the time of a phone and nothing else.
struct Asleep;

impl Delivery for Asleep {
    fn push<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            tokio::time::sleep(LATENCY).await;
            ReplyKind::Accepted(String::new()).into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        ready(DownloadStatus::own(true, true)).boxed()
    }
}

async fn alone(
    targets: &[Target],
    at_once: usize,
    rounds: usize,
    table: &mut Table,
) -> Result<(), Failure> {
    let count = at_once * 10 * rounds + LockoutGuard::PROOFS as usize;
    let many: Vec<Target> = targets.iter().cycle().take(count).cloned().collect();
    let before = processor_time();
    let (results, took) = run(&Asleep, many, at_once, Proof::Fetch).await;
    prove(&results, count, Outcome::Verified)?;
    let processor = before.and_then(|before| Some(processor_time()? - before));
    table.ratio(
        format!("engine alone, {at_once} at once: rate / (at once / latency)"),
        ratio(least(count, at_once), took),
        Bound::AtLeast(0.95),
        &format!(
            "{:.0} pushes/s, {:.0} us of processor a push",
            count as f64 / took.as_secs_f64(),
            processor.unwrap_or_default().as_secs_f64() * 1e6 / count as f64
        ),
    );
    Ok(())
}

async fn over_sockets(
    fleet: &Fleet,
    at: Where,
    at_once: usize,
    table: &mut Table,
) -> Result<(), Failure> {
    let (server, targets) = (&fleet.server, &fleet.targets);
    let count = targets.len();
    let load =
        async |look: Look| generate_load(server, targets, fleet.served(at)?, at_once, look).await;
    // What the look at who answers costs, which the program does not go without.
    let blind_took = load(Look::AtNobody).await?;
    let before = processor_time();
    let bare_took = load(Look::AtIdentity).await?;
    let bare = before.and_then(|before| Some(processor_time()? - before));
    let foreign = by_oha(fleet, at, at_once, table).await?;
    let delivery = fleet.delivery(at)?;
    let proof = if at == Where::Here { Proof::Fetch } else { Proof::None };
    let (before, resting) = (processor_time(), memory());
    let (results, took) = run(&*delivery, targets.clone(), at_once, proof).await;
    let ours = before.and_then(|before| Some(processor_time()? - before));
    let grown = resting.and_then(|resting| Some(memory()?.saturating_sub(resting)));
    delivery.shutdown().await;
    prove(&results, count, at.best())?;
    let again = results.iter().filter(|result| result.attempts > 1).count();
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    let what = format!("{}, {at_once} at once", at.word());
    let least = least(count, at_once);
    table.ratio(
        format!("{what}: rate / (at once / latency)"),
        ratio(least, took),
        Bound::AtLeast(0.95),
        &format!("{:.0} pushes/s, {:.0} requests/s", rate(took), 2.0 * rate(took)),
    );
    // They wait for nobody's answer before they begin, so they could be through sooner than we.
    let without_proofs = LATENCY.mul_f64(count as f64 / at_once as f64);
    let mut told = |what: &str, took: Duration| {
        table.ratio(
            what,
            ratio(without_proofs, took),
            Bound::None,
            &format!("{:.0} pushes/s", rate(took)),
        );
    };
    told("  the bare load generator's", bare_took);
    told("  the load generator's without the identity check", blind_took);
    if let Some(foreign) = &foreign {
        told("  oha's", foreign.time);
        table.ratio("  our rate / oha's", ratio(foreign.time, took), Bound::None, "");
    }
    table.ratio("  our rate / the load generator's", ratio(bare_took, took), Bound::None, "");
    let mut cost = |what: &str, theirs: Option<Duration>| {
        if let (Some(ours), Some(theirs)) = (ours, theirs.filter(|theirs| !theirs.is_zero())) {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
            let made_of = format!("{:.0} us / {:.0} us", each(ours), each(theirs));
            table.ratio(what, ratio(ours, theirs), Bound::AtMost(1.5), &made_of);
        }
    };
    cost("  our processor time a push / the load generator's", bare);
    cost("  our processor time a push / oha's", foreign.and_then(|foreign| foreign.processor));
    if again > 0 {
        // Whoever is asked again has waited a second for that.
        table.note(format!("{what}: {again} phones were pushed to more than once"));
    }
    if let Some(grown) = grown {
        table.note(format!(
            "{what}: memory grew by {:.1} KB a push in flight, {:.2} KB a phone",
            grown as f64 / 1024.0 / at_once as f64,
            grown as f64 / 1024.0 / count as f64
        ));
    }
    Ok(())
}

/// Lets `oha` push, where it is installed. The image server is ours then too, and so is its part of the time.
async fn by_oha(
    fleet: &Fleet,
    at: Where,
    at_once: usize,
    table: &mut Table,
) -> Result<Option<oha::Took>, Failure> {
    let Some(program) = oha::program() else {
        table.note("oha is not there, so it was not measured: cargo install oha");
        return Ok(None);
    };
    let (server, targets) = (&fleet.server, &fleet.targets);
    let pictures = fleet.served(at)?;
    let object = pictures.object(targets.first().ok_or("there are no phones")?)?;
    let before = processor_time();
    let took =
        tokio::task::block_in_place(|| oha::load(&program, server, targets, &object, at_once))?;
    let served = before.and_then(|before| Some(processor_time()? - before));
    pictures.end().await;
    let processor = took.processor.zip(served).map(|(theirs, served)| theirs + served);
    Ok(Some(oha::Took { processor, ..took }))
}

async fn run(
    delivery: &dyn Delivery,
    targets: Vec<Target>,
    at_once: usize,
    proof: Proof,
) -> (Vec<PhoneResult>, Duration) {
    let settings = PushSettings {
        concurrency: at_once,
        max_attempts: 3,
        retry_delay: Duration::from_secs(1),
        verify_timeout: LIMIT,
        max_auth_failures: 3,
        max_logins_at_risk: None,
        password_proven: false,
        propagation_limit: Duration::ZERO,
        site_limits: SiteLimitConfig::default(),
        rate: None,
        proof,
        max_failures: None,
        min_sample: 0,
    };
    let begun = Instant::now();
    let stop = scheduler::StopSignals::default();
    let pushed = scheduler::run(delivery, &NullLog, targets, settings, &stop, &Unobserved).await;
    (pushed.results, begun.elapsed())
}

/// The least time that these pushes can take: the first few are waited for one by one, to see whether the
/// password is right, and the others come in rounds of `at_once`.
fn least(count: usize, at_once: usize) -> Duration {
    let proofs = (LockoutGuard::PROOFS as usize).min(count);
    let rest = (count - proofs) as f64 / at_once as f64;
    LATENCY.mul_f64(proofs as f64 + rest)
}

/// Every phone must be there, once, and with this outcome.
fn prove(results: &[PhoneResult], count: usize, best: Outcome) -> Result<(), Failure> {
    if results.len() != count {
        return Err(format!("{} of {count} pushes have a result", results.len()).into());
    }
    match results.iter().find(|result| result.outcome != best) {
        Some(bad) => {
            let outcome = bad.outcome.as_str();
            Err(format!("{} is {outcome}: {:?} {:?}", bad.name, bad.reason, bad.phone_error).into())
        }
        None => Ok(()),
    }
}
