//! Passwords go to those who were verified, and nowhere else.

use axlpaper::sim::{ADMIN_PASSWORD, PUSH_PASSWORD};

use crate::lab::{Lab, end};

#[test]
fn a_wrong_certificate_gets_no_credentials() {
    let lab = Lab::of_phones(1);
    for arguments in [&["audit"][..], &["audit", "--pin-sha256", &"0".repeat(64)]] {
        let ended = end(lab.program(arguments));
        ended.fails(1, &["certificate", "hint:"]);
        let record = lab.record();
        assert!(record.requests.is_empty(), "{:?}", record.requests);
        assert!(record.users.values().all(|user| user.failed_logins == 0));
    }
}

#[test]
fn the_servers_own_certificate_can_be_named_as_its_authority() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("ca.pem"), lab.cluster.ca_pem()).unwrap();
    let ended = end(lab.program(&["inventory", "--ca-file", "ca.pem"]));
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn insecure_is_loud() {
    let lab = Lab::of_phones(1);
    let ended = end(lab.program(&["inventory", "--insecure"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("WARNING: --insecure"), "{ended:?}");
}

#[test]
fn no_output_and_no_file_holds_a_password() {
    let lab = Lab::of_phones(3);
    let mut texts = Vec::new();
    for arguments in [&["--yes", "--json"][..], &["--yes"], &["--yes", "--format", "csv"]] {
        let ended = lab.push("rollout", arguments);
        texts.push(format!("{ended:?}"));
    }
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["audit", "--pin-sha256", &pin]);
    program.env("RUST_LOG", "trace");
    let logged = end(program);
    for word in
        ["operation=\"listPhone\"", "operation=\"selectCmDeviceExt\"", "status=200", "attempt=1"]
    {
        assert!(logged.stderr.contains(word), "{word}: {logged:?}");
    }
    texts.push(format!("{logged:?}"));
    let mut folders = vec![lab.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
            }
        }
    }
    assert!(texts.len() > 5, "no report was written");
    use base64::Engine as _;
    let encoded = |user: &str, password: &str| {
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
    };
    let secrets = [
        ADMIN_PASSWORD.to_owned(),
        PUSH_PASSWORD.to_owned(),
        encoded(axlpaper::sim::ADMIN_USER, ADMIN_PASSWORD),
        encoded(axlpaper::sim::PUSH_USER, PUSH_PASSWORD),
    ];
    for text in &texts {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a password is in: {text}");
        }
    }
}

#[test]
fn passwords_come_from_files_and_standard_input() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    lab.secret("password", &format!("{ADMIN_PASSWORD}\r\nsecond line\n"));
    let mut program =
        lab.program(&["inventory", "--pin-sha256", &pin, "--password-file", "password"]);
    program.env_remove("CUCM_PASSWORD");
    assert_eq!(end(program).code, 0);
    let mut program = lab.program(&["inventory", "--pin-sha256", &pin, "--password-stdin"]);
    program.env_remove("CUCM_PASSWORD").write_stdin(format!("{ADMIN_PASSWORD}\n"));
    assert_eq!(end(program).code, 0);
}

#[test]
fn a_typed_cluster_is_the_one_that_is_asked() {
    let (prod, other) = (Lab::of_phones(1), Lab::of_phones(1));
    let config = format!(
        "[cluster.prod]\nhost = \"{}\"\nusername = \"{}\"\npassword_file = \"password\"\npin_sha256 = \"{}\"\n",
        prod.cluster.axl_addr(),
        axlpaper::sim::ADMIN_USER,
        prod.cluster.cert_sha256(),
    );
    std::fs::write(other.path("config.toml"), config).unwrap();
    other.secret("password", ADMIN_PASSWORD);
    // The environment names the other cluster, with a password that is not for `prod`.
    let mut program = other.program(&["inventory", "--config", "config.toml", "--cluster", "prod"]);
    program.env("CUCM_PASSWORD", "not for prod").env("CUCM_USERNAME", "other");
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("on prod"), "{ended:?}");
    assert!(other.record().requests.is_empty() && !prod.record().requests.is_empty());
    // Without the name, the environment counts, and nothing of the section goes to its cluster.
    let mut program = other.program(&["inventory", "--config", "config.toml"]);
    program.env_remove("CUCM_PASSWORD");
    end(program).fails(2, &["password"]);
    assert!(other.record().requests.is_empty());
}
