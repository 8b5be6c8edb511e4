//! `axlpaper watch`

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{FutureExt as _, join_all};
use jiff::Timestamp;

use crate::cli::args::address::AddressArgs;
use crate::cli::args::payload::{PayloadArgs, PayloadSource};
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::picture::PictureArgs;
use crate::cli::args::push::{PicturePushArgs, PushAccessArgs, PushArgs, PushPhoneArgs};
use crate::cli::args::value::{duration, loopback_address};
use crate::cli::args::words::WordsArgs;
use crate::cli::args::{
    AllClustersArgs, ConfirmArgs, ConnectionArgs, OutputArgs, RepairArgs, ResetArgs, TargetArgs,
    WaitArgs, name_list, schedule,
};
use crate::cli::commands::rollout_common::{self, Job, Source, observers};
use crate::cli::interrupt::{self, Signal};
use crate::cli::present::clusters;
use crate::cli::settings;
use crate::cli::systemd::ServiceManager;
use crate::cli::ui::{self, Terminal};
use crate::config::NotifySettings;
use crate::connect::cluster::ClusterSettings;
use crate::connect::journal;
use crate::connect::shared_servers::SharedServers;
use crate::domain::picture_rules::{Keep, PictureRules};
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::Proof;
use crate::interaction::Interaction;
use crate::journal::WatchStatus;
use crate::push::scheduler::waves::Amount;
use crate::report::{RunReport, printable_lines};
use crate::rollout::options::{PushOptions, SavedOptions};
use crate::watch::event::{WatchEvent, WatchObserver};
use crate::watch::metrics::WatchMetrics;
use crate::watch::metrics_server::MetricsServer;
use crate::watch::notify::channels::Channels;
use crate::watch::notify::notifier::{Notifier, SharedConditions};
use crate::watch::state::WatchCounts;
use crate::watch::watcher::{Callers, DesiredState, LoadFuture, WatchHandle, WatchRequest, watch};

/// Keep phones as the rules describe: new, returned and changed phones get their picture by themselves
///
/// The first pass shows what it would do and asks, as `rollout` does. Each later pass looks at the phones that something
/// happened to, and serves those that do not show what they should; what it did is a run in the journal. SIGTERM finishes
/// what is in progress and ends with exit code 0; SIGHUP reads the config file again.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG; without one, the [[image]] rules of the config file say who
    /// gets which
    #[arg(value_name = "PICTURE")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    options: PictureArgs,
    #[command(flatten)]
    words: WordsArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    all: AllClustersArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    repair: RepairArgs,
    #[command(flatten)]
    reset: ResetArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    access: PushAccessArgs,
    #[command(flatten)]
    push: PushPhoneArgs,
    #[command(flatten)]
    picture_push: PicturePushArgs,
}

/// How often a watch looks, and how much it may do by itself.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Watch")]
struct WatchArgs {
    /// Time between two passes: changes and registrations are asked for
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    interval: Duration,
    /// Time between two looks at all phones; one an hour, at least, where the cluster does not say what changed
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    survey_every: Duration,
    /// Time in which the screens of all phones are looked at, a few at a time, or `never`: a phone can show another picture
    /// by now
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = verify_every)]
    verify_every: Every,
    /// What is done about phones that show another picture than PICTURE later: report them (once), or push it again
    /// (enforced); rules have `keep` [default: once]
    #[arg(long, value_name = "HOW", requires = "picture")]
    keep: Option<Keep>,
    /// Make one pass and end
    #[arg(long)]
    once: bool,
    /// Serve metrics for Prometheus at http://ADDRESS:PORT/metrics; a port alone is one of 127.0.0.1
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = loopback_address)]
    metrics: Option<SocketAddr>,
    /// Phones that a pass may change or push to without an approval [default: 20, or 2% of the selected phones if that is
    /// more]; not the first pass of the first watch of a cluster, which asks
    #[arg(long, value_name = "N|P%")]
    max_change: Option<Amount>,
    /// Show what the first pass would do, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before the first pass
    #[arg(long)]
    yes: bool,
}

