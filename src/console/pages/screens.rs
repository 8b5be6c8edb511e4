//! The screen wall: what selected phones show now.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::loading;
use crate::console::pages::phones::{Choice, Shown};
use crate::console::phone_index::{PhoneIndex, PhoneLine};
use crate::console::screen_actions::may_take;
use crate::console::screens::{KeptScreen, MOST_OF_WALL};
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::text::pluralize;
use crate::report::moment;
use crate::rollout::screens::LookError;

#[derive(Template)]
#[template(path = "screens.html", config = "src/console/pages/askama.toml")]
struct ScreensPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    shown: &'a Shown,
    filters: Vec<Choice>,
    tiles: Vec<Tile<'a>>,
    total: String,
    lockouts: Vec<(String, LookError)>,
    may_take: bool,
    is_empty: bool,
}

struct Tile<'a> {
    line: &'a PhoneLine,
    screen: ShownScreen,
}

/// The last look at a phone's screen, in words.
pub(crate) struct ShownScreen {
    /// `proven`, `drifted`, `unknown`, or `none` before the first look.
    pub(crate) state: &'static str,
    pub(crate) title: &'static str,
    pub(crate) at: String,
    pub(crate) has_file: bool,
    /// Tells two screenshots of a phone apart.
    pub(crate) version: i64,
    /// Why nothing more is known.
    pub(crate) why: String,
    pub(crate) remedy: String,
    pub(crate) is_refusal: bool,
}

impl ShownScreen {
    pub(crate) fn of(kept: Option<&KeptScreen>) -> Self {
        let mut shown = Self {
            state: "none",
            title: "not looked at yet",
            at: String::new(),
            has_file: false,
            version: 0,
            why: String::new(),
            remedy: String::new(),
            is_refusal: false,
        };
        let Some(kept) = kept else { return shown };
        shown.at = moment(kept.at);
        shown.version = kept.at.as_millisecond();
        match &kept.result {
            Ok(look) => {
                shown.has_file = true;
                (shown.state, shown.title) = match &look.shows {
                    Ok(true) => ("proven", "shows its picture"),
                    Ok(false) => ("drifted", "shows something else"),
                    Err(_) => ("unknown", "not known what it should show"),
                };
                shown.why = look.shows.clone().err().unwrap_or_default();
            }
            Err(LookError { why, remedy, is_refusal }) => {
                (shown.state, shown.title) = ("unknown", "no screenshot");
                shown.why.clone_from(why);
                shown.remedy.clone_from(remedy);
                shown.is_refusal = *is_refusal;
            }
        }
        shown
    }
}

pub(crate) async fn screens(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
) -> Response {
    match loading::phones(&shared, &user, &headers, Part::Screens).await {
        Ok(index) => wall(&shared, &index, &shown, &user),
        Err(other) => other,
    }
}

fn wall(shared: &Shared, index: &PhoneIndex, shown: &Shown, user: &SessionUser) -> Response {
    let is_chosen = shown.is_chosen();
    let mut lines = index.select(&shown.filter(), &shown.sort);
    let found = lines.len();
    lines.truncate(if is_chosen { MOST_OF_WALL } else { 0 });
    let may_take = may_take(user);
    if may_take {
        shared.screens.want(&lines);
    }
    let tile = |line: &&'_ PhoneLine| shared.screens.kept(line);
    let kept: Vec<Option<KeptScreen>> = lines.iter().map(tile).collect();
    let tiles = lines.into_iter().zip(&kept);
    let tiles = tiles.map(|(line, kept)| Tile { line, screen: ShownScreen::of(kept.as_ref()) });
    let tiles: Vec<Tile<'_>> = tiles.collect();
    let page_of = ScreensPage {
        frame: Frame::new("Screens", Part::Screens, Some(user)).live(),
        user,
        shown,
        filters: shown.filters(index, index.values(|line| &line.cluster)),
        total: match tiles.len() {
            0 => String::new(),
            all if all == found => pluralize(found, "phone"),
            some => format!("the first {some} of {}", pluralize(found, "phone")),
        },
        tiles,
        lockouts: shared.screens.lockouts(),
        may_take,
        is_empty: index.lines.is_empty(),
    };
    page(StatusCode::OK, &page_of)
}

impl ScreensPage<'_> {
    /// Counts the screens in a state.
    fn count(&self, state: &str) -> usize {
        self.tiles.iter().filter(|tile| tile.screen.state == state).count()
    }
}
