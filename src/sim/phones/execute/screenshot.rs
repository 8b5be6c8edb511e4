//! `/CGI/Screenshot` of one phone.

use hyper::Request;
use hyper::body::Incoming;

use super::{NOT_FOUND, Phone};
use crate::domain::model::PushSchema;
use crate::sim::fleet_content::Quirk;
use crate::sim::phones::answers::{self, Answer};
use crate::sim::phones::screen;

impl Phone<'_> {
    pub(super) async fn screenshot(&self, request: &Request<Incoming>) -> Answer {
        let Some(image) = self.image else { return answers::page(404, "text/html", NOT_FOUND) };
        // 98xx phones send it over HTTPS only (published), and 8875 phones are taken to do as they do.
        if image.schema == PushSchema::PhoneOs && !self.secure {
            return answers::page(403, "text/html", "<html><body>Forbidden</body></html>");
        }
        let authorization = request.headers().get("authorization");
        let authorization = authorization.and_then(|value| value.to_str().ok());
        if !self.authorized(authorization).await {
            return answers::error(4);
        }
        let shown = {
            let mut cluster = self.shared.cluster();
            let history = &mut cluster.histories[self.at];
            history.screenshots += 1;
            let shown = history.shown.as_ref().map(|shown| shown.sha256.clone());
            drop(cluster);
            shown
        };
        let file = shown.and_then(|digest| self.shared.files().get(&digest).cloned());
        let covered = self.quirk == Quirk::ScreenCovered;
        let model = self.model;
        let drawn = tokio::task::spawn_blocking(move || {
            screen::draw(model, &image, file.as_deref(), covered)
        });
        match drawn.await.ok().flatten() {
            Some(shot) => answers::page(200, shot.kind, shot.file),
            None => answers::page(500, "text/html", NOT_FOUND),
        }
    }
}
