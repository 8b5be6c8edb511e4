//! Rollouts that users make: the picture, the choice, what would be done, the confirmation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::console::jobs::JobId;
use crate::console::jobs::draft::{Draft, Panel, Panels, Upload};
use crate::console::jobs::job::{Job, JobState, JobView};
use crate::console::jobs::rights::{may_confirm, may_discard, may_make};
use crate::console::pages::frame::{Frame, Part, page};
use crate::console::pages::problem::Problem;
use crate::console::phone_index::{PhoneIndex, PhoneLine};
use crate::console::sessions::SessionUser;
use crate::console::settings::{Chosen, ConsoleSettings};
use crate::console::shared::Shared;
use crate::domain::model::{Model, by_name, catalogue};
use crate::domain::selector::Selector;
use crate::domain::text::{pluralize, printable};
use crate::error::{AppError, ErrorKind};
use crate::interaction::Question;
use crate::journal::RunRef;
use crate::media::{Letters, Sample, samples};
use crate::report::{TextPart, moment, printable_lines, text_parts};

#[derive(Template)]
#[template(path = "rollout_new.html", config = "src/console/pages/askama.toml")]
struct NewPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    may_make: bool,
    has_rules: bool,
    seasons: Vec<String>,
}

#[derive(Template)]
#[template(path = "rollout_draft.html", config = "src/console/pages/askama.toml")]
struct DraftPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    id: JobId,
    draft: &'a Draft,
    clusters: &'a [String],
    lists: Vec<List>,
    /// How many phones are chosen, by the last look.
    count: &'a Result<String, AppError>,
    command_line: String,
    seasons: Vec<String>,
}

/// A field whose values the journal knows.
struct List {
    name: &'static str,
    title: &'static str,
    /// The known values: how many phones have it, and whether it is chosen.
    known: Vec<(String, usize, bool)>,
    /// What was typed besides, a line each.
    typed: String,
}

#[derive(Template)]
#[template(path = "rollout_job.html", config = "src/console/pages/askama.toml")]
struct JobPage<'a> {
    frame: Frame,
    user: &'a SessionUser,
    job: &'a Job,
    view: &'a JobView,
    lines: Vec<String>,
    messages: Vec<String>,
    may_confirm: bool,
    may_discard: bool,
    needs_other: bool,
}

pub(crate) async fn new_rollout(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
) -> Response {
    let page_of = NewPage {
        frame: Frame::new("New rollout", Part::Rollouts, Some(&user)),
        may_make: may_make(&user),
        has_rules: !shared.settings.rules.is_empty(),
        seasons: seasons(&shared.settings),
        user: &user,
    };
    page(StatusCode::OK, &page_of)
}

pub(crate) async fn rollout(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Response {
    let Some(job) = shared.jobs.job(id) else {
        return gone().answer(Some(&user), &headers);
    };
    let view = job.view();
    match &view.state {
        JobState::Draft(_) if user.name != job.by => {
            Problem::forbidden(&format!("{} is still making this rollout.", job.by))
                .hint("it is shown here when it waits for a confirmation")
                .answer(Some(&user), &headers)
        }
        JobState::Draft(draft) => draft_page(&shared, &user, &job, draft, &headers).await,
        JobState::Preparing | JobState::Waiting(_) | JobState::Working | JobState::Ended(_) => {
            job_page(&shared, &user, &job, &view)
        }
    }
}

/// A rollout that the console does not know.
pub(crate) fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such rollout")
        .text("It ended some time ago, or the console was started again. Its run is in the list of runs.")
        .hint("a rollout that was not confirmed has to be made again")
}

async fn draft_page(
    shared: &Shared,
    user: &SessionUser,
    job: &Job,
    draft: &Draft,
    headers: &HeaderMap,
) -> Response {
    let index = match shared.journal.phones().await {
        Ok(index) => index,
        Err(error) => return Problem::of(&error).answer(Some(user), headers),
    };
    let command = draft.command();
    let (count, draft) = match shared.settings.rollouts.chosen(&command) {
        Ok(chosen) => choose(shared, &index, draft.clone(), &chosen).await,
        Err(error) => (Err(error), draft.clone()),
    };
    job.keep_panels(draft.panels.clone());
    let page_of = DraftPage {
        frame: Frame::new("New rollout", Part::Rollouts, Some(user)).scripted("/rollout.js"),
        id: job.id,
        clusters: &shared.settings.clusters,
        lists: lists(&index, &draft),
        count: &count,
        command_line: printable(&shared.settings.rollouts.command_line(&command)).into_owned(),
        seasons: seasons(&shared.settings),
        draft: &draft,
        user,
    };
    page(StatusCode::OK, &page_of)
}

