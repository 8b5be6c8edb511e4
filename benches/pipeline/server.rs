//! The simulated cluster in a process of its own, and what it is asked from here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use axlpaper::net::credentials::Credentials;
use axlpaper::net::endpoint::Endpoint;
use axlpaper::net::trust::Trust;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Address, Change, FleetSpec, Limits, PhoneSpec, PushOutcome, Quirk,
    Registration, SimCluster, SimConfig,
};
use secrecy::SecretString;

use crate::args::SERVE;
use crate::{Failure, tell};

/// What is in a simulated cluster.
#[derive(Clone, Copy)]
pub enum Kind {
    /// All sorts of phones, for a survey; the rate of RisPort70 is not limited.
    Mixed,
    /// Phones of one model that are ready, and answer a push after [`LATENCY`].
    Ready,
    /// Phones of one model of which none is registered.
    Away,
    /// Phones as [`Kind::Ready`] has them, but all that they do is to answer: they download nothing.
    Listening,
}

impl Kind {
    /// Reads the word that [`Kind::word`] writes.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Mixed, Self::Ready, Self::Away, Self::Listening]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Ready => "ready",
            Self::Away => "away",
            Self::Listening => "listening",
        }
    }

    fn config(self, phones: u32) -> SimConfig {
        let fleet = match self {
            Self::Mixed => {
                let mut fleet = FleetSpec { seed: 7, phones }.generate();
                // Any remark means that the survey missed something, and inactive phones are remarked on.
                fleet.phones.iter_mut().for_each(|phone| phone.active = true);
                fleet
            }
            Self::Ready => FleetSpec::clean(phones),
            Self::Away => {
                let mut fleet = FleetSpec::clean(phones);
                for phone in &mut fleet.phones {
                    phone.registration = Registration::UnRegistered;
                }
                fleet
            }
            Self::Listening => {
                let mut fleet = FleetSpec::clean(phones);
                for phone in &mut fleet.phones {
                    phone.quirk = Quirk::AcceptsButNeverFetches;
                }
                fleet
            }
        };
        let phone_latency = match self {
            Self::Mixed | Self::Away => Duration::ZERO,
            Self::Ready | Self::Listening => LATENCY,
        };
        SimConfig { limits: Limits::off(), phone_latency, ..SimConfig::new(fleet) }
    }
}

/// Is the simulated cluster, until standard input ends.
pub async fn serve(kind: Kind, phones: u32) -> Result<(), Failure> {
    let config = kind.config(phones);
    let listed = config.fleet.phones.iter().filter(|phone| !phone.template).count();
    let cluster = SimCluster::start(config).await?;
    let (axl, pin, port) = (cluster.axl_addr(), cluster.cert_sha256(), cluster.phone_port());
    tell(&format!("{axl} {pin} {port} {listed}"));
    // The servers are on other threads; this one has nothing to do but wait for a question.
    for question in std::io::stdin().lines() {
        let question = question?;
        if let Some(added) = question.strip_prefix("add ") {
            add(&cluster, added.parse()?).await;
            tell("0");
            continue;
        }
        let record = cluster.record();
        match question.as_str() {
            "shown" => {
                let shown = record.phones.values().filter(|phone| phone.shown.is_some()).count();
                tell(&shown.to_string());
            }
            "accepted" => {
                let pushes = record.phones.values().flat_map(|phone| &phone.pushes);
                let accepted = pushes.filter(|push| push.outcome == PushOutcome::Accepted);
                tell(&accepted.count().to_string());
            }
            "refusals" => {
                // A fault (500) may be an answer; being asked too often is not.
                let refused = record.requests.iter().filter(|(what, _)| {
                    what.starts_with("http ") && *what != "http 500" || *what == "rate control"
                });
                tell(&refused.map(|(_, count)| count).sum::<u64>().to_string());
            }
            _ => tell("?"),
        }
    }
    cluster.shutdown().await;
    Ok(())
}

/// Adds a phone that no user controls, and waits until it shows a picture.
async fn add(cluster: &SimCluster, number: u8) {
    let address = Address::V4(Ipv4Addr::new(127, 90, 0, number));
    let phone = PhoneSpec { address, ..PhoneSpec::new(format!("SEP00ADDED{number:05}"), 683) };
    let name = phone.name.clone();
    cluster.change(Change::Insert { position: usize::MAX, phone: Box::new(phone) });
    while cluster.phone(&name).is_none_or(|phone| phone.shown.is_none()) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The child process, as its parent sees it. It stops when this is dropped.
pub struct Server {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where AXL and RisPort70 answer.
    pub axl: SocketAddr,
    /// The SHA-256 of its certificate.
    pub pin: String,
    /// What to trust it by.
    pub trust: Trust,
    /// The port of all phones.
    pub phone_port: u16,
    /// How many phones the cluster lists.
    pub phones: usize,
}

impl Server {
    /// Starts a child and waits until it listens.
    pub fn start(kind: Kind, phones: u32) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([SERVE, kind.word(), &phones.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("the child has no output")?);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let trust = Trust::default();
        // From here on the child is stopped whatever happens.
        let pin = String::new();
        let mut server =
            Self { child, questions, answers, axl: nowhere, pin, trust, phone_port: 0, phones: 0 };
        let line = server.line()?;
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [axl, pin, port, listed] = fields[..] else {
            return Err(format!("the simulated cluster did not start: {line}").into());
        };
        server.axl = axl.parse()?;
        pin.clone_into(&mut server.pin);
        server.trust = Trust::pinned(pin.parse()?);
        (server.phone_port, server.phones) = (port.parse()?, listed.parse()?);
        Ok(server)
    }

    /// Asks the child for a number.
    pub fn ask(&mut self, question: &str) -> Result<usize, Failure> {
        let questions = self.questions.as_mut().ok_or("the child takes no questions")?;
        writeln!(questions, "{question}")?;
        Ok(self.line()?.trim().parse()?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("the simulated cluster ended".into()),
            _ => Ok(line),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when its input does; should it hang, it is ended. Either way it is gone.
        drop(self.questions.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the endpoint of an address.
pub fn endpoint(address: SocketAddr) -> Result<Endpoint, Failure> {
    Ok(Endpoint::parse(&address.to_string(), Endpoint::CUCM_PORT)?)
}

/// Returns the account of the simulated cluster that may do everything.
pub fn credentials() -> Credentials {
    Credentials::new(ADMIN_USER, SecretString::from(ADMIN_PASSWORD))
}

/// How long a phone takes before it answers a push.
pub const LATENCY: Duration = Duration::from_millis(100);
