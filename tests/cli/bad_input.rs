//! Bad input: one clear message, the right exit code, and nothing half done.

use std::net::TcpListener;

use axlpaper::sim::{ADMIN_USER, Fault};

use crate::lab::{Lab, bare, end};

#[test]
fn pictures_that_are_none() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("text.png"), "this is no picture").unwrap();
    std::fs::write(lab.path("empty.png"), "").unwrap();
    let whole = std::fs::read(lab.picture()).unwrap();
    std::fs::write(lab.path("half.png"), &whole[..whole.len() / 2]).unwrap();
    for file in ["text.png", "empty.png", "half.png", "missing.png", "."] {
        let ended = lab.run(&["rollout", file, "--yes"]);
        ended.fails(2, &[file]);
    }
    assert!(lab.record().requests.is_empty(), "the cluster was asked for a picture that is none");
}

#[test]
fn a_host_that_refuses() {
    // A port that was free a moment ago is closed now, at an address that no other test uses.
    let port = TcpListener::bind("127.200.0.2:0").unwrap().local_addr().unwrap().port();
    let mut program = bare();
    program
        .args(["inventory", "--host", &format!("127.200.0.2:{port}"), "--username", "x"])
        .env("CUCM_PASSWORD", "y");
    end(program).fails(1, &["cannot connect", "refused", "hint:"]);
}

#[test]
fn values_that_are_none() {
    for (arguments, word) in [
        (&["inventory", "--format", "xml"][..], "xml"),
        (&["rollout", "x.png", "--concurrency", "many"], "many"),
        (&["inventory", "--subnet", "10.0.0.0/99"], "10.0.0.0/99"),
        (&["inventory", "--colour"], "--colour"),
        (&["inventory", "--password", "x"], "--password"),
    ] {
        let mut program = bare();
        let ended = end({
            program.args(arguments);
            program
        });
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(word), "{ended:?}");
    }
    let lab = Lab::of_phones(1);
    lab.run(&["inventory", "--axl-version", "13.0"]).fails(2, &["13.0"]);
    let mut program = lab.program(&["inventory", "--pin-sha256", "abcd"]);
    end({
        program.env("RUST_BACKTRACE", "1");
        program
    })
    .fails(2, &["--pin-sha256", "64"]);
}

#[test]
fn names_that_match_nothing() {
    let lab = Lab::of_phones(2);
    lab.run(&["audit", "--device-pool", "HQQ"])
        .fails(2, &["--device-pool \"HQQ\"", "did you mean \"HQ\"?"]);
    lab.run(&["audit", "--exclude-device", "SEP9"]).fails(2, &["--exclude-device"]);
    std::fs::write(lab.path("names.txt"), "SEPFFFFFFFFFFFF\n").unwrap();
    lab.run(&["audit", "--devices-from", "names.txt"]).fails(2, &["--devices-from"]);
    lab.run(&["audit", "--devices-from", "nowhere.txt"]).fails(2, &["nowhere.txt"]);
    lab.run(&["audit", "--subnet", "192.0.2.0/24"]).fails(2, &["192.0.2.0/24"]);
}

#[test]
fn a_config_with_an_unknown_key() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("config.toml"), "[cluster.lab]\nhots = \"x\"\n").unwrap();
    lab.run(&["inventory", "--config", "config.toml"]).fails(2, &["config.toml", "hots", "line 2"]);
    lab.run(&["inventory", "--config", "none.toml"]).fails(2, &["none.toml"]);
    lab.run(&["inventory", "--cluster", "lab"]).fails(2, &["lab"]);
}

#[test]
fn what_is_missing_is_named() {
    let ended = end({
        let mut program = bare();
        program.arg("inventory");
        program
    });
    ended.fails(2, &["--host", "CUCM_HOST"]);
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["plan", "--pin-sha256", &pin]);
    program.env_remove("PHONE_USERNAME");
    end(program).fails(2, &["--push-user"]);
    let mut program = lab.program(&["inventory", "--pin-sha256", &pin]);
    program.env_remove("CUCM_PASSWORD");
    end(program).fails(2, &["password", "--password-file"]);
}

