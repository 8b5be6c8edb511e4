//! What reports say about a run, by what it did to phones: the only place that knows these words.
//!
//! A picture that phones have downloaded is proven to have come; that keys were accepted proves nothing. Reports of
//! both look alike, so each of their sentences is asked for here.

use crate::domain::push_action::Deed;
use crate::event::{Outcome, PhoneResult, Proof};

/// Returns how the phones of a run were to be proven: those that were left alone know nothing of it.
pub(crate) fn proof_of(phones: &[PhoneResult]) -> Proof {
    let left_alone = |phone: &PhoneResult| {
        phone.attempts == 0 || matches!(phone.outcome, Outcome::Skipped | Outcome::Pending)
    };
    phones.iter().find(|phone| !left_alone(phone)).map(|phone| phone.proof).unwrap_or_default()
}

/// What a run is called, by the name of what it pushed.
pub(crate) fn title(deed: Deed, what: &str) -> String {
    match deed {
        Deed::Picture | Deed::PictureElsewhere => what.to_owned(),
        Deed::Removal => REMOVAL.to_owned(),
        Deed::RingTone => format!("Ring tone {what}"),
        Deed::Sound => format!("Sound {what}"),
        Deed::Keys => format!("Key script {what}"),
    }
}

/// What a run did to how many phones, in the first line of its recap.
pub(crate) fn heading(deed: Deed, what: &str, phones: &str) -> String {
    match deed {
        Deed::Picture | Deed::PictureElsewhere => format!("Rollout of {what} to {phones}"),
        Deed::Removal => format!("{REMOVAL} from {phones}"),
        Deed::RingTone | Deed::Sound | Deed::Keys => format!("{} to {phones}", title(deed, what)),
    }
}

/// What a run does to one phone, as a noun.
pub(crate) fn noun(deed: Deed) -> &'static str {
    match deed {
        Deed::Removal => "removal",
        Deed::Picture | Deed::PictureElsewhere | Deed::RingTone | Deed::Sound | Deed::Keys => {
            "push"
        }
    }
}

/// The same of several phones.
pub(crate) fn nouns(deed: Deed) -> &'static str {
    if deed == Deed::Removal { "removals" } else { "pushes" }
}

/// What a verified phone did, after "the phone" or "all phones".
pub(crate) fn verified(deed: Deed, proof: Proof) -> &'static str {
    match (deed, proof) {
        (Deed::Picture, Proof::Screenshot) => {
            "accepted, downloaded background and thumbnail completely, and came to show the picture"
        }
        (Deed::Picture, Proof::Fetch | Proof::None) => {
            "accepted, and downloaded background and thumbnail completely"
        }
        (Deed::PictureElsewhere, _) => "accepted, and came to show the picture",
        (Deed::Removal, _) => "accepted, and came to show another background",
        (Deed::RingTone, _) => "accepted, and downloaded the ring tone completely",
        // Of these nothing is ever proven.
        (Deed::Sound | Deed::Keys, _) => accepted(deed),
    }
}

/// What a phone did that answered success, after "the phone" or "all phones".
pub(crate) fn accepted(deed: Deed) -> &'static str {
    match deed {
        Deed::Picture | Deed::PictureElsewhere => "accepted the picture",
        Deed::Removal => "accepted the removal of the pushed picture",
        Deed::RingTone => "accepted the ring tone",
        Deed::Sound => "accepted the sound",
        Deed::Keys => "accepted every step of the key script",
    }
}

/// What nobody knows of a phone that accepted, where that is all that was to be known; nothing where more was to be
/// seen, so that an acceptance alone is a failure.
pub(crate) fn unknown(deed: Deed, proof: Proof) -> Option<&'static str> {
    match (deed, proof) {
        (Deed::Sound, _) => Some("Whether it was heard nobody can tell from here."),
        (Deed::Keys, _) => Some("What the keys did nobody can tell from here."),
        (Deed::RingTone, _) | (_, Proof::Fetch | Proof::Screenshot) => None,
        (Deed::Picture, Proof::None) => Some("Nobody was to look whether it worked."),
        (Deed::PictureElsewhere, Proof::None) => Some(
            "Nobody was to look whether it worked: downloads from another server are not seen here.",
        ),
        (Deed::Removal, Proof::None) => {
            Some("Nobody was to look whether it worked: no phone tells which background it shows.")
        }
    }
}

