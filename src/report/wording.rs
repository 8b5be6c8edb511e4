//! What reports say about a run, by what it did to phones: the only place that knows these words.
//!
//! A picture that phones have downloaded is proven to have come; that keys were accepted proves nothing. Reports of
//! both look alike, so each of their sentences is asked for here.

use crate::domain::push_action::PushAction;
use crate::event::{Outcome, PhoneResult, Proof};

/// Returns how the phones of a run were to be proven: those that were left alone know nothing of it.
pub(crate) fn proof_of(phones: &[PhoneResult]) -> Proof {
    let excluded = |phone: &PhoneResult| {
        phone.attempts == 0 || matches!(phone.outcome, Outcome::Skipped | Outcome::Pending)
    };
    phones.iter().find(|phone| !excluded(phone)).map(|phone| phone.proof).unwrap_or_default()
}

/// What a run is called, by the name of what it pushed.
pub(crate) fn title(action: PushAction, what: &str) -> String {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => what.to_owned(),
        PushAction::Removal => REMOVAL.to_owned(),
        PushAction::RingTone => format!("Ring tone {what}"),
        PushAction::Sound => format!("Sound {what}"),
        PushAction::Keys => format!("Key script {what}"),
    }
}

/// What a run did to how many phones, in the first line of its recap.
pub(crate) fn heading(action: PushAction, what: &str, phones: &str) -> String {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => {
            format!("Rollout of {what} to {phones}")
        }
        PushAction::Removal => format!("{REMOVAL} from {phones}"),
        PushAction::RingTone | PushAction::Sound | PushAction::Keys => {
            format!("{} to {phones}", title(action, what))
        }
    }
}

/// What a run does to one phone, as a noun.
pub(crate) fn noun(action: PushAction) -> &'static str {
    match action {
        PushAction::Removal => "removal",
        PushAction::Picture
        | PushAction::PictureElsewhere
        | PushAction::RingTone
        | PushAction::Sound
        | PushAction::Keys => "push",
    }
}

pub(crate) fn nouns(action: PushAction) -> &'static str {
    if action == PushAction::Removal { "removals" } else { "pushes" }
}

/// What a verified phone did, after "the phone" or "all phones".
pub(crate) fn verified(action: PushAction, proof: Proof) -> &'static str {
    match (action, proof) {
        (PushAction::Picture, Proof::Screenshot) => {
            "accepted, downloaded background and thumbnail completely, and came to show the picture"
        }
        (PushAction::Picture, Proof::Fetch | Proof::None) => {
            "accepted, and downloaded background and thumbnail completely"
        }
        (PushAction::PictureElsewhere, _) => "accepted, and came to show the picture",
        (PushAction::Removal, _) => "accepted, and came to show another background",
        (PushAction::RingTone, _) => "accepted, and downloaded the ring tone completely",
        // Of these nothing is ever proven.
        (PushAction::Sound | PushAction::Keys, _) => accepted(action),
    }
}

/// What a phone did that answered success, after "the phone" or "all phones".
pub(crate) fn accepted(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => "accepted the picture",
        PushAction::Removal => "accepted the removal of the pushed picture",
        PushAction::RingTone => "accepted the ring tone",
        PushAction::Sound => "accepted the sound",
        PushAction::Keys => "accepted every step of the key script",
    }
}

/// What nobody knows of a phone that accepted, where that is all that was to be known; nothing where more was to be
/// seen, so that an acceptance alone is a failure.
pub(crate) fn unverifiable(action: PushAction, proof: Proof) -> Option<&'static str> {
    match (action, proof) {
        (PushAction::Sound, _) => Some("Whether it was heard nobody can tell from here."),
        (PushAction::Keys, _) => Some("What the keys did nobody can tell from here."),
        (PushAction::RingTone, _) | (_, Proof::Fetch | Proof::Screenshot) => None,
        (PushAction::Picture, Proof::None) => Some("Delivery was not verified (--verify none)."),
        (PushAction::PictureElsewhere, Proof::None) => {
            Some("Delivery was not verified: downloads from another server are not seen here.")
        }
        (PushAction::Removal, Proof::None) => {
            Some("Delivery was not verified: no phone reports which background it shows.")
        }
    }
}

