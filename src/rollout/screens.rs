//! Screenshots outside of runs: what phones of one cluster show now.
//!
//! A screenshot is a login with the push user's password. So a phone identifies itself before it gets the password, the
//! lock-out guard decides how many are asked at once, and after a refusal no phone is asked before
//! [`ScreenAccess::allow`] is called. Nothing is written to the journal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Notify};

use crate::connect::cluster::ClusterSettings;
use crate::domain::device_name::DeviceName;
use crate::domain::finding::Verdict;
use crate::domain::model::{self, Size};
use crate::domain::nat::DownloadSources;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::domain::text::printable;
use crate::error::{AppError, ErrorKind};
use crate::interaction::Silent;
use crate::journal::{JournalReader, RunId};
use crate::media::ExpectedScreen;
use crate::phone::PhoneClient;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::screen_verification::{SeenScreen, look_at};
use crate::push::policy::lockout::{Limits, LockoutGuard, LoginTicket};
use crate::push::policy::outcome::{Next, next};
use crate::push::{LoginCheck, ReplyKind, Target};
use crate::rollout::options::PushOptions;
use crate::rollout::payload::verification::{expected_screen, proven_picture};

/// Asks phones of a cluster for their screens.
#[derive(Debug)]
pub struct ScreenAccess {
    connection: ClusterSettings,
    journal: PathBuf,
    /// Made with the password at the first question, and made anew after a refusal.
    connector: AsyncMutex<Option<Arc<PhoneConnector>>>,
    logins: Mutex<Logins>,
    ended: Notify,
    /// What screens are compared with, by the digests of the pictures.
    pictures: Mutex<HashMap<String, Result<Arc<ExpectedScreen>, String>>>,
}

#[derive(Debug)]
struct Logins {
    guard: LockoutGuard,
    /// The phones that refused the push user, and why.
    refused: HashMap<DeviceName, LookError>,
}

/// A phone that may be asked for its screen.
#[derive(Clone, Debug)]
pub struct ScreenPhone {
    /// Its device name.
    pub name: DeviceName,
    /// Its model, as AXL names it.
    pub model: String,
    /// Its device pool.
    pub device_pool: String,
    /// Its last known address.
    pub ip: Option<IpAddr>,
    /// Whether it is known to take pictures over HTTPS only.
    pub https: bool,
    /// What the newest audit says about it.
    pub verdict: Option<Verdict>,
    /// Whether a run has proven since that it can be pushed to.
    pub is_proven: bool,
    /// Whether another server than the cluster checks its logins.
    pub has_other_login: bool,
}

/// The picture that a phone should show, as the journal keeps it.
#[derive(Clone, Debug)]
pub struct ExpectedPicture {
    digest: String,
    /// The file and its size on the phone, or why there is none to compare with.
    file: Result<(Vec<u8>, Size), String>,
}

/// A screen of a phone.
#[derive(Clone, Debug)]
pub struct LookResult {
    /// The screenshot.
    pub file: Vec<u8>,
    /// Whether it shows the picture that it should show, or why that is not known.
    pub shows: Result<bool, String>,
}

/// Why there is no screenshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LookError {
    /// What went wrong.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether a phone refused the push user, so that no phone is asked any more.
    pub is_refusal: bool,
}

impl ScreenAccess {
    /// Nothing is asked or read before the first look.
    pub fn new(connection: ClusterSettings, journal: PathBuf) -> Self {
        let logins = Logins { guard: guard(), refused: HashMap::new() };
        Self {
            connection,
            journal,
            connector: AsyncMutex::default(),
            logins: Mutex::new(logins),
            ended: Notify::new(),
            pictures: Mutex::default(),
        }
    }

    /// Returns the cluster.
    pub fn connection(&self) -> &ClusterSettings {
        &self.connection
    }

    /// Takes a screenshot of a phone and compares it with the picture that it should show. Must be polled to its end: what
    /// is dropped before counts as a login at risk.
    ///
    /// # Errors
    /// When the phone gives none, or none may be asked for.
    pub async fn look(
        &self,
        phone: &ScreenPhone,
        expected: Option<ExpectedPicture>,
    ) -> Result<LookResult, LookError> {
        let target = target(phone)?;
        let expected = match expected {
            Some(picture) => self.expected(picture).await,
            None => Err("no run has proven that it shows a picture".to_owned()),
        };
        let connector = self.connector().await.map_err(|error| LookError::of(&error))?;
        let seen = self.ask(&connector, &target, expected.as_ref().ok().cloned()).await?;
        let shows = expected.map(|_| seen.shows_picture().unwrap_or_default());
        Ok(LookResult { file: seen.file, shows })
    }

