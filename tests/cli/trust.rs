//! `axlpaper trust`: looking at a certificate, and pinning it.

use serde_json::Value;

use crate::lab::{Ended, Lab, end};

/// Runs `trust` with the lab's own config file.
fn trust(lab: &Lab, arguments: &[&str]) -> Ended {
    let config = lab.path("config.toml");
    let mut all = vec!["trust", "--config", config.to_str().unwrap()];
    all.extend(arguments);
    end(lab.program(&all))
}

fn config(lab: &Lab) -> String {
    std::fs::read_to_string(lab.path("config.toml")).unwrap_or_default()
}

#[test]
fn a_certificate_is_shown_and_pinned_only_after_a_yes() {
    let lab = Lab::of_phones(1);
    let looked = trust(&lab, &[]);
    looked.fails(5, &["needs a confirmation", "trust exactly this certificate"]);
    let pin = lab.cluster.cert_sha256();
    assert!(looked.stdout.to_lowercase().replace(':', "").contains(&pin), "{}", looked.stdout);
    assert!(
        looked.stdout.contains("names       cucm-pub, cucm-sub1, 127.0.0.1, localhost"),
        "{}",
        looked.stdout
    );
    assert!(looked.stdout.contains("itself (self-signed)"));
    assert_eq!(config(&lab), "", "nothing was written");
    let pinned = trust(&lab, &["--yes", "--cluster", "lab"]);
    assert_eq!(pinned.code, 0, "{pinned:?}");
    assert!(config(&lab).contains("[cluster.lab]"), "{}", config(&lab));
    // From now on the cluster is trusted by its name alone.
    let file = lab.path("config.toml");
    let file = file.to_str().unwrap();
    let ended = end(lab.program(&["inventory", "--config", file, "--cluster", "lab"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    let again = trust(&lab, &["--yes", "--cluster", "lab"]);
    assert!(again.stderr.contains("pins this certificate already"), "{again:?}");
    assert!(again.stdout.contains("It is trusted already."), "{again:?}");
}

#[test]
fn nobody_logs_in_to_look() {
    let lab = Lab::of_phones(1);
    trust(&lab, &["--yes"]);
    let record = lab.record();
    assert!(record.requests.is_empty(), "{:?}", record.requests);
}

#[test]
fn a_certificate_that_has_changed_is_called_a_danger() {
    let lab = Lab::of_phones(1);
    let host = lab.cluster.axl_addr();
    let text = format!(
        "# ours\n[cluster.prod]\nhost = \"{host}\" # the publisher\npin_sha256 = \"{}\"\nusername = \"x\"\n",
        "AB".repeat(32)
    );
    std::fs::write(lab.path("config.toml"), &text).unwrap();
    let looked = trust(&lab, &["--cluster", "prod"]);
    looked.fails(
        5,
        &["WARNING: another certificate was pinned before", "this is a man in the middle"],
    );
    assert_eq!(config(&lab), text);
    let pinned = trust(&lab, &["--cluster", "prod", "--yes"]);
    assert_eq!(pinned.code, 0, "{pinned:?}");
    assert!(!config(&lab).contains(&"AB".repeat(32)));
    assert!(config(&lab).starts_with("# ours\n") && config(&lab).contains("# the publisher"));
    let other = trust(&lab, &["--cluster", "prod", "--host", "localhost:1", "--yes"]);
    assert_ne!(other.code, 0);
}

#[test]
fn json_tells_the_facts_and_pins_nothing() {
    let lab = Lab::of_phones(1);
    let ended = trust(&lab, &["--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["schema"], "axlpaper.trust/v1");
    assert_eq!(document["trusted"], false);
    assert_eq!(document["certificate"]["self_signed"], true);
    assert_eq!(config(&lab), "");
}

#[test]
fn what_cannot_be_looked_at_is_told() {
    let lab = Lab::of_phones(1);
    let auth = lab.cluster.auth_url().trim_start_matches("http://").to_owned();
    let plain = auth.split('/').next().unwrap();
    trust(&lab, &["--host", plain]).fails(1, &["does not speak TLS on this port"]);
    trust(&lab, &["--host", "127.0.0.1:1"]).fails(1, &["cannot connect to 127.0.0.1:1"]);
    std::fs::write(lab.path("config.toml"), "[cluster").unwrap();
    trust(&lab, &["--yes"]).fails(2, &["config.toml"]);
    assert_eq!(config(&lab), "[cluster");
}

#[test]
fn a_certificate_that_can_never_be_used_is_named_and_not_pinned() {
    use crate::tls_server::{P_521, RSA_1024, VERSION_1, showing};
    let lab = Lab::of_phones(1);
    for (pem, why) in [
        (RSA_1024, "its RSA key has 1024 bits"),
        (VERSION_1, "it is an X.509 version 1 certificate"),
        (P_521, "its key is on the elliptic curve P-521"),
    ] {
        let host = showing(pem).to_string();
        let never = "axlpaper can never use this certificate, pinned or not";
        let regenerate = "RSA with 2048 bits or more";
        let looked = trust(&lab, &["--host", &host, "--yes"]);
        looked
            .fails(5, &["nothing was pinned", never, why, regenerate, "tomcat-ECDSA: 256 or 384"]);
        assert!(looked.stdout.contains("subject     CN=cucm-pub"), "{}", looked.stdout);
        assert!(!looked.stdout.contains(why), "the reason comes once: {}", looked.stdout);
        assert_eq!(config(&lab), "");
        let json = trust(&lab, &["--host", &host, "--json"]);
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert!(document["why_not"].as_str().unwrap().contains(why), "{document}");
        // The pin that fits does not help, and neither does taking everything.
        let pin = document["certificate"]["sha256"].as_str().unwrap();
        for trusts in [["--pin-sha256", pin].as_slice(), &["--insecure"]] {
            let run = |command| {
                let arguments = [&[command, "--host", host.as_str()], trusts].concat();
                end(lab.program(&arguments))
            };
            run("inventory").fails(1, &[why, regenerate]);
            let doctor = run("doctor");
            assert_eq!(doctor.code, 1, "{doctor:?}");
            assert!(
                doctor.stdout.contains(why) && doctor.stdout.contains(regenerate),
                "{doctor:?}"
            );
            assert!(!doctor.stdout.contains("shows it and pins it"), "{doctor:?}");
        }
    }
}

#[test]
fn a_certificate_file_that_is_something_else_is_named() {
    let lab = Lab::of_phones(1);
    let pem = lab.cluster.ca_pem();
    let with = |name: &str, content: &[u8]| {
        std::fs::write(lab.path(name), content).unwrap();
        end(lab.program(&["inventory", "--ca-file", name]))
    };
    let marked = with("bom.pem", format!("\u{feff}{pem}").as_bytes());
    assert_eq!(marked.code, 0, "{marked:?}");
    let p7b = include_str!("../certificates/chain.p7b");
    with("chain.p7b", p7b.as_bytes())
        .fails(2, &["chain.p7b is a PKCS #7 file", "openssl pkcs7 -inform PEM"]);
    let one = with("one.pem", pem.replace('\n', "").as_bytes());
    one.fails(2, &["one.pem is a PEM file without line ends"]);
    assert!(!one.stderr.contains('['), "{}", one.stderr);
}
