//! Several clusters of the config file, side by side.
//!
//! Each has its own clients, limits and password. One that fails does not stop the others: its error is
//! shown with its name, and the exit code is the worst of all.

use crate::cli::settings;
use crate::domain::text::quoted;
use crate::rollout::multi_cluster::ClusterResult;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::push::PushAccessArgs;
use crate::cli::args::{ConnectionArgs, ListArgs, OutputArgs};
use crate::cli::present::list;
use crate::config::{FileConfig, Layer};
use crate::connect::cluster;
use crate::connect::cluster::ClusterSettings;
use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::inventory::{Inventory, Phone};
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::PhoneResult;
use crate::report::{
    ClusterFailure, Format, OfCluster, PhoneCount, PhoneCounts, Row, RunReport, Suite, TestCase,
    TestResult, Writable, audit_json, clusters_json, counts_json, inventory_json, rollout_json,
};
use crate::rollout::dry_run::DryRun;

/// What a command found on a cluster, in rows: mostly one for each phone.
pub trait PhoneRows {
    type Row: Row;

    fn rows(&self) -> &[Self::Row];
    fn rows_mut(&mut self) -> &mut [Self::Row];
    /// Returns the JSON document of the cluster.
    fn document(&self) -> impl Serialize + Writable;
}

macro_rules! phone_rows {
    ($($(const $parameter:ident,)? $found:ty: $row:ty, |$this:ident| $phones:expr, $document:expr;)+) => {
        $(impl $(<const $parameter: usize>)? PhoneRows for $found {
            type Row = $row;

            fn rows(&self) -> &[$row] {
                let $this = self;
                &$phones
            }

            fn rows_mut(&mut self) -> &mut [$row] {
                let $this = self;
                &mut $phones
            }

            fn document(&self) -> impl Serialize + Writable {
                let $this = self;
                $document
            }
        })+
    };
}

phone_rows! {
    Inventory: Phone, |found| found.phones, inventory_json(found, Timestamp::now());
    const BY, PhoneCounts<BY>: PhoneCount<BY>, |found| found.rows, counts_json(found, Timestamp::now());
    Audit: AuditedPhone, |found| found.phones, audit_json(found, Timestamp::now());
    DryRun<Audit>: AuditedPhone, |dry| dry.found.phones, audit_json(&dry.found, Timestamp::now());
    DryRun<RunReport>: PhoneResult, |dry| dry.found.phones, rollout_json(&dry.found, Timestamp::now());
    RunReport: PhoneResult, |found| found.phones, rollout_json(found, Timestamp::now());
}

/// Finds the clusters that are meant, and checks the settings of all of them before any is asked.
pub fn chosen(
    args: &ConnectionArgs,
    push: Option<&PushAccessArgs>,
) -> Result<Vec<ClusterSettings>, AppError> {
    if !args.is_about_several() {
        return Ok(vec![settings::connection(args, push)?]);
    }
    refuse_single_server(args, push)?;
    let file = settings::file(args)?.ok_or_else(|| {
        AppError::new(
            ErrorKind::Usage,
            "several clusters are asked for, and there is no config file",
        )
        .hint("`axlpaper init` writes one; each cluster is a table [cluster.NAME] in it")
    })?;
    let mut names: Vec<&str> = Vec::new();
    let all = file.clusters().filter(|_| args.all_clusters);
    for name in all.chain(args.cluster.iter().map(String::as_str)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(AppError::new(ErrorKind::Usage, "the config file has no cluster")
            .hint("each cluster is a table [cluster.NAME] in it"));
    }
    let environment = of_a_named_host(settings::from_environment()?);
    let flags = push.map(PushAccessArgs::layer).unwrap_or_default().over(args.layer());
    let connections = names.into_iter().map(|name| {
        connection(&file, name, flags.clone(), environment.clone())
            .map_err(|error| error.within(name))
    });
    let connections: Vec<ClusterSettings> = connections.collect::<Result<_, _>>()?;
    refuse_the_same_server(&connections)?;
    Ok(connections)
}

/// Refuses one server under two names: it would get twice the questions that its limits allow, and each of
/// its phones would get every push twice.
fn refuse_the_same_server(connections: &[ClusterSettings]) -> Result<(), AppError> {
    let server = |connection: &ClusterSettings| connection.endpoint.to_string().to_lowercase();
    for (at, one) in connections.iter().enumerate() {
        if let Some(other) = connections[..at].iter().find(|other| server(other) == server(one)) {
            let (first, second) = (&other.name, &one.name);
            let message = format!(
                "the clusters {} and {} are one server, {}",
                quoted(first),
                quoted(second),
                one.endpoint
            );
            return Err(AppError::new(ErrorKind::Usage, message).hint("name only one of them"));
        }
    }
    Ok(())
}

