//! Survey and audit: against a bare client, in memory, and a quarter of the phones against all.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axlpaper::audit::audit;
use axlpaper::axl::client::{AxlClient, AxlOptions};
use axlpaper::domain::audit::Audit;
use axlpaper::domain::inventory::Inventory;
use axlpaper::domain::registration::Source;
use axlpaper::domain::repair_policy::Repairs;
use axlpaper::domain::selector::Selector;
use axlpaper::event::{Event, Observer, Stage};
use axlpaper::net::client::{ClusterHttp, ClusterLimits};
use axlpaper::net::trust::Trust;
use axlpaper::phone::PhoneClient;
use axlpaper::ris::client::{RisClient, RisOptions};
use axlpaper::sim::PUSH_USER;
use axlpaper::survey::{Request, extensions, survey};

use crate::Failure;
use crate::args::Size;
use crate::bare::Bare;
use crate::process::{peak_memory, processor_time};
use crate::record::Recorder;
use crate::server::{Kind, Server, credentials, endpoint};
use crate::table::{Bound, Table};

/// Measures a quarter first and then all, so that the peak memory of all is the last one.
pub async fn measure(size: &Size, table: &mut Table) -> Result<(), Failure> {
    let idle = peak_memory();
    let quarter = one_size(size.survey / 4, size.rounds).await?;
    let full = one_size(size.survey, size.rounds).await?;
    let n = full.phones;
    let allowed = (full.ours.as_secs_f64() - 1.0).max(0.0) / full.bare.as_secs_f64();
    let raw = ratio(full.ours, full.bare);
    let made_of = format!("{:.2?} / {:.2?}", full.ours, full.bare);
    table.ratio(
        format!("survey + audit of {n} / bare download, less 1 s"),
        allowed,
        Bound::AtMost(1.2),
        "",
    );
    table.ratio("  the same without the allowance of 1 s", raw, Bound::None, &made_of);
    let made_of = format!("{:.2?} / {:.2?}", full.extensions, full.ours);
    let share = ratio(full.extensions, full.ours);
    table.ratio("  reading extensions / survey + audit", share, Bound::AtMost(0.1), &made_of);
    if let (Some(peak), Some(idle), Some(small)) = (full.peak, idle, quarter.peak) {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        table.ratio(
            format!("peak memory of {n} / 150 MB"),
            megabytes(peak) / 150.0,
            Bound::AtMost(1.0),
            &format!(
                "{:.0} MB; {:.0} MB with a quarter, {:.0} MB at the start",
                megabytes(peak),
                megabytes(small),
                megabytes(idle)
            ),
        );
    }
    let per_phone = |run: &Run, time: Duration| time.as_secs_f64() * 1e6 / run.phones as f64;
    let mut growth = |what: &str, bound, of: &dyn Fn(&Run) -> Option<Duration>| {
        let (Some(small), Some(large)) = (of(&quarter), of(&full)) else { return };
        if small.is_zero() {
            return;
        }
        let (small, large) = (per_phone(&quarter, small), per_phone(&full, large));
        let made_of = format!("{large:.1} us / {small:.1} us");
        table.ratio(format!("{what}, all / a quarter"), large / small, bound, &made_of);
    };
    growth("time a phone", Bound::AtMost(1.2), &|run| Some(run.ours));
    growth("processor time a phone", Bound::AtMost(1.2), &|run| run.processor);
    growth("  the bare client's time a phone", Bound::None, &|run| Some(run.bare));
    table.note(format!(
        "survey of {n}: {} requests, {:.1} MB of answers; phones {:.2?}, settings {:.2?}, registrations {:.2?}, audit {:.2?}; \
         processor time of the whole {:.2?}",
        full.requests,
        full.bytes as f64 / 1e6,
        full.stages.of(Stage::Phones),
        full.stages.of(Stage::Settings),
        full.stages.of(Stage::Registrations),
        full.audit,
        full.processor.unwrap_or_default(),
    ));
    Ok(())
}

/// What was measured with one number of phones.
struct Run {
    phones: usize,
    ours: Duration,
    extensions: Duration,
    bare: Duration,
    processor: Option<Duration>,
    audit: Duration,
    peak: Option<u64>,
    requests: usize,
    bytes: usize,
    stages: Stages,
}