/// What phones are called that failed, or of which too little is known.
pub(crate) fn failed(deed: Deed, proof: Proof) -> &'static str {
    match (deed, unknown(deed, proof)) {
        (_, None) => "failed or not proven",
        (Deed::Keys, Some(_)) => "failed, or a step is not known",
        (_, Some(_)) => "failed",
    }
}

/// The same as a whole sentence about so many phones.
pub(crate) fn failed_too(deed: Deed, proof: Proof, phones: &str) -> String {
    match (deed, unknown(deed, proof)) {
        (_, None) => format!("{phones} failed or are not proven."),
        (Deed::Keys, Some(_)) => {
            format!("{phones} failed, or nobody knows whether a step was carried out.")
        }
        (_, Some(_)) => format!("{phones} failed."),
    }
}

/// What is to be done about those, as a heading.
pub(crate) fn to_do(deed: Deed, proof: Proof) -> &'static str {
    match (deed, unknown(deed, proof)) {
        (_, None) => "What to do about phones that are not proven",
        (Deed::Keys, Some(_)) => {
            "What to do about phones that failed, or of which a step is not known"
        }
        (_, Some(_)) => "What to do about phones that failed",
    }
}

/// What a run did that left every phone alone.
pub(crate) fn nobody(deed: Deed) -> &'static str {
    match deed {
        Deed::Picture | Deed::PictureElsewhere | Deed::RingTone => "No phone was pushed to",
        Deed::Removal => "The picture was taken off no phone",
        Deed::Sound => "No phone was told to play the sound",
        Deed::Keys => "No key was pressed",
    }
}

/// What phones are like that need it no more, after "5 of them".
pub(crate) fn already(deed: Deed) -> &'static str {
    match deed {
        Deed::Picture | Deed::PictureElsewhere => "show it already",
        Deed::Removal => "have it off already",
        // Sounds and keys are always sent, so nobody is left alone for them.
        Deed::RingTone | Deed::Sound | Deed::Keys => "have it already",
    }
}

/// What to do about a phone of which a run has no end; `begun` is whether something may have been sent to it.
pub(crate) fn go_on(deed: Deed, run: i64, begun: bool) -> String {
    match deed {
        Deed::Picture | Deed::PictureElsewhere | Deed::Removal => {
            format!("`axlpaper rollout --resume {run}` goes on with the run")
        }
        Deed::RingTone => {
            "run the same command again; phones that are done already are left alone".to_owned()
        }
        Deed::Sound | Deed::Keys if begun => {
            "look at the phone before you send that to it again".to_owned()
        }
        Deed::Sound | Deed::Keys => {
            "run the same command for it alone: name it with --device or --devices-from".to_owned()
        }
    }
}

/// What a reader calls a stage.
pub(crate) fn stage(deed: Deed, word: &str) -> &str {
    match (word, deed) {
        ("connect", _) => "Cluster is called",
        ("phones", _) => "Phones are read",
        ("settings", _) => "Settings are read",
        ("registrations", _) => "Registrations are read",
        ("pages", _) => "Pages are read",
        ("identities", _) => "Phones say who they are",
        ("pictures", Deed::PictureElsewhere) => "Pictures are looked at",
        ("pictures", _) => "Pictures are made",
        ("check", _) => "Cluster is compared",
        ("apply", _) => "Cluster is changed",
        ("restart", _) => "Phones take it over",
        ("push", Deed::Picture | Deed::PictureElsewhere | Deed::RingTone) => "Phones are pushed to",
        ("push", Deed::Removal) => "Pictures are taken off",
        ("push", Deed::Sound) => "Sound is played",
        ("push", Deed::Keys) => "Keys are pressed",
        (other, _) => other,
    }
}

/// What an outcome means.
pub(crate) fn outcome(deed: Deed, proof: Proof, outcome: Outcome) -> String {
    let sent_once = matches!(deed, Deed::Sound | Deed::Keys);
    match outcome {
        Outcome::Verified => format!("The phone {}.", verified(deed, proof)),
        Outcome::Accepted => accepted_means(deed, proof),
        Outcome::Rejected if deed == Deed::Keys => {
            "The phone said no to a step: its line says to which.".to_owned()
        }
        Outcome::Rejected => "The phone said no.".to_owned(),
        Outcome::AuthFailed => "The phone refused the push user.".to_owned(),
        Outcome::Unreachable if sent_once => {
            format!("The phone could not be reached, or its answer was lost{NOT_KNOWN}")
        }
        Outcome::Unreachable => "The phone could not be reached.".to_owned(),
        Outcome::BadReply if sent_once => {
            format!("The phone's answer could not be understood{NOT_KNOWN}")
        }
        Outcome::BadReply => "The phone's answer could not be understood.".to_owned(),
        Outcome::WrongDevice => {
            "Another device answers at the phone's address; nothing was sent to it.".to_owned()
        }
        Outcome::Pending => {
            "Not tried, because the run ended before, or nobody knows how it ended.".to_owned()
        }
        Outcome::Skipped => "Left alone, for a reason.".to_owned(),
    }
}

