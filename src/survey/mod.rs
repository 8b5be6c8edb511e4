//! Reads a cluster into one immutable inventory.
//!
//! Reads only, and never makes a cluster look smaller than it is: what could not be read is a
//! remark or stays unknown, and totals are compared.
mod axl_registrations;
mod error;
mod extensions;
mod phone_index;
mod restart_wait;

mod phones;
mod push_user;
mod registrations;
mod settings;
mod web_access;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::system::ListDevicePool;
use crate::domain::association::UserKind;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{ClusterInfo, EnterpriseSettings, Inventory, Phone, PushUser};
use crate::domain::registration::Source;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::{Field, Selector};
use crate::domain::text::{names, pluralize, unreadable_remarks};
use crate::event::{Event, Observer, Stage};
use crate::phone::{Https, PhoneClient};
use crate::ris::client::RisClient;
use crate::survey::error::whole;

pub use crate::survey::error::{Incomplete, SurveyError};
pub use crate::survey::extensions::extensions;
pub use crate::survey::restart_wait::{RestartWait, look_again, registrations_of, wait_until_back};

#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub registrations: Source,
    /// What may be repaired: for some repairs more must be read.
    pub repairs: &'a Repairs,
    /// How to ask phones who they are.
    pub phones: &'a PhoneClient,
    /// How phones are asked that want HTTPS, where that is known.
    pub https: Option<&'a Https>,
    pub cluster_name: &'a str,
    pub selector: &'a Selector,
    /// Of the phones that the selector admits, only these are read; what matches none of them is no error then.
    pub names: Option<&'a [DeviceName]>,
    /// Whether the numbers of all phones are needed, whatever the selection.
    pub needs_extensions: bool,
    pub push_user: Option<&'a str>,
    pub push_user_kind: Option<UserKind>,
}

impl Request<'_> {
    /// Tells whether the survey fails where the database does not tell the numbers of phones.
    fn needs_extensions(&self) -> bool {
        self.needs_extensions || self.selector.asks_for(Field::Extension)
    }
}

/// Chooses the phones that `--limit` or `--sample` takes.
pub type WithinLimit<'a> = dyn Fn(&Inventory) -> HashSet<DeviceName> + Sync + 'a;

/// Reads the selected phones and everything that decides about them. `within_limit` is called where the selection has a
/// limit.
pub async fn survey(
    axl: &AxlClient,
    ris: &RisClient,
    request: &Request<'_>,
    within_limit: &WithinLimit<'_>,
    observer: &dyn Observer,
) -> Result<Inventory, SurveyError> {
    let mut remarks = Vec::new();
    // What an earlier survey could not read was reported by it.
    drop(axl.take_unreadable());
    let device_pools = device_pools(axl).await?;
    let Chosen { mut phones, inactive, phones_on_cluster, users } = match request.names {
        Some(names) => read_named(axl, request, names, observer, &mut remarks).await?,
        None => read_all(axl, request, &device_pools, observer, &mut remarks).await?,
    };

    observer.observe(&Event::Started { stage: Stage::Settings, total: None });
    let nodes = settings::nodes(axl).await?;
    let mut profiles = settings::profiles(axl, &phones, &mut remarks).await?;
    for (name, profile) in &mut profiles {
        profile.phones = users.get(name).copied().unwrap_or_default();
    }
    let enterprise = settings::enterprise(axl, &mut remarks).await?;
    let push_user = match request.push_user {
        Some(user) => push_user::find(axl, user, request.push_user_kind, &mut remarks).await?,
        None => PushUser::NotNamed,
    };
    observer.observe(&Event::Finished { stage: Stage::Settings });

    let silent_nodes = match request.registrations {
        Source::RegistrationDynamic => {
            axl_registrations::fill(axl, &mut phones, observer, &mut remarks).await?;
            Vec::new()
        }
        Source::Risport70 | Source::None => {
            registrations::fill(ris, &mut phones, &nodes, observer, &mut remarks).await?
        }
    };
    let mut phones = match request.names {
        Some(_) => request.selector.in_subnets(phones),
        None => request.selector.within_subnets(phones)?,
    };
    web_access::ask(axl, &mut phones, &mut remarks).await?;
    let residents = registrations::address_owners(request.phones, request.https, &phones).await;
    let mut inventory = Inventory {
        cluster: ClusterInfo {
            name: request.cluster_name.to_owned(),
            host: axl.endpoint().to_string(),
            version: axl.server_version().to_owned(),
            axl_version: axl.version().as_str().to_owned(),
        },
        taken_at: Timestamp::now(),
        nodes,
        silent_nodes,
        device_pools,
        profiles,
        enterprise,
        push_user,
        residents,
        phones_on_cluster,
        phones,
        remarks,
    };
    if request.repairs.web_access {
        web_access::read_pages(axl, &mut inventory, observer).await?;
    }
    if request.selector.is_limited() {
        let taken = within_limit(&inventory);
        inventory.phones.retain(|phone| taken.contains(&phone.name));
    }
    let selected = inventory.phones.iter().map(|phone| &phone.name);
    let inactive: Vec<&DeviceName> = selected.filter(|name| inactive.contains(name)).collect();
    inventory.remarks.extend(inactive_phones(&inactive));
    inventory.remarks.extend(unreadable_remarks(&axl.take_unreadable()));
    for remark in &inventory.remarks {
        observer.observe(&Event::Remark(remark.clone()));
    }
    Ok(inventory)
}

