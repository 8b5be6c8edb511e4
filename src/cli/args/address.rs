//! Options that name phones by their addresses.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::args::device_list::address;

/// Which addresses.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Without a cluster")]
pub struct AddressArgs {
    /// Push to the phones at these addresses, and ask no cluster; repeatable
    ///
    /// --model is the model of these phones then; without it they are asked, as they are for their names
    #[arg(long, value_name = "IP,…", value_delimiter = ',', value_parser = address, conflicts_with_all = CLUSTER)]
    pub address: Vec<IpAddr>,
    /// Push to the addresses of a file, and ask no cluster: CSV with the columns `address`, `model` and `name`,
    /// of which only the first has to be there, or a line `ADDRESS MODEL` for each; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = CLUSTER)]
    pub addresses_from: Vec<PathBuf>,
}

/// Options that are about a cluster or about choosing from its phones. `--model` is about both.
const CLUSTER: [&str; 28] = [
    "cluster",
    "host",
    "username",
    "password_file",
    "password_stdin",
    "ca_file",
    "pin_sha256",
    "insecure",
    "axl_version",
    "ris_host",
    "registration_source",
    "ris_rate",
    "timeout",
    "push_user_kind",
    "device_pool",
    "profile",
    "location",
    "owner",
    "dn",
    "description",
    "device",
    "subnet",
    "devices_from",
    "exclude_device",
    "exclude_model",
    "exclude_device_pool",
    "limit",
    "sample",
];

impl AddressArgs {
    /// Tells whether addresses are typed, so that no cluster is asked.
    pub fn any(&self) -> bool {
        !self.address.is_empty() || !self.addresses_from.is_empty()
    }
}
