//! The time line of a run: its stages as bars, and below them phones by the time of their result.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::text::{pluralize, sanitize_truncate};
use crate::event::{ControlStep, Outcome};
use crate::journal::{EventKind, EventRow};
use crate::report::clock::Clock;
use crate::report::html::section::{RunSection, began, last_known};
use crate::report::html::time_format::{between, marks, took};
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

/// A drawing of fixed width, in its own units.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) height: u64,
    /// Lower end of the marks, above their labels.
    pub(super) floor: u64,
    pub(super) shelf: u64,
    pub(super) marks: Vec<Mark>,
    pub(super) lanes: Vec<TimelineRow>,
    /// The stages as text.
    pub(super) rows: Vec<StageRow>,
    pub(super) boxes: Vec<Piece>,
    /// Phones of the highest column.
    pub(super) most: usize,
    pub(super) column: String,
    /// The text alternative.
    pub(super) summary: String,
    pub(super) notes: Vec<Note>,
    pub(super) more_notes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) x: String,
    pub(super) label: String,
}

/// One stage; with several runs, one run with all its stages.
#[derive(Clone, Debug)]
pub(super) struct TimelineRow {
    pub(super) y: u64,
    pub(super) label: String,
    pub(super) spans: Vec<Piece>,
    /// Position and length of a wait that has no length on the drawing.
    pub(super) wait: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct StageRow {
    pub(super) cluster: String,
    pub(super) label: String,
    pub(super) began: String,
    pub(super) took: String,
}

#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) word: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    pub(super) summary: String,
}

#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) at: String,
    pub(super) text: String,
}

/// A stage from its first beginning to its last end, in milliseconds from the beginning of the run.
#[derive(Clone, Debug)]
struct StageTimes {
    word: String,
    spans: Vec<(u64, u64)>,
    ended: bool,
}

impl StageTimes {
    fn took(&self) -> String {
        let spent = took(self.spans.iter().map(|(from, to)| to - from).sum());
        if self.ended { spent } else { format!("{spent}, end unknown") }
    }
}