/// What phones are called that failed, or of which too little is known.
pub(crate) fn failed(action: PushAction, proof: Proof) -> &'static str {
    match (action, unverifiable(action, proof)) {
        (_, None) => "failed or not proven",
        (PushAction::Keys, Some(_)) => "failed, or a step is not known",
        (_, Some(_)) => "failed",
    }
}

/// The same as a whole sentence about so many phones.
pub(crate) fn failed_sentence(action: PushAction, proof: Proof, phones: &str) -> String {
    match (action, unverifiable(action, proof)) {
        (_, None) => format!("{phones} failed or are not proven."),
        (PushAction::Keys, Some(_)) => {
            format!("{phones} failed, or nobody knows whether a step was carried out.")
        }
        (_, Some(_)) => format!("{phones} failed."),
    }
}

/// What is to be done about those, as a heading.
pub(crate) fn remedies_title(action: PushAction, proof: Proof) -> &'static str {
    match (action, unverifiable(action, proof)) {
        (_, None) => "What to do about phones that are not proven",
        (PushAction::Keys, Some(_)) => {
            "What to do about phones that failed, or of which a step is not known"
        }
        (_, Some(_)) => "What to do about phones that failed",
    }
}

/// What a run did that left every phone alone.
pub(crate) fn no_phone(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere | PushAction::RingTone => {
            "No phone was pushed to"
        }
        PushAction::Removal => "The picture was taken off no phone",
        PushAction::Sound => "No phone was told to play the sound",
        PushAction::Keys => "No key was pressed",
    }
}

/// What phones are like that need it no more, after "5 of them".
pub(crate) fn already_done(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => "show it already",
        PushAction::Removal => "no longer show it",
        // Sounds and keys are always sent, so nobody is left alone for them.
        PushAction::RingTone | PushAction::Sound | PushAction::Keys => "have it already",
    }
}

/// What to do about a phone of which a run has no end; `begun` is whether something may have been sent to it.
pub(crate) fn next_step(action: PushAction, run: i64, begun: bool) -> String {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere | PushAction::Removal => {
            format!("`axlpaper rollout --resume {run}` goes on with the run")
        }
        PushAction::RingTone => {
            "run the same command again; phones that are done already are skipped".to_owned()
        }
        PushAction::Sound | PushAction::Keys if begun => {
            "look at the phone before you send that to it again".to_owned()
        }
        PushAction::Sound | PushAction::Keys => {
            "run the same command for it alone: name it with --device or --devices-from".to_owned()
        }
    }
}

/// What a reader calls a stage.
pub(crate) fn stage(action: PushAction, word: &str) -> &str {
    match (word, action) {
        ("connect", _) => "Cluster is called",
        ("phones", _) => "Phones are read",
        ("settings", _) => "Settings are read",
        ("registrations", _) => "Registrations are read",
        ("pages", _) => "Pages are read",
        ("identities", _) => "Phones say who they are",
        ("pictures", PushAction::PictureElsewhere) => "Pictures are looked at",
        ("pictures", _) => "Pictures are made",
        ("check", _) => "Cluster is compared",
        ("apply", _) => "Cluster is changed",
        ("restart", _) => "Phones apply their configuration",
        ("push", PushAction::Picture | PushAction::PictureElsewhere | PushAction::RingTone) => {
            "Phones are pushed to"
        }
        ("push", PushAction::Removal) => "Pictures are taken off",
        ("push", PushAction::Sound) => "Sound is played",
        ("push", PushAction::Keys) => "Keys are pressed",
        ("paused", _) => "Paused",
        ("gate", _) => "Waits for an approval",
        ("soak", _) => "Soak period",
        (other, _) => other,
    }
}

