//! `/CGI/Execute` and `/DeviceInformationX` of one phone.

mod noted;
mod personal;
mod quirks;
mod screenshot;

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request};

use super::answers::{self, Answer, Broken};
use super::fetch::LIMIT;
use super::in_flight::{PushInFlight, RequestInFlight, enter_pool, leave_pool};
use super::object::{self, Background};
use super::reply_wording::PushOutcome;
use super::traced::{authorization, traced};
use crate::domain::model::{self, ImageSpec, PushSchema};
use crate::domain::personalization::Setting;
use crate::net::trace;
use crate::sim::accounts::basic;
use crate::sim::authenticate;
use crate::sim::database::{Device, Loaded};
use crate::sim::events::SimEvent;
use crate::sim::exchange::target;
use crate::sim::fleet_content::{Quirk, Web};
use crate::sim::history::{Fetch, PhoneRequest, Pressed, Push, RingTone, Shown};
use crate::sim::hold_point::{Triggered, Tripped};
use crate::sim::request_body;
use crate::sim::shared::Shared;

#[derive(Clone, Copy)]
pub(super) struct Connected {
    pub(super) at: usize,
    /// Which of its connections this is, from 1.
    pub(super) number: u32,
    pub(super) secure: bool,
    /// Whether another device had the address when it was accepted.
    pub(super) stranger: bool,
}

/// Answers one request to a phone, and marks the last one of its connection.
pub(super) async fn answer(
    shared: Arc<Shared>,
    connected: Connected,
    request: Request<Incoming>,
) -> Result<Answer, Broken> {
    let Connected { at, number, secure, stranger } = connected;
    let phone = Phone { stranger, ..Phone::new(&shared, at, secure) };
    if !note(&shared, &phone, number, &request) {
        return Err(Broken);
    }
    let closes = matches!(
        phone.quirk,
        Quirk::ClosesConnections
            | Quirk::OneConnectionAtATime
            | Quirk::TakenOver { closes: true, .. }
    );
    let mut answer = answer_as(&shared, phone, request).await?;
    if closes {
        let close = hyper::header::HeaderValue::from_static("close");
        answer.headers_mut().insert(hyper::header::CONNECTION, close);
    }
    Ok(answer)
}

/// Records a request, unless the device to which the connection led is not at this address any more.
fn note(shared: &Arc<Shared>, phone: &Phone<'_>, number: u32, request: &Request<Incoming>) -> bool {
    let mut cluster = shared.cluster();
    let requests = &mut cluster.histories[phone.at].requests;
    let gone = taken_over(phone.quirk, requests) && !phone.stranger;
    if !gone {
        requests.push(PhoneRequest {
            connection: number,
            path: request.uri().path().to_owned(),
            stranger: phone.stranger,
            authorization: request.headers().contains_key("authorization"),
        });
    }
    drop(cluster);
    !gone
}

/// Returns whether another device has the address by now.
pub(super) fn taken_over(quirk: Quirk, requests: &[PhoneRequest]) -> bool {
    matches!(quirk, Quirk::TakenOver { after, .. } if requests.len() >= after)
}

async fn answer_as(
    shared: &Arc<Shared>,
    phone: Phone<'_>,
    request: Request<Incoming>,
) -> Result<Answer, Broken> {
    if !phone.device.serves() {
        // It restarted with its web server off while the client kept the connection.
        return Err(Broken);
    }
    if let Some(answer) = phone.sends_to_https(&request) {
        return Ok(phone.noted(&request).answered(&phone, answer));
    }
    let _asked = RequestInFlight::new(shared, phone.at);
    if (request.method(), request.uri().path()) == (&Method::POST, "/CGI/Execute") {
        let triggered = shared.cluster().arrived("push");
        return match triggered {
            Some(triggered) if triggered.when == Tripped::Before => {
                // A connection is watched only once its request has been read.
                drop(read_body(shared, request.into_body()).await);
                hold(shared, triggered).await
            }
            Some(triggered) => {
                let _carried_out = execute(shared, &phone, request).await;
                hold(shared, triggered).await
            }
            None => execute(shared, &phone, request).await,
        };
    }
    let noted = phone.noted(&request);
    let answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/CGI/Screenshot") => phone.screenshot(&request).await?,
        (&Method::GET, path) if path.starts_with("/CGI/") => phone.call_page(&request).await?,
        // The answer to HEAD is sent without its body.
        (&Method::GET | &Method::HEAD, path) => {
            phone.page(path).unwrap_or_else(|| answers::page(404, "text/html", NOT_FOUND))
        }
        // The path is case-sensitive.
        _ => answers::page(404, "text/html", NOT_FOUND),
    };
    Ok(noted.answered(&phone, answer))
}

