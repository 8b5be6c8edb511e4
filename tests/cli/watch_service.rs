//! A watch as a service: its metrics, what it reports to systemd, and the units.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axlpaper::sim::PUSH_USER;

use crate::control::{Running, hold, pushes};
use crate::lab::name;
use crate::watch::{ends, lab, watching, watching_with};

/// Returns where the metrics of a watch are that was just started.
fn address(running: &mut Running) -> SocketAddr {
    running.says("metrics: http://");
    let line = running.last_line();
    let (_, url) = line.split_once("http://").unwrap();
    url.strip_suffix("/metrics").unwrap().parse().unwrap()
}

/// Sends a request and returns the header and the body of the answer.
fn request(address: SocketAddr, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{head}\r\nHost: any.example\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn scrape(address: SocketAddr) -> String {
    let (head, body) = request(address, "GET /metrics HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    body
}

/// Reads metrics as strictly as OpenMetrics demands: each family is described once and before its samples, no sample
/// comes twice, and nothing follows the end.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let text = text.strip_suffix("# EOF\n").expect("the text has its end");
    let (mut samples, mut described) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(described_as) = line.strip_prefix("# HELP ") {
            let (name, help) = described_as.split_once(' ').unwrap();
            assert!(described.insert(name), "{name} is described twice");
            assert!(!help.is_empty() && name.starts_with("axlpaper_"), "{line}");
            name.clone_into(&mut family);
            continue;
        }
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, what) = typed.split_once(' ').unwrap();
            assert_eq!(name, family, "the type follows the help");
            what.clone_into(&mut kind);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap();
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            "gauge" => "",
            other => panic!("{family} is a {other}"),
        };
        assert_eq!(name, format!("{family}{suffix}"));
        let labels = labels.strip_suffix("\"}").unwrap();
        assert!(labels.starts_with("cluster=\"127.0.0.1") || kind == "info", "{line}");
        let value: f64 = value.parse().unwrap();
        assert!(value.is_finite() && value >= 0.0, "{line}");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} comes twice");
    }
    samples
}

/// Asks until the metrics are as expected. Each answer is read strictly.
fn wait_for(address: SocketAddr, is_expected: impl Fn(&dyn Fn(&str) -> f64) -> bool) -> String {
    loop {
        let text = scrape(address);
        let samples = samples(&text);
        let of_cluster = |name: &str| {
            let (name, label) = name.split_once('/').map_or((name, String::new()), |(name, of)| {
                let (key, value) = of.split_once('=').unwrap();
                (name, format!(",{key}=\"{value}\""))
            });
            let series = format!("axlpaper_{name}{{cluster=\"127.0.0.1\"{label}}}");
            samples.get(&series).copied().unwrap_or(-1.0)
        };
        if is_expected(&of_cluster) {
            return text;
        }
    }
}

