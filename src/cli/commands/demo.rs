//! `axlpaper demo`

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::cli::args::payload::file_name;
use crate::cli::args::picture::PictureArgs;
use crate::cli::args::push::ReportPlace;
use crate::cli::args::value::number;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::args::{name_list, simulator};
use crate::cli::commands::rollout_common;
use crate::cli::present::{clusters, list, run_result};
use crate::cli::settings;
use crate::cli::ui::{self, Terminal};
use crate::config::{Layer, PasswordSource};
use crate::connect::cluster;
use crate::domain::model;
use crate::domain::repair_policy::Repairs;
use crate::domain::text::pluralize;
use crate::domain::words::WordsTemplate;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Outcome, PhoneResult, Proof};
use crate::media::demo_png;
use crate::push::scheduler::schedule::Schedule;
use crate::report::RunReport;
use crate::rollout::options::{PushOptions, SavedOptions, WaitLimits};
use crate::rollout::payload::picture::PicturePayload;
use crate::rollout::payload::source_image::SourceImage;
use crate::rollout::request::{RolloutRequest, Scope};
use crate::sim::{self, PhoneRecord, Record, SimCluster};

/// Run the whole rollout against a simulated cluster on this machine
///
/// Everything is real but the cluster: HTTPS with a pinned certificate, SOAP, the phones' HTTP. Some phones
/// misbehave on purpose. At the end the report is compared with what the simulated cluster recorded.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    fleet: simulator::FleetArgs,
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG [default: one that is drawn]
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    options: PictureArgs,
    /// Phones that are pushed to at once
    #[arg(long, value_name = "N", help_heading = "Push", default_value_t = 32, value_parser = number::<u16>(1..=1000))]
    concurrency: u16,
    /// Where the report goes [default: axlpaper-demo-*.html in the folder for temporary files]
    #[arg(long, value_name = "FILE", help_heading = "Push", conflicts_with = "no_report")]
    report: Option<PathBuf>,
    /// Write no report
    #[arg(long, help_heading = "Push")]
    no_report: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command. It ends well when the report agrees with the simulated cluster's own record.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    let selector = name_list::selector(&args.target)?;
    let picture_options = args.options.options()?;
    let (picture, picture_file) = match &args.picture {
        Some(path) => (SourceImage::read(path).await?, file_name(path)),
        None => {
            let drawn =
                demo_png().map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
            let name = "demo.png";
            (SourceImage::of(name.as_ref(), drawn.png.to_vec()).await?, name.to_owned())
        }
    };
    // The demonstration has a journal of its own, which goes with it.
    let folder = tempfile::tempdir().map_err(|error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context("cannot make a folder for the journal")
    })?;
    let cluster = simulator::start(&args.fleet, simulator::Ports::default(), None).await?;
    let before = cluster.record();
    ui::say(&format!(
        "Simulated cluster with {} at https://{}/ (certificate pinned)",
        pluralize(args.fleet.phones as usize, "phone"),
        cluster.axl_addr()
    ));
    let phone_ca = folder.path().join("phone-ca.pem");
    list::write_file(&phone_ca, cluster.phone_ca_pem())?;
    let layer = layer(&cluster, phone_ca, args.concurrency);
    let connection = cluster::from_layer(Some("demo".to_owned()), layer)?;
    let journal = folder.path().join("journal.sqlite3");
    let options = PushOptions {
        retry_delay: Duration::from_secs(1),
        verify_timeout: Duration::from_secs(3),
        ..PushOptions::default()
    };
    let request = RolloutRequest {
        command: "demo",
        command_line: settings::command_line(),
        on_behalf_of: None,
        journal: journal.clone(),
        continues: None,
        reverts: None,
        selector,
        payload: Arc::new(PicturePayload {
            picture,
            kem: None,
            options: picture_options,
            words: WordsTemplate::default(),
        }),
        payload_name: picture_file,
        proof: Proof::Fetch,
        options,
        saved_options: SavedOptions::default(),
        repair: Some(Repairs::default()),
        // The simulated cluster knows of every change at once.
        wait: WaitLimits { settle: Duration::from_secs(3), ..WaitLimits::default() },
        schedule: Schedule::default(),
        names_clusters: false,
    };
    let scope = Scope::Clusters(vec![connection]);
    let (interaction, observers) = (Terminal::shared(true), rollout_common::observers(false));
    let ended = rollout_common::roll_out(request, scope, &interaction, &*observers).await?;
    let mut ended = clusters::answered(false, ended)?;
    let after = cluster.record();
    cluster.shutdown().await;
    let report = args.report.unwrap_or_else(report_file);
    let place = if args.no_report { ReportPlace::Nowhere } else { ReportPlace::File(&report) };
    let told = run_result::tell(&mut ended, false, &journal, &args.output, place);
    // Phones that misbehave on purpose are no failure of the demonstration.
    if told != Exit::Done && told != Exit::SomeFailed {
        return Ok(told);
    }
    let rollouts = || ended.iter().filter_map(|one| one.result.as_ref().ok());
    let differences: Vec<String> =
        rollouts().flat_map(|rollout| differences(rollout, &before, &after)).collect();
    if differences.is_empty() {
        let phones = rollouts().flat_map(|rollout| &rollout.phones);
        let verified = phones.filter(|phone| phone.outcome == Outcome::Verified).count();
        ui::say(&format!(
            "The simulated cluster's own record agrees: {} the picture in its size, no skipped phone was \
             touched, and no association was lost.",
            match verified {
                1 => "the verified phone shows".to_owned(),
                n => format!("all {n} verified phones show"),
            }
        ));
        return Ok(Exit::Done);
    }
    let told = differences.into_iter().take(10).collect::<Vec<_>>().join("\n  ");
    Err(AppError::new(
        ErrorKind::Failed,
        format!("the report and the simulated cluster's record differ:\n  {told}"),
    )
    .hint("this is a bug in axlpaper: please report it with the --seed and --phones that you used"))
}