/// The phones that a survey is about, before their registrations are known.
struct Chosen {
    phones: Vec<Phone>,
    inactive: HashSet<DeviceName>,
    phones_on_cluster: usize,
    /// How many phones of the whole cluster use each Common Phone Profile.
    users: HashMap<String, usize>,
}

async fn read_all(
    axl: &AxlClient,
    request: &Request<'_>,
    device_pools: &[String],
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Chosen, SurveyError> {
    let mut found = phones::read(axl, observer, remarks).await?;
    let known = extensions::fill(axl, &mut found.phones, None, remarks).await?;
    if !known && request.needs_extensions() {
        return Err(SurveyError::NoExtensions);
    }
    let (phones_on_cluster, users) = (found.phones.len(), users_of_profiles(&found.phones));
    let selection = request.selector.select(found.phones);
    let selection = selection.map_err(|error| error.knowing_pools(device_pools))?;
    if !selection.unknown_names.is_empty() {
        remarks.push(unknown_names(&selection.unknown_names));
    }
    let phones = selection.phones;
    Ok(Chosen { phones, inactive: found.inactive, phones_on_cluster, users })
}

async fn read_named(
    axl: &AxlClient,
    request: &Request<'_>,
    names: &[DeviceName],
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Chosen, SurveyError> {
    let mut found = phones::read_named(axl, names, observer, remarks).await?;
    let users = phone_index::count_by_profile(axl).await?;
    let known = extensions::fill(axl, &mut found.phones, Some(names), remarks).await?;
    if !known && request.needs_extensions() {
        return Err(SurveyError::NoExtensions);
    }
    let phones_on_cluster = users.values().sum();
    let phones = request.selector.admitted(found.phones);
    Ok(Chosen { phones, inactive: found.inactive, phones_on_cluster, users })
}

fn inactive_phones(inactive: &[&DeviceName]) -> Option<String> {
    let (phones, them) = match inactive.len() {
        0 => return None,
        1 => ("1 phone is".to_owned(), "it"),
        count => (format!("{count} phones are"), "them"),
    };
    Some(format!(
        "{phones} inactive, so the cluster does not let {them} register: {}",
        names(inactive)
    ))
}

/// Counts the phones of every Common Phone Profile.
fn users_of_profiles(phones: &[Phone]) -> HashMap<String, usize> {
    let mut users = HashMap::new();
    for profile in phones.iter().filter_map(|phone| phone.common_phone_profile.as_ref()) {
        *users.entry(profile.clone()).or_default() += 1;
    }
    users
}

/// Looks for the user whose name and password go to the phones.
///
/// # Errors
/// When the cluster cannot be asked. A user that does not exist is no error.
pub async fn push_user(
    axl: &AxlClient,
    user: &str,
    kind: Option<UserKind>,
    remarks: &mut Vec<String>,
) -> Result<PushUser, SurveyError> {
    push_user::find(axl, user, kind, remarks).await
}

/// Reads what the cluster says about all phones.
pub async fn enterprise(
    axl: &AxlClient,
    remarks: &mut Vec<String>,
) -> Result<EnterpriseSettings, AxlError> {
    settings::enterprise(axl, remarks).await
}

async fn device_pools(axl: &AxlClient) -> Result<Vec<String>, SurveyError> {
    let rows = whole(axl.list(ListDevicePool::all(), |_| {}).await?, "device pools")?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

fn unknown_names(unknown: &[DeviceName]) -> String {
    let are = if unknown.len() == 1 { "is" } else { "are" };
    format!(
        "{} of --devices-from {are} not on the cluster: {}",
        pluralize(unknown.len(), "name"),
        names(unknown)
    )
}
