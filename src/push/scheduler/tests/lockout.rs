//! How many logins fail when the password changes: the real engine on a made-up clock, with the table in
//! `docs/architecture.md`.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::push::scheduler::tests::*;

/// A cluster and its phones: each asks it somewhere in the middle of its push.
struct World {
    seed: u64,
    /// The shortest and the longest push, in milliseconds.
    latency: (u64, u64),
    /// How many logins are checked before the password changes.
    change_after: usize,
    logins: AtomicUsize,
    wrong: AtomicUsize,
}

impl World {
    fn is_right(&self) -> bool {
        let right = self.logins.fetch_add(1, Ordering::SeqCst) < self.change_after;
        self.wrong.fetch_add(usize::from(!right), Ordering::SeqCst);
        right
    }

    /// Returns a number that is the same for the same phone and seed.
    fn draw(&self, target: &Target, salt: u64) -> u64 {
        let text = target.name.as_str().bytes();
        let mut state = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt;
        for byte in text {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        state ^ (state >> 29)
    }
}

struct Phones(Arc<World>);

impl Delivery for Phones {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        async move {
            let Self(world) = self;
            let (shortest, longest) = world.latency;
            let whole = shortest + world.draw(target, 1) % (longest - shortest + 1);
            let first = world.draw(target, 2) % (whole + 1);
            tokio::time::sleep(Duration::from_millis(first)).await;
            let right = world.is_right();
            tokio::time::sleep(Duration::from_millis(whole - first)).await;
            let refused = || ReplyKind::AuthRefused(error(4));
            if right { ReplyKind::Accepted(String::new()) } else { refused() }.into()
        }
        .boxed()
    }

    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        async move { DownloadStatus::own(true, true) }.boxed()
    }
}

struct Asked(Arc<World>);

impl ClusterProbe for Asked {
    fn page_url(&self) -> Option<&str> {
        Some("http://cucm:8080/ccmcip/authenticate.jsp")
    }

    fn page(&self) -> BoxFuture<'_, AuthenticationPage> {
        async { AuthenticationPage::Up }.boxed()
    }

    fn password(&self) -> BoxFuture<'_, Password> {
        async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            if self.0.is_right() { Password::Right } else { Password::Wrong }
        }
        .boxed()
    }
}

/// Returns the most wrong logins of some runs.
async fn wrong_logins(
    concurrency: usize,
    at_risk: Option<usize>,
    latency: (u64, u64),
    change_after: usize,
    asks: bool,
) -> usize {
    let mut most = 0;
    for seed in 0..3 {
        let (logins, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let world = Arc::new(World { seed, latency, change_after, logins, wrong });
        let probe = asks.then(|| Arc::new(Asked(Arc::clone(&world))) as Arc<dyn ClusterProbe>);
        let stop = StopSignals { logins: LoginProbes::new(probe), ..StopSignals::default() };
        let settings = PushSettings { concurrency, max_logins_at_risk: at_risk, ..SETTINGS };
        let phone = |n: u32| Target { name: format!("SEP{n:05}").parse().unwrap(), ..target(1) };
        let targets = (1..=400).map(phone).collect();
        let phones = Phones(Arc::clone(&world));
        let pushed = run(&phones, &NullLog, targets, settings, &stop, &Unobserved).await;
        assert!(pushed.stopped.is_some() && pushed.results.len() == 400);
        most = most.max(world.wrong.load(Ordering::SeqCst));
    }
    most
}

const LATENCIES: [(&str, (u64, u64)); 3] =
    [("0.1 s", (100, 100)), ("0 to 2 s", (0, 2000)), ("0 to 15 s", (0, 15_000))];

#[tokio::test(start_paused = true)]
async fn the_table_of_wrong_logins_is_what_the_engine_does() {
    let mut table = String::from(
        "| at once | a push takes | wrong from the start | changed after 60 logins | after 300 | after 300, by address | \
         after 300, `--max-logins-at-risk 4` |\n|---|---|---|---|---|---|---|\n",
    );
    for concurrency in [1, 8, 32, 100] {
        for (name, latency) in LATENCIES {
            let start = wrong_logins(concurrency, None, latency, 0, true).await;
            let early = wrong_logins(concurrency, None, latency, 60, true).await;
            let late = wrong_logins(concurrency, None, latency, 300, true).await;
            let addresses = wrong_logins(concurrency, None, latency, 300, false).await;
            let capped = wrong_logins(concurrency, Some(4), latency, 300, true).await;
            assert!(start <= 3 && capped <= 4, "{concurrency} {name}: {start}, {capped}");
            let most = concurrency.max(3);
            assert!([early, late, addresses].iter().all(|wrong| *wrong <= most), "{concurrency}");
            let row = [start, early, late, addresses, capped].map(|wrong| wrong.to_string());
            writeln!(table, "| {concurrency} | {name} | {} |", row.join(" | ")).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
    let page = std::fs::read_to_string(path).unwrap();
    let begin = page.find("| at once | a push takes |").expect("the table is in the page");
    let end = begin + page[begin..].find("\n\n").unwrap() + 1;
    if std::env::var_os("AXLPAPER_UPDATE_DOCS").is_some() {
        let new = format!("{}{table}{}", &page[..begin], &page[end..]);
        std::fs::write(path, new).unwrap();
    } else {
        let hint = "AXLPAPER_UPDATE_DOCS=1 cargo test --lib the_table_of_wrong_logins";
        assert_eq!(page[begin..end], table, "docs/architecture.md is out of date: {hint}");
    }
}
