//! `axlpaper journal prune`: what it removes, and what still works afterwards.

use axlpaper::sim::{Fleet, Tripped};

use crate::lab::{Ended, Lab, fleet_of, name, outcome, told};

fn lab() -> Lab {
    let lab = Lab::new(Fleet { push_devices: (1..=3).map(name).collect(), ..fleet_of(3) });
    for (file, colour) in
        [("red.png", [200, 0, 0]), ("green.png", [0, 160, 0]), ("blue.png", [0, 0, 220])]
    {
        // A picture of one colour could not be told from another screen.
        let pixel = |x: u32, _| image::Rgb(if x < 40 { colour } else { [20, 20, 20] });
        image::RgbImage::from_fn(80, 48, pixel).save(lab.path(file)).unwrap();
    }
    lab
}

fn push(lab: &Lab, file: &str, arguments: &[&str]) -> Ended {
    let ended = lab.without_picture("push", &[&[file, "--yes"][..], arguments].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

fn prune(lab: &Lab, arguments: &[&str]) -> Ended {
    lab.read(&[&["journal", "prune", "--older-than", "0s"][..], arguments].concat())
}

fn shown(lab: &Lab) -> Vec<Option<String>> {
    let record = lab.record();
    (1..=3)
        .map(|n| record.phones[&name(n)].shown.as_ref().map(|shown| shown.sha256.clone()))
        .collect()
}

#[test]
fn what_proofs_and_the_last_run_need_stays() {
    let lab = lab();
    push(&lab, "green.png", &["--device", &name(3)]);
    push(&lab, "red.png", &["--exclude-device", &name(3)]);
    push(&lab, "blue.png", &["--exclude-device", &name(3)]);
    let blue = shown(&lab);
    push(&lab, "green.png", &["--device", &name(2)]);

    prune(&lab, &[]).fails(5, &["This will remove 3 runs", "--yes"]);
    let dry = prune(&lab, &["--dry-run"]);
    dry.told(0, &["Would remove 3 runs: 1 to 3", "proofs of 2 phones", "the last finished run"]);
    assert_eq!(lab.read(&["show", "1"]).code, 0, "a dry run removes nothing");
    let young = lab.read(&["journal", "prune", "--older-than", "1d", "--yes"]);
    young.told(0, &["No run is removed"]);
    let done = prune(&lab, &["--yes"]);
    done.told(0, &["Removed 3 runs: 1 to 3", "Removed 3 pictures", "proofs of 2 phones"]);
    prune(&lab, &["--yes"]).told(0, &["No run is removed"]);

    let runs = lab.read(&["runs", "--format", "csv"]);
    assert_eq!(runs.stdout.lines().count(), 2, "only run 4 is left: {runs:?}");
    for arguments in [&["show", "2"][..], &["report", "2"]] {
        lab.read(arguments).fails(2, &["no run 2 any more", "axlpaper journal prune"]);
    }
    let revert = lab.without_picture("revert", &["2", "--pictures", "--yes"]);
    revert.fails(2, &["no run 2 any more", "axlpaper journal prune"]);
    lab.resumed(&["--resume", "2", "--yes"]).fails(2, &["no run 2 any more"]);

    // What is left of removed runs is no trouble for what reads all runs.
    for n in 2..=3 {
        let phone = lab.read(&["phone", &name(n), "--offline"]);
        assert_eq!(phone.code, 0, "{phone:?}");
    }
    let port = lab.cluster.phone_port().to_string();
    let looked = lab.run(&["verify", "--phone-port", &port]);
    assert_eq!(looked.code, 0, "{looked:?}");
    let screenshots = |n| lab.cluster.phone(&name(n)).unwrap().screenshots;
    assert_eq!((screenshots(2), screenshots(3)), (1, 1), "the proofs that are left are looked at");

    // Proofs of removed runs count: these phones are not pushed to again.
    let again = push(&lab, "green.png", &["--exclude-device", &name(1), "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (outcome(&again, &name(2)), outcome(&again, &name(3))),
        ("already".into(), "already".into())
    );
    // The run that stays can be taken back, and a new one too.
    let back = lab.without_picture("revert", &["4", "--pictures", "--yes"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(shown(&lab), blue);
    push(&lab, "red.png", &["--device", &name(1)]);
    let back = lab.without_picture("revert", &["last", "--pictures", "--yes"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(shown(&lab), blue, "the proof of a removed run has its picture");
}

#[test]
fn a_killed_run_can_be_resumed_after_it() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    let picture = lab.path("blue.png").to_str().unwrap().to_owned();
    let arguments = ["rollout", &picture, "--yes", "--concurrency", "1"];
    let text = crate::endings::killed(&lab, &arguments, ("push", 2, Tripped::Before));
    push(&lab, "green.png", &["--device", &name(3)]);
    let done = prune(&lab, &["--yes"]);
    done.told(0, &["Removed 1 run: 1"]);
    assert!(done.stderr.contains("no run has continued it"), "{done:?}");
    assert!(told(&text).is_some());
    let ended = crate::bad_night::go_on(&lab, &text);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(shown(&lab).iter().all(|one| *one == shown(&lab)[0]));
}

#[test]
fn nothing_is_removed_beside_a_run_that_works() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    push(&lab, "blue.png", &[]);
    let mut held = lab.cluster.tripwire("listPhone", 1, Tripped::Before);
    let own = lab.program(&["inventory"]);
    let mut program = std::process::Command::new(own.get_program());
    program.env_clear().current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let pin = lab.cluster.cert_sha256();
    program.args(["rollout", "green.png", "--yes", "--pin-sha256", &pin]);
    program.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut running = program.stderr(std::process::Stdio::null()).spawn().unwrap();
    while held.try_recv().is_err() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    prune(&lab, &["--yes"]).fails(5, &["run 3 works with this journal", "nothing was removed"]);
    running.kill().unwrap();
    running.wait().unwrap();
    prune(&lab, &["--yes"]).told(0, &["Removed 1 run: 1"]);
    let now = |age: &str| lab.read(&["journal", "prune", "--older-than", age, "--dry-run"]).stdout;
    assert_eq!(now("0"), now("0s"));
    lab.read(&["journal", "prune", "--older-than", "soon"]).fails(2, &["write an age such as 90d"]);
}
