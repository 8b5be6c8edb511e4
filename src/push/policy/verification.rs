//! Decides from downloads and screenshots whether an accepted push is verified.

use crate::event::Outcome;
use crate::media::Similarity;
use crate::push::policy::outcome::{Next, PhoneOutcome, by_translation, proven};
use crate::push::{DownloadStatus, Evidence, ScreenCheck, Target};

/// The least share of a screen that has to look like the picture: labels and keys cover the rest.
pub const LEAST_LIKE: f64 = 0.4;
/// How much more of the screen has to look like it than before.
pub const LEAST_GAIN: f64 = 0.2;
/// The least share of a screen that has to change when a picture is taken off.
pub const LEAST_CHANGED: f64 = 0.4;
/// A screen that has changed less shows no change but its clock.
const STILL: f64 = 0.02;

/// Tells whether a screen shows what was meant.
pub fn shows(look: &ScreenCheck) -> bool {
    match look {
        ScreenCheck::Picture(Similarity { before, after, telling, .. }) => {
            *telling && *after >= LEAST_LIKE && after - before >= LEAST_GAIN
        }
        ScreenCheck::Current { like } => *like >= LEAST_LIKE,
        ScreenCheck::Removal { changed } => *changed >= LEAST_CHANGED,
        ScreenCheck::Refused(_) | ScreenCheck::None(_) => false,
    }
}

/// Decides what an acceptance is worth, as [`proven`] does for downloads alone.
///
/// Where the downloads can be seen they have to be complete, whatever the screen shows: no phone is verified on
/// less than without a look at its screen.
pub fn judged(
    target: &Target,
    fetched: &DownloadStatus,
    evidence: &Evidence,
    repeated: bool,
) -> Next {
    match evidence {
        Evidence::Downloads => proven(target, fetched, repeated),
        Evidence::Nothing(why) => Next::Done(accepted(why.clone(), None)),
        Evidence::Screen { downloads: true, .. } if !fetched.is_complete() => {
            proven(target, fetched, repeated)
        }
        Evidence::Screen { look, .. } if shows(look) => Next::Done(PhoneOutcome {
            outcome: Outcome::Verified,
            phone_error: None,
            reason: Some(match by_translation(&fetched.downloads) {
                Some(translated) => format!("{}; {translated}", describe(look)),
                None => describe(look),
            }),
            remedy: None,
        }),
        Evidence::Screen { look: look @ ScreenCheck::Current { .. }, .. } => {
            Next::Done(PhoneOutcome {
                outcome: Outcome::NotShown,
                phone_error: None,
                reason: Some(describe(look)),
                remedy: Some(PUSH_AGAIN.to_owned()),
            })
        }
        Evidence::Screen { look, downloads } => {
            let outcome = accepted(describe(look), Some(REMEDY));
            // Phones sometimes ignore the first push. Where downloads were seen, it was not ignored.
            let ignored = !downloads && stands_still(look);
            if ignored && !repeated { Next::Again(outcome) } else { Next::Done(outcome) }
        }
    }
}

fn stands_still(look: &ScreenCheck) -> bool {
    match look {
        // One that showed the picture before has nothing to change.
        ScreenCheck::Picture(Similarity { changed, after, .. }) => {
            *changed < STILL && *after < LEAST_LIKE
        }
        ScreenCheck::Removal { changed } => *changed < STILL,
        ScreenCheck::Current { .. } | ScreenCheck::Refused(_) | ScreenCheck::None(_) => false,
    }
}

fn describe(look: &ScreenCheck) -> String {
    let percent = |share: &f64| format!("{:.0} %", share * 100.0);
    match look {
        ScreenCheck::Picture(seen) => {
            let Similarity { before, after, telling, .. } = seen;
            let (before_told, after_told) = (percent(before), percent(after));
            if !telling {
                "the picture is of one colour, so a screenshot cannot distinguish it from another screen"
                    .to_owned()
            } else if *after < LEAST_LIKE {
                format!("{after_told} of its screen look like the picture, which is not enough")
            } else if after - before < LEAST_GAIN {
                format!(
                    "{after_told} of its screen look like the picture, and {before_told} did so before"
                )
            } else {
                format!(
                    "{after_told} of its screen look like the picture, and {before_told} did before"
                )
            }
        }
        ScreenCheck::Current { like } if *like >= LEAST_LIKE => {
            format!("{} of its screen look like the picture", percent(like))
        }
        ScreenCheck::Current { like } => format!(
            "{} of its screen look like the picture that it was proven to show, which is not enough",
            percent(like)
        ),
        ScreenCheck::Removal { changed } => {
            format!("{} of its screen have changed", percent(changed))
        }
        ScreenCheck::Refused(why) | ScreenCheck::None(why) => {
            format!("the phone answered success, and its screen was not seen: {why}")
        }
    }
}

