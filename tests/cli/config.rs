//! `init`, `config show`, `config check`, and where passwords come from.

use assert_cmd::Command;
use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, name, phone};

/// Runs the program in the lab's folder with nothing in the environment but what is given.
fn run(lab: &Lab, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    end(program(lab, arguments, environment))
}

fn program(lab: &Lab, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_CONFIG", lab.path("config.toml"))
        .env("PATH", "/usr/bin:/bin")
        .envs(environment.iter().copied())
        .args(arguments);
    program
}

fn configure(lab: &Lab, keys: &str) {
    std::fs::write(lab.path("config.toml"), format!("{}{keys}", lab.table("lab"))).unwrap();
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn init_writes_for_its_owner_and_never_over_anything() {
    let lab = Lab::of_phones(1);
    let path = lab.path("new/config.toml");
    let init = || {
        let mut program = bare();
        program.args(["init", "--config"]).arg(&path);
        end(program)
    };
    let ended = init();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    std::fs::write(&path, "# mine\n").unwrap();
    init().fails(5, &["there already", "hint:"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine\n");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(lab.path("elsewhere"), &path).unwrap();
    init().fails(5, &["there already"]);
    assert!(!lab.path("elsewhere").exists());
}

#[test]
fn what_init_writes_can_be_used_and_pinned() {
    let lab = Lab::of_phones(1);
    let host = lab.cluster.axl_addr().to_string();
    let named = ["--cluster", "the lab", "--host", &host, "--username", ADMIN_USER];
    for (given, trusted) in
        [(&[][..], &["--host", &host, "--cluster", "the lab"][..]), (&named, &[])]
    {
        let ended = run(&lab, &[&["init"][..], given].concat(), &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        let printed = run(&lab, &[&["init", "--print"][..], given].concat(), &[]).stdout;
        assert_eq!(std::fs::read_to_string(lab.path("config.toml")).unwrap(), printed);
        let ended = run(&lab, &[&["trust", "--yes"][..], trusted].concat(), &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        let environment = [("CUCM_USERNAME", ADMIN_USER), ("CUCM_PASSWORD", ADMIN_PASSWORD)];
        let ended = run(&lab, &["inventory", "--cluster", "the lab"], &environment);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("1 of 1 phones on the lab"), "{ended:?}");
        std::fs::remove_file(lab.path("config.toml")).unwrap();
    }
}

/// Runs the program on a terminal on which these lines are typed; everything that it writes is in `stdout`.
#[cfg(target_os = "linux")]
fn on_a_terminal(lab: &Lab, arguments: &[&str], typed: &str) -> Ended {
    let program = assert_cmd::cargo::cargo_bin!("axlpaper").to_str().unwrap().to_owned();
    let config = lab.path("config.toml").to_str().unwrap().to_owned();
    let mut words = vec![program.as_str()];
    words.extend(arguments);
    words.extend(["--config", &config]);
    let line = shlex::try_join(words).unwrap();
    let mut script = Command::new("script");
    script.env_remove("CUCM_HOST").args(["-qec", &line, "/dev/null"]).write_stdin(typed);
    end(script)
}

#[cfg(target_os = "linux")]
#[test]
fn init_asks_on_a_terminal_for_what_is_missing() {
    let lab = Lab::of_phones(1);
    let host = lab.cluster.axl_addr().to_string();
    let typed = format!("{host}\naxl:admin\n{ADMIN_USER}\n\n");
    let ended = on_a_terminal(&lab, &["init"], &typed);
    assert_eq!(ended.code, 0, "{ended:?}");
    for words in ["Publisher, as HOST", "cannot hold a colon", "Push user, whose name", "Wrote "] {
        assert!(ended.stdout.contains(words), "{words:?} is not in {ended:?}");
    }
    let text = std::fs::read_to_string(lab.path("config.toml")).unwrap();
    let table: toml_edit::DocumentMut = text.parse().unwrap();
    let table = table["cluster"]["lab"].as_table().unwrap();
    let written: Vec<(&str, &str)> =
        table.iter().map(|(key, value)| (key, value.as_str().unwrap())).collect();
    assert_eq!(written, [("host", host.as_str()), ("username", ADMIN_USER)]);
    // Only what is still missing is asked for, and an interrupted answer writes nothing.
    let again = on_a_terminal(&lab, &["init"], "");
    assert_eq!(again.code, 130, "{again:?}");
    assert!(!again.stdout.contains("Publisher"), "{again:?}");
    assert_eq!(std::fs::read_to_string(lab.path("config.toml")).unwrap(), text);
    let more = on_a_terminal(&lab, &["init"], "bgpush\n");
    assert_eq!(more.code, 0, "{more:?}");
    let added = std::fs::read_to_string(lab.path("config.toml")).unwrap();
    let user = format!("username = \"{ADMIN_USER}\"\n");
    assert_eq!(added, text.replace(&user, &format!("{user}push_user = \"bgpush\"\n")));
}

#[test]
fn trust_writes_the_whole_file_and_init_adds_what_it_lacks() {
    let lab = Lab::of_phones(1);
    let host = lab.cluster.axl_addr().to_string();
    let trusted = run(&lab, &["trust", "--yes", "--host", &host, "--cluster", "prod"], &[]);
    assert_eq!(trusted.code, 0, "{trusted:?}");
    let text = std::fs::read_to_string(lab.path("config.toml")).unwrap();
    assert!(text.contains("\n#phone_port = 80\n") && text.contains("[cluster.prod]\n"), "{text}");
    #[cfg(unix)]
    assert_eq!(mode(&lab.path("config.toml")), 0o600);
    run(&lab, &["init"], &[]).fails(5, &["there already", "--username, --push-user add what"]);
    let users = ["init", "--username", ADMIN_USER, "--push-user", "bgpush"];
    let ended = run(&lab, &users, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("Wrote username, push_user of cluster \"prod\""), "{ended:?}");
    let ended = run(&lab, &["inventory"], &[("CUCM_PASSWORD", ADMIN_PASSWORD)]);
    assert!(ended.stderr.contains("1 of 1 phones on prod"), "{ended:?}");
    run(&lab, &["init"], &[]).fails(5, &["there already", "names host, username and push user"]);
    let before = std::fs::read_to_string(lab.path("config.toml")).unwrap();
    run(&lab, &["init", "--username", "other"], &[])
        .fails(5, &["\"prod\" in the config file has the username \"simadmin\", not \"other\""]);
    assert_eq!(std::fs::read_to_string(lab.path("config.toml")).unwrap(), before);
    let second = ["init", "--cluster", "lab", "--host", "cucm.example.com"];
    assert_eq!(run(&lab, &second, &[]).code, 0);
    let after = std::fs::read_to_string(lab.path("config.toml")).unwrap();
    assert!(after.contains("[cluster.lab]\nhost = \"cucm.example.com\""), "{after}");
}

#[test]
fn several_clusters_without_a_choice_are_named() {
    let lab = Lab::of_phones(1);
    let two = "[cluster.prod]\nhost = \"b.example\"\n[cluster.lab]\nhost = \"a.example\"\n";
    std::fs::write(lab.path("config.toml"), two).unwrap();
    for command in ["inventory", "audit", "trust", "plan"] {
        run(&lab, &[command], &[]).fails(2, &["no cluster is named", "has lab, prod", "--cluster"]);
    }
    let doctor = run(&lab, &["doctor"], &[]);
    doctor.told(2, &["FAILED   configuration", "has lab, prod"]);
    let many: Vec<_> = (0..1000).map(|n| format!("[cluster.c{n:03}]\n")).collect();
    std::fs::write(lab.path("config.toml"), many.concat()).unwrap();
    let ended = run(&lab, &["inventory"], &[]);
    ended.fails(2, &["c000, c001", "c019, … and 980 more: `axlpaper config check`"]);
}

#[test]
fn a_changed_certificate_names_the_command_that_pins_it() {
    let lab = Lab::of_phones(1);
    let host = lab.cluster.axl_addr().to_string();
    std::fs::write(lab.path("config.toml"), "").unwrap();
    let pin = "AB".repeat(32);
    let environment = [("CUCM_USERNAME", ADMIN_USER), ("CUCM_PASSWORD", ADMIN_PASSWORD)];
    let pinned = run(&lab, &["inventory", "--host", &host, "--pin-sha256", &pin], &environment);
    pinned.fails(
        1,
        &["not the pinned one", "`axlpaper trust` pins the new one", "hint: nothing was sent"],
    );
}

#[test]
fn passwords_come_from_variables_and_commands() {
    let lab = Lab::of_phones(1);
    configure(&lab, "password_env = \"LAB_AXL\"\n");
    let ended = run(&lab, &["inventory"], &[("LAB_AXL", ADMIN_PASSWORD)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    run(&lab, &["inventory"], &[]).fails(2, &["LAB_AXL", "not set", "hint:"]);
    if cfg!(unix) {
        let script = "echo unlocking >&2; cat; cat password; echo second; echo ran >> runs";
        lab.secret("password", &format!("{ADMIN_PASSWORD}\n"));
        configure(&lab, &format!("password_command = [\"sh\", \"-c\", \"{script}\"]\n"));
        // What is piped to the program is not for the command.
        let mut piped = program(&lab, &["inventory", "--devices-from", "-", "--json"], &[]);
        piped.env("RUST_LOG", "trace").write_stdin(format!("{}\n", name(1)));
        let ended = end(piped);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("unlocking"), "{ended:?}");
        assert!(!format!("{ended:?}").contains(ADMIN_PASSWORD), "{ended:?}");
        assert_eq!(std::fs::read_to_string(lab.path("runs")).unwrap().lines().count(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_gives_no_password_is_told_and_nothing_is_sent() {
    let lab = Lab::of_phones(1);
    for (words, told) in [
        ("[\"sh\", \"-c\", \"echo s3cret; exit 4\"]", "exit status: 4"),
        ("[\"no-such-program-here\"]", "cannot be run"),
        ("[\"true\"]", "is empty"),
    ] {
        configure(&lab, &format!("password_command = {words}\n"));
        let ended = run(&lab, &["inventory"], &[]);
        ended.fails(2, &[told, ADMIN_USER, "hint:"]);
        assert!(!ended.stderr.contains("s3cret"), "{ended:?}");
    }
    assert!(lab.record().requests.is_empty());
}

#[cfg(unix)]
#[test]
fn a_password_command_does_not_run_for_another_host_and_push_by_address() {
    let lab = Lab::of_phones(1);
    let command = "[\"sh\", \"-c\", \"echo x; echo ran >> runs\"]";
    let keys = format!(
        "push_user = \"p\"\npassword_command = {command}\npush_password_command = {command}\n"
    );
    configure(&lab, &keys);
    run(&lab, &["inventory", "--host", "127.0.0.1:9", "--username", ADMIN_USER], &[])
        .fails(2, &["password"]);
    run(&lab, &["inventory", "--username", "another"], &[]).fails(2, &["password"]);
    let picture = lab.picture();
    let push = ["push", picture.to_str().unwrap(), "--address", "127.0.0.1", "--yes"];
    run(&lab, &[&push[..], &["--push-user", "p"]].concat(), &[]).fails(2, &["password"]);
    for arguments in [&["config", "show"][..], &["config", "check"]] {
        assert_eq!(run(&lab, arguments, &[]).code, 0);
    }
    assert!(!lab.path("runs").exists(), "the command ran for somebody else");
    assert!(lab.record().requests.is_empty());
}

#[cfg(unix)]
#[test]
fn files_that_everybody_can_read_or_write_are_refused() {
    let lab = Lab::of_phones(1);
    lab.secret("password", ADMIN_PASSWORD);
    configure(&lab, "password_file = \"password\"\n");
    set_mode(&lab.path("password"), 0o644);
    run(&lab, &["inventory"], &[]).fails(2, &["every user may read", "chmod 600", "password"]);
    run(&lab, &["config", "check"], &[]).told(2, &["every user may read"]);
    assert!(lab.record().requests.is_empty());
    set_mode(&lab.path("password"), 0o640);
    assert_eq!(run(&lab, &["inventory"], &[]).code, 0);
    configure(&lab, "password_command = [\"sh\", \"-c\", \"echo ran > runs\"]\n");
    set_mode(&lab.path("config.toml"), 0o666);
    run(&lab, &["inventory"], &[]).fails(2, &["every user can write", "chmod", "config.toml"]);
    assert!(!lab.path("runs").exists());
}

#[test]
fn show_says_where_every_value_comes_from() {
    let lab = Lab::of_phones(1);
    lab.secret("password", ADMIN_PASSWORD);
    let keys = "password_file = \"password\"\n[defaults]\nris_rate = 9\nconcurrency = 5\n";
    configure(&lab, keys);
    let arguments = ["config", "show", "--json", "--concurrency", "7"];
    let ended = run(&lab, &arguments, &[("PHONE_PASSWORD", "hunter2"), ("PHONE_USERNAME", "me")]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!format!("{ended:?}").contains("hunter2"));
    assert!(!format!("{ended:?}").contains(ADMIN_PASSWORD));
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["schema"], "axlpaper.config/v1");
    assert_eq!(document["cluster_name"], "lab");
    let of = |name: &str| {
        let settings = document["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["setting"] == name).unwrap().clone()
    };
    let file = lab.path("config.toml").display().to_string();
    assert_eq!(of("username")["origin"], format!("{file}:3 [cluster.lab]"));
    assert_eq!(of("ris_rate")["origin"], format!("{file}:7 [defaults]"));
    let concurrency = of("concurrency");
    assert_eq!(
        (&concurrency["value"], &concurrency["origin"]),
        (&"7".into(), &"--concurrency".into())
    );
    assert_eq!(of("push_user")["origin"], "PHONE_USERNAME");
    let password = of("push_password");
    assert_eq!((&password["secret"], &password["source"]), (&true.into(), &"environment".into()));
    assert_eq!(of("password")["origin"], format!("{file}:5 [cluster.lab]"));
    let timeout = of("timeout");
    assert_eq!((&timeout["value"], &timeout["source"]), (&Value::Null, &"default".into()));
    assert_eq!(timeout["default"], "150");
    let table = run(&lab, &["config", "show", "--cluster", "lab"], &[]);
    assert!(table.stdout.contains("(hidden) the first line of"), "{table:?}");
}

#[test]
fn check_looks_at_every_cluster_and_asks_none() {
    let lab = Lab::of_phones(1);
    let other = "[cluster.other]\nris_rate = 0\npassword_env = \"NOWHERE\"\nca_file = \"no.pem\"\n";
    configure(&lab, other);
    let ended = run(&lab, &["config", "check"], &[]);
    ended.told(2, &["lab: good", "ris_rate", "NOWHERE", "no.pem", "line 6"]);
    assert!(lab.record().requests.is_empty());
    let whole = std::fs::read(lab.picture()).unwrap();
    std::fs::write(lab.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    for (key, words) in [
        ("advertise = \"banana\"", "`advertise` of cluster \"lab\""),
        ("advertise = \"10.1.1.1:8080\"", "`advertise` of cluster \"lab\""),
        ("listen = \"banana\"", "`listen` of cluster \"lab\""),
        ("phone_ca_file = \"none.pem\"", "`phone_ca_file` of cluster \"lab\""),
        ("phone_tls = \"banana\"", "`phone_tls` of cluster \"lab\""),
        ("phone_port = 0", "`phone_port` of cluster \"lab\""),
        ("phone_tls_port = 0", "`phone_tls_port` of cluster \"lab\""),
        ("push_user = \"a:b\"", "`push_user` of cluster \"lab\""),
        ("axl_version = \"banana\"", "`axl_version` of cluster \"lab\""),
        ("ris_host = \"a/b\"", "`ris_host` of cluster \"lab\""),
        ("tls_cert = \"none.pem\"\ntls_key = \"none.key\"", "none.pem"),
        ("tls_cert = \"none.pem\"", "`tls_cert` of cluster \"lab\""),
        ("[[image]]\nfile = \"none.png\"", "error: [[image]] rule 1, \"none.png\": "),
        ("[[image]]\nfile = \"none.png\"", "lab: good but for its pictures"),
        ("[[image]]\nfile = \"cut.png\"", "error: [[image]] rule 1, \"cut.png\": "),
    ] {
        configure(&lab, &format!("{key}\n"));
        let ended = run(&lab, &["config", "check"], &[]);
        ended.told(2, &[words]);
        for raw in ["invalid socket address", "relative URL", "os error"] {
            assert!(!ended.stdout.contains(raw), "{ended:?}");
        }
    }
    configure(&lab, "listen = \"8080\"\nadvertise = \"http://images.example.com:8080\"\n");
    run(&lab, &["config", "check"], &[]).told(0, &["lab: good"]);
    configure(&lab, "");
    run(&lab, &["config", "check"], &[]).told(0, &["lab: good"]);
    std::fs::write(lab.path("config.toml"), "default_cluster = \"lba\"\n[cluster.lab]\n").unwrap();
    run(&lab, &["config", "check"], &[]).fails(2, &["lba", "it has lab"]);
    std::fs::write(lab.path("config.toml"), "[cluster.lab]\npassword = \"hunter2\"\n").unwrap();
    let ended = run(&lab, &["config", "check"], &[]);
    ended.fails(2, &["line 2", "password_env, password_command or password_keyring"]);
    assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
}

#[test]
fn two_sources_of_one_password_are_both_named() {
    let lab = Lab::of_phones(1);
    configure(&lab, "password_file = \"a\"\npassword_env = \"B\"\n");
    run(&lab, &["inventory"], &[]).fails(2, &["`password_file` and `password_env`", "line 6"]);
}

#[test]
fn mistakes_of_rules_are_found_with_their_place() {
    let lab = Lab::of_phones(1);
    lab.picture();
    let check = |keys: &str| {
        configure(&lab, keys);
        run(&lab, &["config", "check"], &[("CUCM_PASSWORD", ADMIN_PASSWORD)])
    };
    for (keys, words) in [
        (
            "[[image]]\nfile = \"picture.png\"\n[[image]]\ndevice_pool = \"x\"\n",
            &["[[image]] rule 2: the key `file` is missing"][..],
        ),
        ("[[time_zone]]\nzone = \"UTC\"\n", &["[[time_zone]] rule 1: the key `device_pool`"]),
        ("[[nat]]\nsubnet = \"10.0.0.0/8\"\n", &["[[nat]] rule 1: the key `from` is missing"]),
        ("[image]\nfile = \"picture.png\"\n", &["write [[image]] in double brackets", "line 5"]),
        ("[nat]\nfrom = \"10.0.0.1\"\n", &["`nat` is a list of tables: write [[nat]]"]),
        ("push_user = \"\"\n", &["`push_user` in [cluster.lab] is empty", "line 5"]),
        ("ca_file = \" \"\n", &["`ca_file` in [cluster.lab] is empty"]),
        ("[[image]]\nfile = \"\"\n", &["`file` in [[image]] rule 1 is empty"]),
        ("[notify]\nmail_to = [\"\"]\n", &["`mail_to` in [notify] is empty"]),
        ("[cluster.\"\"]\nhost = \"x\"\n", &["a cluster has no name"]),
        ("[[nat]]\nfrom = \"10.0.0.1\"\nsubnet = []\n", &["names no address"]),
        (
            "[[image]]\nfile = \"picture.png\"\nfrom = 2026-12-01T00:00:00+15:00\n",
            &["`from` in [[image]] rule 1: write an offset from UTC from -12:00 to +14:00"],
        ),
        (
            "[[image]]\nfile = \"picture.png\"\nuntil = 2026-12-01T00:00:00+25:00\n",
            &["line 7: write an offset from UTC from -12:00 to +14:00"],
        ),
    ] {
        check(keys).fails(2, words);
    }
    for (key, other) in [("tls_cert", "tls_key"), ("tls_key", "tls_cert")] {
        let told = check(&format!("{key} = \"picture.png\"\n"));
        told.told(
            2,
            &[&format!("`{key}` of cluster \"lab\""), &format!("`{other}` in the config file")],
        );
    }
    let hidden = "[[nat]]\nfrom = \"10.0.0.1\"\n[[nat]]\ndevice_pool = \"x\"\nfrom = \"10.0.0.2\"\n\
                  [[time_zone]]\ndevice_pool = \"BR-*\"\nzone = \"UTC\"\n\
                  [[time_zone]]\ndevice_pool = \"br-1\"\nzone = \"Europe/Paris\"\n";
    let words = ["note: [[nat]] rule 2 never counts", "note: [[time_zone]] rule 2 never counts"];
    check(hidden).told(0, &words);
}

#[test]
fn a_picture_rule_takes_a_mac_address_as_the_option_does() {
    let lab = Lab::of_phones(2);
    lab.picture();
    let rule = "[[image]]\nfile = \"picture.png\"\ndevice = \"0000.0000.0002\"\n";
    configure(&lab, rule);
    let audit = run(&lab, &["audit", "--json"], &[("CUCM_PASSWORD", ADMIN_PASSWORD)]);
    let audit: Value = serde_json::from_str(&audit.stdout).unwrap();
    let pictures = [1, 2].map(|n| &phone(&audit, &name(n))["image"]["picture"]);
    assert_eq!(pictures, [&Value::Null, &"picture.png".into()]);
}
