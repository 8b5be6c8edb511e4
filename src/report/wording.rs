//! What reports say about a run, by what it did to phones: the only place that knows these words.
//!
//! A picture that phones have downloaded is proven to have come; that keys were accepted proves nothing. Reports of
//! both look alike, so each of their sentences is asked for here.

use crate::domain::push_action::PushAction;
use crate::domain::text::{grouped, pluralize};
use crate::event::{Outcome, PhoneResult, Proof};
use crate::journal::{Coverage, RunId};

/// Returns how the phones of a run were to be proven: those that were left alone know nothing of it.
pub(crate) fn proof_of(phones: &[PhoneResult]) -> Proof {
    let excluded = |phone: &PhoneResult| {
        phone.attempts == 0 || phone.outcome.is_skipped() || phone.outcome.is_open()
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
        PushAction::Verification => VERIFICATION.to_owned(),
    }
}

/// What all runs of a history pushed.
pub(crate) fn same_payload(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => "this picture",
        PushAction::Removal => "a removal",
        PushAction::RingTone => "this ring tone",
        PushAction::Sound => "this sound",
        PushAction::Keys => "this key script",
        PushAction::Verification => "a verification",
    }
}

/// What a run did to how many phones, in the first line of its recap.
pub(crate) fn heading(command: &str, action: PushAction, what: &str, phones: &str) -> String {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere
            if ["push", "revert"].contains(&command) =>
        {
            format!("Push of {what} to {phones}")
        }
        PushAction::Picture | PushAction::PictureElsewhere => {
            format!("Rollout of {what} to {phones}")
        }
        PushAction::Removal => format!("{REMOVAL} from {phones}"),
        PushAction::Verification => format!("{VERIFICATION}: {phones}"),
        PushAction::RingTone | PushAction::Sound | PushAction::Keys => {
            format!("{} to {phones}", title(action, what))
        }
    }
}

/// What a run does to one phone, as a noun.
pub(crate) fn noun(action: PushAction) -> &'static str {
    match action {
        PushAction::Removal => "removal",
        PushAction::Verification => "look",
        PushAction::Picture
        | PushAction::PictureElsewhere
        | PushAction::RingTone
        | PushAction::Sound
        | PushAction::Keys => "push",
    }
}

/// Says that so many phones are verified, and no other was tried; `unknown` phones could not be verified.
pub(crate) fn all_verified(action: PushAction, phones: usize, unknown: usize) -> String {
    let noun = noun(action);
    match (action, phones) {
        (PushAction::Verification, 1) if unknown == 0 => "The phone shows its picture.".to_owned(),
        (PushAction::Verification, n) if unknown == 0 => {
            format!("All {n} phones that were looked at show their picture.")
        }
        (PushAction::Verification, n) => {
            let show = if n == 1 { "phone shows its" } else { "phones show their" };
            format!("{} {show} picture. {}", grouped(n), not_verifiable(unknown))
        }
        (_, 1) => format!("The {noun} is verified."),
        (PushAction::Removal, n) => format!("All {n} removals are verified."),
        (_, n) => format!("All {n} pushes are verified."),
    }
}

/// Says that so many phones could not be verified.
pub(crate) fn not_verifiable(phones: usize) -> String {
    format!("{} could not be verified.", pluralize(phones, "phone"))
}

/// Says that the only phone failed.
pub(crate) fn only_failed(action: PushAction) -> String {
    match action {
        PushAction::Verification => {
            "The only phone does not show its picture, or did not answer.".to_owned()
        }
        PushAction::Picture
        | PushAction::PictureElsewhere
        | PushAction::Removal
        | PushAction::RingTone
        | PushAction::Sound
        | PushAction::Keys => {
            format!("The {} to the only phone failed or is not verified.", noun(action))
        }
    }
}

/// What a verified phone did, after "the phone" or "all phones".
pub(crate) fn verified(action: PushAction, proof: Proof) -> &'static str {
    match (action, proof) {
        (PushAction::Picture, Proof::Screenshot) => {
            "accepted, downloaded background and thumbnail completely, and showed the picture"
        }
        (PushAction::Picture, Proof::Fetch | Proof::None) => {
            "accepted, and downloaded background and thumbnail completely"
        }
        (PushAction::PictureElsewhere, _) => "accepted, and showed the picture",
        (PushAction::Removal, _) => "accepted, and showed another background",
        (PushAction::RingTone, _) => "accepted, and downloaded the ring tone completely",
        (PushAction::Verification, _) => "showed the picture that was pushed",
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
        PushAction::Verification => "sent a screenshot",
    }
}

