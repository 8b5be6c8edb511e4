//! Removes the pushed picture from phones.

use futures::future::{BoxFuture, FutureExt as _};

use crate::domain::exclusion::CANNOT_REMOVE;
use crate::domain::model::PushSchema;
use crate::phone::{PhoneError, RemoveBackground, Theme};
use crate::push::delivery::session::{DeliverySession, check_objects, image_of};
use crate::push::{AttemptReply, Delivery, Evidence, ReplyKind, Target};

/// In the journal in place of a picture's digest.
pub const REMOVAL_DIGEST: &str = "removal";

/// Pushes a `removeBackground`, which only PhoneOS phones know.
#[derive(Debug)]
pub struct RemovalDelivery {
    session: DeliverySession,
    picture_name: String,
}

impl RemovalDelivery {
    pub fn new(session: DeliverySession, picture_name: String) -> Self {
        Self { session, picture_name }
    }

    fn object(&self, target: &Target) -> Result<RemoveBackground, ReplyKind> {
        if image_of(target)?.schema == PushSchema::Classic {
            return Err(ReplyKind::NotSent(CANNOT_REMOVE.to_owned()));
        }
        Ok(RemoveBackground { name: self.picture_name.clone(), theme: Theme::Light })
    }
}

impl Delivery for RemovalDelivery {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.session.push(target, self.object(target)).map(AttemptReply::from).boxed()
    }

    fn evidence<'a>(&'a self, target: &'a Target, _: bool) -> BoxFuture<'a, Evidence> {
        const UNSEEN: &str = "the phone accepted; phones do not report which background they show";
        let look = self.session.check_screen(target, None);
        look.map(|look| Evidence::without_downloads(look, UNSEEN)).boxed()
    }

    fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        check_objects(targets, |target| self.object(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::by_name;
    use crate::domain::payload_kind::AcceptedFormat;
    use crate::phone::PhoneClient;
    use crate::push::delivery::connector::PhoneConnector;
    use crate::push::scheduler::tests::target;

    #[test]
    fn only_phoneos_phones_are_sent_a_removal() {
        let phones = PhoneClient::anonymous(80, std::time::Duration::from_secs(1));
        let session = DeliverySession::new(PhoneConnector::new(phones));
        let delivery = RemovalDelivery::new(session, "axlpaper".to_owned());
        let of = |name: &str| {
            let image = by_name(name).unwrap().image.unwrap();
            Target { model: name.to_owned(), accepts: AcceptedFormat::Picture(image), ..target(1) }
        };
        assert!(delivery.object(&of("Cisco 9871")).is_ok());
        let refused = ReplyKind::NotSent(CANNOT_REMOVE.to_owned());
        assert_eq!(delivery.object(&of("Cisco 8841")).err(), Some(refused));
    }
}
