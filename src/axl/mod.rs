//! AXL: one file an operation, and the session with the publisher.

pub mod add_common_phone_config;
pub mod apply_common_phone_config;
pub mod apply_phone;
pub mod association;
pub mod client;
pub mod do_authenticate_user;
pub mod error;
pub mod execute_sql_query;
pub mod get_app_user;
pub mod get_ccm_version;
pub mod get_common_phone_config;
pub mod get_credential_policy;
pub mod get_enterprise_phone_config;
pub mod get_phone;
pub mod get_service_parameter;
pub mod get_user;
pub mod list_app_user;
pub mod list_common_phone_config;
pub mod list_device_pool;
pub mod list_phone;
pub mod list_process_node;
pub mod list_registration_dynamic;
pub mod list_user;
pub mod operation;
pub mod page;
pub mod paging;
pub mod password_credentials;
pub mod remove_common_phone_config;
mod request;
pub mod reset_common_phone_config;
pub mod reset_phone;
pub mod standard_return;
pub mod update_app_user;
pub mod update_common_phone_config;
pub mod update_phone;
pub mod update_user;
pub mod version;

#[cfg(test)]
mod client_tests;