/// What remains unknown of a phone that accepted, where no more was to be learnt; nothing where more was to be
/// seen, so that an acceptance alone is a failure.
pub(crate) fn unverifiable(action: PushAction, proof: Proof) -> Option<&'static str> {
    match (action, proof) {
        (PushAction::Sound, _) => Some("Whether it was heard cannot be verified."),
        (PushAction::Keys, _) => Some("The effect of the keys cannot be verified."),
        (PushAction::RingTone | PushAction::Verification, _)
        | (_, Proof::Fetch | Proof::Screenshot) => None,
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
        (PushAction::Verification, _) => "not showing their picture, or without an answer",
        (_, None) => "failed or not verified",
        (PushAction::Keys, Some(_)) => "failed, or a step is not known",
        (_, Some(_)) => "failed",
    }
}

/// The same as a whole sentence about so many phones.
pub(crate) fn failed_sentence(action: PushAction, proof: Proof, phones: usize) -> String {
    let (one, phones) = (phones == 1, grouped(phones));
    match (action, unverifiable(action, proof)) {
        (PushAction::Verification, _) if one => {
            "1 does not show its picture, or did not answer.".to_owned()
        }
        (PushAction::Verification, _) => {
            format!("{phones} do not show their picture, or did not answer.")
        }
        (_, None) if one => "1 failed or is not verified.".to_owned(),
        (_, None) => format!("{phones} failed or are not verified."),
        (PushAction::Keys, Some(_)) => {
            format!("{phones} failed, or the result of a step is not known.")
        }
        (_, Some(_)) => format!("{phones} failed."),
    }
}

/// What is to be done about those, as a heading.
pub(crate) fn remedies_title(action: PushAction, proof: Proof) -> &'static str {
    match (action, unverifiable(action, proof)) {
        (_, None) => "What to do about phones that are not verified",
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
        PushAction::Removal => "The picture was removed from no phone",
        PushAction::Sound => "The sound was played on no phone",
        PushAction::Verification => "No phone was looked at",
        PushAction::Keys => "No key was pressed",
    }
}

/// What a phone does that has what was pushed, after "the phone".
fn shows(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere => "shows it",
        PushAction::Verification => "is proven to show its picture",
        PushAction::Removal => "no longer shows it",
        PushAction::RingTone | PushAction::Sound | PushAction::Keys => "has it",
    }
}

/// How many of the phones that could show it do, such as "3,532 of 3,635 capable phones show it (97 %)"; nothing where no
/// phone could.
pub(crate) fn coverage(action: PushAction, proof: Proof, coverage: Coverage) -> Option<String> {
    let Coverage { shown, capable } = coverage;
    let percent = coverage.percent()?;
    let (shown, of, phrase) = (grouped(shown), grouped(capable), covered(action, proof, capable));
    Some(format!("{shown} of {of} {phrase} ({percent} %)"))
}

/// What the phones of a coverage do, such as "capable phones show it".
pub(crate) fn covered(action: PushAction, proof: Proof, capable: usize) -> String {
    let phones = if capable == 1 { "phone" } else { "phones" };
    let show = match (action, unverifiable(action, proof)) {
        (_, Some(_)) => "accepted it",
        (_, None) if capable == 1 => shows(action),
        (PushAction::Removal, None) => "no longer show it",
        (PushAction::RingTone, None) => "have it",
        (PushAction::Verification, None) => "are proven to show their picture",
        (_, None) => "show it",
    };
    format!("capable {phones} {show}")
}

