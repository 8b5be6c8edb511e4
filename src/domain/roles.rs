//! What the roles of a user allow, as far as it matters here: to change the cluster over AXL, and more than a user
//! needs whose password goes to phones.

use std::collections::BTreeSet;

/// The role that reads and writes over AXL (Cisco AXL FAQ).
pub const AXL_ACCESS: &str = "Standard AXL API Access";

/// The roles of a user by their names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Roles(BTreeSet<String>);

impl Roles {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the user may change the cluster over AXL; nothing where the names do not show it, because a
    /// role of another name can be a copy of [`AXL_ACCESS`].
    pub fn may_write(&self) -> Option<bool> {
        if self.0.contains(AXL_ACCESS) {
            return Some(true);
        }
        let all_standard = self.0.iter().all(|role| role.starts_with("Standard "));
        (all_standard && !self.is_empty()).then_some(false)
    }

    /// Returns the roles that a user does not need to push to phones. It needs none at all; those that every end user
    /// has, or that control only its own devices, give no more than the push itself.
    pub fn beyond_push(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|role| !OWN_DEVICES_ONLY.contains(role))
    }

    /// Returns the names as one text.
    pub fn list(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        names.join(", ")
    }
}

impl<T: Into<String>> FromIterator<T> for Roles {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>> Extend<T> for Roles {
    fn extend<I: IntoIterator<Item = T>>(&mut self, names: I) {
        self.0.extend(names.into_iter().map(Into::into));
    }
}

const OWN_DEVICES_ONLY: [&str; 5] = [
    "Standard CCM End Users",
    "Standard CCMUSER Administration",
    "Standard CTI Allow Control of Phones supporting Connected Xfer and conf",
    "Standard CTI Allow Control of Phones supporting Rollover Mode",
    "Standard CTI Enabled",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_roles_show_whether_their_user_may_write() {
        let of = |names: &[&str]| names.iter().copied().collect::<Roles>().may_write();
        assert_eq!(of(&["A", AXL_ACCESS]), Some(true));
        assert_eq!(
            of(&["Standard AXL API Users", "Standard AXL Read Only API Access"]),
            Some(false)
        );
        assert_eq!(of(&["Standard AXL Read Only API Access", "Our AXL"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn end_users_have_no_more_than_a_push_needs() {
        let of = |names: &[&str]| {
            let roles: Roles = names.iter().copied().collect();
            roles.beyond_push().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(&["Standard CCM End Users", "Standard CTI Enabled"]), [""; 0]);
        assert_eq!(of(&["Standard CTI Allow Control of All Devices"]).len(), 1);
        assert_eq!(of(&["Helpdesk", "Standard CCM End Users"]), ["Helpdesk"]);
    }
}
