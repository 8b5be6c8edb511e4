//! The metrics of watches, as OpenMetrics text.
//!
//! Watches write into [`WatchMetrics`] after each pass and each run; a request for the metrics reads it. Neither waits for
//! the other for longer than a copy of some numbers takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::connect::cluster::ClusterActivity;
use crate::domain::finding::Verdict;
use crate::event::Outcome;
use crate::journal::WatchStatus;
use crate::net::request_counts::RequestTotals;
use crate::report::RunReport;
use crate::watch::state::WatchCounts;

/// The media type of [`WatchMetrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the watches of a program did, by the name of the cluster. It is kept when the config file is read again.
#[derive(Debug, Default)]
pub struct WatchMetrics(Mutex<BTreeMap<String, ClusterMetrics>>);

#[derive(Clone, Debug, Default)]
struct ClusterMetrics {
    activity: Arc<ClusterActivity>,
    /// Nothing before the first pass has ended.
    last: Option<LastPass>,
    /// When a pass worked last.
    passed_at: Option<Timestamp>,
    passes: u64,
    failed_passes: u64,
    runs: u64,
    pushes: u64,
    /// The phones of all runs.
    outcomes: BTreeMap<Outcome, u64>,
    has_ended: bool,
}

#[derive(Clone, Debug)]
struct LastPass {
    status: WatchStatus,
    counts: WatchCounts,
}

impl WatchMetrics {
    /// Leaves out clusters that are not watched any more.
    pub fn keep(&self, clusters: &BTreeSet<&str>) {
        self.lock().retain(|name, _| clusters.contains(name.as_str()));
    }

    /// Takes note that a watch of a cluster begins. Returns where to count what it does there.
    pub fn begins(&self, cluster: &str) -> Arc<ClusterActivity> {
        self.with(cluster, |metrics| {
            metrics.has_ended = false;
            Arc::clone(&metrics.activity)
        })
    }

    /// Takes note that the watch of a cluster has ended.
    pub fn ended(&self, cluster: &str) {
        self.with(cluster, |metrics| metrics.has_ended = true);
    }

    /// Takes note of a pass.
    pub fn passed(&self, cluster: &str, status: &WatchStatus, counts: WatchCounts, at: Timestamp) {
        self.with(cluster, |metrics| {
            match status.error {
                Some(_) => metrics.failed_passes += 1,
                None => (metrics.passes, metrics.passed_at) = (metrics.passes + 1, Some(at)),
            }
            metrics.last = Some(LastPass { status: status.clone(), counts });
        });
    }

    /// Takes note of a run.
    pub fn ran(&self, cluster: &str, report: &RunReport) {
        self.with(cluster, |metrics| {
            metrics.runs += 1;
            for phone in &report.phones {
                metrics.pushes += u64::from(phone.attempts);
                *metrics.outcomes.entry(phone.outcome).or_default() += 1;
            }
        });
    }

    /// Returns how far each watch that works has come; see [`ClusterActivity::progress`].
    pub fn progress(&self) -> BTreeMap<String, u64> {
        let of = |(name, metrics): (&String, &ClusterMetrics)| {
            (!metrics.has_ended).then(|| (name.clone(), metrics.activity.progress()))
        };
        self.lock().iter().filter_map(of).collect()
    }

