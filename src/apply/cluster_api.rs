//! The calls that read and change a cluster, and the record of changes.

use crate::axl::client::AxlClient;
use crate::axl::common_phone_config::{
    AddCommonPhoneConfig, ApplyCommonPhoneConfig, CommonPhoneConfig, GetCommonPhoneConfig,
    RemoveCommonPhoneConfig, ResetCommonPhoneConfig, UpdateCommonPhoneConfig,
};
use crate::axl::error::AxlError;
use crate::axl::phone::{ApplyPhone, GetPhone, PhonePage, ResetPhone, UpdatePhone};
use crate::domain::association::{DeviceList, UserRef};
use crate::domain::personalization::Setting;
use crate::domain::plan::{Change, ConfigLevel};
use crate::event::ChangeResult;
use crate::journal::{JournalError, Recorder};

/// The result of a call to a [`ClusterApi`].
pub type Done<S, T = ()> = Result<T, <S as ClusterApi>::Error>;

pub trait ClusterApi: Send + Sync {
    type Error: std::error::Error + Send + Sync + 'static;

    fn list(&self, user: &UserRef) -> impl Future<Output = Done<Self, DeviceList>> + Send;
    fn set_list(
        &self,
        user: &UserRef,
        list: &DeviceList,
    ) -> impl Future<Output = Done<Self>> + Send;
    /// Reads the page of a phone; nothing where there is no such phone.
    fn phone(&self, name: &str) -> impl Future<Output = Done<Self, Option<PhonePage>>> + Send;
    fn update_phone(&self, update: UpdatePhone) -> impl Future<Output = Done<Self>> + Send;
    /// Reads a Common Phone Profile; nothing where there is none of that name.
    fn profile(
        &self,
        name: &str,
    ) -> impl Future<Output = Done<Self, Option<CommonPhoneConfig>>> + Send;
    fn personalize_profile(
        &self,
        name: &str,
        setting: Setting,
    ) -> impl Future<Output = Done<Self>> + Send;
    fn add_profile(&self, profile: AddCommonPhoneConfig)
    -> impl Future<Output = Done<Self>> + Send;
    fn remove_profile(&self, name: &str) -> impl Future<Output = Done<Self>> + Send;
    /// Lets a phone, or all phones of a profile, apply their configuration.
    fn apply_config(
        &self,
        scope: ConfigLevel,
        name: &str,
        reset: bool,
    ) -> impl Future<Output = Done<Self>> + Send;
    /// Returns whether the failure means that the account may not do this, so that nothing is tried again.
    fn is_refusal(error: &Self::Error) -> bool;

    /// Returns whether the connection or the server went away under the call, so that the server no longer works on
    /// it.
    fn is_cut_off(error: &Self::Error) -> bool;

    /// Returns whether it is unknown if the change was made.
    fn is_outcome_unknown(error: &Self::Error) -> bool;
}

impl ClusterApi for AxlClient {
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

/// A record of changes that outlives this process.
pub trait ChangeLog: Send + Sync {
    /// Says that a change will now be made.
    fn intend(&self, change: &Change) -> impl Future<Output = Result<(), JournalError>> + Send;

    fn changed(
        &self,
        result: &ChangeResult,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

impl ChangeLog for Recorder {
    async fn intend(&self, change: &Change) -> Result<(), JournalError> {
        self.intend(change).await
    }

    async fn changed(&self, result: &ChangeResult) -> Result<(), JournalError> {
        self.changed(result).await
    }
}

/// Records nothing, for tests.
#[derive(Clone, Copy, Debug)]
pub struct NullChangeLog;

impl ChangeLog for NullChangeLog {
    async fn intend(&self, _: &Change) -> Result<(), JournalError> {
        Ok(())
    }

    async fn changed(&self, _: &ChangeResult) -> Result<(), JournalError> {
        Ok(())
    }
}
