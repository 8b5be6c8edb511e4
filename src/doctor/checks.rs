//! Requests what the checks evaluate, each within a time limit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Checks, ChecksDone, Configuration, DoctorRequest, Found, LIMIT, LastFailure};
use crate::axl::change_notification::ListChange;
use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::paging::Page;
use crate::axl::phone::ListPhone;
use crate::axl::sql::ExecuteSqlQuery;
use crate::axl::upgrade::{NoVersionDocument, VERSION_PATH, upgrade_in_progress};
use crate::axl::user::DoAuthenticateUser;
use crate::config::{Layer, NotifySettings};
use crate::connect::cluster;
use crate::connect::cluster::ClusterSettings;
use crate::doctor::evaluate;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::PushUser;
use crate::domain::text::names;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Observer, Unobserved};
use crate::interaction::{Interaction, Silent};
use crate::journal::{Journal, JournalReader};
use crate::net::certificate::CertificateFacts;
use crate::net::certificate_probe;
use crate::net::certificate_probe::PeekError;
use crate::net::endpoint::Endpoint;
use crate::net::page::PageCheck;
use crate::ris::client::RisClient;
use crate::rollout::accounts::PushUserRights;
use crate::survey;
use crate::watch::notify::channels::Channels;

/// Makes all checks that can be made. Each one is in `done` as soon as it was made.
pub async fn run(request: DoctorRequest, interaction: &dyn Interaction, done: &ChecksDone) {
    let DoctorRequest { journal: path, notify: notifies, configuration } = request;
    let mut checks = Checks::new(done);
    journal(&mut checks, path);
    if let Some(settings) = notifies {
        notify(&mut checks, settings, interaction).await;
    }
    let Configuration { cluster, settings, .. } = match configuration {
        Ok(configuration) => {
            checks.add(CONFIGURATION, Found::ok(&configuration.source));
            configuration
        }
        Err(error) => {
            checks.add(CONFIGURATION, evaluate::failed(&error));
            checks.skip(&[NAME, TCP, TLS], "a configuration");
            return checks.skip(AFTER_TLS, "a configuration");
        }
    };
    let Some(endpoint) = endpoint(&mut checks, &settings) else {
        checks.skip(&[TCP, TLS], "a host");
        return checks.skip(AFTER_TLS, "a host");
    };
    if !reach(&mut checks, TCP, &endpoint).await {
        checks.skip(&[TLS], "a connection");
        return checks.skip(AFTER_TLS, "a connection");
    }
    if !tls(&mut checks, &endpoint, &settings).await {
        return checks.skip(AFTER_TLS, "a server that is trusted");
    }
    upgrade(&mut checks, &endpoint, &settings).await;
    match cluster::from_layer(cluster, settings) {
        Ok(mut connection) => {
            // The time limit of the session does not include the time to type the password.
            match connection.fetch_password(interaction).await {
                Ok(()) => cluster_checks(&mut checks, &connection, interaction).await,
                Err(error) => {
                    checks.add(AXL, evaluate::failed(&error));
                    checks.skip(AFTER_AXL, "a session with AXL");
                }
            }
        }
        Err(error) => {
            checks.add(AXL, evaluate::failed(&error));
            checks.skip(AFTER_AXL, "a session with AXL");
        }
    }
}

fn journal(checks: &mut Checks, path: Result<PathBuf, AppError>) {
    let found = path.and_then(|path| {
        let there = JournalReader::open(&path)?;
        let shown = path.display();
        if there.is_some() {
            return Ok(Found::ok(format!("the journal is {shown}")));
        }
        if path.parent().is_some_and(Path::is_dir) {
            Journal::check_writable(&path)?;
        }
        Ok(Found::ok(format!("the journal will be {shown}")))
    });
    checks.add(JOURNAL, found.unwrap_or_else(|error| evaluate::failed(&error)));
}

