//! Reports to systemd how a service is doing, with the datagrams of sd_notify(3).
//!
//! Without `NOTIFY_SOCKET`, and on systems that have no Unix sockets, nothing is sent. A service manager that does not
//! receive costs the service nothing: no datagram is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The service manager that has started the program, where one has.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<socket::Socket>,
    /// Within this time it expects a sign of life.
    watchdog: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What has to begin its work before the service is ready.
    starting: BTreeSet<String>,
    /// What each part of the service does.
    status: BTreeMap<String, String>,
}

impl ServiceManager {
    /// Reads from the environment how it is reached.
    pub fn from_environment() -> Self {
        let read = |name| std::env::var(name).ok();
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| socket::Socket::of(&name));
        let is_meant = read("WATCHDOG_PID").is_none_or(|id| id == std::process::id().to_string());
        let usec = read("WATCHDOG_USEC").and_then(|usec| usec.parse().ok()).filter(|_| is_meant);
        let watchdog = usec.filter(|usec| *usec > 0).map(Duration::from_micros);
        Self { socket, watchdog, state: Mutex::default() }
    }

    /// Says which parts the service has. It is ready when each has begun its work.
    pub fn starts<'a>(&self, parts: impl IntoIterator<Item = &'a str>) {
        let mut state = self.lock();
        state.starting = parts.into_iter().map(str::to_owned).collect();
        state.status.clear();
    }

    /// Reports that a part has begun its work, or will not begin it.
    pub fn began(&self, part: &str) {
        let mut state = self.lock();
        if state.starting.remove(part) && state.starting.is_empty() {
            drop(state);
            self.send("READY=1");
        }
    }

    /// Reports what a part does, in one line.
    pub fn status(&self, part: &str, text: String) {
        let mut state = self.lock();
        let before = state.status.insert(part.to_owned(), text.clone());
        if before.as_ref() == Some(&text) {
            return;
        }
        let parts: Vec<String> = match state.status.len() {
            1 => vec![text],
            _ => state.status.iter().map(|(part, text)| format!("{part}: {text}")).collect(),
        };
        drop(state);
        self.send(&format!("STATUS={}", parts.join("; ").replace(['\n', '\r'], " ")));
    }

    /// Reports that the service reads its configuration again; [`Self::reloaded`] ends that.
    pub fn reloading(&self) {
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", socket::monotonic_usec()));
    }

    /// Reports that the configuration was read again, or refused.
    pub fn reloaded(&self) {
        self.send("READY=1");
    }

    /// Reports that the service ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Sends the signs of life that a watchdog expects, for as long as `progress` returns a number more of each part
    /// that works, or `is_paused` is true.
    pub async fn keep_alive(
        &self,
        progress: impl Fn() -> BTreeMap<String, u64>,
        is_paused: impl Fn() -> bool,
    ) -> Infallible {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut before = BTreeMap::new();
        loop {
            let now = progress();
            let advances = now.iter().all(|(part, steps)| before.get(part) != Some(steps));
            if advances || is_paused() {
                self.send("WATCHDOG=1");
                before = now;
            }
            tokio::time::sleep(watchdog / 2).await;
        }
    }

    fn send(&self, text: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(text) {
            tracing::debug!(%error, "the service manager did not receive {text:?}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
mod socket {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// The socket of the service manager.
    #[derive(Debug)]
    pub struct Socket {
        own: UnixDatagram,
        address: SocketAddr,
    }

    impl Socket {
        /// Returns nothing, and logs it, where the name is none that datagrams can be sent to.
        pub fn of(name: &OsStr) -> Option<Self> {
            let open = || {
                let own = UnixDatagram::unbound()?;
                own.set_nonblocking(true)?;
                Ok::<_, io::Error>(Self { own, address: address(name)? })
            };
            let opened = open();
            if let Err(error) = &opened {
                tracing::warn!(%error, "NOTIFY_SOCKET is not usable");
            }
            opened.ok()
        }

        pub fn send(&self, text: &str) -> io::Result<()> {
            self.own.send_to_addr(text.as_bytes(), &self.address).map(drop)
        }
    }

    /// Reads a path, or `@` and an abstract name (sd_notify(3)).
    fn address(name: &OsStr) -> io::Result<SocketAddr> {
        match name.as_bytes().strip_prefix(b"@") {
            Some(name) => abstract_address(name),
            None => SocketAddr::from_pathname(name),
        }
    }

    #[cfg(target_os = "linux")]
    fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
        use std::os::linux::net::SocketAddrExt as _;
        SocketAddr::from_abstract_name(name)
    }

    #[cfg(not(target_os = "linux"))]
    fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn monotonic_usec() -> i64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
    }
}

#[cfg(not(unix))]
mod socket {
    use std::ffi::OsStr;
    use std::io;

    /// No system but Unix has such a service manager.
    #[derive(Debug)]
    pub enum Socket {}

    impl Socket {
        pub fn of(_: &OsStr) -> Option<Self> {
            None
        }

        pub fn send(&self, _: &str) -> io::Result<()> {
            match *self {}
        }
    }

    pub fn monotonic_usec() -> i64 {
        0
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A service manager that waits for a sign of life each 20 s, and the socket that receives it.
    fn manager() -> (ServiceManager, UnixDatagram, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let socket = socket::Socket::of(path.as_os_str());
        let watchdog = Some(Duration::from_secs(20));
        (ServiceManager { socket, watchdog, state: Mutex::default() }, receiver, folder)
    }

    fn received(receiver: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 1_024];
        let receive = || receiver.recv(&mut buffer).map(|length| buffer[..length].to_vec()).ok();
        std::iter::from_fn(receive).map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_stop_when_one_part_makes_no_progress() {
        let (manager, receiver, _folder) = manager();
        let parts = RefCell::new(BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 0)]));
        let is_paused = Cell::new(false);
        let advance = |names: &[&str]| {
            names.iter().for_each(|name| *parts.borrow_mut().get_mut(*name).unwrap() += 1);
        };
        let mut keeping =
            Box::pin(manager.keep_alive(|| parts.borrow().clone(), || is_paused.get()));
        let mut signs_in = async |seconds| {
            let time = Duration::from_secs(seconds);
            let ended = tokio::time::timeout(time, &mut keeping).await;
            assert!(ended.is_err());
            received(&receiver).len()
        };
        assert_eq!(signs_in(5).await, 1);
        advance(&["a", "b"]);
        assert_eq!(signs_in(10).await, 1);
        advance(&["a"]);
        assert_eq!(signs_in(100).await, 0, "b hangs");
        advance(&["b"]);
        assert_eq!(signs_in(10).await, 1, "it goes on");
        assert_eq!(signs_in(100).await, 0);
        is_paused.set(true);
        assert_eq!(signs_in(100).await, 10);
        is_paused.set(false);
        parts.borrow_mut().clear();
        assert_eq!(signs_in(10).await, 1, "nothing works that could hang");
    }

    #[test]
    fn a_service_is_ready_once_when_each_part_has_begun_and_its_status_is_one_line() {
        let (manager, receiver, _folder) = manager();
        manager.starts(["a", "b"]);
        manager.began("a");
        assert!(received(&receiver).is_empty());
        manager.began("b");
        manager.began("b");
        assert_eq!(received(&receiver), ["READY=1"]);
        manager.status("a", "works".to_owned());
        manager.status("a", "works".to_owned());
        manager.status("b", "fails:\nREADY=0".to_owned());
        assert_eq!(received(&receiver), ["STATUS=works", "STATUS=a: works; b: fails: READY=0"]);
        assert_eq!(ServiceManager::from_environment().watchdog, None);
    }
}
