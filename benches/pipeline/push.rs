//! The push: the engine alone, over sockets, and against a bare load generator.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use axlpaper::domain::object::ObjectKind;
use axlpaper::event::{Outcome, PhoneResult, Unobserved};
use axlpaper::host::{HostConfig, HostLimits, ImageHost};
use axlpaper::media::{Options, Picture, PreparedSet, Squeeze, demo_picture, prepare_all};
use axlpaper::net::client::{PhoneHttpOptions, phone_http};
use axlpaper::phone::{PhoneClient, PushObject as _, SetBackground, Theme};
use axlpaper::push::book::Forgetful;
use axlpaper::push::engine::{self, Caps, Settings};
use axlpaper::push::guard::Guard;
use axlpaper::push::line::PhoneLine;
use axlpaper::push::meeting::Meeting;
use axlpaper::push::{Answer, Fetched, Line, Target};
use axlpaper::sim::{PUSH_PASSWORD, PUSH_USER};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use secrecy::SecretString;

use crate::Failure;
use crate::args::Size;
use crate::oha;
use crate::process::{file_limit, memory, processor_time};
use crate::server::{Kind, LATENCY, Server};
use crate::survey::{Stages, ratio, read};
use crate::table::{Bound, Table};

/// Measures the push, with each number of phones at once.
pub async fn measure(size: &Size, table: &mut Table) -> Result<(), Failure> {
    let mut server = Server::start(Kind::Ready, size.push)?;
    let (audit, _) = read(server.axl, &server.trust, &Stages::default()).await?;
    let targets = axlpaper::push::targets(ObjectKind::Background, &audit, |_| false, true);
    if targets.len() != server.phones {
        let (ready, there) = (targets.len(), server.phones);
        return Err(format!("{ready} of {there} phones are ready").into());
    }
    let pictures = tokio::task::block_in_place(|| {
        let specs = targets.iter().filter_map(|target| target.takes.image());
        prepare_all(&Picture::from(demo_picture()), specs, &Options::default(), Squeeze::Quick)
    })?;
    for &at_once in size.at_once {
        alone(&targets, at_once, size.rounds, table).await?;
    }
    for &at_once in size.at_once {
        // A connection to the phone, one from it, and one that is still saying good-bye.
        let files = at_once * 3 + 200;
        if file_limit().is_some_and(|limit| limit < files) {
            table.note(format!("push, {at_once} at once: not measured, needs {files} open files"));
            continue;
        }
        over_sockets(&server, &targets, &pictures, at_once, table).await?;
    }
    let shown = server.ask("shown")?;
    if shown != server.phones {
        return Err(format!("{shown} of {} phones show the picture", server.phones).into());
    }
    Ok(())
}

/// A way to phones that takes their time and nothing else.
struct Asleep;

impl Line for Asleep {
    async fn push(&self, _: &Target) -> Answer {
        tokio::time::sleep(LATENCY).await;
        Answer::Accepted(String::new())
    }

    async fn downloads(&self, _: &Target) -> Fetched {
        Fetched { image: true, thumbnail: true }
    }
}

async fn alone(
    targets: &[Target],
    at_once: usize,
    rounds: usize,
    table: &mut Table,
) -> Result<(), Failure> {
    let count = at_once * 10 * rounds + Guard::PROOFS as usize;
    let many: Vec<Target> = targets.iter().cycle().take(count).cloned().collect();
    let before = processor_time();
    let (results, took) = run(&Asleep, many, at_once).await;
    prove(&results, count)?;
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
    server: &Server,
    targets: &[Target],
    pictures: &PreparedSet,
    at_once: usize,
    table: &mut Table,
) -> Result<(), Failure> {
    let count = targets.len();
    // What the look at who answers costs, which the program does not go without.
    let blind_took = generate_load(server, targets, pictures, at_once, Look::AtNobody).await?;
    let before = processor_time();
    let bare_took = generate_load(server, targets, pictures, at_once, Look::AtIdentity).await?;
    let bare = before.and_then(|before| Some(processor_time()? - before));
    let foreign = by_oha(server, targets, pictures, at_once, table).await?;
    let client = phone_http(&PhoneHttpOptions { call: LIMIT, ..PhoneHttpOptions::default() })?;
    let password = SecretString::from(PUSH_PASSWORD);
    let phones = PhoneClient::new(client, PUSH_USER, &password, server.phone_port, LIMIT)?;
    let phones = Meeting::new(phones).keeping_connections();
    let line = PhoneLine::new(phones, host()?, pictures.clone(), NAME.to_owned(), LIMIT);
    let (before, resting) = (processor_time(), memory());
    let (results, took) = run(&line, targets.to_vec(), at_once).await;
    let ours = before.and_then(|before| Some(processor_time()? - before));
    let grown = resting.and_then(|resting| Some(memory()?.saturating_sub(resting)));
    line.shutdown().await;
    prove(&results, count)?;
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    let what = format!("push over sockets, {at_once} at once");
    let least = least(count, at_once);
    table.ratio(
        format!("{what}: rate / (at once / latency)"),
        ratio(least, took),
        Bound::AtLeast(0.95),
        &format!("{:.0} pushes/s, {:.0} requests/s", rate(took), 2.0 * rate(took)),
    );
    let mut told = |what: &str, took: Duration| {
        table.ratio(what, ratio(least, took), Bound::None, &format!("{:.0} pushes/s", rate(took)));
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
    server: &Server,
    targets: &[Target],
    pictures: &PreparedSet,
    at_once: usize,
    table: &mut Table,
) -> Result<Option<oha::Took>, Failure> {
    let Some(program) = oha::program() else {
        table.note("oha is not there, so it was not measured: cargo install oha");
        return Ok(None);
    };
    let target = targets.first().ok_or("there are no phones")?;
    let image = target.takes.image().ok_or("a phone takes no picture")?;
    let prepared = pictures.get(image).ok_or("a picture is missing")?;
    let host = host()?;
    let urls = host.publish(&target.name, prepared.clone(), image.schema, NAME)?;
    let object = SetBackground {
        schema: image.schema,
        image_url: urls.image_url,
        thumbnail_url: urls.thumbnail_url,
        kem_url: None,
        name: NAME.to_owned(),
        theme: Theme::of_brightness(prepared.brightness),
    };
    let before = processor_time();
    let took =
        tokio::task::block_in_place(|| oha::load(&program, server, targets, &object, at_once))?;
    let served = before.and_then(|before| Some(processor_time()? - before));
    host.shutdown(Duration::from_secs(1)).await;
    let processor = took.processor.zip(served).map(|(theirs, served)| theirs + served);
    Ok(Some(oha::Took { processor, ..took }))
}

async fn run<L: Line>(
    line: &L,
    targets: Vec<Target>,
    at_once: usize,
) -> (Vec<PhoneResult>, Duration) {
    let settings = Settings {
        concurrency: at_once,
        max_attempts: 3,
        retry_delay: Duration::from_secs(1),
        verify_timeout: LIMIT,
        max_auth_failures: 3,
        password_proven: false,
        patience: Duration::ZERO,
        caps: Caps::default(),
        rate: None,
        proof: axlpaper::event::Proof::Fetch,
        max_failures: None,
    };
    let begun = Instant::now();
    let stop = engine::Stop::default();
    let pushed = engine::run(line, &Forgetful, targets, settings, &stop, &Unobserved).await;
    (pushed.results, begun.elapsed())
}

/// Whether the load generator asks a phone who it is, as the program does before every push.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Look {
    AtIdentity,
    AtNobody,
}

