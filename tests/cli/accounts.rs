//! What the two accounts of a run may do: rights of the push user beyond the push, and an AXL user that may only read.

use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Fleet, PUSH_PASSWORD, READER_PASSWORD, READER_USER, SimConfig, Sql,
    UserGroups, UserKind, UserSpec,
};

use crate::lab::{Ended, Lab, bare, end, fleet_of, name};

const PUSHER: &str = "pusher";

/// Two phones that a push user of this kind controls, which is in these groups.
fn fleet(kind: UserKind, groups: &[(&str, &[&str])]) -> Fleet {
    let mut fleet = fleet_of(2);
    let groups = groups.iter().map(|(group, roles)| {
        ((*group).to_owned(), roles.iter().map(|role| (*role).to_owned()).collect())
    });
    fleet.users.push(UserSpec {
        groups: groups.collect(),
        devices: vec![name(1), name(2)],
        ..UserSpec::new(PUSHER, kind, PUSH_PASSWORD)
    });
    fleet
}

fn helpdesk(kind: UserKind) -> Fleet {
    fleet(kind, &[("Helpdesk", &["Standard CCM Phone Management", "Standard CCM End Users"])])
}

/// Pushes as this user, whose password is that of the push user.
fn push(lab: &Lab, command: &str, arguments: &[&str]) -> Ended {
    let mut all = vec!["--yes", "--push-user", PUSHER];
    all.extend(arguments);
    lab.push(command, &all)
}

fn pushes(lab: &Lab) -> usize {
    lab.record().phones.values().map(|phone| phone.pushes.len()).sum()
}

/// Runs the program as another AXL user.
fn run_as(lab: &Lab, (user, password): (&str, &str), arguments: &[&str]) -> Ended {
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let mut program = lab.program(arguments);
    program.args(["--pin-sha256", &pin]);
    if arguments[0] != "apply" {
        program.args(["--phone-port", &port]);
    }
    program.env("CUCM_USERNAME", user).env("CUCM_PASSWORD", password);
    end(program)
}

#[test]
fn a_push_user_with_other_rights_is_refused_before_anything_is_sent() {
    for kind in [UserKind::Application, UserKind::EndUser] {
        let lab = Lab::new(helpdesk(kind));
        for command in ["push", "rollout"] {
            let ended = push(&lab, command, &[]);
            ended.fails(
                5,
                &[
                    "the push user pusher has the role Standard CCM Phone Management",
                    "plain HTTP",
                    "--allow-privileged-push-user",
                ],
            );
        }
        let record = lab.record();
        assert_eq!((pushes(&lab), record.writes.len()), (0, 0));
        assert_eq!(record.requests("doAuthenticateUser"), 0);
        assert_eq!(record.requests("listPhone"), 0, "the phones were read first");
    }
}

#[test]
fn a_push_user_with_other_rights_can_be_allowed() {
    let lab = Lab::new(helpdesk(UserKind::Application));
    assert_eq!(push(&lab, "push", &["--allow-privileged-push-user"]).code, 0);
    assert_eq!(pushes(&lab), 2);
    let lab = Lab::new(helpdesk(UserKind::Application));
    lab.secret("password", ADMIN_PASSWORD);
    lab.secret("push", PUSH_PASSWORD);
    let table = lab.table("lab");
    let config = format!(
        "{table}password_file = \"password\"\npush_user = \"{PUSHER}\"\npush_password_file = \"push\"\n\
         allow_privileged_push_user = true\n"
    );
    lab.secret("config.toml", &config);
    let of_file = ["--cluster", "lab", "--config", "config.toml", "--yes", "--force"];
    let ended = lab.push("push", &of_file);
    assert_eq!(ended.code, 0, "{ended:?}");
    // It is this user that is allowed, not any.
    let other = lab.push(
        "push",
        &[&of_file[..], &["--push-user", ADMIN_USER, "--push-password-file", "push"]].concat(),
    );
    other.fails(5, &["the push user simadmin is also the AXL user"]);
}

#[test]
fn a_dry_run_refuses_the_push_user_too() {
    let lab = Lab::new(helpdesk(UserKind::Application));
    push(&lab, "rollout", &["--dry-run"]).fails(5, &["has the role Standard CCM Phone Management"]);
}

#[test]
fn a_push_user_without_other_rights_is_not_refused() {
    let groups: [&[(&str, &[&str])]; 3] = [
        &[],
        &[(
            "Standard CCM End Users",
            &["Standard CCM End Users", "Standard CCMUSER Administration"],
        )],
        &[("Nothing", &[])],
    ];
    for groups in groups {
        let lab = Lab::new(fleet(UserKind::EndUser, groups));
        let ended = push(&lab, "push", &[]);
        assert_eq!((ended.code, pushes(&lab)), (0, 2), "{ended:?}");
        assert!(!ended.stderr.contains("roles"), "{ended:?}");
    }
}

#[test]
fn roles_are_found_in_every_shape_of_the_answer() {
    let lab = |user_groups, sql| {
        let fleet = helpdesk(UserKind::Application);
        Lab::with(SimConfig { user_groups, sql, ..SimConfig::new(fleet) })
    };
    let by_role = "has the role Standard CCM Phone Management";
    for (groups, sql, words) in [
        (
            UserGroups::NamesOnly,
            Sql::Answers,
            "has the roles Helpdesk, Standard CCM Phone Management",
        ),
        (UserGroups::LeftOut, Sql::Answers, by_role),
        (UserGroups::WithRoles, Sql::Refused, by_role),
        (UserGroups::NamesOnly, Sql::Refused, "has the role Helpdesk"),
    ] {
        push(&lab(groups, sql), "push", &[]).fails(5, &[words]);
    }
    // What the cluster does not show is reported, and stops nothing.
    let hidden = lab(UserGroups::LeftOut, Sql::Refused);
    let ended = push(&hidden, "push", &[]);
    assert_eq!((ended.code, pushes(&hidden)), (0, 2), "{ended:?}");
    let shown = "does not show which roles the push user pusher has";
    assert_eq!(ended.stderr.matches(shown).count(), 1, "{ended:?}");
}

