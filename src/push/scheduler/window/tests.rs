use jiff::SignedDuration;
use proptest::prelude::*;

use crate::push::scheduler::window::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn daily(text: &str) -> DailyWindow {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(until: &str) -> WindowState {
    WindowState::Open { closes: Some(at(until)) }
}

fn closed(until: &str) -> WindowState {
    WindowState::Closed { opens: at(until) }
}

#[test]
fn windows_are_two_times_of_day() {
    assert_eq!(daily("22:00-05:00").to_string(), "22:00-05:00");
    assert_eq!(daily(" 9:30 - 17:05 ").to_string(), "09:30-17:05");
    assert_eq!(daily("20:00-24:00").to_string(), "20:00-24:00");
    assert_eq!(daily("00:00-24:00").to_string(), "00:00-24:00");
    for wrong in [
        "",
        "22:00",
        "22-05",
        "22:00-25:00",
        "24:00-05:00",
        "22:0-05:00",
        "22:00-22:00",
        "+2:00-5:00",
        "22:00-05:00-06:00",
    ] {
        assert!(wrong.parse::<DailyWindow>().is_err(), "{wrong}");
    }
}

#[test]
fn a_window_over_midnight_belongs_to_two_days() {
    let (night, paris) = (daily("22:00-05:00"), zone("Europe/Paris"));
    assert_eq!(night.gate(at("2026-06-10T19:59:59Z"), &paris), closed("2026-06-10T20:00:00Z"));
    assert_eq!(night.gate(at("2026-06-10T20:00:00Z"), &paris), open("2026-06-11T03:00:00Z"));
    assert_eq!(night.gate(at("2026-06-11T02:59:59Z"), &paris), open("2026-06-11T03:00:00Z"));
    assert_eq!(night.gate(at("2026-06-11T03:00:00Z"), &paris), closed("2026-06-11T20:00:00Z"));
    // At the same moment it is still yesterday elsewhere.
    let chicago = zone("America/Chicago");
    assert_eq!(night.gate(at("2026-06-11T02:59:59Z"), &chicago), closed("2026-06-11T03:00:00Z"));
}

#[test]
fn a_whole_day_is_always_open() {
    let (day, paris) = (daily("00:00-24:00"), zone("Europe/Paris"));
    for moment in ["2026-06-10T21:59:59Z", "2026-06-10T22:00:00Z", "2026-03-29T01:00:00Z"] {
        assert!(matches!(day.gate(at(moment), &paris), WindowState::Open { .. }), "{moment}");
    }
}

#[test]
fn a_window_by_day_is_over_in_the_evening() {
    let (day, utc) = (daily("12:00-13:00"), TimeZone::UTC);
    assert_eq!(day.gate(at("2026-06-10T12:30:00Z"), &utc), open("2026-06-10T13:00:00Z"));
    assert_eq!(day.gate(at("2026-06-10T13:00:00Z"), &utc), closed("2026-06-11T12:00:00Z"));
    let late = daily("20:00-24:00");
    assert_eq!(late.gate(at("2026-06-10T23:59:59Z"), &utc), open("2026-06-11T00:00:00Z"));
}

/// In Berlin on 2026-03-29 clocks jump from 02:00 to 03:00, which is at 01:00 UTC.
#[test]
fn hours_that_are_left_out_count_as_the_moment_of_the_jump() {
    let berlin = zone("Europe/Berlin");
    let opens_in_it = daily("02:30-05:00");
    assert_eq!(
        opens_in_it.gate(at("2026-03-29T00:59:59Z"), &berlin),
        closed("2026-03-29T01:00:00Z")
    );
    assert_eq!(opens_in_it.gate(at("2026-03-29T01:00:00Z"), &berlin), open("2026-03-29T03:00:00Z"));
    let closes_in_it = daily("22:00-02:30");
    assert_eq!(
        closes_in_it.gate(at("2026-03-29T00:59:59Z"), &berlin),
        open("2026-03-29T01:00:00Z")
    );
    let from_the_jump = daily("22:00-02:00");
    assert_eq!(
        from_the_jump.gate(at("2026-03-29T00:30:00Z"), &berlin),
        open("2026-03-29T01:00:00Z")
    );
    // All of it is left out, so there is none on that day.
    let within = daily("02:15-02:45");
    assert_eq!(within.gate(at("2026-03-29T00:00:00Z"), &berlin), closed("2026-03-30T00:15:00Z"));
}

/// In Berlin on 2026-10-25 clocks show 02:00 to 03:00 twice, from 00:00 to 02:00 UTC.
#[test]
fn of_hours_that_come_twice_the_first_ones_count() {
    let berlin = zone("Europe/Berlin");
    let closes_in_it = daily("22:00-02:30");
    assert_eq!(
        closes_in_it.gate(at("2026-10-25T00:00:00Z"), &berlin),
        open("2026-10-25T00:30:00Z")
    );
    assert_eq!(
        closes_in_it.gate(at("2026-10-25T01:10:00Z"), &berlin),
        closed("2026-10-25T21:00:00Z")
    );
    let opens_in_it = daily("02:30-05:00");
    assert_eq!(opens_in_it.gate(at("2026-10-25T01:10:00Z"), &berlin), open("2026-10-25T04:00:00Z"));
}

/// Samoa went over the date line: it had no 30 December 2011 at all.
#[test]
fn a_day_that_is_left_out_has_no_window() {
    let apia = zone("Pacific/Apia");
    // 29 December 23:00 local time is 09:00 UTC on the 30th; an hour later it is the 31st.
    let gate = daily("08:00-12:00").gate(at("2011-12-30T09:00:00Z"), &apia);
    assert_eq!(gate, closed("2011-12-30T18:00:00Z"));
}

#[test]
fn an_end_is_a_time_of_day_or_a_moment() {
    let (now, paris) = (at("2026-06-10T20:00:00Z"), zone("Europe/Paris"));
    let until = |text: &str| text.parse::<TypedTime>().unwrap().moment(now, &paris);
    assert_eq!(until("05:00"), Some(at("2026-06-11T03:00:00Z")));
    assert_eq!(until("22:01"), Some(at("2026-06-10T20:01:00Z")));
    assert_eq!(until("22:00"), Some(at("2026-06-11T20:00:00Z")));
    assert_eq!(until("2026-06-11T05:00:00+02:00"), Some(at("2026-06-11T03:00:00Z")));
    assert_eq!(until("2026-06-10T19:59:59Z"), None);
    assert_eq!(until("2026-06-11T05:00"), Some(at("2026-06-11T03:00:00Z")));
    assert_eq!(until("2026-06-11 05:00:30"), Some(at("2026-06-11T03:00:30Z")));
    assert_eq!(until("2026-06-10T21:59"), None);
    // Clocks skip this time, and show it again four months later.
    assert_eq!(until("2027-03-28T02:30"), Some(at("2027-03-28T01:00:00Z")));
    assert_eq!(until("2026-10-25T02:30"), Some(at("2026-10-25T00:30:00Z")));
    for wrong in ["", "soon", "25:00", "2026-06-11", "5", "tomorrow 05:00"] {
        assert!(wrong.parse::<TypedTime>().is_err(), "{wrong}");
    }
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Tokyo",
];

fn any_daily() -> impl Strategy<Value = DailyWindow> {
    let time = || (0_i8..24, 0_i8..60).prop_map(|(h, m)| Time::new(h, m, 0, 0).unwrap());
    (time(), time())
        .prop_filter("it must have a length", |(opens, closes)| opens != closes)
        .prop_map(|(opens, closes)| DailyWindow { opens, closes })
}

fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    moment.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

proptest! {
    /// Whatever the zone and the day: a gate changes at the moment that it names, and not a second before.
    #[test]
    fn a_gate_keeps_its_word(
        window in any_daily(),
        zone_at in 0..ZONES.len(),
        second in 1_262_304_000_i64..2_524_608_000,
    ) {
        let (zone, now) = (zone(ZONES[zone_at]), Timestamp::from_second(second).unwrap());
        match window.gate(now, &zone) {
            WindowState::Open { closes } => {
                let closes = closes.unwrap();
                prop_assert!(closes > now);
                prop_assert_eq!(window.gate(after(closes, -1), &zone), WindowState::Open { closes: Some(closes) });
                // Over a jump the next window can follow at once; the same one never goes on.
                prop_assert_ne!(window.gate(closes, &zone), WindowState::Open { closes: Some(closes) });
            }
            WindowState::Closed { opens } => {
                prop_assert!(opens > now);
                prop_assert_eq!(window.gate(after(opens, -1), &zone), WindowState::Closed { opens });
                let is_open = matches!(window.gate(opens, &zone), WindowState::Open { .. });
                prop_assert!(is_open);
                // A day can be left out, by the date line or by a window that lies in a jump.
                prop_assert!(opens <= after(now, 3 * 86_400));
            }
        }
    }

    /// Where clocks are not set for two days, a window follows the clock.
    #[test]
    fn on_ordinary_days_the_clock_decides(
        window in any_daily(),
        zone_at in 0..ZONES.len(),
        second in 1_262_304_000_i64..2_524_608_000,
    ) {
        let (zone, now) = (zone(ZONES[zone_at]), Timestamp::from_second(second).unwrap());
        let is_near = |jump: Timestamp| now.duration_since(jump).abs() < SignedDuration::from_hours(48);
        let jumps = zone.preceding(now).next().is_some_and(|jump| is_near(jump.timestamp()))
            || zone.following(now).next().is_some_and(|jump| is_near(jump.timestamp()));
        prop_assume!(!jumps);
        let shown = now.to_zoned(zone.clone()).time();
        let DailyWindow { opens, closes } = window;
        let within = if opens < closes {
            opens <= shown && shown < closes
        } else {
            opens <= shown || shown < closes
        };
        let is_open = matches!(window.gate(now, &zone), WindowState::Open { .. });
        prop_assert_eq!(is_open, within);
    }

    /// What is typed comes back, and other text never panics.
    #[test]
    fn windows_read_back(window in any_daily(), text in "\\PC{0,16}") {
        prop_assert_eq!(window.to_string().parse::<DailyWindow>().unwrap(), window);
        let _read = (text.parse::<DailyWindow>().is_ok(), text.parse::<TypedTime>().is_ok());
    }
}