/// What people call an outcome.
pub(crate) fn outcome_title(action: PushAction, outcome: Outcome) -> &'static str {
    match (outcome, action) {
        (Outcome::Verified, _) => "Verified",
        (
            Outcome::Already,
            PushAction::Picture | PushAction::PictureElsewhere | PushAction::Verification,
        ) => "Already shows it",
        (Outcome::Already, PushAction::Removal) => "Already removed",
        (Outcome::Already, PushAction::RingTone | PushAction::Sound | PushAction::Keys) => {
            "Already has it"
        }
        (Outcome::Accepted, PushAction::Sound | PushAction::Keys) => "Accepted",
        (Outcome::Accepted, _) => "Accepted, not verified",
        (Outcome::Rejected, _) => "Push refused",
        (Outcome::AuthFailed, _) => "Push user refused",
        (Outcome::Unreachable, _) => "Not reachable",
        (Outcome::BadReply, _) => "Unreadable reply",
        (Outcome::WrongDevice, _) => "Other device at this address",
        (Outcome::NeedsWork, _) => "Needs work first",
        (Outcome::Offline, _) => "Not registered",
        (Outcome::Excluded, _) => "Excluded",
        (Outcome::NoBackground, PushAction::RingTone | PushAction::Sound | PushAction::Keys) => {
            "Model not supported"
        }
        (Outcome::NoBackground, _) => "Model without background",
        (Outcome::NotShown, _) => "Shows something else",
        (Outcome::NotVerifiable, _) => "Not verifiable",
        (Outcome::Interrupted, _) => "Interrupted",
        (Outcome::Pending, _) => "Not tried",
    }
}

/// What to do about a phone of which a run has no end; `begun` is whether something may have been sent to it.
pub(crate) fn next_step(action: PushAction, run: i64, begun: bool) -> String {
    match action {
        PushAction::Picture | PushAction::PictureElsewhere | PushAction::Removal => {
            format!("`axlpaper show {run}` names the command that continues the run")
        }
        PushAction::RingTone => {
            "run the same command again; phones that are done already are skipped".to_owned()
        }
        PushAction::Verification => "run the same command again".to_owned(),
        PushAction::Sound | PushAction::Keys if begun => {
            "check the phone before you send it again".to_owned()
        }
        PushAction::Sound | PushAction::Keys => {
            "run the same command for it alone: name it with --device or --devices-from".to_owned()
        }
    }
}

/// What finishes a phone that a run did not finish: `next` is the command that continues the run.
pub(crate) fn continuation(next: Option<&str>, continued_by: Option<RunId>) -> Option<String> {
    match continued_by {
        Some(run) => Some(format!("continued by run {run}: `axlpaper show {run}`")),
        None => next.map(|next| format!("`{next}`")),
    }
}

pub(crate) fn stage(action: PushAction, word: &str) -> &str {
    match (word, action) {
        ("connect", _) => "Connect to the cluster",
        ("phones", _) => "Read phones",
        ("settings", _) => "Read settings",
        ("registrations", _) => "Read registrations",
        ("pages", _) => "Read phone pages",
        ("identities", _) => "Identify phones",
        ("pictures", PushAction::PictureElsewhere) => "Check external pictures",
        ("pictures", _) => "Prepare pictures",
        ("check", _) => "Check the plan",
        ("apply", _) => "Change the cluster",
        ("restart", _) => "Phones apply their configuration",
        ("push", PushAction::Picture | PushAction::PictureElsewhere | PushAction::RingTone) => {
            "Push to phones"
        }
        ("push", PushAction::Removal) => "Remove pictures",
        ("push", PushAction::Sound) => "Play the sound",
        ("push", PushAction::Keys) => "Press keys",
        ("screens" | "push", PushAction::Verification) => "Look at screens",
        ("paused", _) => "Paused",
        ("gate", _) => "Waits for an approval",
        ("question", _) => "Waits for an answer",
        ("start", _) => "Waits for its start",
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
            "The phone refused a step: its line names the step.".to_owned()
        }
        Outcome::Rejected => "The phone refused the push.".to_owned(),
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
        Outcome::Interrupted => {
            "Tried, and the run was killed or cut off before it knew how that ended.".to_owned()
        }
        Outcome::Pending => "Not tried, because the run ended before.".to_owned(),
        Outcome::Already => {
            format!("Not pushed to: an earlier run proved that it {}.", shows(action))
        }
        Outcome::NeedsWork => {
            format!(
                "{}: something must be repaired first; its finding names it.",
                untouched(action)
            )
        }
        Outcome::Offline => format!("{}: the phone is not registered.", untouched(action)),
        Outcome::Excluded => format!("{}: it is excluded; see the reason.", untouched(action)),
        Outcome::NoBackground => format!("{}. {}", untouched(action), unsupported(action)),
        Outcome::NotShown => {
            "The phone does not show what it was proven to show; the next push reaches it again."
                .to_owned()
        }
        Outcome::NotVerifiable => {
            "Nothing could be compared; what was proven before still counts.".to_owned()
        }
    }
}