    /// Writes all metrics in the text format of OpenMetrics 1.0.
    ///
    /// # Errors
    /// When the text cannot be formatted.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Snapshot(self.lock().clone())));
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }

    fn with<T>(&self, cluster: &str, change: impl FnOnce(&mut ClusterMetrics) -> T) -> T {
        change(self.lock().entry(cluster.to_owned()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ClusterMetrics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Snapshot(BTreeMap<String, ClusterMetrics>);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        encoder
            .encode_descriptor("axlpaper_build", "The version of axlpaper", None, MetricType::Info)?
            .encode_info(&version)?;
        for (name, help, read) in GAUGES {
            let samples = |metrics: &ClusterMetrics| {
                let value = read(metrics);
                value.map(|value| (None, value)).into_iter().collect()
            };
            self.family(&mut encoder, (name, help, MetricType::Gauge), samples)?;
        }
        let phones = "Selected phones by the verdict of the audit";
        self.family(&mut encoder, ("axlpaper_phones", phones, MetricType::Gauge), |metrics| {
            let Some(last) = &metrics.last else { return Vec::new() };
            let verdicts = Verdict::ALL.iter().zip(last.counts.verdicts);
            verdicts
                .map(|(verdict, count)| (Some(("verdict", verdict.as_str())), count as f64))
                .collect()
        })?;
        for (name, help, read) in COUNTERS {
            let samples = |metrics: &ClusterMetrics| vec![(None, read(metrics) as f64)];
            self.family(&mut encoder, (name, help, MetricType::Counter), samples)?;
        }
        let phones = "Phones of the runs, by their outcome";
        self.family(&mut encoder, ("axlpaper_outcomes", phones, MetricType::Counter), |metrics| {
            let count = |outcome| metrics.outcomes.get(outcome).copied().unwrap_or_default();
            let outcomes = Outcome::ALL.iter();
            outcomes
                .map(|outcome| (Some(("outcome", outcome.as_str())), count(outcome) as f64))
                .collect()
        })?;
        for (name, help, read) in REQUESTS {
            self.family(&mut encoder, (name, help, MetricType::Counter), |metrics| {
                let ClusterActivity { axl, ris, .. } = &*metrics.activity;
                let services = [("axl", axl), ("risport", ris)];
                services
                    .map(|(service, counts)| (Some(("service", service)), read(counts.totals())))
                    .into()
            })?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Writes a metric of all clusters. `samples` returns its values for one cluster, each with a label more where it has
    /// several.
    fn family(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        samples: impl Fn(&ClusterMetrics) -> Vec<Sample>,
    ) -> fmt::Result {
        let is_counter = matches!(kind, MetricType::Counter);
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for (cluster, metrics) in &self.0 {
            for (label, value) in samples(metrics) {
                let mut labels = vec![("cluster", cluster.as_str())];
                labels.extend(label);
                let sample = family.encode_family(&labels)?;
                match is_counter {
                    true => ConstCounter::new(value).encode(sample)?,
                    false => ConstGauge::new(value).encode(sample)?,
                }
            }
        }
        Ok(())
    }
}

/// A value, with the label that it has besides the cluster's.
type Sample = (Option<(&'static str, &'static str)>, f64);

type Gauge = (&'static str, &'static str, fn(&ClusterMetrics) -> Option<f64>);

const GAUGES: [Gauge; 12] = [
    ("axlpaper_watch_up", "Whether the last pass of the watch worked", |metrics| {
        let works = metrics.last.as_ref().is_some_and(|last| last.status.error.is_none());
        Some(flag(works && !metrics.has_ended))
    }),
    (
        "axlpaper_last_pass_timestamp_seconds",
        "When the last pass that worked has ended, in Unix time",
        |metrics| Some(seconds(metrics.passed_at?)),
    ),
    (
        "axlpaper_last_survey_timestamp_seconds",
        "When all phones were surveyed last, in Unix time",
        |metrics| Some(seconds(metrics.last.as_ref()?.status.surveyed_at?)),
    ),
    ("axlpaper_phones_capable", "Phones that can show the picture and shall show it", |metrics| {
        Some(metrics.last.as_ref()?.counts.capable as f64)
    }),
    ("axlpaper_phones_shown", "Phones that are proven to show their picture", |metrics| {
        Some(metrics.last.as_ref()?.counts.shown as f64)
    }),
    (
        "axlpaper_phones_offline",
        "Phones that are not registered and get the picture later",
        |metrics| Some(metrics.last.as_ref()?.counts.offline as f64),
    ),
    ("axlpaper_phones_failing", "Phones that failed and are retried later", |metrics| {
        Some(metrics.last.as_ref()?.counts.failing as f64)
    }),
    ("axlpaper_phones_held", "Phones that wait for an approval", |metrics| {
        Some(metrics.last.as_ref()?.counts.held as f64)
    }),
    (
        "axlpaper_phones_drifted",
        "Phones that show another picture than they were proven to show, and are left so",
        |metrics| Some(metrics.last.as_ref()?.counts.drifted as f64),
    ),
    ("axlpaper_approval_waiting", "Whether the watch waits for an approval", |metrics| {
        let LastPass { status, counts } = metrics.last.as_ref()?;
        Some(flag(counts.held > 0 || status.stopped.is_some()))
    }),
    (
        "axlpaper_push_stopped",
        "Whether the watch pushes to no phone until an approval",
        |metrics| Some(flag(metrics.last.as_ref()?.status.stopped.is_some())),
    ),
    (
        "axlpaper_change_notification",
        "Whether the cluster reports what changed; surveys find changes where it does not",
        |metrics| Some(flag(metrics.last.as_ref()?.status.without_changes.is_none())),
    ),
];

type Counter = (&'static str, &'static str, fn(&ClusterMetrics) -> u64);

const COUNTERS: [Counter; 4] = [
    ("axlpaper_passes", "Passes that worked", |metrics| metrics.passes),
    ("axlpaper_failed_passes", "Passes that failed", |metrics| metrics.failed_passes),
    ("axlpaper_runs", "Runs of the watch", |metrics| metrics.runs),
    ("axlpaper_pushes", "Attempts to push to a phone", |metrics| metrics.pushes),
];

type Requests = (&'static str, &'static str, fn(RequestTotals) -> f64);

const REQUESTS: [Requests; 4] = [
    ("axlpaper_requests", "Requests to the cluster", |totals| totals.requests as f64),
    ("axlpaper_request_failures", "Requests that got no complete answer", |totals| {
        totals.failures as f64
    }),
    ("axlpaper_request_waits", "Waits before a request, for a rate limit or a retry", |totals| {
        totals.waits as f64
    }),
    ("axlpaper_request_wait_seconds", "The length of all waits before requests", |totals| {
        totals.waited.as_secs_f64()
    }),
];

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
