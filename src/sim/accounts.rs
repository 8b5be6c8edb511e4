//! Log-ins: passwords, lockout, web sessions.

use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::fleet_content::AccountState;
use super::state::{Cluster, Session, User};
use super::values::hex;

pub(crate) enum Login {
    /// A session cookie that has expired; CUCM answers HTTP 404 (AXL Developer Guide).
    Expired,
    Refused,
    /// The index of the user, and the new session cookie if one was opened.
    User(usize, Option<String>),
}

impl Cluster {
    pub(crate) fn check_password(&mut self, userid: &str, password: &str) -> Option<usize> {
        self.check(userid, password, |user| &user.password)
    }

    pub(crate) fn check_pin(&mut self, userid: &str, pin: &str) -> Option<usize> {
        self.check(userid, pin, |user| &user.pin)
    }

    fn check(
        &mut self,
        userid: &str,
        given: &str,
        secret: fn(&User) -> &SecretString,
    ) -> Option<usize> {
        let at = self.user(userid)?;
        let lockout_after = self.config.lockout_after;
        let user = &self.users[at];
        // An empty one was never set.
        let right = !given.is_empty() && secret(user).expose_secret() == given;
        if right && user.state == AccountState::Active {
            // Changing a user copies it while a read is under way: not on every push.
            if user.failures_in_a_row > 0 {
                self.user_mut(at).failures_in_a_row = 0;
            }
            return Some(at);
        }
        let user = self.user_mut(at);
        user.failed_logins += 1;
        user.failures_in_a_row += 1;
        if user.failures_in_a_row >= lockout_after && user.state == AccountState::Active {
            user.state = AccountState::LockedByHacking;
        }
        None
    }

    pub(crate) fn log_in(&mut self, cookies: Option<&str>, authorization: Option<&str>) -> Login {
        if let Some(id) = cookies.and_then(session_id) {
            let most = self.config.session_requests;
            match self.sessions.get_mut(id) {
                Some(session) if most.is_none_or(|n| session.requests < n) => {
                    session.requests += 1;
                    return Login::User(session.user, None);
                }
                Some(_) => {
                    self.sessions.remove(id);
                    return Login::Expired;
                }
                None if authorization.is_none() => return Login::Expired,
                None => {}
            }
        }
        let Some((userid, password)) = authorization.and_then(basic) else {
            return Login::Refused;
        };
        let Some(user) = self.check_password(&userid, &password) else {
            return Login::Refused;
        };
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            // Without random numbers there is no session, only this one request.
            return Login::User(user, None);
        }
        let id = hex(&bytes).to_uppercase();
        self.sessions.insert(id.clone(), Session { user, requests: 1 });
        Login::User(user, Some(id))
    }
}

pub(crate) fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (userid, password) = text.split_once(':')?;
    Some((userid.to_owned(), password.to_owned()))
}

fn session_id(cookies: &str) -> Option<&str> {
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("JSESSIONIDSSO="))
}
