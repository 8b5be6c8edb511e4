//! Gives one of the targets to libFuzzer. The environment variable `FUZZ_TARGET` says which, because one program is
//! built and linked much faster than one for each target. With `FUZZ_LIST` it lists the targets, or a target's seeds.

#![no_main]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use targets::{TARGETS, Target};

static CHOSEN: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET={name:?} is no target"))
});

fuzz_target!(
    init: {
        let list = match std::env::var("FUZZ_LIST").as_deref() {
            Ok("targets") => Some(TARGETS.iter().map(|target| target.name).collect()),
            Ok(_) => Some(CHOSEN.seeds.to_vec()),
            Err(_) => None,
        };
        if let Some(list) = list {
            println!("{}", list.join("\n"));
            std::process::exit(0);
        }
    },
    |data: &[u8]| (CHOSEN.run)(data)
);

/// Answers the standard library's question for the keys of its hash maps, so that a seed means nearly the same run again.
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    // SAFETY: the caller passes a buffer of this length.
    unsafe { buffer.write_bytes(7, length) };
    length.cast_signed()
}
