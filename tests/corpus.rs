//! The fuzz targets on their corpus: what was ever found is checked again, and so are small changes of it.
//!
//! `fuzz/run` looks for new inputs; it needs a nightly toolchain.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// So many changed inputs are made from each file.
const CHANGES: usize = 24;

/// Longer files cost too much to be changed again and again.
const LONGEST_CHANGED: usize = 32 * 1024;

/// No target may need more, in KiB; libFuzzer holds them to the same.
const MOST_MEMORY: u64 = 512 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn corpus(target: &Target) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join("fuzz/corpus").join(target.name), &mut found);
    for seeds in target.seeds {
        files(&root().join(seeds), &mut found);
    }
    found.sort();
    found
}

/// Changes a few bytes as a fuzzer does: flips, cuts, repeats, and bytes that parsers look for.
fn change(input: &[u8], random: &mut Random) -> Vec<u8> {
    const BYTES: &[u8] = b"<>&;\"'/=#*%\\:,\n\r\0\xef\xff";
    let mut changed = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(changed.len() + 1);
        let until = at + random.below(changed.len() + 1 - at).min(16);
        match random.below(5) {
            0 => drop(changed.drain(at..until)),
            1 => changed.truncate(at),
            2 => changed.insert(at, BYTES[random.below(BYTES.len())]),
            3 => {
                let part = changed[at..until].to_vec();
                changed.splice(at..at, part);
            }
            _ => {
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    changed
}

/// The most memory that this process has held at one time, in KiB; nothing where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// A small generator: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn run(target: &Target, path: &Path, input: &[u8]) {
    let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if ended.is_err() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", target.name));
        std::fs::write(&kept, input).unwrap();
        panic!("{} fails on {}, changed to {}", target.name, path.display(), kept.display());
    }
}

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let files = corpus(target);
    assert!(files.len() >= 3, "{name} has {} inputs", files.len());
    let mut random = Random(name.len() as u64);
    for path in files {
        let input = std::fs::read(&path).unwrap();
        run(target, &path, &input);
        if input.len() <= LONGEST_CHANGED {
            for _ in 0..CHANGES {
                run(target, &path, &change(&input, &mut random));
            }
        }
        let peak = peak().unwrap_or_default();
        assert!(peak < MOST_MEMORY, "{} needed {peak} KiB", path.display());
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test_and_every_corpus_a_target() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), tested);
            for entry in std::fs::read_dir(root().join("fuzz/corpus")).unwrap() {
                let folder = entry.unwrap().file_name();
                assert!(tested.iter().any(|name| folder == *name), "{folder:?} has no target");
            }
        }
    };
}

targets! {
    soap ris phone_reply device_information vendor_config list_xml ring_list key_script timeline selector plan_file
    config device_list address_list image_request picture screenshot sound
}
