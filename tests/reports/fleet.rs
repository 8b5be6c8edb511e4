//! Made-up runs, without a rollout: the same ones each time.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axlpaper::domain::audit::{AssociationState, Audit, AuditedPhone, Summary};
use axlpaper::domain::finding::{Code, Finding, Severity, Verdict};
use axlpaper::domain::inventory::{ClusterInfo, Phone};
use axlpaper::domain::personalization::{Personalization, Setting};
use axlpaper::domain::registration::{Registration, Source, Status};
use axlpaper::event::{ControlStep, Outcome, PhoneResult};
use axlpaper::journal::{Coverage, EventKind, EventRow, RunRow, RunState, Subject};
use axlpaper::report::{PastRun, RunReport};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const MODELS: [&str; 7] = [
    "Cisco 8841",
    "Cisco 8851",
    "Cisco 7945",
    "Cisco 9971",
    "Cisco 8811",
    "Cisco 8961",
    "Cisco ATA 191",
];

/// A run on so many phones; every hundredth or so is in trouble.
pub fn fleet(phones: u32) -> RunReport {
    report((0..phones).map(phone).collect())
}

/// A run over the same phones as others before it, which waited for its answer, and in which nothing worked.
pub fn in_vain() -> RunReport {
    let mut report = fleet(36);
    for phone in &mut report.phones {
        if phone.outcome.is_capable() {
            phone.outcome = Outcome::Unreachable;
            phone.reason = Some("did not answer within 5 s".to_owned());
            phone.remedy =
                Some("check the `firewall` between this machine and the phones".to_owned());
        }
    }
    report.events.splice(
        2..2,
        [
            event(20, EventKind::Control(ControlStep::QuestionAsked), "waits for an answer"),
            event(1_220, EventKind::Control(ControlStep::QuestionAnswered), "was answered"),
        ],
    );
    for event in report.events.iter_mut().filter(|event| event.text == "push") {
        event.at = event.at.max(at(1_220));
    }
    for phone in report.phones.iter_mut().filter(|phone| phone.outcome == Outcome::Unreachable) {
        phone.finished_at = Some(at(1_300 + 60 * u64::from(phone.attempts)));
    }
    report.past_runs = [(3, 10), (5, 22), (6, 31)]
        .map(|(id, shown)| PastRun {
            id,
            began_at: at(0) - Duration::from_secs(86_400 * (8 - id.unsigned_abs())),
            file: "winter.png".to_owned(),
            coverage: Coverage { shown, capable: 32 },
        })
        .to_vec();
    report
}

/// A run whose every text tries to be something else.
pub fn hostile() -> RunReport {
    let phones = HOSTILE.iter().zip(0..).map(|(text, n)| {
        let (mut seen, mut result) = phone(n);
        seen.phone.name = axlpaper::domain::device_name::DeviceName::of_cluster(text).unwrap();
        result.name = seen.phone.name.clone();
        for field in
            [&mut seen.phone.description, &mut seen.phone.model, &mut seen.phone.device_pool]
        {
            (*text).clone_into(field);
        }
        (result.model, result.device_pool) =
            (seen.phone.model.clone(), seen.phone.device_pool.clone());
        seen.phone.owner = Some((*text).to_owned());
        seen.phone.extension = Some((*text).to_owned());
        seen.findings = vec![Finding {
            code: Code::NotAssociated,
            severity: Severity::Fixable,
            message: (*text).to_owned(),
            remedy: format!("`{text}` {text}"),
        }];
        result.outcome = Outcome::Rejected;
        result.reason = Some((*text).to_owned());
        result.remedy = Some(format!("`{text}` {text}"));
        (seen, result)
    });
    let mut report = report(phones.collect());
    let all = HOSTILE.join(" ");
    report.file = Some(all.clone());
    let coverage = Coverage { shown: 1, capable: 9 };
    report.past_runs = vec![PastRun { id: 6, began_at: at(0), file: all.clone(), coverage }];
    report.run.cluster.clone_from(&all);
    report.run.command_line = format!("axlpaper rollout {all}");
    report.events.push(event(5, EventKind::Remark, &all));
    if let Some(audit) = &mut report.audit {
        audit.remarks = vec![all];
    }
    report
}