#[test]
fn html_and_truncated_xml_where_soap_was_expected() {
    let lab = Lab::of_phones(1);
    lab.cluster.inject(Fault::HtmlWithOk, 1000);
    lab.run(&["inventory"]).fails(1, &["HTML", "hint:"]);
    let lab = Lab::of_phones(1);
    lab.cluster.inject(Fault::Truncated, 1000);
    lab.run(&["inventory"]).fails(1, &["hint:"]);
}

#[test]
fn a_wrong_password_is_sent_once() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["audit", "--pin-sha256", &pin]);
    program.env("CUCM_PASSWORD", "wrong");
    end(program).fails(4, &["password", "hint:"]);
    assert_eq!(lab.record().users[ADMIN_USER].failed_logins, 1);
}

#[test]
fn an_image_server_that_cannot_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let lab = Lab::of_phones(1);
    let before = lab.cluster.state_digest();
    let ended =
        lab.push("rollout", &["--yes", "--listen", &taken.local_addr().unwrap().to_string()]);
    ended.fails(1, &["listen"]);
    assert_eq!(
        lab.cluster.state_digest(),
        before,
        "the cluster was changed before the server could listen"
    );
    lab.push("rollout", &["--yes", "--listen", "nonsense"]).fails(2, &["nonsense"]);
}

#[test]
fn standard_input_is_read_for_one_thing_only() {
    let mut program = bare();
    program
        .args(["inventory", "--host", "127.0.0.1:9", "--username", "x"])
        .args(["--password-stdin", "--devices-from", "-"])
        .write_stdin("my s3cret\nSEP000000000001\n");
    let ended = end(program);
    ended.fails(2, &["--password-stdin", "--devices-from", "hint:"]);
    assert!(!ended.stderr.contains("s3cret"), "{ended:?}");
}

#[test]
fn a_value_is_named_by_where_it_comes_from() {
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut program = bare();
        program.args(["inventory"]).args(arguments).envs(environment.iter().copied());
        end(program)
    };
    run(&["--username", "x"], &[("CUCM_HOST", "http://x/y")])
        .fails(2, &["CUCM_HOST", "without scheme and path"]);
    run(&["--username", "x", "--host", "h", "--timeout", "0"], &[])
        .fails(2, &["--timeout", "3600"]);
    run(&["--username", "x:y", "--host", "h"], &[]).fails(2, &["--username", "colon"]);
    let ended = run(&["--subnet", "10.0.0.0/99"], &[]);
    assert!(ended.code == 2 && ended.stderr.contains("prefix length"), "{ended:?}");
    let lab = Lab::of_phones(1);
    let text = "[cluster.lab]\nhost = \"h\"\nusername = \"x\"\nris_rate = 0\n";
    std::fs::write(lab.path("config.toml"), text).unwrap();
    lab.run(&["inventory", "--config", "config.toml", "--cluster", "lab"])
        .fails(2, &["`ris_rate` of cluster \"lab\"", "600"]);
}

#[test]
fn a_port_without_https_is_told_by_its_cause() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = server.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        while let Ok((mut stream, _)) = server.accept() {
            let _read = stream.read(&mut [0; 64]);
            let _written = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n");
        }
    });
    let lab = Lab::of_phones(1);
    lab.run(&["inventory", "--host", &addr]).fails(1, &["does not speak TLS", "--host HOST:8443"]);
    lab.run(&["inventory", "--ris-host", &addr]).fails(1, &["--ris-host HOST:8443"]);
}

#[test]
fn an_answer_that_cannot_be_written_is_told_before_the_cluster_is_asked() {
    let lab = Lab::of_phones(1);
    lab.run(&["inventory", "--output", "nowhere/list.csv"]).fails(1, &["nowhere", "hint:"]);
    lab.run(&["plan", "-o", "nowhere/plan.json"]).fails(1, &["nowhere", "hint:"]);
    assert!(lab.record().requests.is_empty());
}
