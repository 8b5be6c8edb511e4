//! The fuzz targets: each one gives its input to a parser or a merger and checks what comes back.
//!
//! A target panics when something is wrong. `fuzz/main.rs` gives the targets to libFuzzer; `tests/corpus.rs` runs
//! them on the files in `fuzz/corpus/`, so both check the same.

mod inputs;
mod lists;
mod media;
mod requests;
mod wire;

/// A target with its name, which is its folder in `fuzz/corpus/` too.
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Runs the target on one input.
    pub run: fn(&[u8]),
    /// Files of the project that are inputs too: folders relative to its root.
    pub seeds: &'static [&'static str],
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, seeds: &[] }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { seeds: &["wsdl-fixtures"], ..target("soap", wire::soap) },
    Target { seeds: &["wsdl-fixtures/selectCmDeviceExt"], ..target("ris", wire::ris) },
    target("phone_reply", wire::phone_reply),
    target("device_information", wire::device_information),
    Target {
        seeds: &["wsdl-fixtures/getPhone", "wsdl-fixtures/getCommonPhoneConfig"],
        ..target("vendor_config", wire::vendor_config)
    },
    target("list_xml", lists::list_xml),
    target("ring_list", lists::ring_list),
    target("key_script", inputs::key_script),
    target("timeline", inputs::timeline),
    target("selector", inputs::selector),
    target("plan_file", inputs::plan_file),
    target("config", inputs::config),
    target("device_list", inputs::device_list),
    target("address_list", inputs::address_list),
    target("image_request", requests::image_request),
    target("picture", media::picture),
    target("screenshot", media::screenshot),
    Target { seeds: &["tests/tones"], ..target("sound", media::sound) },
];

/// Runs the target on one input, when the input is text.
fn with_text(data: &[u8], run: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        run(text);
    }
}
