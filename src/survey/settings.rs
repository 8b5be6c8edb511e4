//! What decides about phones besides their own pages: nodes, profiles, enterprise parameters.

use std::collections::{BTreeMap, BTreeSet};

use crate::axl::client::AxlClient;
use crate::axl::common_phone_config::{GetCommonPhoneConfig, ListCommonPhoneConfig};
use crate::axl::enterprise::{GetEnterprisePhoneConfig, GetServiceParameter};
use crate::axl::error::AxlError;
use crate::axl::sql::{ExecuteSqlQuery, SqlRow};
use crate::axl::system::ListProcessNode;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::{EnterpriseSettings, Phone, PhoneProfile};
use crate::domain::personalization::Setting;
use crate::domain::text::{names, pluralize, quoted};
use crate::domain::web_access::{PageValue, WebAccess};
use crate::survey::error::{SurveyError, whole};

/// Names under which the enterprise parameter may be stored. No public source has the right one.
const PERSONALIZATION_PARAMETERS: [&str; 3] =
    ["PhonePersonalization", "phonePersonalization", "Phone Personalization"];

const AUTHENTICATION_URL_PARAMETER: &str = "URLAuthentication";

/// The key of a profile's forced wallpaper in its product-specific configuration.
const WALLPAPER_KEY: &str = "defaultWallpaperFile";

/// The key of Web Access in every product-specific configuration.
const WEB_ACCESS_KEY: &str = "webAccess";

/// Names under which the enterprise parameter "Secured Phone URL Authentication" may be stored (believed).
const SECURE_URL_PARAMETERS: [&str; 2] =
    ["SecuredPhoneURLAuthentication", "SecuredAuthenticationURL"];

pub(super) async fn nodes(axl: &AxlClient) -> Result<Vec<String>, SurveyError> {
    let rows = whole(axl.list(ListProcessNode::all(), |_| {}).await?, "nodes")?;
    Ok(rows.into_iter().filter(|row| !row.is_virtual()).map(|row| row.name).collect())
}

/// Reads all Common Phone Profiles, and more about those that the phones use.
pub(super) async fn profiles(
    axl: &AxlClient,
    phones: &[Phone],
    remarks: &mut Vec<String>,
) -> Result<BTreeMap<String, PhoneProfile>, SurveyError> {
    let listing = axl.list(ListCommonPhoneConfig::all(), |_| {}).await?;
    let mut profiles: BTreeMap<String, PhoneProfile> = whole(listing, "Common Phone Profiles")?
        .into_iter()
        .map(|row| {
            let profile = PhoneProfile {
                personalization: row.phone_personalization.as_deref().and_then(Setting::parse),
                background_access: row.background_image,
                ..PhoneProfile::default()
            };
            (row.name, profile)
        })
        .collect();
    let mut unread: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let used: BTreeSet<&str> =
        phones.iter().filter_map(|phone| phone.common_phone_profile.as_deref()).collect();
    for name in used {
        let Some(profile) = profiles.get_mut(name) else { continue };
        match axl.call(&GetCommonPhoneConfig::named(name)).await {
            Ok(page) => {
                // A profile that cannot be copied is an error only when it is to be copied.
                profile.page = page.digest().ok();
                let config = page.vendor_config;
                let wallpaper = config.get(WALLPAPER_KEY).map(str::to_owned);
                profile.forced_wallpaper = wallpaper.filter(|file| !file.trim().is_empty());
                profile.web_access = config.get(WEB_ACCESS_KEY).and_then(WebAccess::parse).into();
            }
            // The list has it, so it may force a wallpaper that could not be read.
            Err(error) if error.is_refusal() => {
                profile.wallpaper_unread = true;
                profile.web_access = PageValue::Unread;
                unread.entry(error_chain(&error)).or_default().push(name);
            }
            Err(error) => return Err(error.into()),
        }
    }
    for (why, profiles) in unread {
        let count = pluralize(profiles.len(), "Common Phone Profile");
        remarks.push(format!("{count} could not be read in full: {}: {why}", names(&profiles)));
    }
    Ok(profiles)
}

