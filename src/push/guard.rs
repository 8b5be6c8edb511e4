//! Keeps a wrong password from locking the push user out.
//!
//! A wrong password is refused by every phone, and each refusal counts against the account. So phones are
//! asked one at a time until some of them have accepted the password, and again after every refusal; a few
//! refusals in a row stop the push. One acceptance alone proves little: a phone that has lost its
//! Authentication URL accepts anything, and the cluster need not know.

/// Watches the answers and says how many phones may be asked at once.
#[derive(Clone, Debug)]
pub struct Guard {
    concurrency: usize,
    max_refusals: u32,
    accepted_in_a_row: u32,
    refused_in_a_row: u32,
}

impl Guard {
    /// Acceptances in a row after which the password is trusted.
    pub const PROOFS: u32 = 3;

    /// Makes a guard that allows `concurrency` phones at once and stops after `max_refusals` in a row.
    pub fn new(concurrency: usize, max_refusals: u32) -> Self {
        Self {
            concurrency: concurrency.max(1),
            max_refusals: max_refusals.max(1),
            accepted_in_a_row: 0,
            refused_in_a_row: 0,
        }
    }

    /// Returns how many phones may be asked at once now.
    pub fn allowed(&self) -> usize {
        if self.is_tripped() {
            0
        } else if self.trusts_password() {
            self.concurrency
        } else {
            1
        }
    }

    /// Tells whether enough phones in a row have accepted the password.
    pub fn trusts_password(&self) -> bool {
        self.accepted_in_a_row >= Self::PROOFS
    }

    /// Tells whether the push must stop.
    pub fn is_tripped(&self) -> bool {
        self.refused_in_a_row >= self.max_refusals
    }

    /// Takes note that a phone which asks the cluster has accepted the password.
    pub fn accepted(&mut self) {
        self.refused_in_a_row = 0;
        self.accepted_in_a_row = self.accepted_in_a_row.saturating_add(1);
    }

    /// Takes note that a phone refused the user.
    pub fn refused(&mut self) {
        self.refused_in_a_row += 1;
        self.accepted_in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_one_by_one_until_the_password_is_trusted() {
        let mut guard = Guard::new(32, 3);
        let mut after = |accepted| {
            if accepted {
                guard.accepted();
            } else {
                guard.refused();
            }
            guard.allowed()
        };
        assert_eq!([after(true), after(true), after(true), after(true)], [1, 1, 32, 32]);
        assert_eq!([after(false), after(true), after(true), after(true)], [1, 1, 1, 32]);
        assert_eq!(Guard::new(32, 3).allowed(), 1);
    }

    #[test]
    fn stops_after_refusals_in_a_row_only() {
        let mut guard = Guard::new(8, 3);
        guard.refused();
        guard.refused();
        guard.accepted();
        guard.refused();
        guard.refused();
        assert!(!guard.is_tripped());
        guard.refused();
        assert!(guard.is_tripped());
        assert_eq!(guard.allowed(), 0);
    }
}