fn untouched(action: PushAction) -> &'static str {
    if action == PushAction::Verification { "Not looked at" } else { "Not pushed to" }
}

fn accepted_means(action: PushAction, proof: Proof) -> String {
    let but = match (action, proof) {
        (_, _) if unverifiable(action, proof).is_some() => {
            let unknown = unverifiable(action, proof).unwrap_or_default();
            return format!("The phone {}. {unknown}", accepted(action));
        }
        (PushAction::RingTone, _) => "it did not download the ring tone completely",
        (PushAction::Picture, Proof::Screenshot) => {
            "its downloads were not observed, or its screen does not show it"
        }
        (PushAction::PictureElsewhere | PushAction::Removal, Proof::Screenshot) => {
            "its screen does not show it"
        }
        (_, _) => "its downloads were not observed",
    };
    format!("The phone accepted, but {but}.")
}

/// What an unsupported model or firmware does not do.
pub(crate) fn unsupported(action: PushAction) -> &'static str {
    match action {
        PushAction::Picture
        | PushAction::PictureElsewhere
        | PushAction::Removal
        | PushAction::Verification => "This model or firmware shows no pushed background.",
        PushAction::RingTone => {
            "No source confirms that this model or firmware accepts a pushed ring tone."
        }
        PushAction::Sound => {
            "No source confirms that this model or firmware plays a sound on request."
        }
        PushAction::Keys => {
            "No source confirms that this model or firmware accepts remote key presses."
        }
    }
}

/// What an answer means that was lost, where nothing is sent twice.
const NOT_KNOWN: &str =
    ": what was sent may have been carried out; its line says what is not known.";

const VERIFICATION: &str = "Verification of screens";

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
            heading("rollout", action, "NAME", "2 phones"),
            verified(action, proof).to_owned(),
            accepted(action).to_owned(),
            unverifiable(action, proof).unwrap_or_default().to_owned(),
            failed(action, proof).to_owned(),
            failed_sentence(action, proof, 2),
            remedies_title(action, proof).to_owned(),
            no_phone(action).to_owned(),
            unsupported(action).to_owned(),
            next_step(action, 1, true),
            next_step(action, 1, false),
        ];
        said.extend(Outcome::ALL.map(|one| outcome(action, proof, one)));
        said.extend(Outcome::ALL.map(|one| outcome_title(action, one).to_owned()));
        said.extend(
            stages.into_iter().filter(|stage| action.is_picture() || !stage.contains("Prepare")),
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
    fn only_all_phones_are_a_hundred_percent() {
        let told = |shown, capable| {
            coverage(PushAction::Picture, Proof::Fetch, Coverage { shown, capable })
        };
        assert_eq!(
            told(3_532, 3_635).as_deref(),
            Some("3,532 of 3,635 capable phones show it (97 %)")
        );
        assert_eq!(told(999, 1_000).as_deref(), Some("999 of 1,000 capable phones show it (99 %)"));
        assert_eq!(told(1, 1).as_deref(), Some("1 of 1 capable phone shows it (100 %)"));
        assert_eq!(told(0, 0), None);
    }

    #[test]
    fn an_acceptance_is_enough_exactly_where_it_is_no_failure() {
        for action in PushAction::ALL {
            for proof in PROOFS {
                let (object, outcome) = (action.object(), Outcome::Accepted);
                let phone = PhoneResult { object, proof, outcome, ..pushed("SEP1") };
                // These have one proof only, so the other ones cannot be asked for.
                let only = match action {
                    PushAction::RingTone => Proof::Fetch,
                    PushAction::Verification => Proof::Screenshot,
                    PushAction::Picture
                    | PushAction::PictureElsewhere
                    | PushAction::Removal
                    | PushAction::Sound
                    | PushAction::Keys => proof,
                };
                if proof == only {
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