/// Sends a test to every channel.
async fn notify(
    checks: &mut Checks,
    settings: Result<Option<NotifySettings>, AppError>,
    interaction: &dyn Interaction,
) {
    let opened = match settings {
        Ok(Some(settings)) => Channels::open(&settings, interaction).await,
        Ok(None) => Err(AppError::new(ErrorKind::Usage, "the config file has no table [notify]")
            .hint("write one, or leave --notify out")),
        Err(error) => Err(error),
    };
    let channels = match opened {
        Ok(channels) => channels,
        Err(error) => return checks.add(NOTIFY, evaluate::failed(&error)),
    };
    for (channel, sent) in channels.test().await {
        let found = match sent {
            Ok(()) => Found::ok(format!("{channel} took a test")),
            Err(what) => Found::failed(
                Exit::Failed,
                format!("{channel} {what}"),
                "check [notify] of the config file, and what the other side says about it",
            ),
        };
        checks.add(NOTIFY, found);
    }
}

fn endpoint(checks: &mut Checks, settings: &Layer) -> Option<Endpoint> {
    let Some(host) = settings.host.as_deref() else {
        let how = "name the publisher with --host or CUCM_HOST, or in a config file; `axlpaper demo` needs none";
        checks.add(NAME, Found::failed(Exit::Usage, "no cluster is named", how));
        return None;
    };
    match Endpoint::parse(host, Endpoint::CUCM_PORT) {
        Ok(endpoint) => {
            let from = settings.origin("host");
            checks.add(NAME, Found::ok(format!("the publisher is {endpoint} (from {from})")));
            Some(endpoint)
        }
        Err(error) => {
            checks.add(NAME, Found::failed(Exit::Usage, error.to_string(), "check --host"));
            None
        }
    }
}

async fn reach(checks: &mut Checks, id: &'static str, endpoint: &Endpoint) -> bool {
    let connect = TcpStream::connect((endpoint.host(), endpoint.port()));
    let why = match timeout(LIMIT, connect).await {
        Ok(Ok(stream)) => {
            let ip = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
            checks.add(id, Found::ok(format!("{endpoint} can be reached ({ip})")));
            return true;
        }
        Ok(Err(error)) => error_chain(&error),
        Err(_) => format!("no answer within {} s", LIMIT.as_secs()),
    };
    checks.add(
        id,
        Found::failed(
            Exit::Failed,
            format!("cannot connect to {endpoint}: {why}"),
            "check the name, this machine's DNS and the firewall; AXL and RisPort70 answer on port 8443",
        ),
    );
    false
}

async fn tls(checks: &mut Checks, endpoint: &Endpoint, settings: &Layer) -> bool {
    let looked = async {
        let chain = certificate_probe::certificates(endpoint, LIMIT).await?;
        let own = chain.first().map(|der| CertificateFacts::read(der));
        let own =
            own.ok_or_else(|| AppError::new(ErrorKind::Failed, "no certificate was shown"))?;
        let own = own.map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        let trust = cluster::trust(settings)?;
        let why_not = match certificate_probe::check(endpoint, &trust, LIMIT).await {
            Ok(()) => None,
            Err(PeekError::Tls { problem, .. }) => Some(problem),
            Err(error) => return Err(error.into()),
        };
        let found = evaluate::certificate(&own, why_not.as_ref(), Timestamp::now());
        Ok::<_, AppError>(if trust.insecure && why_not.is_none() {
            Found::warning(
                "--insecure: the server is not verified; a man in the middle can read the passwords",
                "`axlpaper trust` pins the certificate instead",
            )
        } else {
            found
        })
    };
    let found = looked.await.unwrap_or_else(|error| evaluate::failed(&error));
    let good = found.state != super::State::Failed;
    checks.add(TLS, found);
    good
}

/// Reads from the user data service, which needs no credentials, whether an upgrade is in progress.
async fn upgrade(checks: &mut Checks, endpoint: &Endpoint, settings: &Layer) {
    let asked = async {
        let page = PageCheck::new(&endpoint.https(VERSION_PATH), &cluster::trust(settings)?)?;
        Ok::<_, AppError>(match page {
            Some(page) => page.answer().await,
            None => Err("is no HTTP address".to_owned()),
        })
    };
    let found = match asked.await {
        Ok(Ok((200, document))) => match upgrade_in_progress(&document) {
            Ok(in_progress) => evaluate::upgrade(in_progress),
            Err(NoVersionDocument) => Found::skipped(&format!(
                "{VERSION_PATH}, which is answered with another document (a login page, or that of a proxy)"
            )),
        },
        Ok(Ok((status, _))) => {
            Found::skipped(&format!("{VERSION_PATH}, which is answered with HTTP {status}"))
        }
        Ok(Err(why)) => Found::skipped(&format!("{VERSION_PATH}, which {why}")),
        Err(error) => evaluate::failed(&error),
    };
    checks.add(UPGRADE, found);
}

