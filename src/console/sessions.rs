//! Sessions of the console, and the one-time token that begins the first one.
//!
//! What a browser holds is kept as a digest only, so neither a look-up's time nor a dump of the memory's map gives it away.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::domain::console_role::ConsoleRole;
use crate::domain::text::hex;

/// Who works in a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SessionUser {
    pub(crate) name: String,
    pub(crate) role: ConsoleRole,
    /// The token that every form of the session sends.
    pub(crate) form_token: String,
}

/// The sessions that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Digest, Session>>,
    once: Mutex<Option<Digest>>,
}

#[derive(Debug)]
struct Session {
    user: SessionUser,
    began: Instant,
    used: Instant,
}

type Digest = [u8; 32];

impl Sessions {
    /// Makes the token that begins one session of the user of this machine. An earlier token ends.
    pub(crate) fn one_time_token(&self) -> Result<String, getrandom::Error> {
        let token = secret()?;
        *lock(&self.once) = Some(digest(&token));
        Ok(token)
    }

    /// Tells whether this is the one-time token, and has it count no more.
    pub(crate) fn take_one_time_token(&self, token: &str) -> bool {
        let mut once = lock(&self.once);
        let is_it = once.is_some_and(|kept| kept == digest(token));
        if is_it {
            *once = None;
        }
        is_it
    }

    /// Begins a session, and returns what the browser holds.
    pub(crate) fn begin(
        &self,
        name: &str,
        role: ConsoleRole,
        now: Instant,
    ) -> Result<String, getrandom::Error> {
        let (id, form_token) = (secret()?, secret()?);
        let user = SessionUser { name: name.to_owned(), role, form_token };
        let mut open = lock(&self.open);
        open.retain(|_, session| session.lasts(now));
        if open.len() >= MOST_SESSIONS {
            let oldest = open.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| *id);
            oldest.and_then(|id| open.remove(&id));
        }
        open.insert(digest(&id), Session { user, began: now, used: now });
        drop(open);
        Ok(id)
    }

    /// Returns who works in a session. `uses` is false where nobody did anything, such as for an event stream.
    pub(crate) fn user(&self, id: &str, uses: bool, now: Instant) -> Option<SessionUser> {
        let id = digest(id);
        let mut open = lock(&self.open);
        let session = open.get_mut(&id)?;
        if !session.lasts(now) {
            open.remove(&id);
            return None;
        }
        if uses {
            session.used = now;
        }
        let user = session.user.clone();
        drop(open);
        Some(user)
    }

    pub(crate) fn end(&self, id: &str) {
        lock(&self.open).remove(&digest(id));
    }
}

impl Session {
    fn lasts(&self, now: Instant) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.began) < LONGEST
    }
}

/// Tells whether two secrets are the same, in a time that says nothing about where they differ.
pub(crate) fn is_same_secret(one: &str, other: &str) -> bool {
    digest(one) == digest(other)
}

/// Tells whether two names are those of one user. The journal marks the users of a console.
pub(crate) fn is_same_user(one: &str, other: &str) -> bool {
    let name = |name: &str| name.strip_suffix(MARK).unwrap_or(name).to_lowercase();
    name(one) == name(other)
}

/// What the journal has behind the name of a user of the console.
pub(crate) const MARK: &str = " (console)";

fn digest(secret: &str) -> Digest {
    Sha256::digest(secret.as_bytes()).into()
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session ends when nobody used it for so long.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);

/// A session ends after so long in any case.
pub(crate) const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

const MOST_SESSIONS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_the_console_is_who_began_with_it_whatever_the_case() {
        assert!(is_same_user("Ada", "ada (console)") && is_same_user("ada", "ADA"));
        assert!(!is_same_user("ada", "adam (console)") && !is_same_user("ada", "ada (console) "));
    }

    #[test]
    fn a_token_counts_once() {
        let sessions = Sessions::default();
        let first = sessions.one_time_token().unwrap();
        let token = sessions.one_time_token().unwrap();
        assert!(!sessions.take_one_time_token(&first), "a later token replaces it");
        assert!(!sessions.take_one_time_token(""));
        assert!(sessions.take_one_time_token(&token));
        assert!(!sessions.take_one_time_token(&token));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_after_its_time() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let id = sessions.begin("eve", ConsoleRole::Viewer, start).unwrap();
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        assert_eq!(sessions.user(&id, true, at(29)).unwrap().name, "eve");
        // A stream does not keep it open.
        assert!(sessions.user(&id, false, at(58)).is_some());
        assert!(sessions.user(&id, true, at(59)).is_none());
        let id = sessions.begin("eve", ConsoleRole::Viewer, start).unwrap();
        for minutes in (0..720).step_by(20) {
            assert!(sessions.user(&id, true, at(minutes)).is_some());
        }
        assert!(sessions.user(&id, true, at(720)).is_none());
        let id = sessions.begin("eve", ConsoleRole::Viewer, start).unwrap();
        sessions.end(&id);
        assert!(sessions.user(&id, true, start).is_none());
    }

    #[test]
    fn there_are_only_so_many_sessions() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let first = sessions.begin("a", ConsoleRole::Viewer, start).unwrap();
        for _ in 0..MOST_SESSIONS {
            let _id = sessions.begin("b", ConsoleRole::Viewer, start + IDLE / 2).unwrap();
        }
        assert!(sessions.user(&first, true, start).is_none());
    }
}
