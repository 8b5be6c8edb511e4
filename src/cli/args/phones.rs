//! How phones are reached.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::value::port;
use crate::config::Layer;
use crate::domain::selector::Pattern;

/// The web servers of phones, and HTTPS to phones that require it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection to phones")]
pub struct PhoneArgs {
    /// Port of the phones' web servers [default: 80]
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub phone_port: Option<u16>,
    /// File with the authorities that signed the certificates of phones that require HTTPS (PEM): the phone maker's, or the
    /// cluster's CAPF. The certificate's name must be the phone's, where it names one
    #[arg(long, value_name = "FILE", conflicts_with = "phone_tls")]
    pub phone_ca_file: Option<PathBuf>,
    /// What else makes a phone's certificate trusted: pin-first-use keeps the first one in the journal and refuses
    /// another one later; insecure trusts any, so a man in the middle can read the password
    #[arg(long, value_name = "HOW")]
    pub phone_tls: Option<PhoneTlsArg>,
    /// Port of the phones' web servers for HTTPS [default: 443]
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub phone_tls_port: Option<u16>,
    /// Forget what was pinned for these phones, which have got new certificates; repeatable, * matches any characters
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = Pattern::of_device, conflicts_with = "phone_ca_file")]
    pub phone_repin: Vec<Pattern>,
}

/// What makes a phone's certificate believed, as typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PhoneTlsArg {
    /// The first one is kept.
    PinFirstUse,
    /// Any.
    Insecure,
}

impl PhoneArgs {
    /// Puts what was typed on a layer of settings.
    pub fn on(&self, layer: Layer) -> Layer {
        let how = |arg: PhoneTlsArg| match arg {
            PhoneTlsArg::PinFirstUse => "pin-first-use".to_owned(),
            PhoneTlsArg::Insecure => "insecure".to_owned(),
        };
        Layer {
            phone_port: self.phone_port,
            phone_ca_file: self.phone_ca_file.clone(),
            phone_tls: self.phone_tls.map(how),
            phone_tls_port: self.phone_tls_port,
            phone_repin: self.phone_repin.clone(),
            ..layer
        }
    }
}
