//! Users' lists of devices on a real cluster.

use super::UserLists;
use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::domain::association::{DeviceList, UserRef};

impl UserLists for AxlClient {
    type Error = AxlError;

    async fn read(&self, user: &UserRef) -> Result<DeviceList, AxlError> {
        Ok(self.controlled_devices(&user.user, user.kind).await?.devices.into())
    }

    async fn write(&self, user: &UserRef, list: &DeviceList) -> Result<(), AxlError> {
        self.replace_controlled_devices(&user.user, user.kind, list.entries().to_vec()).await
    }

    fn is_refusal(error: &AxlError) -> bool {
        error.is_authentication() || error.is_outranked()
    }
}