fn connection(
    file: &FileConfig,
    name: &str,
    flags: Layer,
    environment: Layer,
) -> Result<ClusterSettings, AppError> {
    let section = settings::section(Some(file), Some(name))?;
    if section.is_none_or(|section| section.layer.host.is_none()) {
        return Err(AppError::new(ErrorKind::Usage, "it has no host in the config file")
            .hint("among several clusters each needs its own"));
    }
    let (cluster, settings) = settings::settings_of(Some(file), Some(name), flags, environment)?;
    cluster::from_layer(cluster, settings)
}

/// Refuses options that are about one server: with several, a password would go to all of them.
fn refuse_single_server(
    args: &ConnectionArgs,
    push: Option<&PushAccessArgs>,
) -> Result<(), AppError> {
    let typed = [
        ("--host", args.host.is_some()),
        ("--ris-host", args.ris_host.is_some()),
        ("--username", args.username.is_some()),
        ("--password-file", args.password_file.is_some()),
        ("--password-stdin", args.password_stdin),
        ("--pin-sha256", args.pin_sha256.is_some()),
        ("--push-password-file", push.is_some_and(|push| push.push_password_file.is_some())),
    ];
    let Some((option, _)) = typed.into_iter().find(|(_, is_typed)| *is_typed) else {
        return Ok(());
    };
    let message = format!("{option} is about one server, and several clusters are asked for");
    Err(AppError::new(ErrorKind::Usage, message)
        .hint("write it into the tables of the clusters in the config file"))
}

/// Takes the passwords out of an environment that names no host: they are not meant for all clusters.
pub fn of_a_named_host(environment: Layer) -> Layer {
    if environment.host.is_some() {
        return environment;
    }
    Layer { password: None, push_password: None, ..environment }
}

/// Proves before a run that its rows can be shown and written as it was asked for; those of `several` clusters name
/// their cluster.
pub fn check_list<T: PhoneRows>(args: &OutputArgs, several: bool) -> Result<(), AppError> {
    if several {
        return list::check_list::<OfCluster<'_, T::Row>>(args);
    }
    list::check_list::<T::Row>(args)
}

/// Gives back what clusters answered. The failure of the only cluster is the command's; those of `several` are part of
/// the answer.
pub fn answered<T>(
    several: bool,
    ended: Vec<ClusterResult<T>>,
) -> Result<Vec<ClusterResult<T>>, AppError> {
    if several {
        return Ok(ended);
    }
    ended.into_iter().map(|one| Ok(ClusterResult { result: Ok(one.result?), ..one })).collect()
}

/// Sorts the rows and writes them: those of one cluster, or of `several` as one answer.
pub fn answer<T: PhoneRows>(
    args: &OutputArgs,
    several: bool,
    ended: &mut [ClusterResult<T>],
) -> Result<(), AppError> {
    sort(args, several, ended)?;
    if !several {
        return found(ended).try_for_each(|(_, one)| {
            list::write(args, &list::list(args, one.rows(), || one.document())?)
        });
    }
    let mut records: Vec<OfCluster<'_, T::Row>> = found(ended)
        .flat_map(|(cluster, one)| {
            one.rows().iter().map(move |record| OfCluster { cluster, record })
        })
        .collect();
    list::sort(&args.list, &mut records)?;
    if args.format() == Format::Junit {
        return list::write(args, &list::suites(suites(ended, &records)?));
    }
    let text = list::list(args, &records, || {
        let documents = found(ended).map(|(_, one)| one.document()).collect();
        clusters_json(documents, failures(ended), Timestamp::now())
    })?;
    list::write(args, &text)
}

/// Returns what was found, with the name of its cluster.
fn found<T>(ended: &[ClusterResult<T>]) -> impl Iterator<Item = (&String, &T)> {
    ended.iter().filter_map(|one| Some((&one.name, one.result.as_ref().ok()?)))
}

/// Sorts each cluster's rows. The document of `several` keeps clusters apart, so their names do not count here.
fn sort<T: PhoneRows>(
    args: &OutputArgs,
    several: bool,
    ended: &mut [ClusterResult<T>],
) -> Result<(), AppError> {
    let is_cluster =
        |field: &str| field.trim().trim_start_matches('-').eq_ignore_ascii_case("cluster");
    let sort = args.list.sort.iter().filter(|field| !(several && is_cluster(field))).cloned();
    let list = ListArgs { sort: sort.collect(), ..ListArgs::default() };
    for one in ended.iter_mut().filter_map(|one| one.result.as_mut().ok()) {
        list::sort(&list, one.rows_mut())?;
    }
    Ok(())
}

fn remedies(error: &AppError) -> String {
    let hints = error.hints().iter().map(|hint| format!("-> {hint}"));
    hints.collect::<Vec<_>>().join("\n")
}