#[test]
fn metrics_follow_what_the_watch_does() {
    let lab = lab(3);
    let mut running = watching(&lab, &["--metrics", "127.0.0.1:0", "--max-change", "2"]);
    let address = address(&mut running);
    assert!(address.ip().is_loopback());
    wait_for(address, |of| of("passes_total") >= 2.0 && of("phones_shown") == 3.0);
    let of = |expected: &[(&str, f64)]| {
        let expected: Vec<(String, f64)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        wait_for(address, move |of| expected.iter().all(|(name, value)| of(name) == *value))
    };
    let text = of(&[
        ("watch_up", 1.0),
        ("phones/verdict=ready", 3.0),
        ("phones/verdict=blocked", 0.0),
        ("phones_capable", 3.0),
        ("outcomes_total/outcome=verified", 3.0),
        ("outcomes_total/outcome=unreachable", 0.0),
        ("runs_total", 1.0),
        ("pushes_total", 3.0),
        ("failed_passes_total", 0.0),
        ("approval_waiting", 0.0),
        ("push_stopped", 0.0),
        ("change_notification", 1.0),
    ]);
    assert!(text.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{text}");
    read_by_python(&text);
    // As many requests as the cluster got, but those that are in progress.
    let got = lab.record().requests;
    let got: u64 = got.iter().filter(|(name, _)| !name.contains(' ')).map(|(_, count)| count).sum();
    wait_for(address, |of| {
        let counted = ["axl", "risport"].map(|of| format!("requests_total/service={of}"));
        counted.iter().map(|name| of(name)).sum::<f64>() >= got as f64
    });
    // What waits for an approval shows.
    lab.cluster.change(axlpaper::sim::Change::Associate {
        user: PUSH_USER.to_owned(),
        devices: Vec::new(),
    });
    of(&[("phones_held", 3.0), ("approval_waiting", 1.0), ("push_stopped", 0.0)]);
    ends(running);
    assert_eq!(pushes(&lab), 3);
}

/// Has the parser of Prometheus's own client read the metrics, where it is installed.
fn read_by_python(text: &str) {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/check.py");
    let has_it = Command::new("python3").args(["-c", "import prometheus_client"]).output();
    if !has_it.is_ok_and(|output| output.status.success()) {
        return;
    }
    let mut python = Command::new("python3");
    let mut python =
        python.arg(check).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let read = String::from_utf8(output.stdout).unwrap();
    let lines: BTreeSet<&str> = read.lines().collect();
    assert_eq!(lines.len(), samples(text).len(), "{read}");
    assert!(lines.contains("gauge axlpaper_phones_shown [('cluster', '127.0.0.1')] 3.0"), "{read}");
}

#[test]
fn only_metrics_are_served_and_only_to_requests_that_keep_to_limits() {
    let lab = lab(1);
    let mut running = watching(&lab, &["--metrics", ":0"]);
    let address = address(&mut running);
    assert!(address.ip().is_loopback());
    for (head, status) in [
        ("GET / HTTP/1.1", "http/1.1 404"),
        ("GET /metrics/ HTTP/1.1", "http/1.1 404"),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 0", "http/1.1 405"),
        ("HEAD /metrics HTTP/1.1", "http/1.1 200"),
        ("GET /metrics?x=1 HTTP/1.0", "http/1.0 200"),
    ] {
        let (answer, _) = request(address, head);
        assert!(answer.starts_with(status), "{head}: {answer}");
    }
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    let (answer, _) = request(address, &long);
    assert!(answer.starts_with("http/1.1 431"), "{answer}");
    // Clients that send nothing hold up neither the watch nor, as long as they are few, a scrape.
    let idle: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    let passes =
        samples(&scrape(address))["axlpaper_requests_total{cluster=\"127.0.0.1\",service=\"axl\"}"];
    wait_for(address, |of| of("requests_total/service=axl") > passes);
    drop(idle);
    ends(running);
}

#[test]
fn an_address_that_is_taken_or_wrong_is_refused_at_the_start() {
    let lab = lab(1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _holder = TcpListener::bind(taken).unwrap();
    let watch = |address: &str| lab.push("watch", &["--once", "--yes", "--metrics", address]);
    let says = [format!("cannot serve metrics on {taken}"), "name another port".to_owned()];
    watch(&taken.to_string()).fails(1, &says.each_ref().map(String::as_str));
    watch("metrics.example").fails(2, &["write an address and a port"]);
    assert_eq!(pushes(&lab), 0);
}

#[cfg(target_os = "linux")]
mod systemd {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    /// The socket of a service manager.
    struct Manager(UnixDatagram);

    impl Manager {
        /// Reads datagrams until one has this line, and returns it.
        fn gets(&self, line: &str) -> String {
            let mut buffer = [0; 4_096];
            loop {
                let length = self.0.recv(&mut buffer).unwrap();
                let text = std::str::from_utf8(&buffer[..length]).unwrap().to_owned();
                if text.lines().any(|got| got.starts_with(line)) {
                    return text;
                }
            }
        }
    }

    #[test]
    fn the_service_manager_learns_when_the_watch_is_ready_reloads_and_ends() {
        let lab = lab(2);
        let path = lab.path("notify");
        let manager = Manager(UnixDatagram::bind(&path).unwrap());
        let (has_arrived, go) = hold(&lab, "listPhone", 1);
        let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
        let mut running = watching_with(&lab, &[], &environment);
        has_arrived.recv().unwrap();
        assert_eq!(manager.gets(""), "WATCHDOG=1", "it is not ready before the first survey");
        go.send(()).unwrap();
        manager.gets("READY=1");
        assert_eq!(manager.gets("STATUS="), "STATUS=2 of 2 capable phones show their picture");
        manager.gets("WATCHDOG=1");
        running.signal("-HUP");
        let reloading = manager.gets("RELOADING=1");
        let (_, usec) = reloading.split_once("MONOTONIC_USEC=").unwrap();
        assert!(usec.trim().parse::<u64>().unwrap() > 0, "{reloading}");
        manager.gets("READY=1");
        running.says("the config file was read again");
        running.signal("-TERM");
        manager.gets("STOPPING=1");
        assert_eq!(running.ends().code, 0);
    }

    #[test]
    fn a_service_manager_may_have_an_abstract_name_or_be_gone() {
        let lab = lab(1);
        let id = lab.folder().file_name().unwrap().to_str().unwrap();
        let address = SocketAddr::from_abstract_name(id.as_bytes()).unwrap();
        let manager = Manager(UnixDatagram::bind_addr(&address).unwrap());
        let running = watching_with(&lab, &[], &[("NOTIFY_SOCKET", &format!("@{id}"))]);
        manager.gets("READY=1");
        ends(running);
        let mut running = watching_with(&lab, &[], &[("NOTIFY_SOCKET", "/nowhere/at/all")]);
        running.says("of 1 capable phone");
        ends(running);
    }
}

#[cfg(unix)]
#[test]
fn a_watch_that_is_terminated_finishes_what_is_in_flight_and_ends_well() {
    let lab = lab(4);
    let (has_arrived, go) = hold(&lab, "push", 2);
    let mut running = watching(&lab, &["--concurrency", "1"]);
    has_arrived.recv().unwrap();
    running.signal("-TERM");
    go.send(()).unwrap();
    running.says("2 phones verified");
    assert_eq!(running.ends().code, 0);
    assert_eq!(pushes(&lab), 2);
    // A survey need not come to its end.
    let (has_arrived, go) = hold(&lab, "listPhone", 1);
    let running = watching(&lab, &[]);
    has_arrived.recv().unwrap();
    running.signal("-TERM");
    assert_eq!(running.ends().code, 0);
    go.send(()).unwrap();
    assert_eq!(pushes(&lab), 2);
    assert!(lab.record().devices(PUSH_USER).contains(&&*name(1)));
}

fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    let mut units: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    units.sort();
    units
}

#[test]
fn the_units_start_the_program_with_options_that_it_has() {
    let mut commands = 0;
    for unit in units() {
        let text = std::fs::read_to_string(&unit).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/")) {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words[..2], ["axlpaper", "watch"], "{line}");
            let lab = lab(0);
            let config = lab.path("none.toml");
            let words = words[1..].iter().map(|word| match *word {
                "/etc/axlpaper/config.toml" => config.to_str().unwrap(),
                word => word,
            });
            let words: Vec<&str> = words.collect();
            lab.read(&words).fails(2, &["none.toml"]);
            commands += 1;
        }
    }
    assert_eq!(commands, 2);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let analyze = |arguments: &[&str], units: &[PathBuf]| {
        let mut analyze = Command::new("systemd-analyze");
        let output = analyze.args(arguments).args(units).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stdout));
        text
    };
    let copies = units().into_iter().map(|unit| {
        // The program need not be installed here.
        let text = std::fs::read_to_string(&unit).unwrap();
        let copy = folder.path().join(unit.file_name().unwrap());
        std::fs::write(&copy, text.replace("/usr/bin/axlpaper", env!("CARGO_BIN_EXE_axlpaper")))
            .unwrap();
        copy
    });
    let copies: Vec<PathBuf> = copies.collect();
    assert_eq!(copies.len(), 3);
    assert_eq!(analyze(&["verify", "--man=no"], &copies), "");
    let services =
        copies.iter().filter(|unit| unit.extension().is_some_and(|end| end == "service"));
    let services: Vec<PathBuf> = services.cloned().collect();
    // 0 is least exposed, and 100 most.
    analyze(&["security", "--offline=true", "--threshold=20"], &services);
}