/// Counts the chosen phones, and renders the picture for their panels.
async fn choose(
    shared: &Shared,
    index: &PhoneIndex,
    mut draft: Draft,
    chosen: &Chosen,
) -> (Result<String, AppError>, Draft) {
    let clusters: Vec<&str> = draft.values("cluster").collect();
    let lines = index.chosen(&clusters, &chosen.selector);
    let mut models: Vec<&'static Model> =
        lines.iter().filter_map(|line| by_name(&line.model)).collect();
    models.sort_by_key(|model| model.number);
    models.dedup_by_key(|model| model.number);
    let text = match count_text(shared, &lines, &chosen.selector).await {
        Ok(text) => text,
        Err(error) => return (Err(error), draft),
    };
    if lines.is_empty() {
        // Nothing is known of the phones yet.
        models = catalogue().iter().collect();
    }
    let rendered = draft.render(chosen.options, models).await;
    (rendered.map(|()| text), draft)
}

async fn count_text(
    shared: &Shared,
    lines: &[&PhoneLine],
    selector: &Selector,
) -> Result<String, AppError> {
    let Some(last) = lines.iter().map(|line| line.run).max() else {
        return Ok(
            "No phone that the journal knows is chosen. The audit asks the cluster.".to_owned()
        );
    };
    let run = shared.journal.read(move |history| {
        Ok(history.map(|history| history.run(RunRef::Number(last))).transpose()?.flatten())
    });
    let when = run.await?.map(|run| moment(run.began_at)).unwrap_or_default();
    let most = selector.limit.or(selector.sample).unwrap_or(usize::MAX);
    let count = pluralize(lines.len().min(most), "phone");
    Ok(format!("{count} by the last look of {when} (run {last}); the audit counts exactly."))
}

fn lists(index: &PhoneIndex, draft: &Draft) -> Vec<List> {
    let list = |name, title, mut values: Vec<(String, usize)>| {
        values.truncate(MOST_CHOICES);
        let chosen: Vec<&str> = draft.values(name).collect();
        let is_known = |value: &&str| values.iter().any(|(known, _)| known == value);
        let typed = chosen.iter().copied().filter(|value| !is_known(value));
        List {
            name,
            title,
            typed: typed.collect::<Vec<_>>().join("\n"),
            known: values
                .iter()
                .map(|(value, count)| (value.clone(), *count, chosen.contains(&value.as_str())))
                .collect(),
        }
    };
    vec![
        list("device-pool", "Device pools", index.values(|line| &line.device_pool)),
        list("model", "Models", index.values(|line| &line.model)),
        list("profile", "Common Phone Profiles", index.values(|line| &line.profile)),
        list("location", "Locations", index.values(|line| &line.location)),
    ]
}

fn seasons(settings: &ConsoleSettings) -> Vec<String> {
    let pictures = settings.rules.pictures();
    pictures.into_iter().map(|(name, _)| printable(name).into_owned()).collect()
}

fn job_page(shared: &Shared, user: &SessionUser, job: &Job, view: &JobView) -> Response {
    let mut frame = Frame::new(view.title.clone(), Part::Rollouts, Some(user)).live();
    if matches!(view.state, JobState::Preparing) {
        frame = frame.reloading();
    }
    let may_confirm = may_confirm(shared, user, job);
    let page_of = JobPage {
        lines: job.progress.lines(),
        messages: job.progress.messages(),
        may_confirm,
        may_discard: may_discard(user, job),
        needs_other: shared.settings.users.four_eyes,
        frame,
        user,
        job,
        view,
    };
    page(StatusCode::OK, &page_of)
}

