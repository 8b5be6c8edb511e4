//! The lockout guard of a run, which all waves share, and its questions to the cluster.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;

use crate::push::policy::lockout::{
    AuthenticationPage, Findings, Limits, LockoutGuard, Password, PasswordCheck,
};

/// Asks the cluster why phones refuse the push user.
pub trait ClusterProbe: Send + Sync {
    /// Returns the address of the authentication page, where it is known.
    fn page_url(&self) -> Option<&str>;

    fn page(&self) -> BoxFuture<'_, AuthenticationPage>;

    /// Asks whether the push user's password is right; a wrong one counts as a failed login.
    fn password(&self) -> BoxFuture<'_, Password>;
}

/// The logins of a push user during one run. Clones share the guard, so that each wave has the knowledge of the last.
#[derive(Clone)]
pub struct LoginProbes {
    guard: Arc<Mutex<LockoutGuard>>,
    probe: Option<Arc<dyn ClusterProbe>>,
}

impl Default for LoginProbes {
    fn default() -> Self {
        Self::new(None)
    }
}

impl LoginProbes {
    /// Asks `probe` about refusals; without one, only replies of single phones decide.
    pub fn new(probe: Option<Arc<dyn ClusterProbe>>) -> Self {
        // The limits come with the first wave.
        let guard = LockoutGuard::new(Limits::new(1, 1, None), probe.is_some());
        Self { guard: Arc::new(Mutex::new(guard)), probe }
    }

    pub(crate) fn guard(&self) -> MutexGuard<'_, LockoutGuard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what to call the authentication page.
    pub(crate) fn page_name(&self) -> String {
        let url = self.probe.as_ref().and_then(|probe| probe.page_url());
        url.map_or_else(
            || "the authentication page".to_owned(),
            |url| format!("the authentication page {url}"),
        )
    }

    /// Asks what the guard needs to know: the page and the password at the same time.
    pub(crate) async fn ask(&self, inquiry: PasswordCheck) -> Findings {
        let Some(probe) = &self.probe else { return Findings::default() };
        let page = async {
            match probe.page_url() {
                Some(_) => Some(probe.page().await),
                None => None,
            }
        };
        let password = async { if inquiry.password { Some(probe.password().await) } else { None } };
        let (page, password) = futures::future::join(page, password).await;
        Findings { page, password }
    }
}

impl fmt::Debug for LoginProbes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("guard", &self.guard).finish_non_exhaustive()
    }
}
