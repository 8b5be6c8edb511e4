//! What is shown while the phones of a large journal are read for the first time.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::timeout;

use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::problem::Problem;
use crate::console::phone_index::PhoneIndex;
use crate::console::request::wants_json;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;

#[derive(Template)]
#[template(path = "loading.html", config = "src/console/pages/askama.toml")]
struct LoadingPage {
    frame: Frame,
}

/// Returns the phones of the journal, or the page that stands for them until they are read: it loads itself again.
pub(crate) async fn phones(
    shared: &Shared,
    user: &SessionUser,
    headers: &HeaderMap,
    part: Part,
) -> Result<Arc<PhoneIndex>, Response> {
    let reading = shared.journal.phones();
    let read = if wants_json(headers) {
        reading.await
    } else {
        match timeout(PATIENCE, reading).await {
            Ok(read) => read,
            // The journal is read to its end all the same.
            Err(_) => return Err(loading(user, part)),
        }
    };
    read.map_err(|error| Problem::of(&error).answer(Some(user), headers))
}

fn loading(user: &SessionUser, part: Part) -> Response {
    let frame = Frame::new("Reading the journal", part, Some(user));
    let mut answer = page(StatusCode::OK, &LoadingPage { frame });
    answer.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
    answer
}

/// How long a page may take before another one stands for it.
const PATIENCE: Duration = Duration::from_secs(2);