/// Texts that become something else where they are not escaped. Each one sets `window.hacked` if it can.
pub const HOSTILE: [&str; 9] = [
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=2>",
    "\"><svg onload=window.hacked=3>",
    "' autofocus onfocus='window.hacked=4",
    "<!--<script>",
    "${window.hacked=5} {{ 7*7 }} {% raw %}",
    "__proto__",
    "a\u{2028}b\u{202e}c",
    "javascript:window.hacked=6 &lt;b&gt; &amp;",
];

fn report(phones: Vec<(AuditedPhone, PhoneResult)>) -> RunReport {
    let (seen, phones): (Vec<_>, Vec<_>) = phones.into_iter().unzip();
    let cluster = ClusterInfo {
        name: "lab".into(),
        host: "pub.example.com:8443".into(),
        version: "14.0.1.13900-155".into(),
        axl_version: "14.0".into(),
    };
    let (summary, remarks) = (Summary::of(&seen), Vec::new());
    let report = RunReport {
        file: Some("winter.png".into()),
        ending: Some(axlpaper::journal::RunEnd::default()),
        audit: Some(Audit {
            cluster,
            taken_at: at(20),
            summary,
            phones: seen,
            remarks,
            rule_changes: Vec::new(),
        }),
        events: vec![
            event(1, EventKind::Began, "phones"),
            event(20, EventKind::Finished, "phones"),
            event(20, EventKind::Began, "push"),
            event(3_590, EventKind::Finished, "push"),
        ],
        phones,
        ..RunReport::new(run())
    };
    report.with_labels()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + Duration::from_secs(seconds)
}

fn event(seconds: u64, kind: EventKind, text: &str) -> EventRow {
    EventRow { at: at(seconds), kind, text: text.to_owned() }
}

fn run() -> RunRow {
    RunRow {
        id: 7,
        command: "rollout".into(),
        command_line: "/usr/bin/axlpaper rollout winter.png --yes".into(),
        program: "0.1.0".into(),
        cluster_id: "pub.example.com:8443".into(),
        cluster: "lab".into(),
        host: "pub.example.com:8443".into(),
        os_user: "admin".into(),
        machine: "jump1".into(),
        continues: None,
        reverts: None,
        began_at: at(0),
        ended_at: Some(at(3_600)),
        state: RunState::Finished,
        is_waiting: false,
        exit_code: Some(3),
        outcomes: Vec::new(),
        subject: Some(Subject::new(
            axlpaper::domain::push_action::PushAction::Picture,
            "demo.png",
            true,
        )),
        time_zone: TimeZone::get("Europe/Paris").unwrap(),
    }
}

fn phone(n: u32) -> (AuditedPhone, PhoneResult) {
    let (verdict, finding) = verdict(n);
    let outcome = outcome(n, verdict);
    let [_, b, c, d] = n.to_be_bytes();
    let ip = IpAddr::V4(Ipv4Addr::new(10, b, c, d));
    let registered = verdict != Verdict::Offline;
    let status = if registered { Status::Registered } else { Status::Unregistered };
    let registration = Registration {
        ip: registered.then_some(ip),
        node: Some(format!("cucm-sub{}", n % 4 + 1)),
        active_load: Some("sip88xx.14-2-1-0101-33".into()),
        ..Registration::unknown(status, Source::Risport70)
    };
    // Names do not come in the order of their numbers, so that sorting has something to do.
    let name = format!("SEP{:012X}", u64::from(n).wrapping_mul(0x9E37_79B9) & 0xffff_ffff_ffff);
    let phone = Phone {
        name: name.parse().unwrap(),
        extension: Some(format!("{}", 20_000 + n)),
        description: format!("Desk {n} of user{:05}", n % 32_000),
        model: MODELS[n as usize % MODELS.len()].into(),
        protocol: "SIP".into(),
        device_pool: format!("Branch-{:03}", n % 400),
        common_phone_profile: Some("Standard Common Phone Profile".into()),
        location: Some("Hub_None".into()),
        owner: Some(format!("user{:05}", n % 32_000)),
        personalization: None,
        authentication_url: None,
        secure_authentication_url: None,
        configured_load: None,
        web_access: axlpaper::domain::web_access::PageValue::Nothing,
        page: None,
        registration,
    };
    let seen = AuditedPhone {
        phone,
        model: None,
        personalization: Personalization::resolve(Some(Setting::Enabled), None, None),
        association: AssociationState { user: None, kind: None, associated: true },
        image: None,
        verdict,
        findings: finding.into_iter().collect(),
    };
    let result = result(&seen, outcome, n);
    (seen, result)
}

