//! Starts and stops a simulated cluster, and lets tests look at it and change it.

use std::collections::HashMap;
use std::future::IntoFuture as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::serve::Listener;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Fault, Restart, SimConfig};
use super::events::{Events, SimEvent};
use super::fleet_content::{AccountState, Quirk, Registration, Web};
use super::history::{PhoneRecord, Record};
use super::hold_point::Tripped;
use super::phones::connection::SharedLink;
use super::phones::{certificate, listeners};
use super::scheduled_change::{Change, Lasts, PageTrouble};
use super::shared::Shared;
use super::state::{Cluster, URL_AUTHENTICATION};
use super::timeline::{Event, Timeline, play};
use super::values::VendorConfig;

use super::{authenticate, capture, decoy_host, https, page, phones, tomcat};
use crate::domain::personalization::Setting;
use crate::net::listen::{ListenError, SelfSigned};

/// A running simulated cluster with its phones.
///
/// It stops when it is dropped; [`SimCluster::shutdown`] also waits until it has. Methods that change one user, phone,
/// profile or node return whether the cluster has it.
pub struct SimCluster {
    shared: Arc<Shared>,
    identity: SelfSigned,
    axl: SocketAddr,
    phone_port: u16,
}

impl SimCluster {
    /// Starts a cluster. Must be called inside of a tokio runtime.
    pub async fn start(mut config: SimConfig) -> Result<Self, SimError> {
        let failed = |what, port| move |source| SimError::Socket { what, port, source };
        let (axl_listener, axl) = listeners::bind_first(&config.axl_addresses)
            .await
            .map_err(|(port, source)| failed("AXL", port)(source))?;
        // Names of nodes that cannot be in a certificate are left out.
        let nodes = config.fleet.nodes.iter().map(String::as_str);
        let names = nodes.filter(|name| name.is_ascii() && !name.is_empty());
        let address = axl.ip().to_string();
        let names: Vec<&str> = names.chain([address.as_str(), "localhost"]).collect();
        let identity = SelfSigned::for_names(&names).map_err(SimError::Tls)?;
        config.installation.get_or_insert_with(|| identity.sha256());
        let tls = identity.server_config().map_err(SimError::Tls)?;
        let (auth_listener, auth) =
            listeners::bind_page().map_err(failed("the authentication page", 0))?;
        let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let (second_listener, decoy_host) = listeners::bind_first(&loopback)
            .await
            .map_err(|(port, source)| failed("the decoy host", port)(source))?;
        let addresses: Vec<Ipv4Addr> =
            config.fleet.phones.iter().filter_map(|phone| phone.address.v4()).collect();
        let (port, tls_port) = (config.phone_port, config.phone_tls_port);
        let (phone_listeners, phone_port) =
            listeners::bind(port, &addresses).map_err(failed("the phones", port))?;
        let (secure_listeners, phone_tls_port) = listeners::bind(tls_port, &addresses)
            .map_err(failed("the phones over HTTPS", tls_port))?;
        let maker =
            certificate::Maker::new().map_err(ListenError::Certificate).map_err(SimError::Tls)?;
        let auth_url = format!("http://{auth}{}", authenticate::PATH);
        let pool_bandwidth = SharedLink::all(&config.fleet.pool_bandwidth);
        let mut cluster = Cluster::new(config);
        // A fleet may name another page, or none.
        let url = || auth_url.clone();
        cluster.parameters.entry(URL_AUTHENTICATION.to_owned()).or_insert_with(url);
        for at in 0..cluster.devices.len() {
            cluster.load(at);
        }
        let (tomcat, restarts) = mpsc::unbounded_channel();
        let listeners = listeners::Listeners::of(&phone_listeners, &secure_listeners)
            .map_err(failed("the phones", phone_port))?;
        let shared = Arc::new(Shared {
            config: Arc::clone(&cluster.config),
            tomcat,
            listeners,
            cluster: Mutex::new(cluster),
            pictures: Mutex::new(HashMap::new()),
            decoy_host,
            pool_bandwidth,
            page_url: auth_url,
            events: Events::new(),
            memory: Arc::default(),
            phone_tls_port,
            maker,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        if let Some(path) = &shared.config.record {
            let failed = |source| SimError::Record { path: path.clone(), source };
            let writing = shared.events.record(path).await.map_err(failed)?;
            shared.tasks.spawn(writing);
        }
        shared.events.add(SimEvent::Started {
            time: Timestamp::now(),
            release: shared.config.release.version(),
            devices: shared.cluster().order.len(),
        });
        let router = page::router().fallback(https::handle);
        let mut router = router.with_state(Arc::clone(&shared));
        if shared.config.keep_requests.is_some() {
            router = router.layer(from_fn_with_state(Arc::clone(&shared), capture::capture));
        }
        let serve = tomcat::serve(Arc::clone(&shared), axl_listener, axl, tls, router, restarts);
        shared.tasks.spawn(serve);
        let page = Router::new().fallback(authenticate::handle).with_state(Arc::clone(&shared));
        let port = authenticate::PagePort { listener: auth_listener, shared: Arc::clone(&shared) };
        serve_plain(&shared, port, page);
        let second = Router::new().fallback(decoy_host::handle).with_state(Arc::clone(&shared));
        serve_plain(&shared, second_listener, second);
        for listener in phone_listeners {
            shared.tasks.spawn(phones::serve(Arc::clone(&shared), listener, false));
        }
        for listener in secure_listeners {
            shared.tasks.spawn(phones::serve(Arc::clone(&shared), listener, true));
        }
        Ok(Self { shared, identity, axl, phone_port })
    }

    /// Returns the address of AXL and RisPort70.
    pub fn axl_addr(&self) -> SocketAddr {
        self.axl
    }

    /// Returns the server's certificate in PEM, fit for a CA file.
    pub fn ca_pem(&self) -> &str {
        self.identity.pem()
    }

    /// Returns the SHA-256 of the server's certificate, as 64 lower-case hexadecimal digits.
    pub fn cert_sha256(&self) -> String {
        self.identity.sha256()
    }

    pub fn phone_port(&self) -> u16 {
        self.phone_port
    }

    pub fn phone_tls_port(&self) -> u16 {
        self.shared.phone_tls_port
    }

    pub fn phone_ca_pem(&self) -> &str {
        self.shared.maker.pem()
    }

    /// Lets a phone show another certificate from now on. Returns whether there is such a phone.
    pub fn renew_certificate(&self, name: &str) -> bool {
        self.device(name, |_, at| self.shared.maker.renew(at))
    }

    pub fn set_web(&self, name: &str, web: Web) -> bool {
        self.device(name, |cluster, at| cluster.device_mut(at).spec.web = web)
    }

    pub fn decoy_host(&self) -> SocketAddr {
        self.shared.decoy_host
    }

    pub fn auth_url(&self) -> &str {
        &self.shared.page_url
    }

    pub fn record(&self) -> Record {
        self.shared.cluster().record()
    }

    pub fn phone(&self, name: &str) -> Option<PhoneRecord> {
        let cluster = self.shared.cluster();
        cluster.device(name).map(|at| cluster.phone_record(at))
    }

    /// Returns a digest of the configuration; it changes when, and only when, the configuration does.
    ///
    /// Log-ins, sessions and pushes are no configuration.
    pub fn state_digest(&self) -> String {
        self.shared.cluster().digest()
    }

    pub fn set_password(&self, userid: &str, password: &str) -> bool {
        let (user, password) = (userid.to_owned(), password.to_owned());
        self.change(Change::Password { user, password })
    }

    pub fn set_locked(&self, userid: &str, locked: bool) -> bool {
        let state = if locked { AccountState::LockedByHacking } else { AccountState::Active };
        self.set_account_state(userid, state)
    }

    pub fn set_account_state(&self, userid: &str, state: AccountState) -> bool {
        self.change(Change::AccountState { user: userid.to_owned(), state })
    }

    /// Lets something happen to the fleet right after the `nth` answer (from 1) to an operation.
    ///
    /// What it did, if it could be done, is in [`Record::changes`].
    pub fn change_after(&self, operation: &str, nth: u64, change: Change) {
        self.shared.cluster().scheduled.plan(operation, nth, change);
    }

    /// Lets something happen to the fleet when the `nth` request (from 1) of an operation has arrived, right
    /// before it is carried out: between what its sender read last and what it writes.
    ///
    /// Requests that are refused do not count. What it did is in [`Record::changes`].
    pub fn change_before(&self, operation: &str, nth: u64, change: Change) {
        self.shared.cluster().scheduled.plan_before(operation, nth, change);
    }

    /// Lets the `nth` request (from 1, and from now on) of an operation of AXL or RisPort70 have no answer;
    /// `push` means `POST /CGI/Execute` to any phone.
    ///
    /// The receiver gets its value at that instant. The connection stays open until the client closes it or
    /// the simulator stops. Requests that are refused do not count. An operation has one hold point at a time.
    pub fn tripwire(&self, operation: &str, nth: u64, when: Tripped) -> oneshot::Receiver<()> {
        self.shared.cluster().hold_points.set(operation, nth, when)
    }

    /// Restarts Tomcat at the `nth` request (from 1, and from now on) of an operation of AXL or RisPort70, before or
    /// after it is carried out: it has no answer, every connection breaks, the port is closed, and the sessions are
    /// gone. [`Record::requests`] counts it as `tomcat restart`.
    pub fn restart_tomcat(&self, operation: &str, nth: u64, when: Tripped, restart: Restart) {
        let tomcat = self.shared.tomcat.clone();
        // A simulator that has stopped has nothing to restart.
        let action = Box::new(move || tomcat.send(restart).unwrap_or_default());
        self.shared.cluster().hold_points.break_at(operation, nth, when, action);
    }

    /// Does something outside of the cluster right before the `nth` request (from 1, and from now on) of an
    /// operation is carried out. It must not ask the simulator anything, which waits for it.
    pub fn act_before(&self, operation: &str, nth: u64, action: impl FnOnce() + Send + 'static) {
        self.shared.cluster().hold_points.act(operation, nth, Box::new(action));
    }

    /// Lets something happen to the fleet right before the `nth` request (from 1, and from now on) of an operation of
    /// AXL or RisPort70, or of `push`, is carried out. An operation has one hold point at a time, and this is one.
    pub fn change_at(&self, operation: &str, nth: u64, change: Change) {
        self.shared.cluster().hold_points.change(operation, nth, change);
    }

    /// Lets something happen to the cluster now. Returns whether it could be done; what it did is in
    /// [`Record::changes`], and an event of the record.
    pub fn change(&self, change: Change) -> bool {
        self.happen(&Event::from(change))
    }

    /// Lets an event of a timeline happen now. Returns whether all of it could be done.
    pub fn happen(&self, event: &Event) -> bool {
        self.shared.happen(event)
    }

    /// Lets the events of a timeline happen when they are due, counted from now.
    pub fn play(&self, timeline: Timeline) {
        self.shared.tasks.spawn(play(Arc::clone(&self.shared), timeline));
    }

    /// Returns the names of the device pools, in the order in which they were made.
    pub fn device_pools(&self) -> Vec<String> {
        let cluster = self.shared.cluster();
        cluster.pools.entries.iter().map(|pool| pool.name.clone()).collect()
    }

    pub fn set_rank(&self, userid: &str, rank: u8) -> bool {
        self.user(userid, |user| user.rank = rank)
    }

    /// Replaces a user's associated devices, as a second administrator would; unknown names are left
    /// out. Returns whether there is such a user.
    pub fn set_associations(&self, userid: &str, devices: &[&str]) -> bool {
        let devices = devices.iter().map(|&name| name.to_owned()).collect();
        self.change(Change::Associate { user: userid.to_owned(), devices })
    }

    pub fn set_quirk(&self, name: &str, quirk: Quirk) -> bool {
        self.device(name, |cluster, at| cluster.device_mut(at).spec.quirk = quirk)
    }

    /// Sets web access in a phone's own vendorConfig; it obeys once it is restarted. Returns whether
    /// there is such a phone.
    pub fn set_web_access(&self, name: &str, web_access: Option<bool>) -> bool {
        self.device(name, |cluster, at| {
            let device = cluster.device_mut(at);
            device.spec.web_access = web_access;
            if let Some(written) = &mut device.written_vendor_config
                && let Some(settings) = VendorConfig::with_web_access(written, web_access)
            {
                *written = settings.inside;
            }
        })
    }

    pub fn set_registration(&self, name: &str, registration: Registration) -> bool {
        self.change(Change::Register { phone: name.to_owned(), registration })
    }

    /// A user chooses another picture on the phone, a PNG file; without one the background that the phone came with. Returns
    /// whether there is such a phone and such a picture.
    pub fn choose_picture(&self, name: &str, png: Option<&[u8]>) -> bool {
        let mut cluster = self.shared.cluster();
        match (cluster.device(name), png) {
            (Some(at), Some(png)) => cluster.show(at, png.to_vec()),
            (Some(at), None) => {
                cluster.histories[at].shown = None;
                true
            }
            (None, _) => false,
        }
    }

    pub fn restart_phone(&self, name: &str) -> bool {
        self.device(name, Cluster::load)
    }

    pub fn restart_phones(&self) {
        let mut cluster = self.shared.cluster();
        for at in 0..cluster.devices.len() {
            cluster.load(at);
        }
    }

    pub fn set_profile_personalization(&self, name: &str, setting: Setting) -> bool {
        self.change(Change::PersonalizeProfile { profile: name.to_owned(), setting })
    }

    pub fn fail_page(&self, trouble: PageTrouble, lasts: Lasts) {
        self.shared.cluster().fail_page(trouble, lasts);
    }

    /// Lets the next `times` requests that it fits run into a fault.
    pub fn inject(&self, fault: Fault, times: u32) {
        self.shared.cluster().faults.insert((None, fault), times);
    }

    /// Lets the next `times` requests of one operation run into a fault.
    pub fn inject_into(&self, operation: &str, fault: Fault, times: u32) {
        self.shared.cluster().faults.insert((Some(operation.to_owned()), fault), times);
    }

    /// Lets the `nth` request to AXL (from 1, of all since the start) run into a fault.
    pub fn inject_at(&self, nth: u64, fault: Fault) {
        self.shared.cluster().faults_by_number.insert(nth, fault);
    }

    /// Replaces bytes in every answer to an operation of AXL or RisPort70 from now on: what a cluster sends that holds
    /// characters which nothing can read.
    pub fn replace_in_answers(&self, operation: &str, from: &[u8], to: &[u8]) {
        assert!(!from.is_empty(), "nothing to replace");
        let replaced = (operation.to_owned(), from.to_vec(), to.to_vec());
        self.shared.cluster().replaced_bytes.push(replaced);
    }

    /// Makes a node silent to RisPort70, or lets it speak again. Returns whether there is such a node.
    pub fn silence_node(&self, name: &str, silent: bool) -> bool {
        let mut cluster = self.shared.cluster();
        let Some(at) = cluster.nodes.iter().position(|node| node == name) else { return false };
        if silent {
            cluster.silent_nodes.insert(at);
        } else {
            cluster.silent_nodes.remove(&at);
        }
        true
    }

    /// Stops all servers and waits, two seconds at most, until they have stopped.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.events.end();
        self.shared.tasks.close();
        let stopped = tokio::time::timeout(STOP_LIMIT, self.shared.tasks.wait()).await;
        if stopped.is_err() {
            tracing::debug!("some connections to the simulator were still open");
        }
    }

    fn device(&self, name: &str, change: impl FnOnce(&mut Cluster, usize)) -> bool {
        let mut cluster = self.shared.cluster();
        let found = cluster.device(name);
        if let Some(at) = found {
            change(&mut cluster, at);
        }
        drop(cluster);
        found.is_some()
    }

    fn user(&self, userid: &str, change: impl FnOnce(&mut super::state::User)) -> bool {
        let mut cluster = self.shared.cluster();
        let found = cluster.user(userid);
        if let Some(at) = found {
            change(cluster.user_mut(at));
        }
        drop(cluster);
        found.is_some()
    }
}

fn serve_plain<L>(shared: &Shared, listener: L, router: Router)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let stop = shared.stop.clone().cancelled_owned();
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop);
    shared.tasks.spawn(serve.into_future());
}

impl Drop for SimCluster {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.events.end();
        self.shared.tasks.close();
    }
}

impl std::fmt::Debug for SimCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimCluster")
            .field("axl", &self.axl)
            .field("phone_port", &self.phone_port)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error("the simulator cannot listen on port {port} for {what}")]
    Socket {
        what: &'static str,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("the simulator cannot write its record {}", path.display())]
    Record {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the simulator cannot set up HTTPS")]
    Tls(#[source] ListenError),
}

const STOP_LIMIT: Duration = Duration::from_secs(2);
