//! The HTML report of made-up runs: what is in it, how long it is, and that nothing in it becomes anything else.
//!
//! Where `AXLPAPER_KEEP_REPORTS` names a folder, the pages are kept there with what they should show: tests/browser
//! opens them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "reports/fleet.rs"]
mod fleet;

use std::collections::BTreeMap;

use axlpaper::domain::push_action::PushAction;
use axlpaper::event::{Outcome, PhoneResult};
use axlpaper::journal::{
    RunEnd, RunGroup, RunState, ScreenCheckRecord, SentFile, SentPicture, SkippedCluster,
};
use axlpaper::report::{FieldSelection, RunReport, csv, html};
use serde_json::{Value, json};

/// Returns the data in a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Returns what comes before the phones' data, where everything is markup.
fn markup(page: &str) -> &str {
    page.split_once("<script type=").unwrap().0
}

fn counts<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

/// Keeps a page for the browser, with what it should show.
fn keep(name: &str, report: &RunReport, page: &str) {
    let Some(folder) = std::env::var_os("AXLPAPER_KEEP_REPORTS").map(std::path::PathBuf::from)
    else {
        return;
    };
    let phones = &report.phones;
    let seen = &report.audit.as_ref().unwrap().phones;
    // Devices without a screen are not listed unless a filter selects them.
    let listed = || phones.iter().filter(|phone| phone.model != "Cisco ATA 191");
    let mut names: Vec<&str> = listed().map(|phone| phone.name.as_str()).collect();
    names.sort_unstable();
    let expected = json!({
        "phones": phones.len(),
        "listed": listed().count(),
        "outcomes": counts(phones.iter().map(|phone| phone.outcome.as_str())),
        "verdicts": counts(seen.iter().map(|phone| phone.verdict.as_str())),
        "pools": counts(phones.iter().map(|phone| phone.device_pool.as_str())),
        "findings": counts(seen.iter().flat_map(|phone| &phone.findings).map(|one| one.code.as_str())),
        "first": names.first(),
        "last": names.last(),
        "hostile": fleet::HOSTILE,
        "csv": csv_of(phones),
    });
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), expected.to_string()).unwrap();
}

