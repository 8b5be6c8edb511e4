//! The tables, and how a journal of an earlier release becomes one of this release.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Problem;

/// Tells how many steps an open database has behind it; changes nothing in it.
///
/// # Errors
/// When the database is another program's, or of a later release, or damaged.
pub(super) fn inspect(connection: &Connection) -> Result<usize, Problem> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (owner, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("select count(*) from sqlite_master", [], |row| row.get(0))?;
    if owner != APPLICATION && (owner != 0 || tables > 0) {
        return Err(Problem::Foreign);
    }
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(Problem::Newer { found, known: MIGRATIONS.len() as i64 });
    }
    Ok(done)
}

/// Makes an open database a journal of this release. All of it happens, or nothing.
///
/// # Errors
/// As [`inspect`], or when it cannot be written.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Problem> {
    if inspect(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process can have done some of it since.
    let done = inspect(&transaction)?;
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// `axlp`: tells a journal from any other SQLite file.
const APPLICATION: i64 = 0x6178_6c70;

/// One step a format; a step never changes once it has been released.
pub(super) const MIGRATIONS: [&str; 9] = [
    CREATE,
    OBJECTS,
    PHONE_PINS,
    CONTROL_REQUESTS,
    TIME_ZONES,
    PICTURES,
    WATCHES,
    KNOWN_PHONES,
    WORDS,
];

/// Words on pictures: a phone's picture is drawn again from them and from the picture below.
const WORDS: &str = "
    create table words (
        -- The digest that attempts name.
        digest text primary key,
        -- The digest of the picture below.
        base   text not null,
        body   text not null
    ) strict, without rowid;
";

/// The phones that watches know, so that the next watch finds out which new phone replaces which old one.
const KNOWN_PHONES: &str = "
    create table known_phones (
        cluster_id  text not null,
        phone       text not null collate nocase,
        extension   text,
        description text not null,
        owner       text,
        -- Whether it is on the cluster no more.
        gone        integer not null,
        primary key (cluster_id, phone)
    ) strict, without rowid;
";

/// Watches, and the approvals that they wait for.
const WATCHES: &str = "
    -- The last watch of each cluster, as its last pass left it. Whether it still works, its lock tells.
    create table watches (
        cluster_id text primary key,
        cluster    text not null,
        os_user    text not null,
        machine    text not null,
        process    integer not null,
        began_at   text not null,
        passed_at  text,
        status     text not null,
        -- The phones that could not be served, with when they are tried again.
        retries    text not null
    ) strict;
    -- Written by the process that approves; the watch writes when it took the approval up, and its result.
    create table approvals (
        id           integer primary key,
        cluster_id   text not null,
        os_user      text not null,
        machine      text not null,
        process      integer not null,
        requested_at text not null,
        taken_at     text,
        result       text
    ) strict;
    create index approvals_of_cluster on approvals (cluster_id, id);
";

/// The time zone of the machine of a run, as an IANA name or an offset.
const TIME_ZONES: &str = "
    alter table runs add column time_zone text;
";

/// What was pushed: until then it was always a background.
const OBJECTS: &str = "
    alter table pushes add column object text not null default 'background';
";

/// By what phones were believed over HTTPS.
const PHONE_PINS: &str = "
    -- The certificates that phones showed over HTTPS when they were believed first; the last one of a phone counts.
    create table phone_pins (
        id          integer primary key,
        run         integer not null references runs (id),
        phone       text not null collate nocase,
        fingerprint text not null,
        pinned_at   text not null
    ) strict;
    create index phone_pins_of_phone on phone_pins (phone, id);
";

/// Requests of other processes to control a run.
const CONTROL_REQUESTS: &str = "
    -- Written by the process that asks; the process of the run writes when it took the request up, and its result.
    create table control_requests (
        id           integer primary key,
        run          integer not null references runs (id),
        action       text not null,
        os_user      text not null,
        machine      text not null,
        process      integer not null,
        requested_at text not null,
        taken_at     text,
        result       text
    ) strict;
    create index control_requests_of_run on control_requests (run, id);
";

/// Pictures, each once, and what phones were proven to show before a push.
const PICTURES: &str = "
    -- Files that runs read have the SHA-256 digest of their bytes. Pictures for phones have the digest that attempts
    -- name, and all columns. Journals of earlier releases have the files in snapshots.
    create table pictures (
        digest    text primary key,
        body      blob not null,
        thumbnail blob,
        depth     integer,
        name      text
    ) strict;
    alter table snapshots add column picture text references pictures (digest);
    -- The digest that the phone was proven to show before the run pushed to it, empty for none; null in runs of earlier
    -- releases.
    alter table pushes add column earlier text;
";

const CREATE: &str = "
    -- What somebody ran against a cluster.
    create table runs (
        id           integer primary key autoincrement,
        command      text not null,
        command_line text not null,
        program      text not null,
        cluster_id   text not null,
        cluster      text not null,
        host         text not null,
        os_user      text not null,
        machine      text not null,
        process      integer not null,
        continues    integer references runs (id),
        reverts      integer references runs (id),
        began_at     text not null,
        ended_at     text,
        state        text not null default 'running',
        exit_code    integer
    ) strict;

    -- Documents as they were at one moment, deflated JSON.
    create table snapshots (
        run      integer not null references runs (id),
        kind     text not null,
        taken_at text not null,
        body     blob not null
    ) strict;
    create index snapshots_of_run on snapshots (run, kind);

    -- What a run was to change.
    create table plans (
        run         integer primary key references runs (id),
        plan_id     text not null,
        fingerprint text not null,
        body        blob not null
    ) strict;

    -- What it changed: written before the change is made, completed after it was read back.
    create table changes (
        run         integer not null references runs (id),
        number      integer not null,
        kind        text not null,
        target      text not null,
        body        text not null,
        intended_at text not null,
        ended_at    text,
        state       text,
        message     text,
        primary key (run, number)
    ) strict;

    -- Every attempt at a phone: written before it is made, completed when it ended.
    create table pushes (
        id          integer primary key,
        run         integer not null references runs (id),
        phone       text not null collate nocase,
        ip          text not null,
        digest      text not null,
        attempt     integer not null,
        began_at    text not null,
        ended_at    text,
        outcome     text,
        number      integer,
        said        text,
        raw         text
    ) strict;
    create index pushes_of_run on pushes (run, phone);
    create index pushes_of_phone on pushes (phone, id);

    -- How each phone of a run ended, as it was told.
    create table phones (
        run     integer not null references runs (id),
        phone   text not null collate nocase,
        outcome text not null,
        body    text not null,
        primary key (run, phone)
    ) strict;

    -- What else happened.
    create table events (
        run  integer not null references runs (id),
        at   text not null,
        kind text not null,
        body text not null
    ) strict;
    create index events_of_run on events (run);
";

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes a journal as the first release did.
    pub(crate) fn first_format(path: &std::path::Path) {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(CREATE).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
    }
}
