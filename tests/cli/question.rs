//! The question before a run, on a terminal. `script` of util-linux makes the terminal.

use serde_json::Value;

use crate::lab::{Lab, fleet_of, name};

/// Runs a rollout on a terminal on which these lines are typed. Returns the exit code and what the terminal shows.
fn on_a_terminal(lab: &Lab, typed: &str) -> (i32, String) {
    let picture = lab.picture();
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let own = lab.program(&[
        "rollout",
        picture.to_str().unwrap(),
        "--pin-sha256",
        &pin,
        "--phone-port",
        &port,
        "--report",
        "report.html",
    ]);
    let words = std::iter::once(own.get_program()).chain(own.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let mut program = assert_cmd::Command::new("script");
    program.env_clear().current_dir(lab.folder()).env("SHELL", "/bin/sh");
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["-qec", &shlex::try_join(words).unwrap(), "/dev/null"]).write_stdin(typed);
    let output = program.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn last_run(lab: &Lab) -> Value {
    let runs: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    runs["runs"][0].clone()
}

#[test]
fn the_plan_is_shown_and_a_no_is_recorded_as_declined() {
    let mut fleet = fleet_of(3);
    fleet.phones[2].device_pool = "Branch".to_owned();
    let lab = Lab::new(fleet);
    let before = lab.cluster.state_digest();
    let (code, screen) = on_a_terminal(&lab, "no\n");
    assert_eq!(code, 5, "{screen}");
    for words in [
        "controlled devices: 0 -> 3",
        "Device pools: HQ (2), Branch (1)",
        "Models: Cisco 8841 (3)",
        "Time: about 4 s (4 s for a phone, 3 at once)",
        "This touches 3 phones. Type that number to continue:",
        "error: declined; nothing was changed",
    ] {
        assert!(screen.contains(words), "{words:?}: {screen}");
    }
    assert!(!screen.contains("continue with"), "a person said no: {screen}");
    assert_eq!(lab.cluster.state_digest(), before);
    let run = last_run(&lab);
    assert_eq!((&run["state"], &run["exit_code"]), (&"declined".into(), &5.into()), "{run}");
}

#[test]
fn a_typing_error_is_asked_about_again() {
    let lab = Lab::of_phones(2);
    let (code, screen) = on_a_terminal(&lab, "22\nyes\n2\n");
    assert_eq!(code, 0, "{screen}");
    assert_eq!(screen.matches("Type 2 to continue, or no to stop:").count(), 2, "{screen}");
    assert_eq!(last_run(&lab)["state"], "finished");
    assert_eq!(lab.record().phones[&name(1)].pushes.len(), 1);
}

#[test]
fn the_time_until_the_answer_is_apart_from_the_work() {
    let lab = Lab::of_phones(2);
    assert_eq!(on_a_terminal(&lab, "2\n").0, 0);
    let shown: Value = serde_json::from_str(&lab.read(&["show", "last", "--json"]).stdout).unwrap();
    let kinds = shown["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str());
    let questions: Vec<_> = kinds.flatten().filter(|kind| kind.starts_with("question")).collect();
    assert_eq!(questions, ["question_asked", "question_answered"]);
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(page.contains("<th scope=\"row\">Waits for an answer</th>"), "{page}");
    // An answer that is given beforehand is no wait.
    assert_eq!(lab.push("rollout", &["--yes", "--force", "--report", "own.html"]).code, 0);
    let page = std::fs::read_to_string(lab.path("own.html")).unwrap();
    assert!(!page.contains("Waits for an answer"), "{page}");
}