/// Reads the enterprise parameters that decide about pictures.
///
/// # Errors
/// When the cluster cannot be asked. A parameter that does not exist is no error.
pub(super) async fn enterprise(
    axl: &AxlClient,
    remarks: &mut Vec<String>,
) -> Result<EnterpriseSettings, AxlError> {
    let mut personalization = None;
    for name in PERSONALIZATION_PARAMETERS {
        if let Some(value) = parameter(axl, name).await? {
            personalization = Some((name.to_owned(), value));
            break;
        }
    }
    let mut authentication_url = parameter(axl, AUTHENTICATION_URL_PARAMETER).await?;
    if personalization.is_none() || authentication_url.is_none() {
        let rows = discover(axl).await?;
        personalization = personalization.or_else(|| personalization_among(&rows));
        authentication_url =
            authentication_url.or_else(|| value_of(&rows, AUTHENTICATION_URL_PARAMETER));
    }
    let mut secure_authentication_url = None;
    for name in SECURE_URL_PARAMETERS {
        secure_authentication_url = parameter(axl, name).await?;
        if secure_authentication_url.is_some() {
            break;
        }
    }
    let setting = personalization.as_ref().and_then(|(_, value)| Setting::parse(value));
    match (&personalization, setting) {
        (None, _) => remarks.push(
            "the enterprise parameter for Phone Personalization was not found; phones that defer to it are of unknown \
             personalization"
                .to_owned(),
        ),
        (Some((name, value)), None) => {
            remarks.push(format!("the enterprise parameter {name} has the unknown value {}", quoted(value)));
        }
        (Some(_), Some(_)) => {}
    }
    Ok(EnterpriseSettings {
        personalization: setting,
        authentication_url,
        secure_authentication_url,
        web_access: web_access_of_all(axl, remarks).await?,
    })
}

async fn web_access_of_all(
    axl: &AxlClient,
    remarks: &mut Vec<String>,
) -> Result<PageValue, AxlError> {
    match axl.call(&GetEnterprisePhoneConfig {}).await {
        Ok(config) => Ok(config.get(WEB_ACCESS_KEY).and_then(WebAccess::parse).into()),
        Err(error) if error.is_refusal() => {
            remarks.push(format!(
                "Enterprise Phone Configuration could not be read, so its Web Access setting is not known: {}",
                error_chain(&error)
            ));
            Ok(PageValue::Unread)
        }
        Err(error) => Err(error),
    }
}

/// Returns an enterprise parameter's value; nothing when there is no such parameter.
async fn parameter(axl: &AxlClient, name: &str) -> Result<Option<String>, AxlError> {
    match axl.call(&GetServiceParameter::enterprise(name)).await {
        Ok(parameter) => Ok(Some(parameter.value.unwrap_or_default())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks for the parameters by parts of their names; nothing when SQL may not be asked.
async fn discover(axl: &AxlClient) -> Result<Vec<SqlRow>, AxlError> {
    // Service 11 is Enterprise Wide (CUCM data dictionary).
    let sql = "select paramname, paramvalue from processconfig where tkservice = 11 and \
               (lower(paramname) like '%personal%' or lower(paramname) like '%authentication%')";
    match axl.call(&ExecuteSqlQuery::new(sql)).await {
        Ok(rows) => Ok(rows),
        Err(error) if error.is_sql_refused() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Chooses the parameter whose name says personalization of phones; several candidates decide nothing.
fn personalization_among(rows: &[SqlRow]) -> Option<(String, String)> {
    let mut candidates = rows.iter().filter_map(|row| {
        let name = row.get("paramname")?;
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let says_so = plain.to_ascii_lowercase().contains("personalization");
        says_so.then(|| (name.clone(), row.get("paramvalue").cloned().unwrap_or_default()))
    });
    candidates.next().filter(|_| candidates.next().is_none())
}

fn value_of(rows: &[SqlRow], name: &str) -> Option<String> {
    let row = rows
        .iter()
        .find(|row| row.get("paramname").is_some_and(|found| found.eq_ignore_ascii_case(name)))?;
    Some(row.get("paramvalue").cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: &str) -> SqlRow {
        [("paramname", name), ("paramvalue", value)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    }

    #[test]
    fn the_parameter_is_found_by_what_its_name_says() {
        let rows = [row("URLAuthentication", "http://x"), row("Phone_Personalization", "1")];
        assert_eq!(
            personalization_among(&rows),
            Some(("Phone_Personalization".into(), "1".into()))
        );
        assert_eq!(value_of(&rows, "urlauthentication"), Some("http://x".into()));
        assert_eq!(value_of(&rows, "other"), None);
    }

    #[test]
    fn two_candidates_decide_nothing() {
        let rows = [row("PhonePersonalization", "1"), row("PersonalizationOld", "0")];
        assert_eq!(personalization_among(&rows), None);
    }
}
