//! One phone: what the journal knows of it, with its picture and its last screenshot.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use crate::console::pages::frame::{Frame, Part, json, page};
use crate::console::pages::problem::Problem;
use crate::console::pages::screens::ShownScreen;
use crate::console::request::wants_json;
use crate::console::screen_actions::may_take;
use crate::console::screens::KeptScreen;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::device_name::DeviceName;
use crate::error::{AppError, ErrorKind};
use crate::journal::{JournalReader, Moment};
use crate::report::{PhoneHistory, phone_json, phone_panel};
use crate::rollout::payload::picture::background;

#[derive(Template)]
#[template(path = "phone.html", config = "src/console/pages/askama.toml")]
struct PhonePage {
    frame: Frame,
    name: String,
    about: String,
    has_picture: bool,
    has_screen: bool,
    html: String,
    user: SessionUser,
    may_take: bool,
    screen: ShownScreen,
}

pub(crate) async fn phone(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(name) = name.parse::<DeviceName>() else {
        return Problem::not_found().answer(Some(&user), &headers);
    };
    let (next, rules) = (Arc::clone(&shared.settings.next), shared.settings.rules.clone());
    let (by, is_json) = (user.clone(), wants_json(&headers));
    let now = match kept_screen(&shared, &name).await {
        Ok(kept) => ShownScreen::of(kept.as_ref()),
        Err(error) => return Problem::of(&error).answer(Some(&user), &headers),
    };
    let answer = shared.journal.read(move |history| {
        let rules = rules.at(Timestamp::now());
        let phone = PhoneHistory::read(history, &name, None, &rules, &*next)?;
        if phone.is_unknown() {
            return Ok(None);
        }
        if is_json {
            return Ok(Some(json(&phone_json(&phone, Timestamp::now()))));
        }
        let picture = history.map(|history| shown(history, &phone)).transpose()?.flatten();
        let screen =
            history.map(|history| last_screen(history, &name, &phone)).transpose()?.flatten();
        let html =
            phone_panel(&phone).map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        let name = name.to_string();
        let page_of = PhonePage {
            frame: Frame::new(name.as_str(), Part::Phones, Some(&by)).live(),
            about: phone.about(),
            has_picture: picture.is_some(),
            has_screen: screen.is_some(),
            name,
            html,
            may_take: may_take(&by),
            user: by,
            screen: now,
        };
        Ok(Some(page(StatusCode::OK, &page_of)))
    });
    answered(answer.await, &user, &headers)
}

/// Answers with the picture that a phone is proven to show.
pub(crate) async fn picture(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path((name, kind)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(name) = name.parse::<DeviceName>() else {
        return Problem::not_found().answer(Some(&user), &headers);
    };
    if kind == "now" {
        let kept = kept_screen(&shared, &name).await;
        let look = kept.map(|kept| kept.and_then(|kept| kept.result.ok()));
        let answer = look.map(|look| look.and_then(|look| image(look.file.clone())));
        return answered(answer, &user, &headers);
    }
    let (next, rules) = (Arc::clone(&shared.settings.next), shared.settings.rules.clone());
    let answer = shared.journal.read(move |history| {
        let Some(reader) = history else { return Ok(None) };
        let phone = PhoneHistory::read(history, &name, None, &rules, &*next)?;
        let file = match kind.as_str() {
            "picture" => shown(reader, &phone)?,
            "screen" => last_screen(reader, &name, &phone)?,
            _ => None,
        };
        Ok(file.and_then(image))
    });
    answered(answer.await, &user, &headers)
}

/// Returns the last look at a phone's screen, if there was one.
async fn kept_screen(shared: &Shared, name: &DeviceName) -> Result<Option<KeptScreen>, AppError> {
    let index = shared.journal.phones().await?;
    Ok(index.find(name).and_then(|line| shared.screens.kept(line)))
}

fn answered(
    answer: Result<Option<Response>, AppError>,
    user: &SessionUser,
    headers: &HeaderMap,
) -> Response {
    match answer {
        Ok(Some(answer)) => answer,
        Ok(None) => Problem::not_found().answer(Some(user), headers),
        Err(error) => Problem::of(&error).answer(Some(user), headers),
    }
}

fn shown(history: &JournalReader, phone: &PhoneHistory) -> Result<Option<Vec<u8>>, AppError> {
    let Some(digest) = phone.shown_digest() else { return Ok(None) };
    Ok(background(history, digest)?.map(|(file, _)| file))
}

/// Returns the last screenshot that a run kept.
fn last_screen(
    history: &JournalReader,
    name: &DeviceName,
    phone: &PhoneHistory,
) -> Result<Option<Vec<u8>>, AppError> {
    for run in phone.run_numbers() {
        for moment in [Moment::After, Moment::Before] {
            if let Some(screen) = history.screen(run, name, moment)? {
                return Ok(Some(screen));
            }
        }
    }
    Ok(None)
}

/// Answers with a file where it is a picture that browsers show. Only its first bytes say what it is.
pub(crate) fn image(file: Vec<u8>) -> Option<Response> {
    let kind = match file.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'B', b'M', ..] => "image/bmp",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return None,
    };
    Some(([(header::CONTENT_TYPE, kind)], file).into_response())
}
