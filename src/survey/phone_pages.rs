//! The product-specific settings on the pages of phones whose Web Access is to be repaired.

use futures::stream::{StreamExt as _, TryStreamExt as _};

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::phone::{GetPhone, PhonePage};
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::phone_page::PageSettings;
use crate::domain::registration::Httpd;
use crate::domain::web_access::{Decided, WebAccess, deciding};
use crate::event::{Event, Observer, Stage};

/// Reads the pages of phones whose web server is off, or is said to be.
pub(crate) async fn read(
    axl: &AxlClient,
    inventory: &mut Inventory,
    observer: &dyn Observer,
) -> Result<(), AxlError> {
    let places: Vec<usize> = (0..inventory.phones.len())
        .filter(|at| is_off(inventory, &inventory.phones[*at]))
        .collect();
    let total = Some(places.len() as u64);
    observer.observe(&Event::Started { stage: Stage::Pages, total });
    let names: Vec<String> =
        places.iter().map(|at| inventory.phones[*at].name.to_string()).collect();
    // A list, because an iterator with a closure would keep this future from being sent to another thread.
    let pages: Vec<_> = names.iter().map(|name| page(axl, name)).collect();
    let mut pages = futures::stream::iter(pages).buffered(READS_AT_ONCE);
    let mut read = Vec::with_capacity(places.len());
    while let Some(page) = pages.try_next().await? {
        read.push(page);
        observer.observe(&Event::Progress { stage: Stage::Pages, done: read.len() as u64 });
    }
    drop(pages);
    for ((at, name), page) in places.into_iter().zip(&names).zip(read) {
        match page {
            Ok(page) => inventory.phones[at].page = page,
            Err(why) => inventory.remarks.push(format!("{name}: {why}")),
        }
    }
    observer.observe(&Event::Finished { stage: Stage::Pages });
    Ok(())
}

fn is_off(inventory: &Inventory, phone: &Phone) -> bool {
    let takes_pictures = phone.catalogue_entry().is_some_and(|model| model.image.is_some());
    let profile = inventory.profile_of(phone).map(|profile| profile.web_access).unwrap_or_default();
    let decided = deciding(phone.web_access, profile, inventory.enterprise.web_access);
    let said_off = matches!(decided, Decided::By(_, setting) if setting != WebAccess::Enabled);
    let there = phone.registration.reachable_ip().is_some();
    takes_pictures
        && there
        && match phone.registration.httpd {
            Httpd::Yes => false,
            Httpd::No => true,
            Httpd::Unknown => said_off,
        }
}

async fn page(
    axl: &AxlClient,
    name: &str,
) -> Result<Result<Option<PageSettings>, String>, AxlError> {
    match axl.call(&GetPhone::named(name)).await {
        Ok(answer) => {
            let page = PhonePage::from(answer);
            Ok(page.settings().map(Some).map_err(|error| error.to_string()))
        }
        Err(error) if error.is_not_found() => Ok(Ok(None)),
        Err(error) => Err(error),
    }
}

/// AXL bears two reads at a time.
const READS_AT_ONCE: usize = 2;
