//! Every release of Unified CM that is spoken to, and versions that are asked for.

use axlpaper::sim::{FleetSpec, Limits, Release, SimConfig};
use serde_json::Value;

use crate::lab::Lab;

fn lab(release: Release) -> Lab {
    let fleet = FleetSpec { seed: 3, phones: 40 }.generate();
    Lab::with(SimConfig { release, limits: Limits::off(), ..SimConfig::new(fleet) })
}

/// Returns what an audit says of each phone, without what differs from cluster to cluster.
fn verdicts(lab: &Lab, more: &[&str]) -> (Value, Vec<(String, String, String)>) {
    let mut arguments = vec!["audit", "--json"];
    arguments.extend(more);
    let ended = lab.run(&arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let phones = document["phones"].as_array().unwrap();
    let told = phones.iter().map(|phone| {
        let codes: Vec<&str> = phone["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        (phone["name"].to_string(), phone["verdict"].to_string(), codes.join(" "))
    });
    (document["cluster"].clone(), told.collect())
}

#[test]
fn every_release_gives_the_same_verdicts() {
    let mut first = None;
    for release in Release::ALL {
        let lab = lab(release);
        let (cluster, told) = verdicts(&lab, &[]);
        let spoken = release.axl_versions()[0];
        assert_eq!(cluster["axl_version"], spoken, "{release:?}");
        assert!(told.len() >= 40);
        assert_eq!(*first.get_or_insert_with(|| told.clone()), told, "{release:?}");
    }
}

#[test]
fn a_version_that_is_asked_for_is_spoken_or_refused() {
    let lab = lab(Release::R14_0);
    let (cluster, told) = verdicts(&lab, &["--axl-version", "12.5"]);
    assert_eq!(cluster["axl_version"], "12.5");
    assert_eq!(told, verdicts(&lab, &[]).1);
    lab.run(&["inventory", "--axl-version", "15.0"])
        .fails(1, &["does not support this version of AXL", "leave out --axl-version"]);
    lab.run(&["inventory", "--axl-version", "13.0"]).fails(2, &["--axl-version"]);
}