async fn one_size(phones: u32, rounds: usize) -> Result<Run, Failure> {
    let mut server = Server::start(Kind::Mixed, phones)?;
    let mut stages = Stages::default();
    let mut ours = vec![survey_and_audit(&server, &stages).await?];
    let peak = peak_memory();
    let recorder = Recorder::start(&server).await?;
    drop(read(recorder.address, &recorder.trust, &Stages::default()).await?);
    let calls = recorder.calls();
    drop(recorder);
    let extensions = extensions_of(&server, rounds).await?;
    let (mut bare, mut bytes) = (Vec::new(), 0);
    for round in 0..rounds {
        if round > 0 {
            stages = Stages::default();
            ours.push(survey_and_audit(&server, &stages).await?);
        }
        let replayed = Bare::new(&server)?.replay(&calls).await?;
        bare.push(replayed.took);
        bytes = replayed.bytes;
    }
    let refused = server.ask("refusals")?;
    if refused > 0 {
        return Err(format!("the cluster refused {refused} requests").into());
    }
    Ok(Run {
        phones: server.phones,
        ours: middle(ours.iter().map(|one| one.took)),
        extensions,
        bare: middle(bare.into_iter()),
        processor: ours
            .iter()
            .map(|one| one.processor)
            .collect::<Option<Vec<_>>>()
            .map(|all| middle(all.into_iter())),
        audit: middle(ours.iter().map(|one| one.audit)),
        peak,
        requests: calls.len(),
        bytes,
        stages,
    })
}

/// Measures the question for the extensions alone.
async fn extensions_of(server: &Server, rounds: usize) -> Result<Duration, Failure> {
    let http = ClusterHttp::new(&server.trust, ClusterLimits::default())?;
    let (endpoint, options) = (endpoint(server.axl)?, AxlOptions::default());
    let axl = AxlClient::connect(http, endpoint, credentials(), options).await?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        let found = extensions(&axl, None).await?.len();
        times.push(begun.elapsed());
        if found < server.phones {
            return Err(format!("{found} extensions, {} phones", server.phones).into());
        }
    }
    Ok(middle(times.into_iter()))
}

struct Took {
    took: Duration,
    audit: Duration,
    processor: Option<Duration>,
}

async fn survey_and_audit(server: &Server, stages: &Stages) -> Result<Took, Failure> {
    let (begun, before) = (Instant::now(), processor_time());
    let (audit, audit_took) = read(server.axl, &server.trust, stages).await?;
    let took = begun.elapsed();
    let processor = before.and_then(|before| Some(processor_time()? - before));
    if audit.phones.len() != server.phones || audit.summary.all.total != server.phones {
        let (found, there) = (audit.phones.len(), server.phones);
        return Err(format!("the audit has {found} phones, the cluster {there}").into());
    }
    if let Some(remark) = audit.remarks.first() {
        return Err(format!("the survey is not whole: {remark}").into());
    }
    Ok(Took { took, audit: audit_took, processor })
}

/// Surveys and audits as the program does, but for the rate of RisPort70.
pub async fn read(
    address: SocketAddr,
    trust: &Trust,
    stages: &Stages,
) -> Result<(Audit, Duration), Failure> {
    let http = ClusterHttp::new(trust, ClusterLimits::default())?;
    let (endpoint, credentials) = (endpoint(address)?, credentials());
    let options = AxlOptions::default();
    let axl =
        AxlClient::connect(http.clone(), endpoint.clone(), credentials.clone(), options).await?;
    let unlimited = RisOptions { per_minute: 1_000_000, ..RisOptions::default() };
    let ris = RisClient::new(http, endpoint, credentials, unlimited);
    let selector = Selector::default();
    let phones = PhoneClient::anonymous(80, crate::load::LIMIT);
    let repairs = Repairs::default();
    let request = Request {
        names: None,
        needs_extensions: false,
        repairs: &repairs,
        registrations: Source::Risport70,
        phones: &phones,
        https: None,
        cluster_name: "bench",
        selector: &selector,
        push_user: Some(PUSH_USER),
        push_user_kind: None,
    };
    // No limit is asked for.
    let within_limit = |_: &Inventory| HashSet::new();
    let inventory = survey(&axl, &ris, &request, &within_limit, stages).await?;
    let begun = Instant::now();
    let audit = audit(&inventory, &repairs);
    Ok((audit, begun.elapsed()))
}

/// When each stage began and ended.
#[derive(Default)]
pub struct Stages(Mutex<Vec<(Stage, Instant)>>);

impl Stages {
    fn of(&self, stage: Stage) -> Duration {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut times = seen.iter().filter(|(of, _)| *of == stage).map(|(_, at)| *at);
        match (times.next(), times.next_back()) {
            (Some(first), Some(last)) => last - first,
            (_, _) => Duration::ZERO,
        }
    }
}

impl Observer for Stages {
    fn observe(&self, event: &Event) {
        if let Event::Started { stage, .. } | Event::Finished { stage } = event {
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((*stage, Instant::now()));
        }
    }
}

/// Divides times.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn middle(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