fn layer(cluster: &SimCluster, phone_ca: PathBuf, concurrency: u16) -> Layer {
    Layer {
        host: Some(cluster.axl_addr().to_string()),
        username: Some(sim::ADMIN_USER.to_owned()),
        password: Some(PasswordSource::Given(SecretString::from(sim::ADMIN_PASSWORD))),
        push_password: Some(PasswordSource::Given(SecretString::from(sim::PUSH_PASSWORD))),
        pin_sha256: Some(cluster.cert_sha256()),
        push_user: Some(sim::PUSH_USER.to_owned()),
        phone_port: Some(cluster.phone_port()),
        phone_ca_file: Some(phone_ca),
        phone_tls_port: Some(cluster.phone_tls_port()),
        concurrency: Some(usize::from(concurrency)),
        ..Layer::default()
    }
}

/// Compares what the report claims with what the simulated cluster saw.
fn differences(rollout: &RunReport, before: &Record, after: &Record) -> Vec<String> {
    let mut differences = Vec::new();
    for result in &rollout.phones {
        match after.phones.get(result.name.as_str()) {
            Some(phone) => differences.extend(difference(result, phone)),
            None => differences
                .push(format!("{} is in the report, but not on the cluster", result.name)),
        }
    }
    let told: HashSet<&str> = rollout.phones.iter().map(|result| result.name.as_str()).collect();
    for (name, phone) in &after.phones {
        if !told.contains(name.as_str()) && !phone.pushes.is_empty() {
            differences.push(format!("{name} is not in the report, but was pushed to"));
        }
    }
    for (userid, user) in &before.users {
        let now = after.devices(userid);
        let lost = user.devices.iter().filter(|device| !now.contains(&device.as_str()));
        differences
            .extend(lost.map(|device| format!("{userid} has lost its association with {device}")));
    }
    differences
}

