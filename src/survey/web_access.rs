//! Whether a phone's web server runs, where the phone itself did not say.

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::get_phone::GetPhone;
use crate::domain::inventory::Phone;
use crate::domain::registration::Httpd;

/// Looks at the pages of phones that are there and did not tell RisPort70 about their web server.
///
/// Only a page that says "off" decides: one that says nothing, or "on", may be overruled elsewhere.
///
/// # Errors
/// When the cluster cannot be asked. A phone that was just removed is no error.
pub(super) async fn ask(
    axl: &AxlClient,
    phones: &mut [Phone],
    remarks: &mut Vec<String>,
) -> Result<(), AxlError> {
    let mut left = MOST_PHONES;
    let mut unasked = 0_usize;
    for phone in phones.iter_mut().filter(|phone| is_open(phone)) {
        if left == 0 {
            unasked += 1;
            continue;
        }
        left -= 1;
        match axl.call(&GetPhone::named(phone.name.as_str())).await {
            Ok(answer) => {
                let config = answer.into_phone().vendor_config;
                if config.get("webAccess").is_some_and(is_off) {
                    phone.registration.httpd = Httpd::No;
                }
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    if unasked > 0 {
        remarks.push(format!(
            "more than {MOST_PHONES} phones did not say whether their web server runs; the pages of {unasked} of them \
             were not looked at"
        ));
    }
    Ok(())
}

fn is_open(phone: &Phone) -> bool {
    phone.registration.httpd == Httpd::Unknown
        && phone.registration.reachable_ip().is_some()
        && phone.catalogue_entry().is_some_and(|model| model.image.is_some())
}

/// Understands the value of `webAccess`: 0 is enabled, 1 is disabled (seen in published device files).
fn is_off(value: &str) -> bool {
    value.trim() == "1"
}

/// Every phone is a question of its own, so only so many are asked for.
const MOST_PHONES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_disabled_is_off() {
        assert_eq!(["0", "1", " 1 ", "2", ""].map(is_off), [false, true, true, false, false]);
    }
}
