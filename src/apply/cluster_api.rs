//! What stands on a cluster and can be changed there.

use crate::axl::client::AxlClient;
use crate::axl::common_phone_config::{
    AddCommonPhoneConfig, ApplyCommonPhoneConfig, CommonPhoneConfig, GetCommonPhoneConfig,
    RemoveCommonPhoneConfig, ResetCommonPhoneConfig, UpdateCommonPhoneConfig,
};
use crate::axl::error::AxlError;
use crate::axl::phone::{ApplyPhone, GetPhone, PhonePage, ResetPhone, UpdatePhone};
use crate::domain::association::{DeviceList, UserRef};
use crate::domain::personalization::Setting;
use crate::domain::plan::ConfigLevel;

/// Where changes are made and looked at.
pub trait Site: Send + Sync {
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads the list that a user controls.
    fn list(&self, user: &UserRef) -> impl Future<Output = Result<DeviceList, Self::Error>> + Send;

    /// Replaces the list that a user controls.
    fn set_list(
        &self,
        user: &UserRef,
        list: &DeviceList,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Reads the page of a phone; nothing where there is no such phone.
    fn phone(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<PhonePage>, Self::Error>> + Send;

    fn update_phone(
        &self,
        update: UpdatePhone,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Reads a Common Phone Profile; nothing where there is none of that name.
    fn profile(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<CommonPhoneConfig>, Self::Error>> + Send;

    fn personalize_profile(
        &self,
        name: &str,
        setting: Setting,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    fn add_profile(
        &self,
        profile: AddCommonPhoneConfig,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    fn remove_profile(&self, name: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes a phone, or all phones of a profile, apply their configuration.
    fn apply_config(
        &self,
        scope: ConfigLevel,
        name: &str,
        reset: bool,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Tells whether the failure means that the account may not do this, so that nothing is tried again.
    fn is_refusal(error: &Self::Error) -> bool;

    /// Tells whether the connection or the server went away under the call, so that the server no longer works on
    /// it.
    fn is_cut_off(error: &Self::Error) -> bool;

    /// Tells whether nobody knows if the change was made.
    fn is_outcome_unknown(error: &Self::Error) -> bool;
}

impl Site for AxlClient {
    type Error = AxlError;

    async fn list(&self, user: &UserRef) -> Result<DeviceList, AxlError> {
        Ok(self.controlled_devices(&user.user, user.kind).await?.devices.into())
    }

    async fn set_list(&self, user: &UserRef, list: &DeviceList) -> Result<(), AxlError> {
        self.replace_controlled_devices(&user.user, user.kind, list.entries().to_vec()).await
    }

    async fn phone(&self, name: &str) -> Result<Option<PhonePage>, AxlError> {
        match self.call(&GetPhone::named(name)).await {
            Ok(answer) => Ok(Some(answer.into())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn update_phone(&self, update: UpdatePhone) -> Result<(), AxlError> {
        self.call(&update).await.map(drop)
    }

    async fn profile(&self, name: &str) -> Result<Option<CommonPhoneConfig>, AxlError> {
        match self.call(&GetCommonPhoneConfig::named(name)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn personalize_profile(&self, name: &str, setting: Setting) -> Result<(), AxlError> {
        let update = UpdateCommonPhoneConfig::personalization(name, setting.as_axl());
        self.call(&update).await.map(drop)
    }

    async fn add_profile(&self, profile: AddCommonPhoneConfig) -> Result<(), AxlError> {
        self.call(&profile).await.map(drop)
    }

    async fn remove_profile(&self, name: &str) -> Result<(), AxlError> {
        self.call(&RemoveCommonPhoneConfig::named(name)).await.map(drop)
    }

    async fn apply_config(
        &self,
        scope: ConfigLevel,
        name: &str,
        reset: bool,
    ) -> Result<(), AxlError> {
        match (scope, reset) {
            (ConfigLevel::Phone, false) => self.call(&ApplyPhone::named(name)).await.map(drop),
            (ConfigLevel::Phone, true) => self.call(&ResetPhone::named(name)).await.map(drop),
            (ConfigLevel::Profile, false) => {
                self.call(&ApplyCommonPhoneConfig::named(name)).await.map(drop)
            }
            (ConfigLevel::Profile, true) => {
                self.call(&ResetCommonPhoneConfig::named(name)).await.map(drop)
            }
        }
    }

    fn is_refusal(error: &AxlError) -> bool {
        error.is_authentication() || error.is_outranked()
    }

    fn is_cut_off(error: &AxlError) -> bool {
        error.is_cut_off()
    }

    fn is_outcome_unknown(error: &AxlError) -> bool {
        error.is_outcome_unknown()
    }
}