/// In which time all screens are looked at; nothing where they are not.
#[derive(Clone, Copy, Debug)]
struct Every(Option<Duration>);

/// Reads a duration, or `never`.
fn verify_every(text: &str) -> Result<Every, String> {
    match text {
        "never" => Ok(Every(None)),
        text => {
            duration(text).map(|time| Every(Some(time))).map_err(|why| format!("{why}, or never"))
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the first pass cannot be made or is not confirmed.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    if args.watch.dry_run {
        return dry_run(args).await;
    }
    let mut signals = interrupt::WatchSignals::new()?;
    let front = Front::new();
    let _server = match args.watch.metrics {
        Some(address) => Some(front.serve_metrics(address).await?),
        None => None,
    };
    let interaction = Terminal::shared(args.watch.yes);
    let mut watched = Watched::read(&args, &interaction).await?;
    let mut asks_first = !args.watch.yes;
    loop {
        let handle = WatchHandle::default();
        let mut passes = Box::pin(watched.run(asks_first, &interaction, &handle, &front));
        // After the config file was read again the watch is as unattended as any later pass.
        asks_first = false;
        let next = loop {
            let signal = tokio::select! {
                ended = &mut passes => return ended,
                signal = signals.next() => signal,
            };
            match signal {
                Signal::Reload => {
                    front.manager.reloading();
                    match Watched::read(&args, &interaction).await {
                        Ok(next) => break next,
                        Err(error) => ui::say_error(&printable_lines(&format!(
                            "the config file is not taken over, and what it said before still counts: {error}"
                        ))),
                    }
                    front.manager.reloaded();
                }
                Signal::End(exit) => return front.end(exit, passes, &handle, &mut signals).await,
            }
        };
        handle.stop();
        loop {
            tokio::select! {
                ended = &mut passes => { ended?; break }
                signal = signals.next() => if let Signal::End(exit) = signal {
                    return front.end(exit, passes, &handle, &mut signals).await;
                }
            }
        }
        ui::say("the config file was read again");
        front.manager.reloaded();
        drop(passes);
        watched = next;
    }
}

/// Returns the picture that was typed, or those of the config file's rules.
fn wanted(
    picture: Option<PathBuf>,
    options: PictureArgs,
    words: WordsArgs,
    rules: PictureRules,
) -> Result<PayloadSource, AppError> {
    if picture.is_none() && rules.is_empty() {
        return Err(AppError::new(ErrorKind::Usage, "no picture is named")
            .hint("give a PICTURE, or write [[image]] rules into the config file"));
    }
    PayloadArgs::default().wanted(picture, options, words, rules)
}

/// The first pass is a rollout.
async fn dry_run(args: Args) -> Result<Exit, AppError> {
    let rules = settings::pictures(&args.connection)?;
    let job = Job {
        command: "watch",
        source: Source::Typed {
            wanted: Box::new(wanted(args.picture, args.options, args.words, rules)?),
            target: Box::new(args.target),
            addresses: AddressArgs::default(),
        },
        connection: args.connection.or_all(args.all).with_phones(args.phones),
        push: PushArgs {
            access: args.access,
            phone: args.push,
            no_report: true,
            ..PushArgs::default()
        },
        picture: args.picture_push,
        output: OutputArgs::default(),
        repair: Some(args.repair.repairs(args.reset)?),
        wait: args.wait,
        confirm: ConfirmArgs { dry_run: true, yes: false },
    };
    Box::pin(rollout_common::run(job)).await
}

/// What a watch works with, as options and config file say.
struct Watched {
    several: bool,
    connections: Vec<ClusterSettings>,
    request: WatchRequest,
    desired: Rules,
    /// Where notifications are sent to.
    notify: Option<(NotifySettings, Arc<Channels>)>,
}

impl Watched {
    async fn read(args: &Args, interaction: &Arc<dyn Interaction>) -> Result<Self, AppError> {
        let connection = args.connection.clone().or_all(args.all).with_phones(args.phones.clone());
        name_list::check_stdin(&connection, &args.target)?;
        let TargetArgs { limit, sample, .. } = args.target;
        if limit.is_some() || sample.is_some() {
            let error =
                "--limit and --sample choose other phones each time, and a watch keeps the same";
            return Err(AppError::new(ErrorKind::Usage, error)
                .hint("name the phones, such as with --device-pool or --devices-from"));
        }
        let mut connections = clusters::chosen(&connection, Some(&args.access))?;
        let several = connections.len() > 1;
        let shared_servers = Arc::new(SharedServers::default());
        for one in &mut connections {
            one.push_access.need_push_user()?;
            one.push_access.image_server.check()?;
            if several {
                one.push_access.image_server.shared_servers = Some(Arc::clone(&shared_servers));
            }
        }
        let rules = settings::pictures(&connection)?;
        let wanted = wanted(args.picture.clone(), args.options, args.words.clone(), rules)?;
        let proof = args.picture_push.verify.map(Proof::from);
        if proof == Some(Proof::None) {
            let error = "a watch must know what phones show, and with --verify none it does not";
            return Err(AppError::new(ErrorKind::Usage, error)
                .hint("leave it out, or use --verify screenshot"));
        }
        let request = WatchRequest {
            command_line: settings::command_line(),
            journal: journal::path(connection.state.as_deref())?,
            selector: name_list::selector(&args.target)?,
            options: PushOptions {
                picture_name: args.picture_push.picture_name.clone(),
                ..args.push.options()
            },
            saved_options: SavedOptions {
                concurrency: args.access.concurrency,
                max_logins_at_risk: args.access.max_logins_at_risk,
                ..args.push.saved()
            },
            proof,
            repair: args.repair.repairs(args.reset)?,
            wait: args.wait.limits(),
            schedule: schedule::hours(&connection, args.push.window, None, None)?,
            interval: args.watch.interval,
            survey_every: args.watch.survey_every,
            verify_every: args.watch.verify_every.0,
            keep: args.watch.keep.unwrap_or_default(),
            max_change: args.watch.max_change,
            once: args.watch.once,
            asks_first: false,
        };
        let notify = match settings::file(&connection)?.and_then(|file| file.notify()) {
            Some(settings) => {
                let channels = Channels::open(&settings, interaction.as_ref()).await?;
                Some((settings, Arc::new(channels)))
            }
            None => None,
        };
        Ok(Self { several, connections, request, desired: Rules(wanted), notify })
    }

    /// Watches every cluster, until all are stopped or have failed.
    async fn run(
        &self,
        asks_first: bool,
        interaction: &Arc<dyn Interaction>,
        handle: &WatchHandle,
        front: &Front,
    ) -> Result<Exit, AppError> {
        let names: BTreeSet<&str> = self.connections.iter().map(|one| &*one.name).collect();
        front.metrics.keep(&names);
        front.manager.starts(names);
        let request = Arc::new(WatchRequest { asks_first, ..self.request.clone() });
        let observers = observers(self.several);
        let notifier = self.notify.as_ref().map(|(settings, channels)| {
            Notifier::start(settings, Arc::clone(channels), Arc::clone(&front.reported))
        });
        let log = Log { several: self.several, front, notifier };
        let watches = self.connections.iter().map(|connection| async {
            let name = &connection.name;
            let mut connection = connection.clone();
            connection.activity = front.metrics.begins(name);
            let callers = Callers { interaction, observers: &*observers, observer: &log };
            let ended =
                watch(Arc::clone(&request), connection, &self.desired, callers, handle).await;
            front.metrics.ended(name);
            front.manager.began(name);
            if let (Err(error), true) = (&ended, self.several) {
                ui::say_error(&printable_lines(&error.clone().within(name).to_string()));
            }
            ended
        });
        let ended = tokio::select! {
            ended = join_all(watches) => ended,
            never = front.manager.keep_alive(|| front.metrics.progress(), || handle.rollout.is_paused()) => {
                match never {}
            }
        };
        if let Some(notifier) = log.notifier {
            let limit = if request.once { ONCE } else { GRACE };
            notifier.finish(limit).await;
        }
        let several = self.several;
        let mut worst = Exit::Done;
        for ended in ended {
            let exit = match ended {
                Ok(exit) => exit,
                Err(error) if several => error.exit(),
                Err(error) => return Err(error),
            };
            worst = if exit as u8 > worst as u8 { exit } else { worst };
        }
        Ok(worst)
    }
}

/// What phones shall show, from a file or the config file's rules.
struct Rules(PayloadSource);

impl DesiredState for Rules {
    fn load(&self, now: Timestamp) -> LoadFuture<'_> {
        self.0.clone().load(now).boxed_local()
    }
}

/// Who learns how the watches are doing, besides the reader of the log. It stays when the config file is read again.
struct Front {
    metrics: Arc<WatchMetrics>,
    manager: ServiceManager,
    /// The conditions that were reported already.
    reported: SharedConditions,
}

impl Front {
    fn new() -> Self {
        Self {
            metrics: Arc::default(),
            manager: ServiceManager::from_environment(),
            reported: SharedConditions::default(),
        }
    }

    async fn serve_metrics(&self, address: SocketAddr) -> Result<MetricsServer, AppError> {
        let server = MetricsServer::start(address, Arc::clone(&self.metrics)).await?;
        ui::say(&format!("metrics: http://{}/metrics", server.address()));
        Ok(server)
    }

    /// Ends the watches: what is in progress gets some time, unless another signal comes.
    async fn end(
        &self,
        exit: Exit,
        mut passes: Pin<Box<impl Future<Output = Result<Exit, AppError>>>>,
        handle: &WatchHandle,
        signals: &mut interrupt::WatchSignals,
    ) -> Result<Exit, AppError> {
        self.manager.stopping();
        handle.stop();
        tokio::select! {
            ended = &mut passes => return ended.map(|_| exit),
            () = tokio::time::sleep(GRACE) => {}
            _ = signals.next() => {}
        }
        handle.rollout.cut_off();
        passes.await.map(|_| exit)
    }
}

/// Writes events as lines, and has them sent.
struct Log<'a> {
    several: bool,
    front: &'a Front,
    notifier: Option<Notifier>,
}