fn verdict(n: u32) -> (Verdict, Option<Finding>) {
    let finding = |code, severity: Severity, message: String, remedy: &str| {
        let remedy = remedy.to_owned();
        (severity.verdict(), Some(Finding { code, severity, message, remedy }))
    };
    match n % 50 {
        0 => finding(
            Code::NotRegistered,
            Severity::Offline,
            format!("it is not registered since day {}", n % 90),
            "plug it in; `axlpaper rollout --only-failed last` pushes to it then",
        ),
        1 => finding(
            Code::PersonalizationHttpsOnly,
            Severity::Blocked,
            "Phone Personalization is HTTPS Only by the phone itself".into(),
            "set Device > Phone > Phone Personalization to Enabled",
        ),
        2..10 => finding(
            Code::NotAssociated,
            Severity::Fixable,
            "bgpush does not control it".into(),
            "`axlpaper rollout` adds the association",
        ),
        _ if n as usize % MODELS.len() == 6 => finding(
            Code::UnsupportedModel,
            Severity::Unsupported,
            "Cisco ATA 191 is an analog port or adapter".into(),
            "nothing to do",
        ),
        _ => (Verdict::Ready, None),
    }
}

fn outcome(n: u32, verdict: Verdict) -> Outcome {
    match (verdict, n % 97) {
        (Verdict::Offline, _) => Outcome::Offline,
        (Verdict::Blocked, _) => Outcome::NeedsWork,
        (Verdict::Unsupported, _) => Outcome::NoBackground,
        (_, 11) => Outcome::Rejected,
        (_, 12) => Outcome::Unreachable,
        (_, 13) => Outcome::Accepted,
        (_, 20..30) => Outcome::Already,
        (Verdict::Ready | Verdict::Fixable, _) => Outcome::Verified,
    }
}

fn result(seen: &AuditedPhone, outcome: Outcome, n: u32) -> PhoneResult {
    let pushed = !outcome.is_skipped();
    let (reason, remedy) = match outcome {
        Outcome::Verified => (None, None),
        Outcome::Already => (Some("run 6 proved that it shows this picture".into()), None),
        Outcome::NeedsWork
        | Outcome::Offline
        | Outcome::Excluded
        | Outcome::NoBackground
        | Outcome::NotVerifiable => {
            let finding = &seen.findings[0];
            (Some(finding.message.clone()), Some(finding.remedy.clone()))
        }
        Outcome::Rejected => (
            Some("refused the push: internal file error (CiscoIPPhoneError 3)".into()),
            Some("check the phone's status messages".to_owned()),
        ),
        Outcome::Accepted
        | Outcome::AuthFailed
        | Outcome::Unreachable
        | Outcome::BadReply
        | Outcome::WrongDevice
        | Outcome::NotShown
        | Outcome::Pending => (
            Some("closed the connection without an answer".into()),
            seen.phone.registration.ip.map(|ip| format!("check the way to {ip}, then push again")),
        ),
    };
    let first = at(30 + u64::from(n) * 3_500 / 40_000);
    // From JSON, as the journal has it: fields that come later have defaults there.
    serde_json::from_value(serde_json::json!({
        "name": seen.phone.name,
        "model": seen.phone.model,
        "device_pool": seen.phone.device_pool,
        "ip": seen.phone.registration.ip,
        "image": pushed.then_some("800x480"),
        "outcome": outcome,
        "phone_error": null,
        "reason": reason,
        "remedy": remedy,
        "attempts": u32::from(pushed),
        "first_attempt_at": pushed.then_some(first),
        "finished_at": pushed.then_some(first + Duration::from_millis(u64::from(n % 5_000))),
        "duration_ms": pushed.then_some(n % 5_000),
    }))
    .unwrap()
}