/// Draws the time line; `None` if the journal has no stage and no phone with a time.
///
/// One run has a lane for each of its stages. Several have one each, in which their stages follow one another.
pub(super) fn timeline(runs: &[RunSection<'_>], clock: &Clock) -> Option<Timeline> {
    let began = began(runs);
    let length = between(began, last_known(runs)).max(1);
    let waits = waits_for_answers(runs);
    let waited: u64 = waits.iter().map(|(from, to)| to - from).sum();
    let scale = Scale { began, length: (length - waited).max(1), waits };
    let staged: Vec<_> = runs.iter().map(|of| (of, stages(of.run, began, length))).collect();
    let done: Vec<_> = runs.iter().flat_map(|of| done(of.run, began, length)).collect();
    if staged.iter().all(|(_, stages)| stages.is_empty()) && done.is_empty() {
        return None;
    }
    let lanes: Vec<TimelineRow> = match &staged[..] {
        [(of, stages)] => {
            (0..).zip(stages).map(|(row, stage)| scale.lane(row, of, stage)).collect()
        }
        several => (0..).zip(several).map(|(row, (of, all))| scale.run(row, of, all)).collect(),
    };
    let each = staged.iter().flat_map(|(of, stages)| stages.iter().map(move |stage| (of, stage)));
    let rows: Vec<StageRow> = each.filter_map(|(of, stage)| scale.row(of, stage, clock)).collect();
    let shelf = TOP + LANE * lanes.len() as u64 + GAP;
    let (boxes, most) = scale.columns(&done, shelf);
    let floor = if boxes.is_empty() { shelf - GAP } else { shelf + COLUMNS_HEIGHT };
    let marks = marks(scale.length).into_iter();
    let marks = marks
        .map(|(at, label)| Mark { x: number(Scale::x_of_work(at, scale.length)), label })
        .collect();
    let (notes, more_notes) = notes(runs, clock);
    let summary = describe(&rows, done.len(), scale.length);
    Some(Timeline {
        height: floor + FOOT,
        floor,
        shelf,
        marks,
        lanes,
        rows,
        boxes,
        most,
        column: took(scale.length / COLUMNS),
        summary,
        notes,
        more_notes,
    })
}

fn describe(rows: &[StageRow], phones: usize, length: u64) -> String {
    let stages = rows.iter().map(|row| match row.cluster.as_str() {
        "" => format!("{} {}", row.label, row.took),
        cluster => format!("{cluster}: {} {}", row.label, row.took),
    });
    let stages = stages.collect::<Vec<_>>().join(", ");
    let phones = pluralize(phones, "phone");
    format!("The run took {}. Stages: {stages}. Phones completed: {phones}.", took(length))
}

fn notes(runs: &[RunSection<'_>], clock: &Clock) -> (Vec<Note>, usize) {
    let shown = |event: &EventRow| {
        matches!(event.kind, EventKind::Remark | EventKind::Waiting | EventKind::Control(_))
    };
    let all = runs.iter().flat_map(|of| of.run.events.iter().map(move |event| (of, event)));
    let mut all: Vec<_> = all.filter(|(_, event)| shown(event)).collect();
    all.sort_by_key(|(_, event)| event.at);
    let shown = all.iter().take(MOST_NOTES).map(|(of, event)| {
        let waits = if event.kind == EventKind::Waiting { "waited: " } else { "" };
        let text = format!("{}{waits}{}", of.prefix(), printable(&event.text));
        Note { at: clock.time_of_day(event.at), text }
    });
    (shown.collect(), all.len().saturating_sub(MOST_NOTES))
}

/// Pairs the beginnings of stages and waits with their ends. A stage without an end goes on as long as the run is known;
/// a wait without one ends with the run.
fn stages(report: &RunReport, began: Timestamp, length: u64) -> Vec<StageTimes> {
    let end = between(began, report.last_known()).min(length);
    let mut stages: Vec<StageTimes> = Vec::new();
    for event in &report.events {
        let at = between(began, event.at).min(end);
        let Some((word, begins)) = boundary(event) else { continue };
        let known = stages.iter_mut().find(|stage| stage.word == word);
        match (begins, known) {
            (true, None) => {
                let word = word.to_owned();
                stages.push(StageTimes { word, spans: vec![(at, end)], ended: false });
            }
            // A stage that begins twice only reports its size.
            (true, Some(stage)) if stage.ended => {
                stage.spans.push((at, end));
                stage.ended = false;
            }
            (false, Some(stage)) if !stage.ended => {
                if let Some(last) = stage.spans.last_mut() {
                    last.1 = at.max(last.0);
                }
                stage.ended = true;
            }
            _ => {}
        }
    }
    for wait in stages.iter_mut().filter(|stage| WAITS.contains(&stage.word.as_str())) {
        wait.ended |= report.has_ended();
    }
    stages
}

/// Returns the stage or wait that begins or ends with an event, and whether it begins.
fn boundary(event: &EventRow) -> Option<(&str, bool)> {
    let [paused, gate, question, soak, start] = WAITS;
    match event.kind {
        EventKind::Began => Some((&event.text, true)),
        EventKind::Finished => Some((&event.text, false)),
        EventKind::Control(ControlStep::Paused) => Some((paused, true)),
        EventKind::Control(ControlStep::Continued) => Some((paused, false)),
        EventKind::Control(ControlStep::GateReached) => Some((gate, true)),
        EventKind::Control(ControlStep::Approved) => Some((gate, false)),
        EventKind::Control(ControlStep::QuestionAsked) => Some((question, true)),
        EventKind::Control(ControlStep::QuestionAnswered) => Some((question, false)),
        EventKind::Control(ControlStep::SoakStarted) => Some((soak, true)),
        EventKind::Control(ControlStep::SoakEnded) => Some((soak, false)),
        EventKind::Control(ControlStep::StartAwaited) => Some((start, true)),
        EventKind::Control(ControlStep::StartReached) => Some((start, false)),
        EventKind::Control(ControlStep::Aborted)
        | EventKind::Remark
        | EventKind::Waiting
        | EventKind::PhoneTls => None,
    }
}

/// The waits of a run that is controlled.
const WAITS: [&str; 5] = ["paused", "gate", "question", "soak", "start"];

/// Those that an answer ends.
const WAITS_FOR_ANSWERS: [&str; 2] = ["gate", "question"];

/// Returns how long the runs waited for answers, in milliseconds.
pub(super) fn waited_for_answers(runs: &[RunSection<'_>]) -> u64 {
    waits_for_answers(runs).iter().map(|(from, to)| to - from).sum()
}

/// Returns when no run did anything but wait for an answer, in milliseconds from the beginning. A question can be about
/// several runs; a gate of one does not hold up the others.
fn waits_for_answers(runs: &[RunSection<'_>]) -> Vec<(u64, u64)> {
    let began = began(runs);
    let length = between(began, last_known(runs));
    let idle = runs.iter().map(|of| {
        let stages = stages(of.run, began, length);
        let waits = stages.into_iter().filter(|one| WAITS_FOR_ANSWERS.contains(&&*one.word));
        let waits = waits.flat_map(|wait| wait.spans);
        waits.chain([(between(began, of.run.last_known()), length)]).collect::<Vec<_>>()
    });
    let both = |one: Vec<(u64, u64)>, other: Vec<(u64, u64)>| {
        let pairs =
            one.iter().flat_map(|a| other.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
        pairs.filter(|(from, to)| from < to).collect()
    };
    idle.reduce(both).unwrap_or_default().into_iter().filter(|(from, to)| from < to).collect()
}

/// Returns the results of phones with their times, in milliseconds from the beginning.
fn done(report: &RunReport, began: Timestamp, length: u64) -> Vec<(u64, Outcome)> {
    let phones = report.phones.iter();
    let done = phones.filter_map(|phone| Some((phone.finished_at?, phone.outcome)));
    done.map(|(at, outcome)| (between(began, at).min(length), outcome)).collect()
}

fn label(of: &RunSection<'_>, stage: &StageTimes) -> String {
    printable(wording::stage(of.run.action, &stage.word)).into_owned()
}

/// Returns the colour of a stage.
fn kind(word: &str) -> &'static str {
    match word {
        "apply" | "restart" => "changing",
        "push" | "screens" => "pushing",
        wait if WAITS.contains(&wait) => "waiting",
        _ => "stage",
    }
}

/// Converts milliseconds to positions on the drawing. Waits for answers have no length there, so that a night before
/// the answer leaves room for the work.
struct Scale {
    began: Timestamp,
    /// Without the waits.
    length: u64,
    waits: Vec<(u64, u64)>,
}

impl Scale {
    fn x(&self, at: u64) -> f64 {
        Self::x_of_work(self.work(at), self.length)
    }

    fn x_of_work(work: u64, length: u64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (work as f64 / length as f64)
    }

    /// Returns the time of work until a moment.
    fn work(&self, at: u64) -> u64 {
        let waited = self.waits.iter().map(|(from, to)| at.min(*to).saturating_sub(*from));
        at - waited.sum::<u64>()
    }

    fn lane(&self, row: u64, of: &RunSection<'_>, stage: &StageTimes) -> TimelineRow {
        let y = TOP + LANE * row;
        let word = if kind(&stage.word) == "waiting" { "waiting" } else { "stage" };
        let wait = WAITS_FOR_ANSWERS.contains(&&*stage.word).then(|| {
            let end = stage.spans.last().map_or(0, |span| span.1);
            (number(self.x(end) + 8.0), stage.took())
        });
        TimelineRow { y, label: label(of, stage), spans: self.spans(y, of, stage, word), wait }
    }

    fn run(&self, row: u64, of: &RunSection<'_>, stages: &[StageTimes]) -> TimelineRow {
        let y = TOP + LANE * row;
        let spans = stages.iter().flat_map(|stage| self.spans(y, of, stage, kind(&stage.word)));
        TimelineRow {
            y,
            label: sanitize_truncate(&of.cluster, MOST_OF_A_NAME),
            spans: spans.collect(),
            wait: None,
        }
    }

    fn spans(
        &self,
        y: u64,
        of: &RunSection<'_>,
        stage: &StageTimes,
        word: &'static str,
    ) -> Vec<Piece> {
        let last = stage.spans.len() - 1;
        let summary = format!("{}: {}", label(of, stage), stage.took());
        let spans = stage.spans.iter().enumerate().map(|(at, (from, to))| Piece {
            word: if stage.ended || at < last { word } else { "unended" },
            x: number(self.x(*from)),
            y: (y + 4).to_string(),
            width: number((self.x(*to) - self.x(*from)).max(2.0)),
            height: (LANE - 8).to_string(),
            summary: summary.clone(),
        });
        spans.collect()
    }

    fn row(&self, of: &RunSection<'_>, stage: &StageTimes, clock: &Clock) -> Option<StageRow> {
        let first = stage.spans.first()?.0;
        let began = self.began + std::time::Duration::from_millis(first);
        let (cluster, label) = (of.cluster.clone(), label(of, stage));
        Some(StageRow { cluster, label, began: clock.time_of_day(began), took: stage.took() })
    }

    /// Columns of phones by the time of their result, and the height of the highest.
    fn columns(&self, done: &[(u64, Outcome)], shelf: u64) -> (Vec<Piece>, usize) {
        let mut columns: BTreeMap<u64, BTreeMap<Outcome, usize>> = BTreeMap::new();
        for (at, outcome) in done {
            let column = (self.work(*at) * COLUMNS / self.length).min(COLUMNS - 1);
            *columns.entry(column).or_default().entry(*outcome).or_default() += 1;
        }
        let sum = |counts: &BTreeMap<Outcome, usize>| counts.values().sum::<usize>();
        let most = columns.values().map(sum).max().unwrap_or(0);
        let width = (WIDTH - LEFT - RIGHT) / COLUMNS as f64;
        let mut boxes = Vec::new();
        for (column, counts) in columns {
            let mut y = (shelf + COLUMNS_HEIGHT) as f64;
            for (outcome, count) in counts {
                let height = COLUMNS_HEIGHT as f64 * count as f64 / most as f64;
                y -= height;
                boxes.push(Piece {
                    word: outcome.as_str(),
                    x: number(LEFT + width * column as f64),
                    y: number(y),
                    width: number(width - 1.0),
                    height: number(height),
                    summary: String::new(),
                });
            }
        }
        (boxes, most)
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 80.0;
const TOP: u64 = 4;
const LANE: u64 = 22;
const GAP: u64 = 18;
const COLUMNS: u64 = 71;
const COLUMNS_HEIGHT: u64 = 110;
const FOOT: u64 = 24;
const MOST_NOTES: usize = 100;
/// Room for the label of a row, in characters.
const MOST_OF_A_NAME: usize = 24;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::event::PhoneResult;
    use crate::journal::{RunRow, RunState};
    use crate::report::testing::pushed;

    fn at(ms: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn report(events: &[(u64, EventKind, &str)], done: &[u64], ended: Option<u64>) -> RunReport {
        let event = |(ms, kind, text): &(u64, EventKind, &str)| EventRow {
            at: at(*ms),
            kind: *kind,
            text: (*text).to_owned(),
        };
        let finished = |(ms, n): (&u64, u8)| PhoneResult {
            finished_at: Some(at(*ms)),
            ..pushed(&format!("SEP{n}"))
        };
        let run = RunRow {
            id: 1,
            command: "rollout".into(),
            command_line: "axlpaper rollout".into(),
            program: "0.1.0".into(),
            cluster_id: "pub:8443".into(),
            cluster: "lab".into(),
            host: "pub:8443".into(),
            os_user: "admin".into(),
            machine: "jump1".into(),
            continues: None,
            reverts: None,
            began_at: at(0),
            ended_at: ended.map(at),
            state: RunState::Finished,
            is_waiting: false,
            exit_code: None,
            outcomes: Vec::new(),
            subject: None,
            time_zone: jiff::tz::TimeZone::UTC,
        };
        RunReport {
            events: events.iter().map(event).collect(),
            phones: done.iter().zip(0..).map(finished).collect(),
            ..RunReport::new(run)
        }
    }

    fn draw(runs: &[RunReport]) -> Option<Timeline> {
        timeline(&RunSection::all(runs, 0), &Clock::of(&runs[0].run))
    }

    #[test]
    fn several_runs_have_a_lane_each_with_all_their_stages() {
        let events = [
            (0, EventKind::Began, "phones"),
            (1_000, EventKind::Finished, "phones"),
            (1_000, EventKind::Began, "apply"),
            (2_000, EventKind::Finished, "apply"),
            (3_000, EventKind::Began, "push"),
        ];
        let mut late = report(&events, &[2_500], Some(4_000));
        late.run.began_at = at(1_000);
        late.run.cluster = "beta".into();
        let line = draw(&[report(&events, &[], Some(4_000)), late]).unwrap();
        let lanes: Vec<_> = line
            .lanes
            .iter()
            .map(|lane| {
                let words: Vec<_> = lane.spans.iter().map(|span| span.word).collect();
                (lane.label.as_str(), words)
            })
            .collect();
        let words = vec!["stage", "changing", "unended"];
        assert_eq!(lanes, [("lab", words.clone()), ("beta", words)]);
        assert_eq!((line.rows.len(), line.rows[3].cluster.as_str()), (6, "beta"));
        assert_eq!(line.most, 1);
    }

    #[test]
    fn waves_are_one_stage_and_a_stage_without_an_end_says_so() {
        let events = [
            (0, EventKind::Began, "phones"),
            (1_000, EventKind::Finished, "phones"),
            (1_000, EventKind::Began, "push"),
            (1_200, EventKind::Remark, "wave 1 of 2: 3 phones"),
            (2_000, EventKind::Finished, "push"),
            (3_000, EventKind::Began, "push"),
        ];
        let line = draw(&[report(&events, &[], None)]).unwrap();
        let summary: Vec<_> =
            line.rows.iter().map(|row| (row.label.as_str(), row.took.as_str())).collect();
        assert_eq!(summary, [("Read phones", "1.0 s"), ("Push to phones", "1.0 s, end unknown")]);
        let words: Vec<_> = line.lanes[1].spans.iter().map(|span| span.word).collect();
        assert_eq!(words, ["stage", "unended"]);
        assert_eq!(line.notes[0].text, "wave 1 of 2: 3 phones");
        assert!(draw(&[report(&[], &[], Some(5))]).is_none());
    }

    #[test]
    fn pauses_gates_and_soak_periods_have_lanes_and_end_with_the_run() {
        let events = [
            (0, EventKind::Began, "push"),
            (1_000, EventKind::Control(ControlStep::Paused), "paused by ada on ops1"),
            (2_000, EventKind::Control(ControlStep::Continued), "continued by ada on ops1"),
            (3_000, EventKind::Finished, "push"),
            (
                3_000,
                EventKind::Control(ControlStep::SoakStarted),
                "soak period of wave 1 of 2: 1 s (--soak)",
            ),
            (4_000, EventKind::Control(ControlStep::SoakEnded), "soak period of wave 1 of 2 ended"),
            (
                4_000,
                EventKind::Control(ControlStep::GateReached),
                "wave 2 of 2 (3 phones) waits for an approval",
            ),
            (6_000, EventKind::Control(ControlStep::Aborted), "aborted by ada on ops1"),
        ];
        let ended = report(&events, &[], Some(7_000));
        let line = draw(&[ended]).unwrap();
        let rows: Vec<_> =
            line.rows.iter().map(|row| (row.label.as_str(), row.took.as_str())).collect();
        let expected = [
            ("Push to phones", "3.0 s"),
            ("Paused", "1.0 s"),
            ("Soak period", "1.0 s"),
            ("Waits for an approval", "3.0 s"),
        ];
        assert_eq!(rows, expected);
        let notes: Vec<_> = line.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(notes.len(), 6, "{notes:?}");
        // Of a run that was killed in its pause nothing more is known.
        let killed = report(&events[..2], &[], None);
        let waits: Vec<&str> = killed.waits_for().map(|event| event.text.as_str()).collect();
        assert_eq!(waits, ["paused by ada on ops1"]);
        assert!(draw(&[killed]).unwrap().rows[1].took.ends_with("end unknown"));
    }

    #[test]
    fn waits_for_answers_have_no_length_where_every_run_waits() {
        let events = [
            (0, EventKind::Began, "phones"),
            (1_000, EventKind::Finished, "phones"),
            (1_000, EventKind::Control(ControlStep::QuestionAsked), "waits for an answer"),
            (9_000, EventKind::Control(ControlStep::QuestionAnswered), "answered"),
            (9_000, EventKind::Began, "push"),
            (11_000, EventKind::Finished, "push"),
        ];
        let one = report(&events, &[10_000], Some(11_000));
        let line = draw(std::slice::from_ref(&one)).unwrap();
        assert_eq!(line.rows[1].took, "8.0 s");
        let last = line.marks.last().unwrap();
        assert_eq!((last.label.as_str(), last.x.as_str()), ("3.0 s", "880.0"), "three of work");
        let wait = &line.lanes[1];
        assert_eq!((wait.spans[0].x.as_str(), wait.spans[0].width.as_str()), ("406.7", "2.0"));
        assert_eq!(wait.wait.as_ref().unwrap().1, "8.0 s");
        // Another run that works meanwhile needs the room; one that has ended does not.
        let busy = report(&[(0, EventKind::Began, "phones")], &[], Some(11_000));
        let failed = report(&[(0, EventKind::Began, "phones")], &[], Some(500));
        for (other, waited) in [(one.clone(), 8_000), (busy, 0), (failed, 8_000)] {
            let runs = [one.clone(), other];
            assert_eq!(waited_for_answers(&RunSection::all(&runs, 0)), waited);
        }
    }

    proptest! {
        /// Whatever a journal says, nothing is drawn outside, and no phone is left out.
        #[test]
        fn everything_lies_on_the_drawing(
            events in proptest::collection::vec(
                (0_u64..9_000, prop_oneof![Just(EventKind::Began), Just(EventKind::Finished), Just(EventKind::Remark)], prop_oneof![Just("push"), Just("x")]),
                0..12,
            ),
            done in proptest::collection::vec(0_u64..9_000, 1..40),
            ended in proptest::option::of(0_u64..9_000),
            twice: bool,
        ) {
            let report = report(&events, &done, ended);
            let runs = if twice { vec![report.clone(), report] } else { vec![report] };
            let line = draw(&runs).unwrap();
            let spans = line.lanes.iter().flat_map(|lane| &lane.spans);
            let floor = line.floor as f64;
            for piece in spans.chain(&line.boxes) {
                let number = |text: &str| text.parse::<f64>().unwrap();
                let (x, y) = (number(&piece.x), number(&piece.y));
                prop_assert!(x >= LEFT && x + number(&piece.width) <= WIDTH - RIGHT + 2.1, "{piece:?}");
                prop_assert!(y >= 0.0 && y + number(&piece.height) <= floor + 0.1, "{piece:?}");
            }
            prop_assert!((1..=done.len() * runs.len()).contains(&line.most));
        }
    }
}
