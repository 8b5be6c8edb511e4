//! Passwords in the keyring of the system. What needs a real one is in [`real`], which tests/keyring/run runs.

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, PUSH_PASSWORD, PUSH_USER};

use crate::lab::{Ended, Lab, bare, end};

/// Runs the program with the lab's config file, on a D-Bus session that the test chooses.
fn run(lab: &Lab, bus: &str, arguments: &[&str], stdin: &str) -> Ended {
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_CONFIG", lab.path("config.toml"))
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .args(arguments)
        .write_stdin(stdin);
    let ended = end(program);
    for secret in [ADMIN_PASSWORD, PUSH_PASSWORD] {
        assert!(!format!("{ended:?}").contains(secret), "{ended:?}");
    }
    ended
}

fn configure(lab: &Lab, keys: &str) {
    let text = format!("{}{keys}push_user = \"{PUSH_USER}\"\n", lab.table("lab"));
    std::fs::write(lab.path("config.toml"), text).unwrap();
}

const BOTH: &str = "password_keyring = true\npush_password_keyring = true\n";

/// A D-Bus session that is not there, as on a server.
fn nowhere(lab: &Lab) -> String {
    format!("unix:path={}", lab.path("no-bus").display())
}

/// The name of a user's entry.
fn account(lab: &Lab, user: &str) -> String {
    format!("{user}@{}", lab.cluster.axl_addr())
}

#[test]
fn a_machine_without_a_keyring_says_so_and_nothing_is_sent() {
    let lab = Lab::of_phones(1);
    configure(&lab, BOTH);
    let (bus, entry) = (nowhere(&lab), account(&lab, ADMIN_USER));
    let words = ["no keyring answers", entry.as_str(), "by a file, a variable or a command"];
    run(&lab, &bus, &["inventory"], "").fails(2, &words);
    run(&lab, "no address", &["inventory"], "").fails(2, &words);
    run(&lab, &bus, &["config", "keyring"], ADMIN_PASSWORD).fails(2, &words);
    run(&lab, &bus, &["config", "keyring", "--delete"], "").fails(2, &words);
    let push = account(&lab, PUSH_USER);
    run(&lab, &bus, &["config", "check"], "").told(2, &["no keyring answers", &entry, &push]);
    let doctor = run(&lab, &bus, &["doctor"], "");
    doctor.told(2, &["no keyring answers", "by a file, a variable"]);
    assert!(lab.record().users.values().all(|user| user.failed_logins == 0));
    // The release is public: doctor reads it without an account.
    let requests = lab.record().requests;
    assert!(requests.keys().all(|request| request == "cucm-uds/version"), "{requests:?}");
}

#[test]
fn what_counts_is_shown_and_no_keyring_is_asked() {
    let lab = Lab::of_phones(1);
    configure(&lab, BOTH);
    let shown = run(&lab, &nowhere(&lab), &["config", "show"], "");
    let push = account(&lab, PUSH_USER);
    shown.told(0, &[&format!("(hidden) the entry {} of", account(&lab, ADMIN_USER)), &push]);
    // Another server or user has entries of its own, and the section's do not count for them.
    for other in [&["--host", "127.0.0.1:9", "--username", ADMIN_USER][..], &["--username", "you"]]
    {
        let ended = run(&lab, &nowhere(&lab), &[&["inventory"][..], other].concat(), "");
        ended.fails(2, &["the password of", "is missing", "password_keyring"]);
    }
    let mut program = bare();
    program
        .env("AXLPAPER_CONFIG", lab.path("config.toml"))
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere(&lab))
        .env("CUCM_HOST", "127.0.0.1:9")
        .args(["config", "keyring"]);
    end(program).fails(2, &["no cluster of the config file is meant", "--cluster"]);
}

#[test]
fn what_is_typed_wrong_is_told() {
    let lab = Lab::of_phones(1);
    configure(&lab, "");
    run(&lab, &nowhere(&lab), &["config", "keyring", "--cluster", "lob"], "x")
        .fails(2, &["did you mean lab?"]);
    run(&lab, &nowhere(&lab), &["config", "keyring", "--password", "x"], "x")
        .fails(2, &["unexpected argument '--password'"]);
}

/// A GNOME Keyring that is this test's own: see tests/keyring/run.
mod real {
    use std::process::{Command, Stdio};

    use super::*;

    fn session() -> String {
        std::env::var("DBUS_SESSION_BUS_ADDRESS").expect("tests/keyring/run starts a session")
    }

    fn lab() -> Lab {
        let lab = Lab::of_phones(2);
        configure(&lab, BOTH);
        lab
    }

    fn program(lab: &Lab, arguments: &[&str], stdin: &str) -> Ended {
        run(lab, &session(), arguments, stdin)
    }

    /// Asks the keyring with a client of others; says what it prints.
    fn secret_tool(arguments: &[&str], account: &str, more: &[&str], stdin: &[u8]) -> String {
        use std::io::Write as _;
        let mut child = Command::new("secret-tool")
            .args(arguments)
            .args(["service", "axlpaper", "username", account])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    fn lock() {
        let service = "org.freedesktop.Secret.Service.Lock";
        let login = "array:objpath:/org/freedesktop/secrets/collection/login";
        let locked = Command::new("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"])
            .args(["/org/freedesktop/secrets", service, login])
            .stdout(Stdio::null())
            .status();
        assert!(locked.unwrap().success());
    }