/// What `show --format csv` writes about phones.
fn csv_of(phones: &[PhoneResult]) -> String {
    let mut text = Vec::new();
    csv(phones, &FieldSelection::default(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn forty_thousand_phones_are_a_page_of_some_megabytes() {
    let report = fleet::fleet(40_000);
    let page = html(std::slice::from_ref(&report)).unwrap();
    assert!(page.len() < 9_000_000, "{} bytes", page.len());
    assert!(markup(&page).len() < 1_000_000, "{} bytes of markup", markup(&page).len());
    let data = data(&page);
    let rows = data["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 40_000);
    let outcomes = data["outcomes"].as_array().unwrap();
    let told =
        counts(rows.iter().map(|row| {
            outcomes[usize::try_from(row[6].as_u64().unwrap()).unwrap()].as_str().unwrap()
        }));
    assert_eq!(told, counts(report.phones.iter().map(|phone| phone.outcome.as_str())));
    // Trouble stands first.
    let failed = rows.iter().take_while(|row| row[7] == 1).count();
    assert_eq!(failed, rows.iter().filter(|row| row[7] == 1).count());
    assert!(failed > 500);
    keep("fleet", &report, &page);
}

#[test]
fn hostile_text_stays_text() {
    let report = fleet::hostile();
    let page = html(std::slice::from_ref(&report)).unwrap();
    for text in ["<script>window", "<img src=x", "<svg onload", "<!--"] {
        assert!(!page.contains(text), "{text} is in the page");
    }
    assert!(!markup(&page).contains("onfocus='window"), "an attribute can be closed");
    // Two scripts and no more: the data and ours.
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2));
    assert!(!page.contains('\u{2028}') && !page.contains('\u{202e}'));
    let rows = data(&page)["rows"].as_array().unwrap().clone();
    assert!(rows.iter().any(|row| row[0] == fleet::HOSTILE[0] && row[1] == fleet::HOSTILE[0]));
    keep("hostile", &report, &page);
}

#[test]
fn nothing_is_fetched_and_only_our_script_may_run() {
    let page = html(&[fleet::fleet(3)]).unwrap();
    let policy = page.split_once("Content-Security-Policy\" content=\"").unwrap().1;
    let policy = policy.split_once('"').unwrap().0.replace("&#39;", "'");
    assert!(
        policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for word in ["src=\"http", "href=\"http", "@import", "url(http", " style=\"", " onclick="] {
        assert!(!page.contains(word), "{word} is in the page");
    }
}

#[test]
fn the_same_journal_gives_the_same_page() {
    assert_eq!(html(&[fleet::fleet(50)]).unwrap(), html(&[fleet::fleet(50)]).unwrap());
}

#[test]
fn a_run_says_how_it_ended() {
    let told = |change: &dyn Fn(&mut RunReport)| {
        let mut report = fleet::fleet(200);
        change(&mut report);
        let page = html(std::slice::from_ref(&report)).unwrap();
        let (_, rest) = page.split_once("<p class=\"state ").unwrap();
        let state = rest.split_once("<b>").unwrap().1.split_once("</b>").unwrap().0.to_owned();
        (state, page)
    };
    let (state, page) = told(&|_| {});
    assert_eq!(state, "finished with failures");
    assert!(!page.contains("journal has no end"));
    let (state, page) = told(&|report| {
        report.run.ended_at = None;
        report.run.state = RunState::Killed;
        report.ending = None;
    });
    assert_eq!(state, "killed");
    assert!(page.contains("This run was killed: the journal has no end of it."));
    let (state, _) = told(&|report| {
        report.run.ended_at = None;
        report.run.state = RunState::Running;
    });
    assert_eq!(state, "end unknown");
    let (state, page) = told(&|report| {
        let stopped = Some("three phones <b> refused".to_owned());
        report.ending = Some(RunEnd { stopped, ..RunEnd::default() });
    });
    assert_eq!(state, "stopped early");
    assert!(page.contains("three phones &#60;b&#62; refused"), "{}", markup(&page));
    let (state, page) = told(&|report| {
        report.run.state = RunState::Failed;
        report.ending = Some(RunEnd { error: Some("no route".into()), ..RunEnd::default() });
        (report.audit, report.phones) = (None, Vec::new());
    });
    assert_eq!(state, "failed");
    assert!(page.contains("no route") && page.contains("This run was about no phone."));
    let (state, page) = told(&|report| {
        report.phones.retain(|phone| phone.outcome.as_str() == "verified");
    });
    assert_eq!(state, "finished");
    assert!(page.contains("phones accepted, and downloaded background and thumbnail completely."));
}

#[test]
fn a_run_in_which_nothing_worked_is_red_and_names_the_cause() {
    let report = fleet::in_vain();
    let missed = report.phones.iter().filter(|phone| phone.outcome.is_capable()).count();
    let page = html(std::slice::from_ref(&report)).unwrap();
    let head = markup(&page).split_once("</header>").unwrap().0;
    let header = head.split_once("<header class=\"bad\">").unwrap().1;
    assert!(header.contains("<b>nothing worked</b>") && header.contains(">0 %</text>"), "{header}");
    let cause = format!("<b>{missed} phones: Not reachable.</b> did not answer within 5 s");
    assert!(header.contains(&cause), "{header}");
    assert!(header.contains("check the <code>firewall</code> between"), "{header}");
    // The hour of the run has twenty minutes that it waited for a person.
    assert!(header.contains("took 40 min 0 s, and waited 20 min 0 s for an answer"), "{header}");
    assert!(page.contains("Waits for an answer"), "the time line shows it apart");
    keep("vain", &report, &page);
    // Why a run stopped is no cause of what it did before, and phones that were not tried have no other cause.
    let stopped = Some("no phone fetched anything".to_owned());
    let mut stopped =
        RunReport { ending: Some(RunEnd { stopped, ..RunEnd::default() }), ..report.clone() };
    for phone in stopped.phones.iter_mut().skip(3).filter(|phone| phone.outcome.is_capable()) {
        phone.outcome = Outcome::Pending;
    }
    let page = html(&[stopped]).unwrap();
    let (header, _) = page.split_once("</header>").unwrap();
    assert!(
        header.contains("<b>stopped early</b>") && header.contains("no phone fetched anything")
    );
    assert!(header.contains("<b>3 phones: Not reachable.</b>"), "{header}");
    // One phone that has it, whenever it got it, is not nothing.
    let mut some = report;
    some.phones[0].outcome = Outcome::Already;
    let page = html(&[some]).unwrap();
    assert!(page.contains("<header class=\"warn\">") && !page.contains("id=\"cause\""));
}

#[test]
fn times_are_those_of_the_machine_that_ran_it() {
    let page = html(&[fleet::fleet(3)]).unwrap();
    for text in ["2026-09-21 16:13:20 +02:00", "Began (+02:00)", "Europe/Paris, +02:00"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!markup(&page).contains("UTC"), "no other clock");
}

#[test]
fn the_last_runs_over_the_same_phones_are_columns() {
    let report = fleet::in_vain();
    let page = html(std::slice::from_ref(&report)).unwrap();
    let told =
        "Capable phones that show what was pushed: run 3 31 %, run 5 68 %, run 6 96 %, run 7 0 %";
    assert!(page.contains(told), "{}", markup(&page));
    let page = html(&[RunReport { past_runs: Vec::new(), ..report }]).unwrap();
    assert!(!page.contains("class=\"history\""), "one run alone is no history");
}

#[test]
fn a_night_of_failures_is_kept_for_the_printer() {
    let report = fleet::night();
    let page = html(std::slice::from_ref(&report)).unwrap();
    assert!(page.contains("The last runs of this picture over the same phones"));
    // Analog ports are counted in one line, and are no rows without a script.
    let analog = report.phones.iter().filter(|phone| phone.model == "Cisco ATA 191").count();
    let line = format!("{analog} devices without a screen are not listed ({analog} analog)");
    assert!(analog > 0 && page.contains(&line), "{line}");
    let (_, plain) = markup(&page).split_once("<noscript>").unwrap();
    assert!(!plain.split_once("</noscript>").unwrap().0.contains("ATA 191"));
    keep("night", &report, &page);
}

/// A run on another cluster.
fn on(cluster: &str, run: i64, mut report: RunReport) -> RunReport {
    cluster.clone_into(&mut report.run.cluster);
    report.run.cluster_id = format!("{cluster}:8443");
    report.run.id = run;
    report
}

#[test]
fn several_runs_are_one_page_that_tells_clusters_apart() {
    let hostile = fleet::hostile();
    let left_out = SkippedCluster {
        cluster: "<img src=x onerror=window.hacked=7>".into(),
        error: "another run works on it".into(),
        hints: vec!["wait until `axlpaper runs` says that it has ended".into()],
    };
    let together = Some(RunGroup { runs: vec![5, 6, 7], left_out: vec![left_out] });
    let alpha = RunReport { together: together.clone(), ..on("alpha", 5, fleet::fleet(60)) };
    let beta = RunReport { together, ..on("beta", 6, fleet::fleet(40)) };
    let mut gamma = on(&hostile.run.cluster.clone(), 8, hostile);
    gamma.run.state = RunState::Failed;
    let hints = vec!["look at `axlpaper doctor`".to_owned()];
    gamma.ending = Some(RunEnd { error: Some("no route".into()), hints, ..RunEnd::default() });
    let page = html(&[alpha.clone(), beta.clone(), gamma.clone()]).unwrap();
    let head = markup(&page);
    for text in [
        "axlpaper, runs 5, 6, 8",
        "<h1>winter.png on 4 clusters</h1>",
        "<b>not done on every cluster</b>",
        "not begun.</b> another run works on it",
        "failed.</b> no route",
        "<code>axlpaper doctor</code>",
        "that were pushed to on 2 of 4 clusters",
        "<code>axlpaper report 5 6 8</code>",
    ] {
        assert!(head.contains(text), "{text}");
    }
    // The same device pool in two clusters has two rows, and the same phone too.
    for cluster in ["alpha", "beta"] {
        let link =
            format!("data-filter=\"cluster={cluster}&#38;pool=Branch-003\">Branch-003</a></th>");
        assert_eq!(head.matches(&link).count(), 1, "{link}");
    }
    let data = data(&page);
    let (rows, texts) = (data["rows"].as_array().unwrap(), data["texts"].as_array().unwrap());
    assert_eq!(rows.len(), 60 + 40 + fleet::HOSTILE.len());
    let of = |cluster: &str| {
        let cluster_of =
            |row: &&Value| texts[usize::try_from(row[18].as_u64().unwrap()).unwrap()] == cluster;
        rows.iter().filter(cluster_of).count()
    };
    assert_eq!((of("alpha"), of("beta")), (60, 40));
    for text in ["<script>window", "<img src=x", "<svg onload", "<!--"] {
        assert!(!page.contains(text), "{text} is in the page");
    }
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2));
    // A run of another time about a cluster that was left out then is what counts; a run that went on with another
    // one has a name of its own.
    let again = html(&[on("alpha", 5, fleet::fleet(2)), on("alpha", 9, fleet::fleet(2))]).unwrap();
    assert!(again.contains("<h1>winter.png on alpha</h1>"), "one cluster");
    assert!(again.contains("alpha, run 5") && again.contains("alpha, run 9"));
    // One run that is alone but for a cluster that was left out says so.
    let alone = html(std::slice::from_ref(&alpha)).unwrap();
    assert!(alone.contains("not begun.</b>") && alone.contains("axlpaper, run 5<"));
    keep_clusters(&[alpha, beta, gamma], &page);
}

/// Keeps the page of several clusters for the browser.
fn keep_clusters(runs: &[RunReport], page: &str) {
    let Some(folder) = std::env::var_os("AXLPAPER_KEEP_REPORTS").map(std::path::PathBuf::from)
    else {
        return;
    };
    let phones = || runs.iter().flat_map(|run| &run.phones);
    let by_cluster = runs[..2].iter().map(|run| (run.run.cluster.as_str(), run.phones.len()));
    let expected = json!({
        "phones": phones().count(),
        "outcomes": counts(phones().map(|phone| phone.outcome.as_str())),
        "clusters": by_cluster.collect::<BTreeMap<_, _>>(),
    });
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("clusters.html"), page).unwrap();
    std::fs::write(folder.join("clusters.json"), expected.to_string()).unwrap();
}

