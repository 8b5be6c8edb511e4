//! `doAuthenticateUser`: tells whether a password is right, and counts it towards a lockout if it is not.

use super::call::Call;
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::AccountState;
use crate::sim::state::Cluster;

pub(super) fn run(cluster: &mut Cluster, call: &Call<'_>) -> Result<String, SoapFault> {
    let text = |name| call.request.child_text(name);
    let userid = text("userid").unwrap_or_default();
    let Some(at) = cluster.user(userid) else {
        return Err(SoapFault::not_found("User"));
    };
    // Nobody here has a PIN, so every PIN is wrong.
    let password = call.request.child("password").map_or("", |node| node.text.as_str());
    let right = cluster.check_password(userid, password).is_some();
    // Which number says what was not published; only that 0 is good is certain enough (believed).
    let code = match (right, cluster.users[at].state) {
        (true, _) => 0,
        (false, AccountState::Active) => 1,
        (false, AccountState::LockedByAdministrator) => 2,
        (false, AccountState::LockedByHacking) => 3,
        (false, AccountState::Inactive) => 4,
    };
    Ok(format!(
        "<return><userAuthenticated>{right}</userAuthenticated><code>{code}</code>\
         <daysToExpiry>0</daysToExpiry><isWarningNeeded>false</isWarningNeeded></return>"
    ))
}