async fn execute(
    shared: &Arc<Shared>,
    phone: &Phone<'_>,
    request: Request<Incoming>,
) -> Result<Answer, Broken> {
    let hand = PushInFlight::new(phone.shared, phone.at);
    let user = authorization(&request).as_deref().and_then(basic).map(|(user, _)| user);
    let mut guard = trace::ExchangeGuard::off();
    let push = phone.push(request, &mut guard).await;
    drop(hand);
    shared.cluster().answered("push");
    let (push, shown, answer) = push;
    let recorded = push.clone();
    let answer = match (phone.quirk, answer) {
        (Quirk::CutsAnswer, Ok(answer)) => Ok(answers::cut(answer).await),
        (Quirk::Trickles(pause), Ok(answer)) => Ok(answers::trickle(answer, pause).await),
        (_, answer) => answer,
    };
    let mut cluster = phone.shared.cluster();
    let device = &mut cluster.histories[phone.at];
    device.pushes.push(push);
    let number = device.pushes.len() - 1;
    match shown {
        Display::Later(time, background, image) => {
            download_later(shared, phone.at, number, time, background, image);
        }
        Display::Unchanged => {}
        Display::Removed => device.shown = None,
        Display::New(shown) => device.shown = Some(shown),
        Display::Rings(tone) => device.ring_tone = Some(tone),
        Display::Pressed(pressed) => device.pressed.extend(pressed),
    }
    let shows = device.shown.clone();
    drop(cluster);
    phone.record(recorded, user, shows);
    answer.map(|answer| traced(guard, answer))
}

/// Lets a phone download after it has answered; what it downloads is recorded with the push of this number.
fn download_later(
    shared: &Arc<Shared>,
    at: usize,
    number: usize,
    time: Duration,
    background: Background,
    image: ImageSpec,
) {
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(time) => {}
        }
        enter_pool(&shared, at);
        let mut fetches = Vec::new();
        let shown =
            Phone::new(&shared, at, false).download(&background, &image, &mut fetches).await;
        leave_pool(&shared, at);
        let mut cluster = shared.cluster();
        let device = &mut cluster.histories[at];
        device.pushes[number].fetches.clone_from(&fetches);
        if let Some(Display::New(shown)) = shown {
            device.shown = Some(shown);
        }
        let (phone, shows) =
            (cluster.devices[at].spec.name.clone(), cluster.histories[at].shown.clone());
        drop(cluster);
        shared.events.add(SimEvent::Downloaded {
            phone,
            downloads: SimEvent::downloads(fetches),
            shows,
        });
    });
}

/// Triggers a hold point and answers nothing until the simulator stops; a client that goes away ends it before.
async fn hold(shared: &Shared, triggered: Triggered) -> Result<Answer, Broken> {
    triggered.ring();
    shared.stop.cancelled().await;
    Err(Broken)
}

struct Phone<'a> {
    shared: &'a Shared,
    at: usize,
    device: Arc<Device>,
    model: u32,
    product: String,
    /// The node that it is registered with.
    node: String,
    image: Option<ImageSpec>,
    address: Ipv4Addr,
    quirk: Quirk,
    web: Web,
    secure: bool,
    /// Whether another device has taken its address over, and gets the request.
    stranger: bool,
}

enum Display {
    /// After so much time it will have downloaded these.
    Later(Duration, Background, ImageSpec),
    New(Shown),
    Removed,
    Rings(RingTone),
    Pressed(Vec<Pressed>),
    Unchanged,
}

/// What comes of a push: the outcome, the answer, the new picture.
type Verdict = (PushOutcome, Result<Answer, Broken>, Display);