async fn cluster_checks(
    checks: &mut Checks,
    connection: &ClusterSettings,
    interaction: &dyn Interaction,
) {
    let observer: Arc<dyn Observer> = Arc::<LastFailure>::clone(&checks.failure);
    let opened = timeout(SESSION_LIMIT, cluster::connect(connection, interaction, &observer)).await;
    let cluster = match opened {
        Ok(Ok(cluster)) => cluster,
        Ok(Err(error)) => {
            let role_missing = evaluate::is_role_missing(&error);
            checks.add(AXL, evaluate::failed(&error));
            if !role_missing {
                return checks.skip(AFTER_AXL, "a session with AXL");
            }
            // The password is right, so what else the account lacks can be found without a failed login.
            checks.skip(&[ROLES, PHONES, SQL, CHANGES], "a session with AXL");
            match cluster::risport(connection, interaction).await {
                Ok(ris) => risport(checks, &ris, connection, None).await,
                Err(error) => checks.add(RISPORT, evaluate::failed(&error)),
            }
            checks.skip(&[PUSH_USER, PUSH_RIGHTS, PUSH_PASSWORD, ENTERPRISE], "a session with AXL");
            return image_server(checks, connection).await;
        }
        Err(_) => {
            checks.add(AXL, checks.late("of AXL"));
            return checks.skip(AFTER_AXL, "a session with AXL");
        }
    };
    checks.add(
        AXL,
        Found::ok(format!(
            "{} is let in; Unified CM {}, AXL {}",
            connection.username,
            cluster.axl.server_version(),
            cluster.axl.version()
        )),
    );
    roles(checks, &cluster.axl).await;
    let phone = phones(checks, &cluster.axl).await;
    sql(checks, &cluster.axl).await;
    change_notification(checks, &cluster.axl).await;
    risport(checks, &cluster.ris, connection, phone).await;
    push_user(checks, &cluster.axl, connection).await;
    enterprise(checks, &cluster.axl).await;
    image_server(checks, connection).await;
}

/// Finds out before the first write whether the account that axlpaper uses may write.
async fn roles(checks: &mut Checks, axl: &AxlClient) {
    let asked = async {
        let roles = axl.roles(axl.username(), None).await?;
        let may_write = axl.may_write(roles.as_ref()).await?;
        Ok::<_, AxlError>(evaluate::roles(axl.username(), roles.as_ref(), may_write))
    };
    let found = match timeout(LIMIT, asked).await {
        Err(_) => checks.late("about the roles of the account"),
        Ok(found) => found.unwrap_or_else(|error| evaluate::failed(&error.into())),
    };
    checks.add(ROLES, found);
}

/// Reads one row of the phone list; returns its name.
async fn phones(checks: &mut Checks, axl: &AxlClient) -> Option<DeviceName> {
    let mut request = ListPhone::names();
    request.set_page(Page { skip: 0, first: 1 });
    let Ok(asked) = timeout(LIMIT, axl.call(&request)).await else {
        checks.add(PHONES, checks.late("to listPhone"));
        return None;
    };
    match asked {
        Ok(rows) => {
            let row = rows.into_iter().next();
            let found = match &row {
                Some(_) => Found::ok("phones can be read"),
                None => Found::warning("the cluster has no phones", "is this the right cluster?"),
            };
            checks.add(PHONES, found);
            row.and_then(|row| DeviceName::of_cluster(&row.name).ok())
        }
        Err(error) => {
            checks.add(PHONES, evaluate::failed(&error.into()));
            None
        }
    }
}

