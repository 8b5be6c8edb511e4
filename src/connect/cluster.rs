//! Settings become a checked connection, and a connection becomes clients.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::SecretString;

use crate::axl::client::{AxlClient, AxlOptions};
use crate::axl::error::AxlError;
use crate::axl::operation::Operation as _;
use crate::axl::phone::ListPhone;
use crate::axl::system::GetCcmVersion;
use crate::axl::version::AxlVersion;
use crate::config::{Layer, PasswordSource};
use crate::connect::password;
use crate::connect::push_access::{PushAccess, check_user_name, in_range};
use crate::domain::association::UserKind;
use crate::domain::registration::Source;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, Stage};
use crate::interaction::{Interaction, Notice};
use crate::net::client::{ClusterHttp, ClusterLimits};
use crate::net::credentials::Credentials;
use crate::net::endpoint::Endpoint;
use crate::net::fingerprint::FingerprintError;
use crate::net::request_counts::RequestCounts;
use crate::net::trust::Trust;
use crate::ris::client::{RisClient, RisOptions};

/// RisPort70 requests a minute: what a cluster allows by default, less some for other programs and for RTMT,
/// which share its allowance.
const RIS_RATE: u32 = 15 - 3;

/// What to do where the AXL user's password is missing.
const ANOTHER_PASSWORD: &str = "use --password-file, --password-stdin or CUCM_PASSWORD, or password_file, password_env, \
    password_command or password_keyring in the config file";

/// How to reach a cluster, checked. The password is not here yet.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The name that documents give the cluster.
    pub name: String,
    /// The publisher.
    pub endpoint: Endpoint,
    /// Where RisPort70 answers.
    pub ris: Endpoint,
    /// What certificates are believed.
    pub trust: Trust,
    /// The AXL user.
    pub username: String,
    /// The schema version that was asked for.
    pub axl_version: Option<AxlVersion>,
    /// Where registrations are read from.
    pub registrations: Source,
    /// RisPort70 requests a minute.
    pub ris_rate: u32,
    /// Seconds for one call, where asked for.
    pub timeout: Option<Duration>,
    /// The push user's kind, where it was said.
    pub push_user_kind: Option<UserKind>,
    /// The push user, and the access to phones.
    pub push_access: PushAccess,
    /// What is done on the cluster is counted here.
    pub activity: Arc<ClusterActivity>,
    password: Option<PasswordSource>,
}

/// Counts what is done on a cluster, over all connections to it.
#[derive(Debug, Default)]
pub struct ClusterActivity {
    /// Requests to AXL.
    pub axl: Arc<RequestCounts>,
    /// Requests to RisPort70.
    pub ris: Arc<RequestCounts>,
    steps: AtomicU64,
}

impl ClusterActivity {
    /// Counts a step that is no request.
    pub fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns a number that grows with each step and each request that ends.
    pub fn progress(&self) -> u64 {
        let requests = self.axl.totals().requests + self.ris.totals().requests;
        self.steps.load(Ordering::Relaxed) + requests
    }
}

impl ClusterSettings {
    /// Tells whether phones that require HTTPS can be pushed to.
    pub fn may_use_https(&self) -> bool {
        self.push_access.phone_tls.https.is_some()
    }

    /// Returns the address of the publisher, IPv4 where it has one: phones are most likely reached from the same
    /// address of this machine.
    pub async fn phone_side_ip(&self) -> Option<IpAddr> {
        let host = (self.endpoint.host(), self.endpoint.port());
        let addresses = tokio::net::lookup_host(host).await.ok()?;
        addresses.map(|address| address.ip()).min_by_key(IpAddr::is_ipv6)
    }
}

/// Returns the key of a cluster in the journal.
pub fn cluster_id(connection: &ClusterSettings) -> String {
    connection.endpoint.to_string().to_lowercase()
}

/// The clients for one cluster.
#[derive(Clone, Debug)]
pub struct ClusterClients {
    /// AXL.
    pub axl: Arc<AxlClient>,
    /// RisPort70.
    pub ris: Arc<RisClient>,
}

impl ClusterSettings {
    /// Returns the AXL user's password; asks for it on the terminal where nothing else gives it.
    pub async fn password(&self, interaction: &dyn Interaction) -> Result<SecretString, AppError> {
        let whose = format!("{} on {}", self.username, self.endpoint);
        password::read(self.password.as_ref(), &whose, ANOTHER_PASSWORD, interaction).await
    }

    /// Fetches the password now, so that no question comes later.
    pub async fn fetch_password(&mut self, interaction: &dyn Interaction) -> Result<(), AppError> {
        self.password = Some(PasswordSource::Given(self.password(interaction).await?));
        Ok(())
    }
}