#[test]
fn what_proved_a_run_is_what_its_page_says() {
    let told = |action: PushAction, proof: &str| {
        let mut report = fleet::fleet(200);
        report.action = action;
        report.phones.retain(|phone| phone.outcome.as_str() == "verified");
        for phone in &mut report.phones {
            phone.proof = serde_json::from_value(proof.into()).unwrap();
        }
        let page = html(std::slice::from_ref(&report)).unwrap();
        assert!(page.contains(">100 %</text>"), "all of them show it");
        let sentence = page.split_once("<p class=\"sentence\">").unwrap().1;
        sentence.split_once("</p>").unwrap().0.to_owned()
    };
    for (action, proof, words) in [
        (
            PushAction::Picture,
            "fetch",
            "accepted, and downloaded background and thumbnail completely.",
        ),
        (PushAction::Picture, "screenshot", "completely, and showed the picture."),
        (PushAction::PictureElsewhere, "screenshot", "accepted, and showed the picture."),
        (PushAction::Removal, "screenshot", "accepted, and showed another background."),
        (PushAction::RingTone, "fetch", "accepted, and downloaded the ring tone completely."),
    ] {
        let sentence = told(action, proof);
        assert!(sentence.starts_with("All ") && sentence.ends_with(words), "{sentence}");
    }
}

#[test]
fn pictures_are_shown_with_who_got_them() {
    let mut report = fleet::fleet(3);
    let look =
        ScreenCheckRecord { exact: true, media_type: "image/png".into(), base64: "QUJD".into() };
    let file = |width, height| SentFile {
        size: axlpaper::domain::model::Size::new(width, height),
        bytes: 2_048,
        sha256: "00ff".into(),
        look: look.clone(),
    };
    report.pictures.push(SentPicture {
        digest: "d".into(),
        name: String::new(),
        grey: true,
        background: file(800, 480),
        thumbnail: file(139, 109),
    });
    let page = html(std::slice::from_ref(&report)).unwrap();
    let markup = markup(&page);
    let (header, _) = markup.split_once("</header>").unwrap();
    assert!(header.contains("alt=\"winter.png as most phones were sent it\""), "{header}");
    assert!(markup.contains("src=\"data:image/png;base64,QUJD\" width=\"800\" height=\"480\""));
    assert!(markup.contains("alt=\"winter.png as a background of 800x480\""));
    assert!(markup.contains("shades of grey") && markup.contains("sent to no phone"));
}
