//! Reads a script file: TOML, every mistake reported with its line.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::domain::payload_kind::ObjectKind;
use crate::domain::selector::Pattern;
use crate::domain::text::{duration, line_of, quoted, sanitize_truncate};
use crate::phone::{Execute, PhoneError, PushObject as _};
use crate::push::key_script::uri;
use crate::push::key_script::uri::UriError;
use crate::push::key_script::{KeyScript, KeyStep, Variant};

#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is not TOML, or has fields that a script has not.
    #[error("it is no key script: {0}")]
    NotToml(String),
    /// Something in a line.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        what: LineError,
    },
    /// It presses nothing.
    #[error("it has no step; write one as [[step]] with press = [\"Key:Settings\"]")]
    Empty,
    /// More steps than anybody writes by hand.
    #[error("it has {0} steps for one model, {MOST_STEPS} are the most")]
    TooLong(usize),
}

/// What is wrong in a line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("{0}")]
    Uri(#[from] UriError),
    /// A step without anything in it.
    #[error("the step presses nothing")]
    NothingPressed,
    #[error(
        "the step presses {0} keys at once, and a phone takes {most} in one request, in any order; make a step of each",
        most = Execute::MOST_ITEMS
    )]
    TooMany(usize),
    /// More than one address in a request.
    #[error("the step names more than one web address, and a phone takes one in a request")]
    TwoAddresses,
    /// The object is too long for phones.
    #[error("{0}")]
    Object(#[from] PhoneError),
    /// A pause that is none.
    #[error("{} is no pause: write it as \"500ms\" or \"2s\", \"1m\" at most", quoted(text))]
    Pause { text: String },
    #[error("{0}")]
    Models(String),
    /// A variant for no model, or without steps.
    #[error("the variant {0}")]
    Variant(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pause: Option<Spanned<String>>,
    #[serde(default)]
    step: Vec<Spanned<FileStep>>,
    #[serde(default)]
    variant: Vec<Spanned<FileVariant>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    press: Vec<Spanned<String>>,
    pause: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVariant {
    models: Vec<Spanned<String>>,
    #[serde(default)]
    step: Vec<Spanned<FileStep>>,
}

impl KeyScript {
    /// Reads a script file.
    ///
    /// # Errors
    /// When it is no script; says in which line, and what is most likely meant.
    pub fn read(text: &str) -> Result<Self, ScriptError> {
        let file: File = toml::from_str(text)
            // In full, the error repeats a line of the file, however long that is.
            .map_err(|error| {
                let line = error.span().map(|span| format!("line {}: ", line_of(text, span.start)));
                let what = sanitize_truncate(error.message(), 300);
                ScriptError::NotToml(format!("{}{what}", line.unwrap_or_default()))
            })?;
        let reader = Reader { text, pause: PAUSE };
        let pause = file.pause.as_ref().map(|pause| reader.pause(pause)).transpose()?;
        let reader = Reader { pause: pause.unwrap_or(PAUSE), ..reader };
        let variants: Vec<Variant> =
            file.variant.iter().map(|variant| reader.variant(variant)).collect::<Result<_, _>>()?;
        let others = reader.steps(&file.step)?;
        if others.is_empty() && variants.is_empty() {
            return Err(ScriptError::Empty);
        }
        let others = (!others.is_empty()).then_some(others);
        let script = Self { kind: ObjectKind::Keys, variants, others };
        match script.longest() {
            length if length > MOST_STEPS => Err(ScriptError::TooLong(length)),
            _ => Ok(script),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Where a step does not say.
    pause: Duration,
}

impl Reader<'_> {
    fn variant(&self, variant: &Spanned<FileVariant>) -> Result<Variant, ScriptError> {
        let at = variant.span().start;
        let FileVariant { models, step } = variant.get_ref();
        if models.is_empty() {
            return Err(self.wrong(at, LineError::Variant("names no models")));
        }
        if step.is_empty() {
            return Err(
                self.wrong(at, LineError::Variant("has no step: write one as [[variant.step]]"))
            );
        }
        let pattern = |text: &Spanned<String>| -> Result<Pattern, ScriptError> {
            let wrong = |why| self.wrong(text.span().start, LineError::Models(why));
            let pattern = Pattern::new(text.get_ref()).map_err(|error| wrong(error.to_string()))?;
            pattern.of_known_model().map_err(|error| wrong(error.to_string()))
        };
        let models = models.iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Variant { models, steps: self.steps(step)? })
    }

    fn steps(&self, steps: &[Spanned<FileStep>]) -> Result<Vec<KeyStep>, ScriptError> {
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&self, step: &Spanned<FileStep>) -> Result<KeyStep, ScriptError> {
        let at = step.span().start;
        let FileStep { press, pause } = step.get_ref();
        for item in press {
            let known = uri::check(item.get_ref());
            known.map_err(|error| self.wrong(item.span().start, error.into()))?;
        }
        let items: Vec<String> = press.iter().map(|item| item.get_ref().clone()).collect();
        let mistake = match items.len() {
            0 => Some(LineError::NothingPressed),
            many if many > Execute::MOST_ITEMS => Some(LineError::TooMany(many)),
            _ if items.iter().filter(|item| uri::is_address(item)).count() > 1 => {
                Some(LineError::TwoAddresses)
            }
            _ => Execute { items: &items }.to_xml().err().map(LineError::from),
        };
        if let Some(mistake) = mistake {
            return Err(self.wrong(press.first().map_or(at, |item| item.span().start), mistake));
        }
        let pause = pause.as_ref().map(|pause| self.pause(pause)).transpose()?;
        Ok(KeyStep { items, pause: pause.unwrap_or(self.pause) })
    }

    fn pause(&self, text: &Spanned<String>) -> Result<Duration, ScriptError> {
        duration(text.get_ref()).filter(|pause| *pause <= LONGEST_PAUSE).ok_or_else(|| {
            self.wrong(text.span().start, LineError::Pause { text: text.get_ref().clone() })
        })
    }

    fn wrong(&self, at: usize, what: LineError) -> ScriptError {
        ScriptError::Line { line: line_of(self.text, at), what }
    }
}

/// Published tools pause half a second to two seconds.
const PAUSE: Duration = Duration::from_secs(1);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

const MOST_STEPS: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"
        pause = "500ms"
        [[step]]
        press = ["Key:Settings"]
        pause = "2s"
        [[step]]
        press = ["Key:KeyPad1", "Key:Soft1"]
        [[variant]]
        models = ["98*", "8875"]
        [[variant.step]]
        press = ["Key:Applications"]
        [[variant]]
        models = ["9851"]
        [[variant.step]]
        press = ["Key:Hold"]
    "#;

    #[test]
    fn the_first_variant_that_names_a_model_wins() {
        let script = KeyScript::read(GOOD).unwrap();
        let first = |model: &str| script.steps(model).unwrap()[0].items.join(" ");
        assert_eq!(first("Cisco 7965"), "Key:Settings");
        assert_eq!(first("Cisco 9851"), "Key:Applications");
        assert_eq!(first("Cisco 8875"), "Key:Applications");
        let steps = script.steps("Cisco 7965").unwrap();
        assert_eq!(steps[0].pause, Duration::from_secs(2));
        assert_eq!(steps[1].pause, Duration::from_millis(500));
        assert_eq!((script.longest(), script.pauses()), (2, Duration::from_secs(2)));
        assert_ne!(script.digest("Cisco 7965"), script.digest("Cisco 9851"));
        let only =
            KeyScript::read("[[variant]]\nmodels=['98*']\n[[variant.step]]\npress=['Key:Hold']")
                .unwrap();
        assert!(only.steps("Cisco 7965").is_none() && only.digest("Cisco 7965").is_none());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, words) in [
            ("", &["no step"][..]),
            ("pause = \"1s\"\n", &["no step"]),
            ("[[step]]\npress = []\n", &["line 1", "presses nothing"]),
            ("[[step]]\npress = [\"Key:Setings\"]\n", &["line 2", "Key:Settings"]),
            ("[[step]]\npress = [\n \"Key:Hold\",\n \"Key:Soft9\"]\n", &["line 4", "from 1 to 5"]),
            (
                "[[step]]\npress = ['Key:KeyPad1','Key:KeyPad2','Key:KeyPad3','Key:KeyPad4']",
                &["line 2", "4 keys at once", "takes 3", "a step of each"],
            ),
            ("[[step]]\npress = ['http://a/', 'http://b/']", &["line 2", "one in a request"]),
            ("[[step]]\npress=['Key:Hold']\npause='soon'", &["line 3", "\"soon\" is no pause"]),
            ("[[step]]\npress=['Key:Hold']\npause='2h'", &["line 3", "1m"]),
            ("[[step]]\nperss='Key:Hold'", &["perss", "line 2"]),
            (
                "[[variant]]\nmodels=[]\n[[variant.step]]\npress=['Key:Hold']",
                &["line 1", "no models"],
            ),
            ("[[variant]]\nmodels=['7965']", &["line 1", "[[variant.step]]"]),
            ("[[variant]]\nmodels=['']\n[[variant.step]]\npress=['Key:Hold']", &["line 2"]),
            (
                "[[variant]]\nmodels=['8814']\n[[variant.step]]\npress=['Key:Hold']",
                &["line 2", "\"8814\"", "did you mean Cisco 8841?"],
            ),
            (
                "[[variant]]\nmodels=['CP-8841-3PCC']\n[[variant.step]]\npress=['Key:Hold']",
                &["line 2", "multiplatform"],
            ),
            ("this is no script", &["no key script"]),
        ] {
            let error = KeyScript::read(text).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{word:?} is not in {error:?} of {text:?}");
            }
        }
        let long = format!("[[step]]\npress=['{0}','{0}','Key:Hold']", "x");
        assert!(KeyScript::read(&long).is_err());
    }

    #[test]
    fn addresses_that_do_not_fit_are_told_with_their_line() {
        let address = format!("http://10.0.0.1/{}", "&".repeat(100));
        let text = format!("[[step]]\npress = ['Key:Hold', '{address}']");
        let error = KeyScript::read(&text).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("at most 512"), "{error}");
    }

    #[test]
    fn a_script_is_no_longer_than_anybody_writes() {
        let text = "[[step]]\npress=['Key:Hold']\n".repeat(MOST_STEPS + 1);
        assert!(matches!(KeyScript::read(&text), Err(ScriptError::TooLong(101))));
    }

    #[test]
    fn a_sound_is_a_name_with_or_without_its_scheme() {
        for name in ["Chime.raw", "Play:Chime.raw"] {
            let script = KeyScript::play(name).unwrap();
            assert_eq!(script.steps("Cisco 7965").unwrap()[0].items, ["Play:Chime.raw"]);
            assert!(script.plays() && script.kind() == ObjectKind::Play);
        }
        for wrong in ["Key:Hold", "", "a b.raw", "../x.raw", "http://h/x.raw"] {
            assert!(KeyScript::play(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _judged = KeyScript::read(&text).is_ok();
        }

        #[test]
        fn what_is_read_fits_phones(keys in proptest::collection::vec(
            proptest::sample::select(&["Key:Hold", "Key:KeyPad1", "http://h/a?b&c", "Key:Oops"][..]), 0..5,
        )) {
            let text = format!("[[step]]\npress = {keys:?}");
            if let Ok(script) = KeyScript::read(&text) {
                for step in script.all().flatten() {
                    prop_assert!((1..=3).contains(&step.items.len()));
                    let object = Execute { items: &step.items };
                    prop_assert!(object.to_xml().is_ok());
                }
            }
        }
    }
}