/// Checks settings that are already put together.
pub fn from_layer(cluster: Option<String>, settings: Layer) -> Result<ClusterSettings, AppError> {
    let origin = |key| settings.origin(key);
    let ris_rate = settings.ris_rate.unwrap_or(RIS_RATE);
    in_range(&origin("ris_rate"), u64::from(ris_rate), 600)?;
    let push_access = PushAccess::of(&settings)?;
    in_range(&origin("timeout"), settings.timeout.unwrap_or(1), 3600)?;
    let (from_host, from_ris_host) = (origin("host"), origin("ris_host"));
    let from_version = origin("axl_version");
    let from_username = origin("username");
    let trust = trust(&settings)?;
    let host = settings.host.ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "no cluster is named")
            .hint("use --host or CUCM_HOST, a config file, or try `axlpaper demo`")
    })?;
    let endpoint = Endpoint::parse(&host, Endpoint::CUCM_PORT)
        .map_err(|error| AppError::from_error(ErrorKind::Usage, error).context(&from_host))?;
    let ris = match &settings.ris_host {
        Some(text) => Endpoint::parse(text, Endpoint::CUCM_PORT).map_err(|error| {
            AppError::from_error(ErrorKind::Usage, error).context(&from_ris_host)
        })?,
        None => endpoint.clone(),
    };
    let axl_version = settings.axl_version.map(|text| text.parse::<AxlVersion>()).transpose();
    let username = settings.username.ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "no AXL user is named")
            .hint("use --username or CUCM_USERNAME")
    })?;
    check_user_name(&from_username, &username)?;
    Ok(ClusterSettings {
        name: cluster.unwrap_or_else(|| endpoint.host().to_owned()),
        trust,
        endpoint,
        ris,
        username,
        axl_version: axl_version.map_err(|error| {
            AppError::from_error(ErrorKind::Usage, error).context(&from_version)
        })?,
        registrations: settings.registration_source.unwrap_or(Source::Risport70),
        ris_rate,
        timeout: settings.timeout.map(Duration::from_secs),
        push_user_kind: settings.push_user_kind,
        push_access,
        activity: Arc::default(),
        password: settings.password,
    })
}

/// Returns what certificates are believed.
pub fn trust(settings: &Layer) -> Result<Trust, AppError> {
    let pin = settings.pin_sha256.as_deref().map(str::parse).transpose();
    let pin = pin.map_err(|error: FingerprintError| {
        AppError::from_error(ErrorKind::Usage, error).context(settings.origin("pin_sha256"))
    })?;
    Ok(Trust {
        pin_sha256: pin,
        ca_files: settings.ca_file.iter().cloned().collect(),
        insecure: settings.insecure.unwrap_or(false),
        platform_roots: true,
    })
}

/// Connects to the cluster: the first call checks version, certificate and password.
///
/// # Errors
/// When the cluster cannot be reached, is not trusted, or refuses the user.
pub async fn connect(
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
    observer: &Arc<dyn Observer>,
) -> Result<ClusterClients, AppError> {
    if connection.trust.insecure {
        interaction.notice(&Notice::Text(
            "WARNING: --insecure: the server is not verified; a man in the middle can read the passwords.",
        ));
    }
    let (http, credentials) = session_of(connection, interaction).await?;
    let watcher = observer.clone();
    let options = AxlOptions {
        version: connection.axl_version,
        on_wait: Some(Arc::new(move |operation, error, delay| {
            let reason = format!("{operation}: {}", error.why()).into();
            watcher.observe(&Event::Waiting { stage: stage_of(operation, error), reason, delay });
        })),
        ..AxlOptions::default()
    };
    observer.observe(&Event::Started { stage: Stage::Connect, total: None });
    let axl_http = http.clone().counted_by(Arc::clone(&connection.activity.axl));
    let axl =
        AxlClient::connect(axl_http, connection.endpoint.clone(), credentials.clone(), options)
            .await?;
    observer.observe(&Event::Finished { stage: Stage::Connect });
    let ris = ris_client(connection, http, credentials);
    Ok(ClusterClients { axl: Arc::new(axl), ris: Arc::new(ris) })
}

/// Makes a client for RisPort70 alone; nothing is sent yet.
///
/// # Errors
/// When the password or the certificates of authorities cannot be read.
pub async fn risport(
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
) -> Result<RisClient, AppError> {
    let (http, credentials) = session_of(connection, interaction).await?;
    Ok(ris_client(connection, http, credentials))
}

fn ris_client(
    connection: &ClusterSettings,
    http: ClusterHttp,
    credentials: Credentials,
) -> RisClient {
    let options = RisOptions {
        per_minute: connection.ris_rate,
        is_up: connection.ris == connection.endpoint,
        ..RisOptions::default()
    };
    let http = http.counted_by(Arc::clone(&connection.activity.ris));
    RisClient::new(http, connection.ris.clone(), credentials, options)
}

async fn session_of(
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
) -> Result<(ClusterHttp, Credentials), AppError> {
    let password = connection.password(interaction).await?;
    let mut limits = ClusterLimits::default();
    if let Some(timeout) = connection.timeout {
        limits.read = timeout;
        limits.first_byte = timeout;
        limits.pause = limits.pause.min(timeout);
        limits.connect = limits.connect.min(timeout);
        // The outcome of a write that is cut short is unknown: it may only get more time.
        limits.write = limits.write.max(timeout);
    }
    let http = ClusterHttp::new(&connection.trust, limits)?;
    Ok((http, Credentials::new(connection.username.clone(), password)))
}

/// Returns the stage that waits when a call of this operation is repeated.
fn stage_of(operation: &str, error: &AxlError) -> Stage {
    match operation {
        _ if error.is_write() => Stage::Apply,
        ListPhone::NAME => Stage::Phones,
        GetCcmVersion::NAME => Stage::Connect,
        _ => Stage::Settings,
    }
}
