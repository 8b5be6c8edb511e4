//! Settings become clients: the cluster, access to its phones, passwords, the image server and the journal.

pub mod cluster;
pub mod image_server;
pub mod journal;
pub(crate) mod keyring;
pub mod password;
pub mod phone_tls;
pub mod push_access;
pub mod shared_servers;