/// Identity, push, and nothing else: no engine, no report, no proof. Our image server serves.
async fn generate_load(
    server: &Server,
    targets: &[Target],
    pictures: &PreparedSet,
    at_once: usize,
    look: Look,
) -> Result<Duration, Failure> {
    let host = host()?;
    let client = phone_http(&PhoneHttpOptions { call: LIMIT, ..PhoneHttpOptions::default() })?;
    let mut work = Vec::with_capacity(targets.len());
    for target in targets {
        let image = target.takes.image().ok_or("a phone takes no picture")?;
        let prepared = pictures.get(image).ok_or("a picture is missing")?;
        let urls = host.publish(&target.name, prepared.clone(), image.schema, NAME)?;
        let object = SetBackground {
            schema: image.schema,
            image_url: urls.image_url,
            thumbnail_url: urls.thumbnail_url,
            kem_url: None,
            name: NAME.to_owned(),
            theme: Theme::of_brightness(prepared.brightness),
        };
        work.push((format!("http://{}:{}", target.ip, server.phone_port), object.to_xml()?));
    }
    let begun = Instant::now();
    let exchanges = work.into_iter().map(|(phone, xml)| {
        let client = client.clone();
        async move {
            if look == Look::AtIdentity {
                let who = client.get(format!("{phone}/DeviceInformationX"));
                who.send().await?.bytes().await?;
            }
            let push = client.post(format!("{phone}/CGI/Execute"));
            let push =
                push.basic_auth(PUSH_USER, Some(PUSH_PASSWORD)).header("connection", "close");
            push.form(&[("XML", xml)]).send().await?.text().await
        }
    });
    let mut answers = stream::iter(exchanges).buffer_unordered(at_once);
    while let Some(answer) = answers.try_next().await? {
        if !answer.contains("Success") {
            return Err(format!("a phone answered the load generator {answer:?}").into());
        }
    }
    drop(answers);
    let took = begun.elapsed();
    host.shutdown(Duration::from_secs(1)).await;
    Ok(took)
}

fn host() -> Result<ImageHost, Failure> {
    let local = Ipv4Addr::LOCALHOST;
    Ok(ImageHost::start(HostConfig {
        listen: (local, 0).into(),
        advertise: None,
        toward: Some(IpAddr::V4(local)),
        limits: HostLimits::default(),
        tls: None,
    })?)
}

/// The least time that these pushes can take: the first few are waited for one by one, to see whether the
/// password is right, and the others come in rounds of `at_once`.
fn least(count: usize, at_once: usize) -> Duration {
    let proofs = (Guard::PROOFS as usize).min(count);
    let rest = (count - proofs) as f64 / at_once as f64;
    LATENCY.mul_f64(proofs as f64 + rest)
}

/// Every phone must be there, once, and verified.
fn prove(results: &[PhoneResult], count: usize) -> Result<(), Failure> {
    if results.len() != count {
        return Err(format!("{} of {count} pushes have a result", results.len()).into());
    }
    match results.iter().find(|result| result.outcome != Outcome::Verified) {
        Some(bad) => {
            let outcome = bad.outcome.as_str();
            Err(format!("{} is {outcome}: {:?} {:?}", bad.name, bad.reason, bad.phone_error).into())
        }
        None => Ok(()),
    }
}

/// Far more than a phone takes here.
const LIMIT: Duration = Duration::from_secs(30);
const NAME: &str = "bench";