#[test]
fn doctor_refuses_the_push_user_unless_it_is_allowed() {
    let lab = Lab::new(helpdesk(UserKind::Application));
    let doctor = |arguments: &[&str]| {
        let mut all = vec!["doctor", "--push-user", PUSHER];
        all.extend(arguments);
        lab.run(&all)
    };
    let refused = doctor(&[]);
    refused.told(5, &["FAILED   push_user_rights", "has the role Standard CCM Phone Management"]);
    doctor(&["--allow-privileged-push-user"]).told(0, &["warning  push_user_rights"]);
    let own = lab.run(&["doctor", "--push-user", "SimAdmin"]);
    assert!(own.stdout.contains("SimAdmin is also the AXL user"), "{own:?}");
    // Only the user that was allowed was tried.
    assert_eq!(lab.record().requests("doAuthenticateUser"), 1);
}

#[test]
fn without_a_cluster_the_rights_are_said_to_be_unchecked_once() {
    let fleet = fleet(UserKind::Application, &[]);
    let address = fleet.phones[0].address.v4().unwrap().to_string();
    let lab = Lab::new(fleet);
    let by_address = |user: &str, more: &[&str]| {
        let mut all = vec!["--yes", "--push-user", user, "--address", &address];
        all.extend(more);
        let mut program = bare();
        let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
        program
            .current_dir(lab.folder())
            .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
            .env("CUCM_USERNAME", ADMIN_USER)
            .env("PHONE_PASSWORD", PUSH_PASSWORD)
            .args([
                "push",
                picture.to_str().unwrap(),
                "--phone-port",
                &port,
                "--verify-timeout",
                "2",
            ])
            .args(all);
        end(program)
    };
    let unchecked = "without a cluster the rights of the push user pusher are not checked";
    let ended = by_address(PUSHER, &[]);
    assert_eq!((ended.code, pushes(&lab)), (0, 1), "{ended:?}");
    assert_eq!(ended.stderr.matches(unchecked).count(), 1, "{ended:?}");
    let allowed = by_address(PUSHER, &["--force", "--allow-privileged-push-user"]);
    assert!(!allowed.stderr.contains(unchecked), "{allowed:?}");
    by_address(ADMIN_USER, &[]).fails(5, &["the push user simadmin is also the AXL user"]);
    assert_eq!(pushes(&lab), 2);
}

#[test]
fn an_account_that_may_only_read_is_found_before_anything_begins() {
    let lab = Lab::of_phones(2);
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    let before = lab.cluster.state_digest();
    let reader = (READER_USER, READER_PASSWORD);
    let words =
        ["simreader may only read", "Standard AXL Read Only API Access", "no phone was asked"];
    run_as(&lab, reader, &["rollout", picture, "--yes"]).fails(4, &words);
    assert_eq!(lab.run(&["plan", "-o", "plan.json"]).code, 0);
    run_as(&lab, reader, &["apply", "plan.json", "--yes"]).fails(4, &words[..2]);
    let record = lab.record();
    assert_eq!((pushes(&lab), record.requests("updateAppUser")), (0, 0), "a write was tried");
    assert_eq!(record.requests("doAuthenticateUser"), 0);
    assert_eq!(lab.cluster.state_digest(), before);
    let dry = run_as(&lab, reader, &["rollout", picture, "--dry-run"]);
    dry.fails(4, &words[..2]);
    assert!(dry.stdout.contains("Dry run: nothing was changed"), "{dry:?}");
}

#[test]
fn where_nothing_is_to_be_changed_an_account_may_only_read() {
    let lab = Lab::new(Fleet { push_devices: vec![name(1), name(2)], ..fleet_of(2) });
    let picture = lab.picture();
    let arguments = ["rollout", picture.to_str().unwrap(), "--yes"];
    let ended = run_as(&lab, (READER_USER, READER_PASSWORD), &arguments);
    assert_eq!((ended.code, pushes(&lab)), (0, 2), "{ended:?}");
}

#[test]
fn an_account_whose_roles_are_hidden_is_tried_on_a_user_that_does_not_exist() {
    let hidden = |fleet| {
        let (user_groups, sql) = (UserGroups::LeftOut, Sql::Refused);
        Lab::with(SimConfig { user_groups, sql, ..SimConfig::new(fleet) })
    };
    let lab = hidden(fleet_of(2));
    let before = lab.cluster.state_digest();
    let reader = run_as(&lab, (READER_USER, READER_PASSWORD), &["doctor"]);
    reader.told(4, &["FAILED   roles", "the AXL user simreader may only read"]);
    let admin = run_as(&lab, (ADMIN_USER, ADMIN_PASSWORD), &["doctor"]);
    admin.told(0, &["ok       roles", "simadmin may change phones and users"]);
    let record = lab.record();
    assert_eq!(
        record.requests("updateAppUser"),
        3,
        "twice as a session and a password of the reader"
    );
    assert!(record.writes.is_empty() && lab.cluster.state_digest() == before);
    assert!(!record.users[READER_USER].locked);
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    run_as(&lab, (READER_USER, READER_PASSWORD), &["rollout", picture, "--yes"])
        .fails(4, &["the AXL user simreader may only read"]);
    assert!(lab.record().writes.is_empty());
}