impl<'a> Phone<'a> {
    fn new(shared: &'a Shared, at: usize, secure: bool) -> Self {
        let (device, node) = {
            let cluster = shared.cluster();
            let device = Arc::clone(&cluster.devices[at]);
            let node = cluster.nodes.get(device.spec.node).cloned();
            drop(cluster);
            (device, node.unwrap_or_default())
        };
        let spec = &device.spec;
        let quirk = spec.quirk;
        let product = spec.model_name.strip_prefix("Cisco ").unwrap_or(&spec.model_name);
        Self {
            shared,
            at,
            model: spec.model,
            product: format!("CP-{product}"),
            node,
            image: model::by_number(spec.model).and_then(|model| model.image),
            address: spec.address.v4().unwrap_or(Ipv4Addr::LOCALHOST),
            quirk,
            web: spec.web,
            secure,
            stranger: false,
            device,
        }
    }

    fn name(&self) -> Cow<'_, str> {
        let name = &self.device.spec.name;
        if !self.stranger && self.quirk != Quirk::WrongDevice {
            return Cow::Borrowed(name);
        }
        // The name of the phone that was plugged in where this one was.
        let tail: String = name.chars().rev().take(4).collect();
        Cow::Owned(format!("SEPFFFE0000F{}", tail.chars().rev().collect::<String>()))
    }

    fn load(&self) -> &str {
        &self.device.spec.active_load
    }

    fn loaded(&self) -> &Loaded {
        &self.device.loaded
    }

    /// Returns the redirect of a phone that requires HTTPS.
    fn sends_to_https(&self, request: &Request<Incoming>) -> Option<Answer> {
        let sends = match self.web {
            Web::RedirectsToHttps => true,
            Web::RedirectsPushes => request.method() == Method::POST,
            Web::Both | Web::HttpsOnly | Web::OldTlsOnly => false,
        };
        let port = self.shared.phone_tls_port;
        let path = request.uri().path();
        (sends && !self.secure)
            .then(|| answers::moved(&format!("https://{}:{port}{path}", self.address)))
    }

    /// Takes a push; `guard` becomes the exchange that the trace keeps.
    async fn push(
        &self,
        request: Request<Incoming>,
        guard: &mut trace::ExchangeGuard,
    ) -> (Push, Display, Result<Answer, Broken>) {
        let authorization = authorization(&request);
        let mut push = Push {
            xml: None,
            authorization: authorization.is_some(),
            secure: self.secure,
            outcome: PushOutcome::Unusable,
            fetches: Vec::new(),
        };
        // Seen on real phones: they do not support this header and answer with an error.
        let expects = request.headers().contains_key("expect");
        let (parts, body) = request.into_parts();
        if !expects {
            let body = read_body(self.shared, body).await;
            *guard = trace::watch(|| trace::Request {
                to: "phone",
                method: parts.method.to_string(),
                url: self.url(&target(&parts.uri)),
                operation: "push".to_owned(),
                headers: parts.headers.clone(),
                body: body.clone(),
            });
            let mut fields = form_urlencoded::parse(&body);
            push.xml = fields.find(|(name, _)| name == "XML").map(|(_, v)| v.into_owned());
        }
        let before = self.shared.cluster().histories[self.at].pushes.len();
        let config = &self.shared.config;
        let latency = config.latency_spread.of(config.phone_latency, self.at, before);
        if latency > Duration::ZERO {
            tokio::time::sleep(latency).await;
        }
        let (outcome, answer, display) = if expects {
            self.error(6)
        } else if let Some(verdict) = self.misbehave().await {
            verdict
        } else if let Some(refusal) = self.refuse(authorization.as_deref()).await {
            refusal
        } else {
            self.carry_out(push.xml.as_deref(), &mut push.fetches).await
        };
        let lost = self.quirk == Quirk::LosesAnswer;
        let (outcome, answer) =
            if lost { (PushOutcome::Unusable, Err(Broken)) } else { (outcome, answer) };
        push.outcome = outcome;
        (push, display, answer)
    }

    /// Checks credentials, and returns the refusal if there is one.
    async fn refuse(&self, authorization: Option<&str>) -> Option<Verdict> {
        if self.authorized(authorization).await {
            return None;
        }
        // Who sends credentials unasked gets an error with HTTP 200, but from the 8945.
        if self.model == MODEL_8945 || (authorization.is_none() && self.challenges()) {
            let realm = match self.model {
                MODEL_8945 => format!("SEP{}", self.name().replacen("SEP", "", 1).to_lowercase()),
                _ => "user".to_owned(),
            };
            let answer = answers::unauthorized(&realm);
            return Some((PushOutcome::Status(401), Ok(answer), Display::Unchanged));
        }
        Some(self.error(4))
    }

    /// Returns whether it asks for credentials with HTTP 401: the 7940, 7960, 88xx, 89xx and 99xx do (seen in published
    /// tools).
    fn challenges(&self) -> bool {
        let number = self.product.trim_start_matches(|c: char| !c.is_ascii_digit());
        ["8", "99", "7940", "7960"].iter().any(|begin| number.starts_with(begin))
    }

    /// Returns whether pictures and tones may be pushed the way that this request came.
    fn takes_personal_things(&self) -> bool {
        match self.loaded().personalization {
            Setting::Enabled => true,
            Setting::HttpsOnly => self.secure,
            Setting::Disabled | Setting::Default => false,
        }
    }

    async fn authorized(&self, authorization: Option<&str>) -> bool {
        if self.loaded().authentication_url.is_empty() {
            return true;
        }
        let Some((user, password)) = authorization.and_then(basic) else { return false };
        let fields = form_urlencoded::Serializer::new(String::new())
            .append_pair("UserID", &user)
            .append_pair("Password", &password)
            .append_pair("devicename", &self.name())
            .finish();
        let url = self.loaded().authentication_url.as_str();
        if url == self.shared.page_url {
            let verdict = authenticate::ask(self.shared, fields.as_bytes());
            return matches!(tokio::time::timeout(LIMIT, verdict).await, Ok(Ok(true)));
        }
        // Sources disagree on the verb, so PhoneOS uses one and the others the other.
        let post = self.image.is_some_and(|image| image.schema == PushSchema::PhoneOs);
        let verdict = self.client().ask(url, &fields, post).await;
        verdict.as_deref() == Some(b"AUTHORIZED")
    }

    async fn carry_out(&self, xml: Option<&str>, fetches: &mut Vec<Fetch>) -> Verdict {
        let Some(xml) = xml.filter(|xml| xml.len() <= LARGEST_XML) else { return self.error(1) };
        match object::root(xml).as_deref() {
            Some("setBackground") => self.background(xml, fetches).await,
            Some("setBackgroundPreview") => self.preview(xml, fetches).await,
            Some("setRingTone") => self.ring_tone(xml, fetches).await,
            Some("CiscoIPPhoneExecute") => self.press(xml),
            // Shown over the background until a person closes it (XML services notes).
            Some(root) if object::is_display(root) => {
                let answer = answers::success(self.model, PushSchema::Classic);
                (PushOutcome::Accepted, Ok(answer), Display::Unchanged)
            }
            Some(_) | None => self.error(1),
        }
    }

    /// Carries URIs out; Phone Personalization is not about them.
    fn press(&self, xml: &str) -> Verdict {
        let executes = model::by_number(self.model).is_some_and(model::Model::executes);
        let Some(items) = object::items(xml).filter(|_| executes) else { return self.error(1) };
        let known = items.iter().filter(|uri| object::is_known(uri));
        let pressed = known.map(|uri| Pressed { uri: uri.clone(), at: Instant::now() }).collect();
        (PushOutcome::Accepted, Ok(object::done(&items)), Display::Pressed(pressed))
    }

    #[expect(clippy::unused_self, reason = "reads as what the phone does, like its neighbours")]
    fn error(&self, number: u32) -> Verdict {
        (PushOutcome::Error(number), Ok(answers::error(number)), Display::Unchanged)
    }
}

/// Reads a body; one that is too large, or does not come, is taken for an empty one.
async fn read_body(shared: &Shared, body: Incoming) -> Bytes {
    let body = request_body::read(body, BODY_LIMIT, shared.config.request_time).await;
    body.unwrap_or_default()
}

const NOT_FOUND: &str = "<html><body>404 Not Found</body></html>";
const MODEL_8945: u32 = 585;
/// The smallest limit that published notes give for a POST object, in bytes.
const LARGEST_XML: usize = 512;
const BODY_LIMIT: usize = 64 * 1024;