fn accepted(reason: String, remedy: Option<&str>) -> PhoneOutcome {
    PhoneOutcome {
        outcome: Outcome::Accepted,
        phone_error: None,
        reason: Some(reason),
        remedy: remedy.map(str::to_owned),
    }
}

const PUSH_AGAIN: &str = "push the picture again: the next rollout of it pushes to this phone, because the proof \
 is withdrawn; the report has its screenshot";

const REMEDY: &str = "check the phone, or its screenshots in the report: a menu or a call can cover the picture, \
 and 98xx phones may only have added it to their list";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::push::scheduler::tests::target;

    const WHOLE: DownloadStatus = DownloadStatus::own(true, true);
    const NONE: DownloadStatus = DownloadStatus::own(false, false);

    fn seen(before: f64, after: f64, changed: f64) -> ScreenCheck {
        ScreenCheck::Picture(Similarity { before, after, changed, telling: true })
    }

    fn outcome(
        fetched: DownloadStatus,
        look: ScreenCheck,
        downloads: bool,
        repeated: bool,
    ) -> Option<Outcome> {
        match judged(&target(1), &fetched, &Evidence::Screen { look, downloads }, repeated) {
            Next::Done(outcome) => Some(outcome.outcome),
            Next::Again(_) => None,
            Next::Verify => panic!("it has been looked at"),
        }
    }

    #[test]
    fn a_screen_that_came_to_show_the_picture_is_verified() {
        assert_eq!(outcome(NONE, seen(0.1, 0.7, 0.6), false, false), Some(Outcome::Verified));
        assert_eq!(outcome(WHOLE, seen(0.1, 0.7, 0.6), true, false), Some(Outcome::Verified));
        let plain = Similarity { before: 0.0, after: 1.0, changed: 1.0, telling: false };
        for accepted in [
            seen(0.1, 0.39, 0.4),
            seen(0.6, 0.7, 0.2),
            seen(0.9, 0.9, 0.0),
            ScreenCheck::Picture(plain),
            ScreenCheck::None("port 80 is closed".to_owned()),
        ] {
            assert_eq!(outcome(NONE, accepted, false, true), Some(Outcome::Accepted));
        }
    }

    #[test]
    fn a_look_without_a_push_says_whether_the_picture_is_there() {
        let now = |like| outcome(NONE, ScreenCheck::Current { like }, false, false);
        assert_eq!(now(LEAST_LIKE), Some(Outcome::Verified));
        assert_eq!(now(LEAST_LIKE - 0.01), Some(Outcome::NotShown));
    }

    #[test]
    fn downloads_that_can_be_seen_are_needed_too() {
        let shown = seen(0.0, 1.0, 1.0);
        assert_eq!(outcome(NONE, shown.clone(), true, false), None);
        assert_eq!(outcome(NONE, shown.clone(), true, true), Some(Outcome::Accepted));
        let half = DownloadStatus::own(true, false);
        assert_eq!(outcome(half, shown, true, true), Some(Outcome::Accepted));
    }

    #[test]
    fn a_push_that_changed_nothing_is_made_again_once() {
        assert_eq!(outcome(NONE, seen(0.1, 0.1, 0.0), false, false), None);
        assert_eq!(outcome(NONE, seen(0.1, 0.1, 0.0), false, true), Some(Outcome::Accepted));
        assert_eq!(outcome(NONE, seen(0.9, 0.9, 0.0), false, false), Some(Outcome::Accepted));
        assert_eq!(outcome(NONE, ScreenCheck::Removal { changed: 0.0 }, false, false), None);
        let gone = ScreenCheck::Removal { changed: 0.9 };
        assert_eq!(outcome(NONE, gone, false, false), Some(Outcome::Verified));
    }

    #[test]
    fn without_a_look_nothing_is_proven() {
        let nothing = Evidence::Nothing("nobody looked".to_owned());
        for fetched in [NONE, WHOLE] {
            let Next::Done(outcome) = judged(&target(1), &fetched, &nothing, false) else {
                panic!("it is not done with")
            };
            assert_eq!(outcome.outcome, Outcome::Accepted);
            assert_eq!(outcome.reason.as_deref(), Some("nobody looked"));
        }
    }

    proptest! {
        /// Whatever was seen: no evidence ever verifies what the downloads alone would not, where these are seen.
        #[test]
        fn a_screen_is_never_less_than_the_downloads(
            image: bool,
            thumbnail: bool,
            before in 0.0..=1.0_f64,
            after in 0.0..=1.0_f64,
            changed in 0.0..=1.0_f64,
            telling: bool,
            repeated: bool,
        ) {
            let look = ScreenCheck::Picture(Similarity { before, after, changed, telling });
            let verified = outcome(DownloadStatus::own(image, thumbnail), look, true, repeated) == Some(Outcome::Verified);
            prop_assert!(!verified || (image && thumbnail && telling && after >= LEAST_LIKE));
        }
    }
}
