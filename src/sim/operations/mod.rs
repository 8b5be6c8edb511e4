//! The AXL operations: from a checked request to the inside of an answer.

#[cfg(test)]
mod answers;
pub(crate) mod call;
mod configure;
mod field_rules;
mod lines;
mod phone_rules;
mod phones;
mod profiles;
mod row;
mod sql;
mod system;
mod users;

use call::{Answer, Call};

use super::carry_out::Order;
use super::fault::SoapFault;
use super::fleet_content::UserKind;
use super::state::{Cluster, Database};

/// Carries out an operation that changes something and returns the inside of its answer; nothing for one that
/// only reads.
pub(crate) fn write(cluster: &mut Cluster, call: &Call<'_>) -> Option<Answer> {
    match call.request.name.as_str() {
        // It counts wrong passwords.
        "doAuthenticateUser" => Some(users::authenticate(cluster, call)),
        "addAppUser" => Some(users::add(cluster, call, UserKind::Application)),
        "addCommonPhoneConfig" => Some(configure::add(cluster, call)),
        "addLine" => Some(lines::add(cluster, call)),
        "addPhone" => Some(configure::add_phone(cluster, call)),
        "addUser" => Some(users::add(cluster, call, UserKind::EndUser)),
        "applyCommonPhoneConfig" => Some(configure::apply_profile(cluster, call, Order::Apply)),
        "applyPhone" => Some(configure::apply_phone(cluster, call, Order::Apply)),
        "doChangeDNDStatus" => Some(configure::change_dnd(cluster, call)),
        "doDeviceReset" => Some(configure::reset_device(cluster, call)),
        "executeSQLUpdate" => Some(sql::update::update(cluster, call)),
        "removeAppUser" => Some(users::remove(cluster, call, UserKind::Application)),
        "removeCommonPhoneConfig" => Some(configure::remove(cluster, call)),
        "removeLine" => Some(lines::remove(cluster, call)),
        "removePhone" => Some(configure::remove_phone(cluster, call)),
        "removeUser" => Some(users::remove(cluster, call, UserKind::EndUser)),
        "resetCommonPhoneConfig" => Some(configure::apply_profile(cluster, call, Order::Reset)),
        "resetPhone" | "restartPhone" => Some(configure::apply_phone(cluster, call, Order::Reset)),
        "updateCommonPhoneConfig" => Some(configure::profile(cluster, call)),
        "updateLine" => Some(lines::update(cluster, call)),
        "updatePhone" => Some(configure::phone(cluster, call)),
        "updateServiceParameter" => Some(system::set_service_parameter(cluster, call)),
        "updateUser" => Some(users::update(cluster, call, UserKind::EndUser)),
        "updateAppUser" => Some(users::update(cluster, call, UserKind::Application)),
        _ => None,
    }
}

/// Carries out an operation that reads, on a copy of the database, and returns the inside of its answer.
pub(crate) fn read(cluster: &Database, call: &Call<'_>) -> Answer {
    match call.request.name.as_str() {
        "getCCMVersion" => system::ccm_version(cluster, call),
        "listChange" => system::changes(cluster, call),
        "listPhone" => phones::list(cluster, call),
        "getPhone" => phones::one(cluster, call),
        "listCommonPhoneConfig" => profiles::list(cluster, call),
        "getLine" => lines::one(cluster, call),
        "listLine" => lines::list(cluster, call),
        "getCommonPhoneConfig" => profiles::one(cluster, call),
        "getEnterprisePhoneConfig" => profiles::enterprise(cluster),
        "listRegistrationDynamic" => system::registrations(cluster, call),
        "getDevicePool" => system::device_pool(cluster, call),
        "listDevicePool" => system::device_pools(cluster, call),
        "listProcessNode" => system::process_nodes(cluster, call),
        "getServiceParameter" => system::service_parameter(cluster, call),
        "listUser" => users::list(cluster, call, UserKind::EndUser),
        "listAppUser" => users::list(cluster, call, UserKind::Application),
        "getUser" => users::one(cluster, call, UserKind::EndUser),
        "getAppUser" => users::one(cluster, call, UserKind::Application),
        "getCredentialPolicy" => users::credential_policy(cluster, call),
        "executeSQLQuery" => sql::query(cluster, call),
        other => Err(SoapFault::cannot(other)),
    }
}
