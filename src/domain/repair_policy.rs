//! What axlpaper may repair on a cluster, and what it would change for one phone.

use serde::{Deserialize, Serialize};

use crate::domain::inventory::{Inventory, Phone};
use crate::domain::personalization::{Effective, Setting};
use crate::domain::phone_page::PageSettings;
use crate::domain::web_access::WebAccess;

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    #[default]
    Phone,
    /// On the Common Phone Profile, for all its phones.
    Profile,
    /// On a copy of the Common Phone Profile with this name, to which the phones are moved.
    NewProfile(String),
}

/// What an administrator allows to be repaired. Associations always are, where anything is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Repairs {
    pub personalization: Option<Scope>,
    pub web_access: bool,
    /// Whether phones that take pictures over HTTPS only can be pushed to: nothing of theirs is repaired, but with a
    /// way to trust their certificates nothing has to be. It belongs to how phones are reached, so it is not kept.
    #[serde(skip)]
    pub https: bool,
    /// Whether phones are restarted where they would otherwise only apply their configuration.
    pub reset: bool,
}

/// How Phone Personalization of one phone would be enabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Enabling<'a> {
    /// On its page, which says this now.
    OnPhone(Setting),
    /// On this profile, which says this now.
    OnProfile(&'a str, Setting),
    /// By moving it away from this profile.
    OffProfile(&'a str),
}

impl Repairs {
    /// Returns how a phone's Phone Personalization would be enabled; nothing where it is on, was limited on
    /// purpose, or could not be enabled in that place.
    pub fn personalization<'a>(
        &self,
        inventory: &Inventory,
        phone: &'a Phone,
    ) -> Option<Enabling<'a>> {
        let scope = self.personalization.as_ref()?;
        match inventory.personalization_of(phone).effective {
            Effective::Enabled | Effective::HttpsOnly => return None,
            Effective::Disabled | Effective::Unknown => {}
        }
        // A phone's own page comes before its profile.
        let from_profile = || {
            let profile = phone.common_phone_profile.as_deref()?;
            (phone.personalization == Some(Setting::Default)).then_some(profile)
        };
        match scope {
            Scope::Phone => phone.personalization.map(Enabling::OnPhone),
            Scope::Profile => {
                let setting = inventory.profile_of(phone)?.personalization?;
                let open = matches!(setting, Setting::Disabled | Setting::Default);
                from_profile().filter(|_| open).map(|name| Enabling::OnProfile(name, setting))
            }
            Scope::NewProfile(_) => {
                // Without its page there is nothing to copy.
                let page = inventory.profile_of(phone)?.page.as_ref();
                from_profile().filter(|_| page.is_some()).map(Enabling::OffProfile)
            }
        }
    }

    /// Returns the settings of a phone's page where Web Access would be enabled; nothing where it is
    /// enabled there already, or the page was not read.
    pub fn web_access<'a>(&self, phone: &'a Phone) -> Option<&'a PageSettings> {
        let page = phone.page.as_ref().filter(|_| self.web_access)?;
        let said = page.web_access.as_deref().and_then(WebAccess::parse);
        (said != Some(WebAccess::Enabled)).then_some(page)
    }
}

/// What was changed on phones and profiles before, and never applied by them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PendingApplies {
    /// Phones, by device name.
    pub phones: Vec<String>,
    /// Common Phone Profiles, by name.
    pub profiles: Vec<String>,
}