fn accepted_means(deed: Deed, proof: Proof) -> String {
    let but = match (deed, proof) {
        (_, _) if unknown(deed, proof).is_some() => {
            let unknown = unknown(deed, proof).unwrap_or_default();
            return format!("The phone {}. {unknown}", accepted(deed));
        }
        (Deed::RingTone, _) => "it was not seen to download the ring tone completely",
        (Deed::Picture, Proof::Screenshot) => {
            "its downloads were not seen, or its screen does not prove it"
        }
        (Deed::PictureElsewhere | Deed::Removal, Proof::Screenshot) => {
            "its screen does not prove it"
        }
        (_, _) => "its downloads were not seen",
    };
    format!("The phone accepted, but {but}.")
}

/// What an unsupported model or firmware does not do.
pub(crate) fn unsupported(deed: Deed) -> &'static str {
    match deed {
        Deed::Picture | Deed::PictureElsewhere | Deed::Removal => {
            "This model or firmware shows no pushed background."
        }
        Deed::RingTone => "No source says that this model or firmware takes a pushed ring tone.",
        Deed::Sound => "No source says that this model or firmware plays a sound from afar.",
        Deed::Keys => "No source says that this model or firmware takes key presses from afar.",
    }
}

/// What an answer means that was lost, where nothing is sent twice.
const NOT_KNOWN: &str =
    ": what was sent may have been carried out, and its line says what is not known.";

const REMOVAL: &str = "Removal of the pushed picture";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::pushed;

    const PROOFS: [Proof; 3] = [Proof::Fetch, Proof::Screenshot, Proof::None];

    /// Everything that is said about a run.
    fn all(deed: Deed, proof: Proof) -> String {
        let stages = ["connect", "pictures", "push"].map(|word| stage(deed, word).to_owned());
        let mut said = vec![
            title(deed, "NAME"),
            heading(deed, "NAME", "2 phones"),
            verified(deed, proof).to_owned(),
            accepted(deed).to_owned(),
            unknown(deed, proof).unwrap_or_default().to_owned(),
            failed(deed, proof).to_owned(),
            failed_too(deed, proof, "2"),
            to_do(deed, proof).to_owned(),
            nobody(deed).to_owned(),
            already(deed).to_owned(),
            unsupported(deed).to_owned(),
            go_on(deed, 1, true),
            go_on(deed, 1, false),
        ];
        said.extend(Outcome::ALL.map(|one| outcome(deed, proof, one)));
        said.extend(
            stages.into_iter().filter(|stage| deed.is_picture() || !stage.contains("made")),
        );
        said.join("\n")
    }

    #[test]
    fn nobody_but_pictures_is_told_as_pictures() {
        for deed in [Deed::RingTone, Deed::Sound, Deed::Keys] {
            for proof in PROOFS {
                let said = all(deed, proof);
                for word in ["picture", "background", "thumbnail", "screen"] {
                    assert!(
                        !said.to_lowercase().contains(word),
                        "{deed:?} {proof:?}: {word}\n{said}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_what_is_downloaded_from_us_is_said_to_be() {
        for deed in [Deed::PictureElsewhere, Deed::Removal, Deed::Sound, Deed::Keys] {
            for proof in [Proof::Screenshot, Proof::None] {
                assert!(!all(deed, proof).contains("downloaded"), "{}", all(deed, proof));
            }
        }
        assert!(verified(Deed::RingTone, Proof::Fetch).contains("downloaded the ring tone"));
    }

    #[test]
    fn an_acceptance_is_enough_exactly_where_it_is_no_failure() {
        for deed in Deed::ALL {
            for proof in PROOFS {
                let (object, outcome) = (deed.object(), Outcome::Accepted);
                let phone = PhoneResult { object, proof, outcome, ..pushed("SEP1") };
                // A ring tone has one proof only, so the other ones cannot be asked for.
                if deed != Deed::RingTone || proof == Proof::Fetch {
                    assert_eq!(
                        unknown(deed, proof).is_none(),
                        phone.is_failure(),
                        "{deed:?} {proof:?}"
                    );
                }
            }
        }
    }
}
