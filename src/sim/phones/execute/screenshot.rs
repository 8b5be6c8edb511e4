//! `/CGI/Screenshot` of one phone.

use hyper::Request;
use hyper::body::Incoming;

use super::{NOT_FOUND, Phone};
use crate::domain::model::PushSchema;
use crate::sim::fleet_content::Quirk;
use crate::sim::phones::answers::{self, Answer, Broken};
use crate::sim::phones::screen;
use crate::sim::phones::traced::authorization;

impl Phone<'_> {
    pub(super) async fn screenshot(&self, request: &Request<Incoming>) -> Result<Answer, Broken> {
        let Some(image) = self.image else { return Ok(answers::page(404, "text/html", NOT_FOUND)) };
        // 98xx phones send it over HTTPS only (published), and 8875 phones are taken to do as they do.
        if image.schema == PushSchema::PhoneOs && !self.secure {
            return Ok(answers::page(403, "text/html", "<html><body>Forbidden</body></html>"));
        }
        if let Some((_, refusal, _)) = self.refuse(authorization(request).as_deref()).await {
            return refusal;
        }
        let file = {
            let mut cluster = self.shared.cluster();
            cluster.histories[self.at].screenshots += 1;
            cluster.shown_file(self.at)
        };
        let covered = self.quirk == Quirk::ScreenCovered;
        let model = self.model;
        let drawn = tokio::task::spawn_blocking(move || {
            screen::draw(model, &image, file.as_deref(), covered)
        });
        Ok(match drawn.await.ok().flatten() {
            Some(shot) => answers::page(200, shot.kind, shot.file),
            None => answers::page(500, "text/html", NOT_FOUND),
        })
    }
}