    async fn expected(&self, picture: ExpectedPicture) -> Result<Arc<ExpectedScreen>, String> {
        let known = || self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expected) = known().get(&picture.digest) {
            return expected.clone();
        }
        let expected = match picture.file {
            Ok((file, size)) => expected_screen(file, size).await,
            Err(why) => Err(why),
        };
        let mut pictures = known();
        if pictures.len() >= MOST_PICTURES {
            pictures.clear();
        }
        pictures.insert(picture.digest, expected.clone());
        drop(pictures);
        expected
    }

    async fn ask(
        &self,
        connector: &PhoneConnector,
        target: &Target,
        expected: Option<Arc<ExpectedScreen>>,
    ) -> Result<SeenScreen, LookError> {
        let ticket = loop {
            let ended = self.ended.notified();
            {
                let mut logins = self.logins();
                if let Some(refusal) = logins.refusal(&target.name) {
                    return Err(refusal);
                }
                if logins.guard.may_begin() {
                    break logins.guard.begin();
                }
            }
            ended.await;
        };
        let looked = look_at(connector, target, expected).await;
        let proves = target.login_check == LoginCheck::Cluster;
        let result = match looked {
            Ok(seen) => {
                self.logins().guard.accepted(ticket, proves);
                Ok(seen)
            }
            Err(reply) if matches!(reply, ReplyKind::AuthRefused(_)) => {
                let error = LookError::by(target, reply, true);
                self.logins().refused(ticket, target, error.clone());
                Err(error)
            }
            Err(reply) => {
                self.logins().guard.ended(ticket);
                Err(LookError::by(target, reply, false))
            }
        };
        self.ended.notify_waiters();
        result
    }

    /// Returns why no phone is asked any more.
    pub fn lockout(&self) -> Option<LookError> {
        self.logins().lockout()
    }

    /// Lets phones be asked again after a refusal: this one too, and others that refused only by their own names. The
    /// password is read again.
    pub async fn allow(&self, phone: Option<&DeviceName>) {
        *self.connector.lock().await = None;
        let mut logins = self.logins();
        if let Some(phone) = phone {
            logins.refused.remove(phone);
        }
        if logins.guard.lockout().is_some() {
            logins.guard = guard();
        }
    }

    async fn connector(&self) -> Result<Arc<PhoneConnector>, AppError> {
        let mut kept = self.connector.lock().await;
        if let Some(connector) = kept.as_ref() {
            return Ok(Arc::clone(connector));
        }
        let access = &self.connection.push_access;
        let password = access.push_password(&Silent).await?;
        let timeout = PushOptions::default().phone_timeout;
        let phones =
            PhoneClient::new(access.need_push_user()?, &password, access.phone_port, timeout)
                .map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
        let connector = PhoneConnector::new(phones);
        let connector = match access.phone_tls.known_access(&self.journal, &Silent)? {
            Some((https, pins)) => connector.with_https(https, pins),
            None => connector,
        };
        Ok(Arc::clone(kept.insert(Arc::new(connector))))
    }

    fn logins(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ExpectedPicture {
    /// Reads a picture that a run proved. `run` is that run, where it is known.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read(
        history: &JournalReader,
        run: Option<RunId>,
        digest: &str,
    ) -> Result<Self, AppError> {
        let file = proven_picture(history, run, digest)?;
        Ok(Self { digest: digest.to_owned(), file })
    }
}

/// Returns the target of a phone that will not refuse the push user, as far as that is known.
fn target(phone: &ScreenPhone) -> Result<Target, LookError> {
    let not_asked = |why: &str, remedy: &str| LookError {
        why: why.to_owned(),
        remedy: remedy.to_owned(),
        is_refusal: false,
    };
    let model = model::by_name(&phone.model);
    let accepts = model.and_then(|model| AcceptedFormat::of(ObjectKind::Background, model));
    let accepts = accepts.ok_or_else(|| {
        not_asked("its model shows no pushed background, so its screen is not looked at", "")
    })?;
    if phone.verdict != Some(Verdict::Ready) && !phone.is_proven {
        let why = "it was not asked: it was not ready at the last look at the cluster";
        return Err(not_asked(
            why,
            "its findings say what to do; the next rollout looks at it again",
        ));
    }
    let ip = phone.ip.ok_or_else(|| {
        not_asked(
            "it was not asked: its address is not known",
            "the next run that finds it registered has it",
        )
    })?;
    Ok(Target {
        name: phone.name.clone(),
        model: phone.model.clone(),
        device_pool: phone.device_pool.clone(),
        ip,
        accepts,
        picture: String::new(),
        words: None,
        https: phone.https,
        login_check: if phone.has_other_login {
            LoginCheck::Elsewhere
        } else {
            LoginCheck::Cluster
        },
        recently_changed: false,
        sources: DownloadSources::of([ip]),
    })
}

impl Logins {
    fn refusal(&self, phone: &DeviceName) -> Option<LookError> {
        self.refused.get(phone).cloned().or_else(|| self.lockout())
    }

    fn refused(&mut self, ticket: LoginTicket, target: &Target, error: LookError) {
        self.guard.refused(ticket, false);
        self.refused.insert(target.name.clone(), error);
    }

    fn lockout(&self) -> Option<LookError> {
        self.guard.lockout()?;
        Some(LookError {
            why: "a phone refused the push user, so no phone is asked for its screen any more".to_owned(),
            remedy: "check the push user's password with `axlpaper doctor`, and that the push user controls the phones"
                .to_owned(),
            is_refusal: true,
        })
    }
}

impl LookError {
    /// Takes the words of an error.
    pub fn of(error: &AppError) -> Self {
        Self {
            why: printable(error.message()).into_owned(),
            remedy: error.hints().join("; "),
            is_refusal: false,
        }
    }

    fn by(target: &Target, reply: ReplyKind, is_refusal: bool) -> Self {
        match next(target, reply.into(), 1, 1) {
            Next::Again(outcome) | Next::Done(outcome) => Self {
                why: printable(&outcome.reason.unwrap_or_default()).into_owned(),
                remedy: outcome.remedy.unwrap_or_default(),
                is_refusal,
            },
            Next::Verify => Self { why: String::new(), remedy: String::new(), is_refusal },
        }
    }
}

/// One refusal ends it; the cluster is not asked about it.
fn guard() -> LockoutGuard {
    LockoutGuard::new(Limits::new(AT_ONCE, 1, None), false)
}

/// How many phones of a cluster are asked at once.
pub const AT_ONCE: usize = 2;

/// How many pictures are kept decoded.
const MOST_PICTURES: usize = 200;
