//! What the pages of CUCM say about web access, where the phone itself did not say that its server runs.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{StreamExt as _, TryStreamExt as _};

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::phone::{GetPhone, PhonePage};
use crate::axl::sql::{ExecuteSqlQuery, sql_list};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::phone_page::PageSettings;
use crate::domain::registration::Httpd;
use crate::domain::text::{names, pluralize};
use crate::domain::web_access::{Decided, PageValue, WebAccess, deciding};
use crate::event::{Event, Observer, Stage};

/// Reads the pages of reachable phones whose web server does not run according to RisPort70.
///
/// # Errors
/// When the cluster cannot be asked. A phone that was just removed is no error.
pub(super) async fn ask(
    axl: &AxlClient,
    phones: &mut [Phone],
    remarks: &mut Vec<String>,
) -> Result<(), AxlError> {
    if !phones.iter().any(is_open) {
        return Ok(());
    }
    match by_sql(axl, phones).await {
        Ok(settings) => {
            for phone in phones.iter_mut().filter(|phone| is_open(phone)) {
                phone.web_access = settings.get(&phone.name).copied().into();
            }
            Ok(())
        }
        // Whatever fault the database has with the question, the pages can still be opened.
        Err(error) if error.fault().is_some() => one_by_one(axl, phones, remarks).await,
        Err(error) => Err(error),
    }
}

/// Asks the database which phones have the setting at all, in a few questions.
///
/// The settings themselves are large texts, which AXL gives only one column at a time; so the database
/// looks into them, and only names come back (AXL schema on LOB columns; the tables are CUCM's data
/// dictionary). Few phones are asked for by name; of many, all of the cluster are taken.
async fn by_sql(
    axl: &AxlClient,
    phones: &[Phone],
) -> Result<HashMap<DeviceName, WebAccess>, AxlError> {
    let open = phones.iter().filter(|phone| is_open(phone)).map(|phone| phone.name.as_str());
    let these = if open.clone().count() <= MOST_NAMES {
        format!(" and d.name in ({})", sql_list(open))
    } else {
        String::new()
    };
    let mut settings = HashMap::new();
    for table in ["devicexml4k", "devicexml8k", "devicexml16k"] {
        for value in ["0", "1", "2"] {
            let Some(setting) = WebAccess::parse(value) else { continue };
            let sql = format!(
                "select d.name as name from {table} x inner join device d on x.fkdevice = d.pkid \
                 where x.xml like '%<webAccess>{value}</webAccess>%'{these}"
            );
            let rows = axl.call(&ExecuteSqlQuery::new(sql)).await?;
            let names = rows.into_iter().filter_map(|mut row| row.remove("name"));
            settings.extend(
                names.filter_map(|name| Some((DeviceName::of_cluster(&name).ok()?, setting))),
            );
        }
    }
    Ok(settings)
}

/// Opens the pages themselves, each of which is a question of its own, so only so many are.
async fn one_by_one(
    axl: &AxlClient,
    phones: &mut [Phone],
    remarks: &mut Vec<String>,
) -> Result<(), AxlError> {
    let mut left = MOST_PHONES;
    let mut unasked = 0_usize;
    for phone in phones.iter_mut().filter(|phone| is_open(phone)) {
        if left == 0 {
            unasked += 1;
            phone.web_access = PageValue::Unread;
            continue;
        }
        left -= 1;
        match axl.call(&GetPhone::named(phone.name.as_str())).await {
            Ok(answer) => {
                let config = answer.vendor_config;
                phone.web_access = config.get("webAccess").and_then(WebAccess::parse).into();
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    if unasked > 0 {
        remarks.push(format!(
            "the database does not tell about web access, so the pages of {} were not looked at that did not say whether their web \
             server runs",
            pluralize(unasked, "phone")
        ));
    }
    Ok(())
}

fn is_open(phone: &Phone) -> bool {
    phone.registration.httpd != Httpd::Yes
        && phone.registration.reachable_ip().is_some()
        && phone.catalogue_entry().is_some_and(|model| model.image.is_some())
}

const MOST_PHONES: usize = 20;

/// So many names fit into one question; more would make it long and slow.
const MOST_NAMES: usize = 500;

/// Reads the pages of phones whose web server is off, or is said to be.
pub(crate) async fn read_pages(
    axl: &AxlClient,
    inventory: &mut Inventory,
    observer: &dyn Observer,
) -> Result<(), AxlError> {
    let places: Vec<usize> = (0..inventory.phones.len())
        .filter(|at| is_off(inventory, &inventory.phones[*at]))
        .collect();
    let total = Some(places.len() as u64);
    observer.observe(&Event::Started { stage: Stage::Pages, total });
    let phones: Vec<String> =
        places.iter().map(|at| inventory.phones[*at].name.to_string()).collect();
    // A list, because an iterator with a closure would keep this future from being sent to another thread.
    let pages: Vec<_> = phones.iter().map(|name| page(axl, name)).collect();
    let mut pages = futures::stream::iter(pages).buffered(READS_AT_ONCE);
    let mut read = Vec::with_capacity(places.len());
    while let Some(page) = pages.try_next().await? {
        read.push(page);
        observer.observe(&Event::Progress { stage: Stage::Pages, done: read.len() as u64 });
    }
    drop(pages);
    let mut unread: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for ((at, name), page) in places.into_iter().zip(&phones).zip(read) {
        match page {
            Ok(page) => inventory.phones[at].page = page,
            Err(why) => unread.entry(why).or_default().push(name),
        }
    }
    for (why, phones) in unread {
        inventory.remarks.push(format!("{}: {why}", names(&phones)));
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