impl JobPage<'_> {
    fn state(&self) -> (&'static str, &'static str) {
        match &self.view.state {
            JobState::Draft(_) | JobState::Preparing => ("asks the cluster", "good"),
            JobState::Waiting(_) => ("waits for the confirmation", "warn"),
            JobState::Working => ("works", "good"),
            JobState::Ended(errors) if errors.is_empty() => ("ended", "good"),
            JobState::Ended(errors) if errors.iter().all(is_declined) => ("declined", "warn"),
            JobState::Ended(_) => ("failed", "bad"),
        }
    }

    fn question(&self) -> Option<&Question> {
        match &self.view.state {
            JobState::Waiting(question) => Some(question),
            JobState::Draft(_) | JobState::Preparing | JobState::Working | JobState::Ended(_) => {
                None
            }
        }
    }

    fn is_preparing(&self) -> bool {
        matches!(self.view.state, JobState::Preparing)
    }

    fn has_begun(&self) -> bool {
        matches!(self.view.state, JobState::Working | JobState::Ended(_))
    }

    fn errors(&self) -> &[AppError] {
        match &self.view.state {
            JobState::Ended(errors) => errors,
            JobState::Draft(_) | JobState::Preparing | JobState::Waiting(_) | JobState::Working => {
                &[]
            }
        }
    }

    fn text(&self, text: &str) -> String {
        printable(text).into_owned()
    }

    fn touched(&self, question: &Question) -> String {
        pluralize(question.phones, "phone")
    }

    fn lines_of(&self, text: &str) -> String {
        printable_lines(text)
    }

    fn parts(&self, text: &str) -> Vec<TextPart> {
        text_parts(&printable(text))
    }

    /// Returns the CSS class of a line of the plan.
    fn mark(&self, line: &str) -> &'static str {
        match line.trim_start().chars().next() {
            Some('+') => "add",
            Some('-') => "remove",
            Some('~' | '!') => "change",
            _ => "",
        }
    }
}

fn is_declined(error: &AppError) -> bool {
    matches!(error.kind(), ErrorKind::Declined)
}

/// A picture as the template draws it.
impl Panel {
    fn size(&self) -> (u32, u32) {
        let size = self.image.shape.background;
        (size.width, size.height)
    }

    fn labels(&self) -> Vec<Sample> {
        samples(self.image.shape)
    }

    /// Returns where a label begins, or ends where it is aligned to the right.
    fn left(&self, label: &Sample) -> f32 {
        let at = self.size().0 as f32 * label.x / 100.0;
        if label.from_right { self.size().0 as f32 - at } else { at }
    }

    fn top(&self, label: &Sample) -> f32 {
        self.size().1 as f32 * label.y / 100.0
    }

    /// Returns the height of letters in pixels, about that of the phones.
    fn font(&self) -> u32 {
        (self.size().0 / 40).clamp(9, 26)
    }

    fn letters(&self) -> &'static str {
        match self.image.letters {
            Letters::Black => "black",
            Letters::White => "white",
        }
    }
}

/// Answers with the picture of a draft.
pub(crate) async fn picture(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Response {
    let draft = own_draft(&shared, &user, id);
    match draft.and_then(|draft| draft.picture) {
        Some(Upload { shown, .. }) => png(shown.background.png.clone()),
        None => Problem::not_found().answer(Some(&user), &headers),
    }
}

/// Answers with the picture of a draft on one panel.
pub(crate) async fn panel(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Path((id, digest)): Path<(JobId, String)>,
    headers: HeaderMap,
) -> Response {
    let panels = own_draft(&shared, &user, id).and_then(|draft| draft.panels);
    let find = |panels: &Arc<Panels>| {
        let panel = panels.all.iter().find(|panel| panel.digest == digest)?;
        Some(panel.image.background.png.clone())
    };
    match panels.as_ref().and_then(find) {
        Some(bytes) => png(bytes),
        None => Problem::not_found().answer(Some(&user), &headers),
    }
}

fn own_draft(shared: &Shared, user: &SessionUser, id: JobId) -> Option<Draft> {
    let job = shared.jobs.job(id).filter(|job| job.by == user.name)?;
    job.draft()
}

fn png(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "image/png")], bytes).into_response()
}

/// How many values a list offers.
const MOST_CHOICES: usize = 60;