/// One test suite for each cluster; a cluster without an answer is a test that failed.
fn suites<'a, T, R: Row>(
    ended: &[ClusterResult<T>],
    records: &'a [OfCluster<'a, R>],
) -> Result<Vec<Suite<'a, OfCluster<'a, R>>>, AppError> {
    let what = list::suite::<R>()?;
    let suites = ended.iter().map(|one| Suite {
        name: format!("{what}: {}", one.name),
        rows: records.iter().filter(|record| record.cluster == one.name).collect(),
        broken: one.result.as_ref().err().map(|error| TestCase {
            name: format!("cluster {}", one.name),
            class: one.name.clone(),
            took_ms: None,
            result: TestResult::Failed {
                kind: "cluster".to_owned(),
                message: error.message().to_owned(),
                details: remedies(error),
            },
            output: String::new(),
        }),
    });
    Ok(suites.collect())
}

fn failures<T>(ended: &[ClusterResult<T>]) -> Vec<ClusterFailure> {
    let failed = ended.iter().filter_map(|one| Some((one, one.result.as_ref().err()?)));
    failed
        .map(|(one, error)| ClusterFailure {
            cluster: one.name.clone(),
            run: one.run,
            exit_code: error.exit() as u8,
            message: error.message().to_owned(),
            hints: error.hints().to_vec(),
        })
        .collect()
}

/// Returns the worst exit code; `exit` is the one of a cluster that answered.
pub fn worst<T>(ended: &[ClusterResult<T>], exit: impl Fn(&T) -> Exit) -> Exit {
    let exits = ended.iter().map(|one| match &one.result {
        Ok(found) => exit(found),
        Err(error) => error.exit(),
    });
    exits.max_by_key(|exit| badness(*exit)).unwrap_or(Exit::Done)
}

fn badness(exit: Exit) -> u8 {
    match exit {
        Exit::Done => 0,
        Exit::WorkToDo => 1,
        Exit::SomeFailed => 2,
        Exit::Refused => 3,
        Exit::Usage => 4,
        Exit::Failed => 5,
        Exit::Authentication => 6,
        Exit::Interrupted => 7,
    }
}

pub fn recap<T>(ended: &[ClusterResult<T>]) -> String {
    let failed: Vec<&str> =
        ended.iter().filter(|one| one.result.is_err()).map(|one| one.name.as_str()).collect();
    let counted = crate::domain::text::pluralize(ended.len(), "cluster");
    if failed.is_empty() {
        return format!("{counted} answered");
    }
    format!("{} of {counted} gave no answer: {}", failed.len(), failed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PasswordSource;
    use crate::config::environment;

    #[test]
    fn the_worst_exit_code_wins() {
        let ended = |results: &[Option<ErrorKind>]| -> Vec<ClusterResult<()>> {
            let one = |kind: &Option<ErrorKind>| ClusterResult {
                name: "x".into(),
                run: None,
                result: kind.map_or(Ok(()), |kind| Err(AppError::new(kind, "no"))),
            };
            results.iter().map(one).collect()
        };
        let of = |results: &[Option<ErrorKind>]| worst(&ended(results), |()| Exit::WorkToDo);
        let (failed, usage) = (Some(ErrorKind::Failed), Some(ErrorKind::Usage));
        let authentication = Some(ErrorKind::Authentication);
        assert_eq!(of(&[None, None]), Exit::WorkToDo);
        assert_eq!(of(&[usage, authentication, failed]), Exit::Authentication);
        assert_eq!(of(&[failed, usage]), Exit::Failed);
        assert_eq!(recap(&ended(&[None, failed])), "1 of 2 clusters gave no answer: x");
    }

    fn connection(name: &str, host: &str) -> ClusterSettings {
        let layer = Layer {
            host: Some(host.to_owned()),
            username: Some("axl".to_owned()),
            password: Some(PasswordSource::Given("x".into())),
            ..Layer::default()
        };
        cluster::from_layer(Some(name.to_owned()), layer).unwrap()
    }

    #[test]
    fn one_server_under_two_names_is_refused() {
        let of = |hosts: [&str; 2]| {
            refuse_the_same_server(&[connection("a", hosts[0]), connection("b", hosts[1])])
        };
        of(["pub1", "pub2"]).unwrap();
        let error = of(["pub1", "PUB1:8443"]).unwrap_err().to_string();
        assert!(error.contains("\"a\" and \"b\" are one server"), "{error}");
    }

    #[test]
    fn a_password_without_a_host_is_for_no_cluster_among_several() {
        let from = |pairs: &'static [(&'static str, &'static str)]| {
            of_a_named_host(environment(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            }))
        };
        let without =
            from(&[("CUCM_PASSWORD", "x"), ("PHONE_PASSWORD", "y"), ("CUCM_USERNAME", "u")]);
        assert!(without.password.is_none() && without.push_password.is_none());
        assert_eq!(without.username.as_deref(), Some("u"));
        assert!(from(&[("CUCM_PASSWORD", "x"), ("CUCM_HOST", "h")]).password.is_some());
    }
}
