//! Addresses as `--subnet` names them: one, a network, or a range.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::text::quoted;

/// Addresses of one family. IPv4 addresses that are written as IPv6 are IPv4 addresses.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum AddressRange {
    Network(IpNet),
    /// From the first address to the last, both included.
    Between(IpAddr, IpAddr),
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressRangeError {
    #[error(
        "{} is not an IP address; write an address, a range or a network: 10.1.0.5, 10.1.0.5-10.1.0.40, 10.1.0.0/16 or \
         10.1.0.0/255.255.0.0",
        quoted(.0)
    )]
    NotAnAddress(String),
    #[error("the prefix length {} is not a number from 0 to {most}", quoted(.length))]
    PrefixLength { length: String, most: u8 },
    #[error("{0} is not a network mask; write it as 10.1.0.0/255.255.0.0 or 10.1.0.0/16")]
    Mask(IpAddr),
    #[error("the range ends before it begins; write it as {1}-{0}")]
    Backwards(IpAddr, IpAddr),
    #[error("{0} and {1} are no range; write two IPv4 addresses or two IPv6 addresses")]
    TwoFamilies(IpAddr, IpAddr),
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Network(net) => net.contains(&address),
            // Addresses of another family are all before or all after these.
            Self::Between(first, last) => (*first..=*last).contains(&address),
        }
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((address, mask)) = text.split_once('/') {
            let (address, mask) = (read(address)?, mask.trim());
            return match mask.parse::<IpAddr>() {
                Ok(mask) => IpNet::with_netmask(address, mask)
                    .map(Self::Network)
                    .map_err(|_| AddressRangeError::Mask(mask)),
                Err(_) => with_prefix(address, mask),
            };
        }
        let Some((first, last)) = text.split_once('-') else {
            return read(text).map(|address| Self::Network(address.into()));
        };
        let (first, last) = (read(first)?, read(last)?);
        match first.is_ipv4() == last.is_ipv4() {
            false => Err(AddressRangeError::TwoFamilies(first, last)),
            true if first > last => Err(AddressRangeError::Backwards(first, last)),
            true => Ok(Self::Between(first, last)),
        }
    }
}

fn read(text: &str) -> Result<IpAddr, AddressRangeError> {
    let address = text.trim().parse::<IpAddr>();
    address
        .map(|address| address.to_canonical())
        .map_err(|_| AddressRangeError::NotAnAddress(text.trim().to_owned()))
}

fn with_prefix(address: IpAddr, length: &str) -> Result<AddressRange, AddressRangeError> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let net = length.parse::<u8>().ok().and_then(|length| IpNet::new(address, length).ok());
    net.map(AddressRange::Network)
        .ok_or_else(|| AddressRangeError::PrefixLength { length: length.to_owned(), most })
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(net) if net.prefix_len() == net.max_prefix_len() => {
                write!(f, "{}", net.addr())
            }
            Self::Network(net) => write!(f, "{net}"),
            Self::Between(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn holds(text: &str, address: &str) -> bool {
        range(text).contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_a_network_a_mask_and_a_range() {
        assert!(holds("10.1.0.5", "10.1.0.5") && !holds("10.1.0.5", "10.1.0.6"));
        assert!(holds(" 10.1.0.0/16 ", "10.1.255.9") && !holds("10.1.0.0/16", "10.2.0.1"));
        assert!(holds("10.1.0.0/255.255.0.0", "10.1.255.9"));
        assert!(holds("10.1.0.5 - 10.1.0.40", "10.1.0.40"));
        assert!(!holds("10.1.0.5-10.1.0.40", "10.1.0.41"));
        assert!(holds("2001:db8::1-2001:db8::ff", "2001:db8::80"));
        assert!(!holds("0.0.0.0-255.255.255.255", "::1") && !holds("::/0", "10.1.0.5"));
        assert!(holds("::ffff:10.1.0.5", "10.1.0.5") && holds("10.1.0.5", "::ffff:10.1.0.5"));
        for (typed, shown) in [
            ("10.1.0.5", "10.1.0.5"),
            ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
            ("10.1.0.5 -10.1.0.40", "10.1.0.5-10.1.0.40"),
        ] {
            assert_eq!(range(typed).to_string(), shown);
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for (typed, why) in [
            ("10.1.0.*", "write an address, a range or a network"),
            ("10.1.0.5-40", "\"40\" is not an IP address"),
            ("10.1.0.0/33", "not a number from 0 to 32"),
            ("10.1.0.0/0.0.255.255", "0.0.255.255 is not a network mask"),
            ("10.1.0.40-10.1.0.5", "write it as 10.1.0.5-10.1.0.40"),
            ("10.1.0.1-2001:db8::1", "two IPv4 addresses or two IPv6"),
        ] {
            let error = typed.parse::<AddressRange>().unwrap_err().to_string();
            assert!(error.contains(why), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_range_holds_what_lies_between_its_ends(a: u32, b: u32, address: u32) {
            let (first, last) = (a.min(b), a.max(b));
            let [first_ip, last_ip, ip] = [first, last, address].map(Ipv4Addr::from);
            let range = range(&format!("{first_ip}-{last_ip}"));
            prop_assert_eq!(range.contains(ip.into()), (first..=last).contains(&address));
            prop_assert!(range.contains(first_ip.into()) && range.contains(last_ip.into()));
        }

        #[test]
        fn a_mask_is_the_network_of_its_length(address: u32, other: u32, length in 0_u32..=32) {
            let mask = Ipv4Addr::from(u32::MAX.checked_shl(32 - length).unwrap_or(0));
            let [address, other] = [address, other].map(Ipv4Addr::from);
            let by_mask = range(&format!("{address}/{mask}"));
            let by_length = range(&format!("{address}/{length}"));
            prop_assert_eq!(by_mask, by_length);
            let same = u32::from(address) & u32::from(mask) == u32::from(other) & u32::from(mask);
            prop_assert_eq!(by_mask.contains(other.into()), same);
        }

        #[test]
        fn what_is_shown_is_read_again(a: u128, b: u128, v4: bool, length in 0_u8..=128) {
            let of = |bits: u128| -> IpAddr {
                match v4 {
                    true => Ipv4Addr::from(u32::try_from(bits & 0xffff_ffff).unwrap()).into(),
                    false => std::net::Ipv6Addr::from(bits | 1 << 127).into(),
                }
            };
            let most = if v4 { 32 } else { 128 };
            let ends = [of(a), of(b)];
            for one in [
                AddressRange::Between(ends[0].min(ends[1]), ends[0].max(ends[1])),
                AddressRange::Network(IpNet::new(of(a), length.min(most)).unwrap()),
            ] {
                prop_assert_eq!(range(&one.to_string()), one);
            }
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            drop(text.parse::<AddressRange>());
        }
    }
}
