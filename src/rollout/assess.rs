//! Reads the selected phones of a cluster.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{audit, push_user_missing};
use crate::connect::cluster;
use crate::connect::cluster::{ClusterClients, ClusterSettings};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::domain::picture_rules::PictureRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::error::{AppError, ErrorKind};
use crate::event::Observer;
use crate::interaction::Interaction;
use crate::phone::PhoneClient;
use crate::survey::{Request, WithinLimit, survey as survey_cluster};

/// Connects to a cluster and reads its selected phones. A limit takes first those that can take a picture, or could once
/// the cluster is changed.
///
/// # Errors
/// When the cluster cannot be read, or the selection matches nothing.
pub async fn survey_of(
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
    selector: &Selector,
    repairs: &Repairs,
    pictures: &PictureRules,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let cluster = cluster::connect(connection, interaction, observer).await?;
    let within_limit = |inventory: &Inventory| {
        let audit = audit(inventory, repairs).with_pictures(pictures);
        selector.within_limit(&audit, true, &HashSet::new())
    };
    let phones =
        Phones { selector, names: None, within_limit: &within_limit, needs_extensions: false };
    survey_with(&cluster, connection, phones, repairs, observer).await
}

/// Which phones are read.
#[derive(Clone, Copy)]
pub struct Phones<'a> {
    /// Those that are selected.
    pub selector: &'a Selector,
    /// Of those only these, where they are given.
    pub names: Option<&'a [DeviceName]>,
    /// Chooses the phones that a limit takes.
    pub within_limit: &'a WithinLimit<'a>,
    /// Whether the numbers of all phones are needed, whatever the selection.
    pub needs_extensions: bool,
}

/// Makes sure that the push user exists, before anything is planned for it.
///
/// # Errors
/// When the cluster has no such user.
pub fn push_user_found(inventory: &Inventory) -> Result<(), AppError> {
    match push_user_missing(&inventory.push_user) {
        None => Ok(()),
        Some(finding) => Err(AppError::new(ErrorKind::Usage, finding.message).hint(finding.remedy)),
    }
}

/// Reads the selected phones of a cluster that is connected.
///
/// # Errors
/// When the cluster cannot be read, or the selection matches nothing.
pub async fn survey_with(
    cluster: &ClusterClients,
    connection: &ClusterSettings,
    Phones { selector, names, within_limit, needs_extensions }: Phones<'_>,
    repairs: &Repairs,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let phones = PhoneClient::anonymous(connection.push_access.phone_port, WHO_ARE_YOU);
    let request = Request {
        registrations: connection.registrations,
        repairs,
        phones: &phones,
        https: connection.push_access.phone_tls.https.as_ref(),
        cluster_name: &connection.name,
        selector,
        names,
        needs_extensions,
        push_user: connection.push_access.push_user.as_deref(),
        push_user_kind: connection.push_user_kind,
    };
    survey_cluster(&cluster.axl, &cluster.ris, &request, within_limit, observer.as_ref())
        .await
        .map_err(Into::into)
}

/// How long a phone may take to say who it is, where two are reported at one address.
const WHO_ARE_YOU: Duration = Duration::from_secs(5);
