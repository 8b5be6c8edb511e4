//! Registrations as the AXL database remembers them, for clusters where RisPort70 may not be asked.
//!
//! It has what was last known, however long ago. So only a phone that is called registered
//! counts as one, and the documents say where that comes from.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::axl::client::AxlClient;
use crate::axl::system::{ListRegistrationDynamic, RegistrationRow};
use crate::axl::version::AxlVersion;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::registration::{Registration, Source, Status, preferred_address};
use crate::domain::text::is_readable;
use crate::event::{Event, Observer, Stage};
use crate::survey::error::{SurveyError, whole};

/// Writes into each phone what the database remembers of it.
pub(crate) async fn fill(
    axl: &AxlClient,
    phones: &mut [Phone],
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<(), SurveyError> {
    let total = Some(phones.len() as u64);
    observer.observe(&Event::Started { stage: Stage::Registrations, total });
    let listing = axl
        .list_expecting(ListRegistrationDynamic::all(), phones.len(), |done| {
            observer.observe(&Event::Progress { stage: Stage::Registrations, done: done as u64 });
        })
        .await;
    observer.observe(&Event::Finished { stage: Stage::Registrations });
    let listing = match listing {
        Ok(listing) => listing,
        // The schema of an early server lacks the state, or the whole list; later ones have it.
        Err(error) if error.is_refusal() && axl.version() <= AxlVersion::V12_5 => {
            return Err(SurveyError::NoRegistrations);
        }
        Err(error) => return Err(error.into()),
    };
    let mut rows: HashMap<DeviceName, RegistrationRow> = HashMap::new();
    // A row whose device cannot be read may be that of any phone that has none.
    let mut absent = Status::NotFound;
    for row in whole(listing, "registrations")? {
        let Some(name) =
            row.device.name.as_deref().and_then(|name| DeviceName::of_cluster(name).ok())
        else {
            if row.device.name.as_deref().is_some_and(|name| !is_readable(name)) {
                absent = Status::Unknown;
            }
            continue;
        };
        let is_newer = rows.get(&name).is_none_or(|known| row.last_seen > known.last_seen);
        if is_newer {
            rows.insert(name, row);
        }
    }
    for phone in phones.iter_mut() {
        phone.registration = rows.remove(&phone.name).map_or_else(
            || Registration::unknown(absent, Source::RegistrationDynamic),
            registration,
        );
    }
    remarks.push(
        "registrations are what the AXL database last knew, not what RisPort70 sees now; whether web servers run is \
         not known from there"
            .to_owned(),
    );
    Ok(())
}

fn registration(row: RegistrationRow) -> Registration {
    // Dual-stack devices have several addresses in one text (believed).
    let text = row.ip.unwrap_or_default();
    let listed = text.split([',', ';', ' ']).filter_map(|part| part.trim().parse::<IpAddr>().ok());
    let addresses: Vec<IpAddr> = listed.filter(|ip| !ip.is_unspecified()).collect();
    Registration {
        ip: preferred_address(&addresses),
        addresses,
        node: row.node,
        timestamp: row
            .last_seen
            .filter(|at| *at > 0)
            .and_then(|at| Timestamp::from_second(at).ok()),
        ..Registration::unknown(status(row.status.as_deref()), Source::RegistrationDynamic)
    }
}

/// Understands `risStatus` (`XRisStatus` of the AXL schema).
fn status(text: Option<&str>) -> Status {
    let plain: String =
        text.unwrap_or_default().chars().filter(char::is_ascii_alphabetic).collect();
    match plain.to_ascii_lowercase().as_str() {
        "registered" => Status::Registered,
        "partialregistered" | "partiallyregistered" => Status::PartiallyRegistered,
        "unregistered" => Status::Unregistered,
        "rejected" => Status::Rejected,
        _ => Status::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ip: &str, status: &str, last_seen: i64) -> RegistrationRow {
        RegistrationRow {
            ip: Some(ip.to_owned()),
            status: Some(status.to_owned()),
            last_seen: Some(last_seen),
            ..RegistrationRow::default()
        }
    }

    #[test]
    fn only_what_says_registered_is() {
        let found = registration(row("10.1.2.3", "Registered", 1_790_000_000));
        assert_eq!((found.status, found.ip), (Status::Registered, Some([10, 1, 2, 3].into())));
        assert_eq!(found.source, Source::RegistrationDynamic);
        let states = ["Partial Registered", "Unregistered", "Rejected", "Unknown", "", "Reg"];
        let found = states.map(|text| registration(row("", text, 0)).status);
        use Status::{PartiallyRegistered, Rejected, Unknown, Unregistered};
        assert_eq!(found, [PartiallyRegistered, Unregistered, Rejected, Unknown, Unknown, Unknown]);
    }

    #[test]
    fn the_ipv4_address_of_two_is_taken_and_none_is_none() {
        let ip = |text| registration(row(text, "Registered", 1)).ip;
        assert_eq!(ip("2001:db8::1, 10.1.2.3"), Some([10, 1, 2, 3].into()));
        assert_eq!(ip("2001:db8::1"), "2001:db8::1".parse().ok());
        assert_eq!((ip("0.0.0.0"), ip(""), ip("unknown")), (None, None, None));
    }
}
