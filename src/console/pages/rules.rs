//! The rules of the config file: which picture is for whom, now and next.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::loading;
use crate::console::pages::phone::image;
use crate::console::pages::problem::Problem;
use crate::console::phone_index::PhoneIndex;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::picture_rules::{Keep, PictureRules, RuleRef};
use crate::domain::text::{pluralize, printable};
use crate::domain::time_zone::shown_in;
use crate::domain::words::{Template, WordsTemplate};
use crate::error::{AppError, ErrorKind};

#[derive(askama::Template)]
#[template(path = "rules.html", config = "src/console/pages/askama.toml")]
struct RulesPage {
    frame: Frame,
    view: RulesView,
}

struct RulesView {
    rules: Vec<RuleCard>,
    /// How many phones no rule is for now.
    without: usize,
    phones: usize,
    /// When other rules count, for how many phones, in the order of time.
    changes: Vec<String>,
}

struct RuleCard {
    number: usize,
    picture: String,
    about: String,
    text: Option<String>,
    qr: Option<String>,
    keep: &'static str,
    phones: usize,
    /// Where it never counts, or not in all of its time: why.
    remark: Option<String>,
    next: Option<String>,
    has_thumbnail: bool,
}

pub(crate) async fn rules(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    headers: HeaderMap,
) -> Response {
    let index = match loading::phones(&shared, &user, &headers, Part::Rules).await {
        Ok(index) => index,
        Err(other) => return other,
    };
    let rules = shared.settings.rules.clone().at(Timestamp::now());
    // With 40,000 phones it takes a moment.
    let view = spawn_blocking(move || RulesView::of(&rules, &index)).await;
    match view {
        Ok(view) => {
            let frame = Frame::new("Rules", Part::Rules, Some(&user)).live();
            page(StatusCode::OK, &RulesPage { frame, view })
        }
        Err(error) => {
            let error = AppError::from_error(ErrorKind::Failed, error);
            Problem::of(&error).answer(Some(&user), &headers)
        }
    }
}

/// Answers with the picture of a rule.
pub(crate) async fn picture(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(rule): Path<String>,
    headers: HeaderMap,
) -> Response {
    let file = rule.parse().ok().and_then(|number| shared.settings.rules.file(number));
    let file = file.map(FilePath::to_owned);
    let read = spawn_blocking(move || file.and_then(read_picture)).await;
    let answer = read.ok().flatten().and_then(image);
    answer.unwrap_or_else(|| Problem::not_found().answer(Some(&user), &headers))
}

fn read_picture(file: PathBuf) -> Option<Vec<u8>> {
    is_small(&file).then(|| std::fs::read(file).ok()).flatten()
}

/// Tells whether a file is there and not too large for a page.
fn is_small(file: &FilePath) -> bool {
    std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() <= LARGEST)
}

impl RulesView {
    fn of(rules: &PictureRules, index: &PhoneIndex) -> Self {
        let phones: Vec<_> = index.lines.iter().filter_map(|line| line.phone()).collect();
        let mut counts: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        let mut nexts: BTreeMap<(String, Option<usize>, Option<usize>), usize> = BTreeMap::new();
        let number = |rule: Option<RuleRef<'_>>| rule.map(|rule| rule.number);
        let decisions = rules.decisions(phones.iter());
        for (phone, decision) in phones.iter().zip(&decisions) {
            let now = number(decision.rule);
            *counts.entry(now).or_default() += 1;
            if let Some((at, next)) = decision.next {
                let at = shown_in(at, rules.zone_of(phone));
                *nexts.entry((at, now, number(next))).or_default() += 1;
            }
        }
        let name = |rule: Option<usize>| match rule {
            Some(number) => format!("rule {number}"),
            None => "no rule".to_owned(),
        };
        let changes = nexts.iter().take(MOST_CHANGES).map(|((at, now, next), count)| {
            let count = pluralize(*count, "phone");
            format!("{at}: {} counts instead of {} for {count}", name(*next), name(*now))
        });
        let mut remarks: BTreeMap<usize, String> = rules.remarks_by_rule().into_iter().collect();
        let cards = (1..=rules.len()).map(|number| {
            let next = nexts.iter().find(|((_, _, next), _)| *next == Some(number));
            let text = |text: &str| printable(text).into_owned();
            let words = rules.words(number);
            let template = |of: fn(&WordsTemplate) -> &Option<Template>| {
                words.and_then(|words| of(words).as_ref()).map(|found| text(&found.to_string()))
            };
            RuleCard {
                number,
                picture: text(rules.picture(number).unwrap_or_default()),
                about: text(&rules.describe(number)),
                text: template(|words| &words.text),
                qr: template(|words| &words.qr),
                keep: match rules.keep(number).unwrap_or_default() {
                    Keep::Once => "A watch reports phones that show another picture later (once).",
                    Keep::Enforced => {
                        "A watch pushes it again where a phone shows another picture (enforced)."
                    }
                },
                phones: counts.get(&Some(number)).copied().unwrap_or_default(),
                remark: remarks.remove(&number).map(|remark| text(&remark)),
                next: next.map(|((at, ..), count)| {
                    format!("counts next for {} from {at} on", pluralize(*count, "phone"))
                }),
                has_thumbnail: rules.file(number).is_some_and(is_small),
            }
        });
        Self {
            rules: cards.collect(),
            without: counts.get(&None).copied().unwrap_or_default(),
            phones: phones.len(),
            changes: changes.collect(),
        }
    }
}

/// A larger file is no picture for a page.
const LARGEST: u64 = 8 * 1024 * 1024;

/// How many changes are listed.
const MOST_CHANGES: usize = 50;
