//! Rolls a picture out to a simulated cluster through the library, without the command line.
//!
//! `cargo run --example rollout`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what happens")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axlpaper::config::{Layer, PasswordSource};
use axlpaper::connect::cluster::from_layer;
use axlpaper::domain::repair_policy::Repairs;
use axlpaper::domain::selector::Selector;
use axlpaper::domain::words::WordsTemplate;
use axlpaper::error::AppError;
use axlpaper::event::{Event, Observer, Proof};
use axlpaper::interaction::{Interaction, Notice, Question};
use axlpaper::media::{Options, decode_worker, demo_png};
use axlpaper::push::scheduler::schedule::Schedule;
use axlpaper::rollout::control::RolloutHandle;
use axlpaper::rollout::multi_cluster::prepare;
use axlpaper::rollout::options::{PushOptions, SavedOptions, WaitLimits};
use axlpaper::rollout::payload::picture::PicturePayload;
use axlpaper::rollout::payload::source_image::SourceImage;
use axlpaper::rollout::request::{RolloutRequest, Scope};
use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, FleetSpec, PUSH_PASSWORD, PUSH_USER};
use axlpaper::sim::{SimCluster, SimConfig};
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;

/// Says yes to everything, and prints what it is asked.
struct Unattended;

impl Interaction for Unattended {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        println!("confirmed: {} ({} phones)", question.what, question.phones);
        Box::pin(ready(Ok(())))
    }

    fn password<'a>(
        &'a self,
        _whose: &'a str,
        _other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        Box::pin(ready(Ok(SecretString::from(PUSH_PASSWORD))))
    }

    fn notice(&self, notice: &Notice<'_>) {
        println!("{notice:?}");
    }
}

/// Prints every phone as it is finished.
struct Printer;

impl Observer for Printer {
    fn observe(&self, event: &Event) {
        if let Event::Pushed(phone) = event {
            println!("{} {}", phone.name, phone.outcome.as_str());
        }
    }
}

fn main() -> ExitCode {
    // Pictures are decoded by a child of this program, which runs nothing else.
    if let Some(exit) = decode_worker(std::env::args_os()) {
        return exit;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let sim =
        SimCluster::start(SimConfig::new(FleetSpec { seed: 7, phones: 40 }.generate())).await?;
    let folder = tempfile::tempdir()?;
    let connection = from_layer(
        Some("example".to_owned()),
        Layer {
            host: Some(sim.axl_addr().to_string()),
            username: Some(ADMIN_USER.to_owned()),
            password: Some(PasswordSource::Given(SecretString::from(ADMIN_PASSWORD))),
            pin_sha256: Some(sim.cert_sha256()),
            push_user: Some(PUSH_USER.to_owned()),
            phone_port: Some(sim.phone_port()),
            ..Layer::default()
        },
    )?;
    let picture = SourceImage::of("demo.png".as_ref(), demo_png()?.png.to_vec()).await?;
    let verify_timeout = Duration::from_secs(3);
    let request = RolloutRequest {
        command: "example",
        command_line: "cargo run --example rollout".to_owned(),
        on_behalf_of: None,
        journal: folder.path().join("journal.sqlite3"),
        continues: None,
        reverts: None,
        selector: Selector::default(),
        payload: Arc::new(PicturePayload {
            picture,
            kem: None,
            options: Options::default(),
            words: WordsTemplate::default(),
        }),
        payload_name: "demo.png".to_owned(),
        proof: Proof::Fetch,
        options: PushOptions { verify_timeout, ..PushOptions::default() },
        saved_options: SavedOptions::default(),
        repair: Some(Repairs::default()),
        wait: WaitLimits { settle: Duration::from_secs(3), ..WaitLimits::default() },
        schedule: Schedule::default(),
        names_clusters: false,
    };
    let interaction: Arc<dyn Interaction> = Arc::new(Unattended);
    let scope = Scope::Clusters(vec![connection]);
    let prepared = prepare(request, scope, &interaction, &|_| Arc::new(Printer)).await?;
    let ended = prepared.confirm().await?.execute(&RolloutHandle::default()).await;
    for cluster in ended {
        let rollout = cluster.result?;
        println!("{}: {} phones in run {}", cluster.name, rollout.phones.len(), rollout.run.id);
    }
    sim.shutdown().await;
    Ok(())
}