/// Compares the outcome of one phone with what the phone did.
fn difference(result: &PhoneResult, phone: &PhoneRecord) -> Option<String> {
    let expected = model::by_name(&result.model).and_then(|model| model.image);
    let shown = phone.shown.as_ref().map(|shown| shown.size);
    let shows_it = shown.is_some() && shown == expected.map(|image| image.background);
    let says = match result.outcome {
        Outcome::Verified if !shows_it => "shows no picture of its size",
        Outcome::Verified if !fetched_both(phone) => "did not fetch both files to their end",
        Outcome::Accepted if shows_it && fetched_both(phone) => {
            "has fetched both files and shows the picture"
        }
        Outcome::Rejected | Outcome::AuthFailed | Outcome::Unreachable | Outcome::BadReply
            if shown.is_some() && !has_fetched(phone) =>
        {
            "shows a picture that it never fetched"
        }
        Outcome::Interrupted
        | Outcome::Pending
        | Outcome::WrongDevice
        | Outcome::Already
        | Outcome::NeedsWork
        | Outcome::Offline
        | Outcome::Excluded
        | Outcome::NoBackground
        | Outcome::NotShown
        | Outcome::NotVerifiable
            if !phone.pushes.is_empty() =>
        {
            "was pushed to"
        }
        Outcome::Verified
        | Outcome::Accepted
        | Outcome::Rejected
        | Outcome::AuthFailed
        | Outcome::Unreachable
        | Outcome::BadReply
        | Outcome::WrongDevice
        | Outcome::Already
        | Outcome::NeedsWork
        | Outcome::Offline
        | Outcome::Excluded
        | Outcome::NoBackground
        | Outcome::NotShown
        | Outcome::NotVerifiable
        | Outcome::Interrupted
        | Outcome::Pending => return None,
    };
    Some(format!("{} is reported as {}, but {says}", result.name, result.outcome.as_str()))
}

/// Tells whether one push made the phone fetch two different files to their end.
fn fetched_both(phone: &PhoneRecord) -> bool {
    phone.pushes.iter().any(|push| {
        let whole = push.fetches.iter().filter(|fetch| fetch.complete && fetch.status == Some(200));
        whole.map(|fetch| fetch.url.as_str()).collect::<HashSet<_>>().len() >= 2
    })
}

fn has_fetched(phone: &PhoneRecord) -> bool {
    phone.pushes.iter().any(|push| push.fetches.iter().any(|fetch| fetch.complete))
}

/// A file in the folder for temporary files with a random name: every user can write into that folder.
fn report_file() -> PathBuf {
    let random = RandomState::new().hash_one(std::process::id());
    std::env::temp_dir().join(format!("axlpaper-demo-{:08x}.html", random & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Size;
    use crate::domain::personalization::Setting;
    use crate::sim::{Fetch, Push, PushOutcome, Shown};

    fn result(outcome: Outcome) -> PhoneResult {
        let name = "SEP1".parse().unwrap();
        let object = crate::domain::payload_kind::ObjectKind::Background;
        let model = "Cisco 8841".into();
        PhoneResult { model, attempts: 1, ..PhoneResult::not_tried(name, object, outcome) }
    }

    fn record(size: Option<Size>, files: usize) -> PhoneRecord {
        let fetch = |n: usize| Fetch {
            from: std::net::Ipv4Addr::LOCALHOST,
            url: format!("http://h/{n}"),
            status: Some(200),
            bytes: 1,
            complete: true,
        };
        PhoneRecord {
            connections: 0,
            requests: Vec::new(),
            registration: sim::Registration::Registered,
            personalization: Setting::Enabled,
            loaded_personalization: Setting::Enabled,
            loaded_web_access: true,
            profile: String::new(),
            vendor_config: String::new(),
            restarts: 0,
            applied: 0,
            resets: 0,
            screenshots: 0,
            pushes: vec![Push {
                secure: false,
                xml: None,
                authorization: true,
                outcome: PushOutcome::Accepted,
                fetches: (0..files).map(fetch).collect(),
            }],
            ring_tone: None,
            pressed: Vec::new(),
            shown: size.map(|size| Shown { sha256: String::new(), size }),
            most_in_flight: 1,
        }
    }

    #[test]
    fn every_claim_is_compared() {
        let right = Some(Size::new(800, 480));
        for (outcome, size, files, differs) in [
            (Outcome::Verified, right, 2, false),
            (Outcome::Verified, Some(Size::new(320, 196)), 2, true),
            (Outcome::Verified, right, 1, true),
            (Outcome::Verified, None, 2, true),
            (Outcome::Accepted, right, 1, false),
            (Outcome::Accepted, right, 2, true),
            (Outcome::Rejected, right, 0, true),
            (Outcome::Unreachable, right, 2, false),
            (Outcome::Offline, None, 0, true),
        ] {
            let told = difference(&result(outcome), &record(size, files));
            assert_eq!(told.is_some(), differs, "{outcome:?} {size:?} {files} {told:?}");
        }
    }

    #[test]
    fn no_two_reports_have_one_name() {
        assert_ne!(report_file(), report_file());
    }
}