    #[test]
    #[ignore = "needs a keyring: tests/keyring/run starts one"]
    fn a_stored_password_is_used_until_it_is_removed() {
        let lab = lab();
        let entry = account(&lab, ADMIN_USER);
        let missing = ["no such entry", "`axlpaper config keyring --cluster lab` stores it"];
        program(&lab, &["inventory"], "").fails(2, &missing);
        assert!(lab.record().requests.is_empty());
        for nothing in ["", "\nsecond\n"] {
            let words = ["password is empty", "nothing was stored"];
            program(&lab, &["config", "keyring"], nothing).fails(2, &words);
        }
        program(&lab, &["inventory"], "").fails(2, &missing);

        // What stood there before is replaced.
        for password in ["another one", ADMIN_PASSWORD] {
            let stored = program(&lab, &["config", "keyring"], &format!("{password}\nmore\n"));
            assert_eq!(stored.code, 0, "{stored:?}");
            assert!(stored.stderr.contains(&format!("Stored the entry {entry}")), "{stored:?}");
        }
        assert_eq!(secret_tool(&["lookup"], &entry, &[], b""), ADMIN_PASSWORD);
        program(&lab, &["config", "check"], "").told(2, &["--cluster lab --push` stores it"]);
        let stored = program(&lab, &["config", "keyring", "--push"], PUSH_PASSWORD);
        assert_eq!(stored.code, 0, "{stored:?}");
        program(&lab, &["config", "check"], "").told(0, &["lab: good"]);

        let traced = ["inventory", "--trace-dir", "trace", "-vvv"];
        let ended = program(&lab, &traced, "");
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("2 of 2 phones on lab"), "{ended:?}");
        let record = lab.record();
        assert!(record.users.values().all(|user| user.failed_logins == 0), "{:?}", record.users);
        assert!(record.requests["listPhone"] >= 1, "{:?}", record.requests);
        program(&lab, &["doctor"], "").told(0, &["the push user's password is right"]);

        for more in [&[][..], &["--push"]] {
            let arguments = [&["config", "keyring", "--delete"][..], more].concat();
            let removed = program(&lab, &arguments, "");
            assert_eq!(removed.code, 0, "{removed:?}");
            program(&lab, &arguments, "").fails(2, &["no such entry"]);
        }
        assert_eq!(secret_tool(&["lookup"], &entry, &[], b""), "");
        program(&lab, &["inventory"], "").fails(2, &missing);
    }

    #[test]
    #[ignore = "needs a keyring: tests/keyring/run starts one"]
    fn entries_of_other_programs_are_read_if_they_are_one_text() {
        let lab = lab();
        let entry = account(&lab, ADMIN_USER);
        let store = ["store", "--label", "mine"];
        secret_tool(&store, &entry, &["note", "x"], ADMIN_PASSWORD.as_bytes());
        let ended = program(&lab, &["inventory"], "");
        assert_eq!(ended.code, 0, "{ended:?}");
        secret_tool(&store, &entry, &["note", "y"], b"other");
        let before = lab.record().requests;
        program(&lab, &["inventory"], "").fails(2, &["2 entries of that name", "--delete`"]);
        assert_eq!(lab.record().requests, before);
        let delete = ["config", "keyring", "--delete"];
        assert_eq!(program(&lab, &delete, "").code, 0);
        secret_tool(&store, &entry, &[], b"\xff\xfe s3cret");
        let ended = program(&lab, &["inventory"], "");
        ended.fails(2, &["no UTF-8 text", "stores it"]);
        assert!(!ended.stderr.contains("s3cret"), "{ended:?}");
        assert_eq!(program(&lab, &delete, "").code, 0);
    }

    #[test]
    #[ignore = "needs a keyring: tests/keyring/run starts one"]
    fn the_password_of_the_mail_user_has_an_entry_of_its_own() {
        let lab = lab();
        let notify = "[notify]\nmail_server = \"smtp.invalid\"\nmail_from = \"a@example.com\"\n\
                      mail_to = [\"b@example.com\"]\nmail_user = \"pager\"\nmail_password_keyring = true\n";
        let text = std::fs::read_to_string(lab.path("config.toml")).unwrap();
        std::fs::write(lab.path("config.toml"), format!("{text}{notify}")).unwrap();
        let stored = program(&lab, &["config", "keyring", "--mail"], "mail secret\n");
        assert_eq!(stored.code, 0, "{stored:?}");
        assert!(stored.stderr.contains("Stored the entry pager@smtp.invalid"), "{stored:?}");
        assert!(!format!("{stored:?}").contains("mail secret"));
        assert_eq!(secret_tool(&["lookup"], "pager@smtp.invalid", &[], b""), "mail secret");
        let delete = ["config", "keyring", "--mail", "--delete"];
        assert_eq!(program(&lab, &delete, "").code, 0);
        program(&lab, &delete, "").fails(2, &["no such entry"]);
    }

    /// The last one by its name, because nothing unlocks the keyring again.
    #[test]
    #[ignore = "needs a keyring: tests/keyring/run starts one"]
    fn z_a_locked_keyring_is_told_and_asks_once() {
        let lab = lab();
        assert_eq!(program(&lab, &["config", "keyring"], ADMIN_PASSWORD).code, 0);
        lock();
        program(&lab, &["config", "check"], "").told(2, &["the keyring is locked", "unlock it"]);
        for arguments in
            [&["inventory"][..], &["config", "keyring"], &["config", "keyring", "--delete"]]
        {
            let ended = program(&lab, arguments, "x");
            ended.fails(2, &["may ask for its password now", "is locked", "unlock it"]);
            assert_eq!(ended.stderr.matches("may ask for its password").count(), 1, "{ended:?}");
        }
        assert!(lab.record().requests.is_empty());
    }
}
