//! Removes the pushed picture from phones.

use futures::future::{FutureExt as _, ready};

use crate::domain::audit::Audit;
use crate::domain::model::PushSchema;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::error::AppError;
use crate::event::{Observer, PhoneResult, Proof};
use crate::push::delivery::removal::{REMOVAL_DIGEST, RemovalDelivery};
use crate::push::{Delivery, Digests, Target, cannot_remove};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload, SavedPayload,
    proof_without_downloads,
};

/// The removal of the pushed picture; it needs no files.
#[derive(Clone, Copy, Debug)]
pub struct Removal;

impl Payload for Removal {
    fn action(&self) -> PushAction {
        PushAction::Removal
    }

    fn describe(&self, _: &str, phones: usize) -> String {
        format!("take the pushed picture off {}", pluralize(phones, "phone"))
    }

    fn proof(&self, typed: Option<Proof>) -> Result<Proof, AppError> {
        proof_without_downloads(typed, "nothing is downloaded when a picture is removed")
    }

    fn apply_to_audit(&self, _: &str, audit: Audit) -> Audit {
        audit.for_removal()
    }

    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        let (able, unable): (Vec<_>, Vec<_>) = targets.into_iter().partition(|target| {
            target.accepts.image().is_some_and(|image| image.schema != PushSchema::Classic)
        });
        (able, unable.iter().map(cannot_remove).collect())
    }

    fn prepare<'a>(&'a self, _: Vec<ModelFormat>, _: &'a dyn Observer) -> PrepareFuture<'a> {
        ready(Ok(Box::new(*self) as Box<dyn PreparedPayload>)).boxed()
    }

    fn saved(&self) -> Option<SavedPayload> {
        Some(SavedPayload::Removal)
    }
}

impl PreparedPayload for Removal {
    fn digests(&self) -> Digests {
        Digests::new(|_| Some(REMOVAL_DIGEST.to_owned()))
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        let name = context.picture_name("");
        let delivery = context.session().map(|session| RemovalDelivery::new(session, name));
        ready(delivery.map(|delivery| Box::new(delivery) as Box<dyn Delivery>)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_do_not_prove_a_removal() {
        assert_eq!(Removal.proof(None).unwrap(), Proof::None);
        assert_eq!(Removal.proof(Some(Proof::Screenshot)).unwrap(), Proof::Screenshot);
        assert!(Removal.proof(Some(Proof::Fetch)).is_err());
    }
}