impl WatchObserver for Log<'_> {
    fn observe(&self, cluster: &str, event: &WatchEvent) {
        if let Some(notifier) = &self.notifier {
            notifier.observe(cluster, event);
        }
        // The command ends with that error.
        if matches!(event, WatchEvent::Ended(_)) {
            return;
        }
        let time = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S");
        let text = match self.several {
            true => format!("{time} {cluster}: {event}"),
            false => format!("{time} {event}"),
        };
        ui::say(&printable_lines(&text));
        if matches!(event, WatchEvent::Surveyed(_)) {
            self.front.manager.began(cluster);
        }
    }

    fn passed(&self, cluster: &str, status: &WatchStatus, counts: WatchCounts) {
        self.front.metrics.passed(cluster, status, counts, Timestamp::now());
        let text = match (&status.error, &status.stopped) {
            (Some(why), _) => format!("cannot work, and tries again: {why}"),
            (None, Some(why)) => format!("pushes to no phone: {why}"),
            (None, None) => counts.to_string(),
        };
        self.front.manager.status(cluster, text);
    }

    fn ran(&self, cluster: &str, report: &RunReport) {
        self.front.metrics.ran(cluster, report);
    }
}

/// How long what is in progress may take when the watch ends, and notifications after it.
const GRACE: Duration = Duration::from_secs(10);

/// How long the notifications of a single pass may take, with all attempts.
const ONCE: Duration = Duration::from_secs(120);