/// What an outcome means.
pub(crate) fn outcome(action: PushAction, proof: Proof, outcome: Outcome) -> String {
    let sent_once = matches!(action, PushAction::Sound | PushAction::Keys);
    match outcome {
        Outcome::Verified => format!("The phone {}.", verified(action, proof)),
        Outcome::Accepted => accepted_means(action, proof),
        Outcome::Rejected if action == PushAction::Keys => {
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
        Outcome::Skipped => "Skipped; see the reason.".to_owned(),
    }
}

fn accepted_means(action: PushAction, proof: Proof) -> String {
    let but = match (action, proof) {
        (_, _) if unverifiable(action, proof).is_some() => {
            let unknown = unverifiable(action, proof).unwrap_or_default();
            return format!("The phone {}. {unknown}", accepted(action));
        }
        (PushAction::RingTone, _) => "it was not seen to download the ring tone completely",
        (PushAction::Picture, Proof::Screenshot) => {
            "its downloads were not seen, or its screen does not prove it"
        }
        (PushAction::PictureElsewhere | PushAction::Removal, Proof::Screenshot) => {
            "its screen does not prove it"
        }
        (_, _) => "its downloads were not seen",
    };
    format!("The phone accepted, but {but}.")
}

/// What an unsupported model or firmware does not do.
pub(crate) fn unsupported(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere | PushAction::Removal => {
            "This model or firmware shows no pushed background."
        }
        PushAction::RingTone => {
            "No source says that this model or firmware takes a pushed ring tone."
        }
        PushAction::Sound => "No source says that this model or firmware plays a sound from afar.",
        PushAction::Keys => {
            "No source says that this model or firmware takes key presses from afar."
        }
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
    fn all(action: PushAction, proof: Proof) -> String {
        let stages = ["connect", "pictures", "push"].map(|word| stage(action, word).to_owned());
        let mut said = vec![
            title(action, "NAME"),
            heading(action, "NAME", "2 phones"),
            verified(action, proof).to_owned(),
            accepted(action).to_owned(),
            unverifiable(action, proof).unwrap_or_default().to_owned(),
            failed(action, proof).to_owned(),
            failed_sentence(action, proof, "2"),
            remedies_title(action, proof).to_owned(),
            no_phone(action).to_owned(),
            already_done(action).to_owned(),
            unsupported(action).to_owned(),
            next_step(action, 1, true),
            next_step(action, 1, false),
        ];
        said.extend(Outcome::ALL.map(|one| outcome(action, proof, one)));
        said.extend(
            stages.into_iter().filter(|stage| action.is_picture() || !stage.contains("made")),
        );
        said.join("\n")
    }

    #[test]
    fn nobody_but_pictures_is_told_as_pictures() {
        for action in [PushAction::RingTone, PushAction::Sound, PushAction::Keys] {
            for proof in PROOFS {
                let said = all(action, proof);
                for word in ["picture", "background", "thumbnail", "screen"] {
                    assert!(
                        !said.to_lowercase().contains(word),
                        "{action:?} {proof:?}: {word}\n{said}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_what_is_downloaded_from_us_is_said_to_be() {
        for action in
            [PushAction::PictureElsewhere, PushAction::Removal, PushAction::Sound, PushAction::Keys]
        {
            for proof in [Proof::Screenshot, Proof::None] {
                assert!(!all(action, proof).contains("downloaded"), "{}", all(action, proof));
            }
        }
        assert!(verified(PushAction::RingTone, Proof::Fetch).contains("downloaded the ring tone"));
    }

    #[test]
    fn an_acceptance_is_enough_exactly_where_it_is_no_failure() {
        for action in PushAction::ALL {
            for proof in PROOFS {
                let (object, outcome) = (action.object(), Outcome::Accepted);
                let phone = PhoneResult { object, proof, outcome, ..pushed("SEP1") };
                // A ring tone has one proof only, so the other ones cannot be asked for.
                if action != PushAction::RingTone || proof == Proof::Fetch {
                    assert_eq!(
                        unverifiable(action, proof).is_none(),
                        phone.is_failure(),
                        "{action:?} {proof:?}"
                    );
                }
            }
        }
    }
}