async fn change_notification(checks: &mut Checks, axl: &AxlClient) {
    let found = match timeout(LIMIT, axl.call(&ListChange::state())).await {
        Err(_) => checks.late("to listChange"),
        Ok(Ok(changes)) => evaluate::change_notification(changes.has_queue(), None),
        Ok(Err(error)) if error.is_refusal() => {
            evaluate::change_notification(false, Some(&error.why()))
        }
        Ok(Err(error)) => evaluate::failed(&error.into()),
    };
    checks.add(CHANGES, found);
}

async fn sql(checks: &mut Checks, axl: &AxlClient) {
    let query = ExecuteSqlQuery::new("select count(*) from device where tkclass = 1");
    let found = match timeout(LIMIT, axl.call(&query)).await {
        Err(_) => checks.late("to executeSQLQuery"),
        Ok(Ok(_)) => Found::ok("SQL over AXL is allowed"),
        Ok(Err(error)) if error.is_sql_refused() => Found::warning(
            "SQL over AXL is refused, so the audit sees less of web access, enterprise parameters and User Ranks",
            "nothing has to be done; pages are opened one by one instead",
        ),
        Ok(Err(error)) => evaluate::failed(&error.into()),
    };
    checks.add(SQL, found);
}

async fn risport(
    checks: &mut Checks,
    ris: &RisClient,
    connection: &ClusterSettings,
    phone: Option<DeviceName>,
) {
    if connection.ris != connection.endpoint && !reach(checks, RIS_TCP, &connection.ris).await {
        return checks.skip(&[RISPORT], "a connection to the RisPort70 server");
    }
    // Any name will do: a device that does not exist is an answer too.
    let Some(name) = phone.or_else(|| "SEP000000000000".parse().ok()) else {
        return checks.skip(&[RISPORT], "a phone to ask about");
    };
    let found = match timeout(LIMIT, ris.devices(&[name], |_| {})).await {
        Err(_) => checks.late("of RisPort70"),
        Ok(Ok(answer)) if answer.silent_nodes.is_empty() => Found::ok("RisPort70 answers"),
        Ok(Ok(answer)) => Found::warning(
            format!(
                "RisPort70 answers, but not for {}",
                names(&answer.silent_nodes.iter().map(|node| &node.name).collect::<Vec<_>>())
            ),
            "check the service Cisco RIS Data Collector on those nodes",
        ),
        Ok(Err(error)) => evaluate::failed(&error.into()),
    };
    checks.add(RISPORT, found);
}

async fn push_user(checks: &mut Checks, axl: &AxlClient, connection: &ClusterSettings) {
    let push_access = &connection.push_access;
    let most_logins = push_access.most_logins();
    let Some(user) = &push_access.push_user else {
        checks.add(PUSH_USER, evaluate::push_user(&PushUser::NotNamed, most_logins));
        return checks.skip(&[PUSH_RIGHTS, PUSH_PASSWORD], "a push user");
    };
    let mut remarks = Vec::new();
    let asked = survey::push_user(axl, user, connection.push_user_kind, &mut remarks);
    let found = match timeout(LIMIT, asked).await {
        Err(_) => {
            checks.add(PUSH_USER, checks.late("about the push user"));
            return checks.skip(&[PUSH_RIGHTS, PUSH_PASSWORD], "a push user");
        }
        Ok(Err(error)) => {
            checks.add(PUSH_USER, evaluate::failed(&error.into()));
            return checks.skip(&[PUSH_RIGHTS, PUSH_PASSWORD], "a push user");
        }
        Ok(Ok(found)) => found,
    };
    checks.add(PUSH_USER, evaluate::push_user(&found, most_logins));
    if matches!(found, PushUser::Found { .. }) {
        let read = PushUserRights::read(axl, user, connection.push_user_kind);
        let rights = match timeout(LIMIT, read).await {
            Err(_) => checks.late("about the roles of the push user"),
            Ok(Ok(rights)) => evaluate::push_rights(user, &rights, push_access.allows_privileged),
            Ok(Err(error)) => evaluate::failed(&error.into()),
        };
        let is_refused = rights.state == super::State::Failed;
        checks.add(PUSH_RIGHTS, rights);
        if is_refused {
            // A wrong password would count against an account that other things depend on.
            return checks.skip(&[PUSH_PASSWORD], "a push user without other rights");
        }
    } else {
        checks.skip(&[PUSH_RIGHTS], "a push user");
    }
    let usable = matches!(&found, PushUser::Found { account, .. } if account.locked.is_none());
    if !usable {
        return checks.skip(&[PUSH_PASSWORD], "a push user that can log in");
    }
    if !connection.push_access.has_push_password() {
        return checks
            .skip(&[PUSH_PASSWORD], "its password (--push-password-file or PHONE_PASSWORD)");
    }
    let found = match connection.push_access.push_password(&Silent).await {
        Err(error) => evaluate::failed(&error),
        // Once only: a wrong password counts against the account.
        Ok(password) => {
            match timeout(LIMIT, axl.call(&DoAuthenticateUser::of(user, password))).await {
                Err(_) => checks.late("to doAuthenticateUser"),
                Ok(Ok(answer)) => evaluate::push_password(&answer),
                Ok(Err(error)) => Found::warning(
                    format!(
                        "the push user's password could not be tested: {}",
                        error_chain(&error)
                    ),
                    "test it with a push to one phone: `axlpaper push PICTURE --limit 1`",
                ),
            }
        }
    };
    checks.add(PUSH_PASSWORD, found);
}

async fn enterprise(checks: &mut Checks, axl: &AxlClient) {
    let mut remarks = Vec::new();
    let found = match timeout(LIMIT, survey::enterprise(axl, &mut remarks)).await {
        Err(_) => checks.late("about the enterprise parameters"),
        Ok(Ok(settings)) => evaluate::enterprise(&settings, &remarks),
        Ok(Err(error)) => evaluate::failed(&error.into()),
    };
    checks.add(ENTERPRISE, found);
}

async fn image_server(checks: &mut Checks, connection: &ClusterSettings) {
    let (phone_side_ip, unobserved) =
        (connection.phone_side_ip().await, Arc::new(Unobserved) as Arc<dyn Observer>);
    let found = match connection.push_access.image_server.start(phone_side_ip, &unobserved).await {
        Ok(host) => {
            let base = host.base().to_string();
            host.shutdown(Duration::ZERO).await;
            Found::ok(format!("phones would download from {base}"))
        }
        Err(error) => evaluate::failed(&error),
    };
    let listens = found.state == super::State::Ok;
    checks.add(IMAGE_SERVER, found);
    checks.skip(
        &[DOWNLOAD_PATH],
        if listens {
            // Whatever else makes a phone download shows on its screen when the download fails.
            "a push, which doctor does not send: the first three phones of `axlpaper rollout` test whether phones reach \
             that address, and the run stops when they do not"
        } else {
            "an image server"
        },
    );
}

const JOURNAL: &str = "journal";
const NOTIFY: &str = "notify";
const CONFIGURATION: &str = "configuration";
const NAME: &str = "host";
const TCP: &str = "connection";
const TLS: &str = "certificate";
const UPGRADE: &str = "upgrade";
const AXL: &str = "axl";
const ROLES: &str = "roles";
const PHONES: &str = "phone_list";
const SQL: &str = "sql";
const CHANGES: &str = "change_notification";
const RIS_TCP: &str = "ris_connection";
const RISPORT: &str = "risport";
const PUSH_USER: &str = "push_user";
const PUSH_RIGHTS: &str = "push_user_rights";
const PUSH_PASSWORD: &str = "push_password";
const ENTERPRISE: &str = "enterprise";
const IMAGE_SERVER: &str = "image_server";
const DOWNLOAD_PATH: &str = "download_path";

const AFTER_AXL: &[&str] = AFTER_TLS.split_at(2).1;
const AFTER_TLS: &[&str] = &[
    UPGRADE,
    AXL,
    ROLES,
    PHONES,
    SQL,
    CHANGES,
    RISPORT,
    PUSH_USER,
    PUSH_RIGHTS,
    PUSH_PASSWORD,
    ENTERPRISE,
    IMAGE_SERVER,
    DOWNLOAD_PATH,
];

/// For the first one, in which a person may have to type a password.
const SESSION_LIMIT: Duration = Duration::from_secs(180);
