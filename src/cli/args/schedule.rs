//! When phones may be pushed to, from the options and the config file.

use jiff::Timestamp;

use crate::cli::args::ConnectionArgs;
use crate::cli::args::push::PushArgs;
use crate::cli::settings;
use crate::domain::time_zone::Zones;
use crate::error::{AppError, ErrorKind};
use crate::push::scheduler::schedule::{DailyHours, Schedule};
use crate::push::scheduler::window::{DailyWindow, TypedTime};

/// Returns when phones may be pushed to.
pub fn schedule(connection: &ConnectionArgs, push: &PushArgs) -> Result<Schedule, AppError> {
    hours(connection, push.phone.window, push.start, push.until)
}

/// Returns when phones may be pushed to, by the window and by the times of the start and the end.
pub fn hours(
    connection: &ConnectionArgs,
    window: Option<DailyWindow>,
    start: Option<TypedTime>,
    until: Option<TypedTime>,
) -> Result<Schedule, AppError> {
    if window.is_none() && until.is_none() && start.is_none() {
        return Ok(Schedule::default());
    }
    let needs_zone = [start, until].into_iter().flatten().any(|time| time.needs_zone());
    let file = settings::file(connection)?.unwrap_or_default();
    let zones = settings::zones(&file, window.is_some() || needs_zone)?;
    let now = Timestamp::now();
    let start = start.map(|time| moment("--start", time, now, &zones)).transpose()?;
    // A run that starts tomorrow evening ends on the morning after.
    let until = until.map(|time| moment("--until", time, start.unwrap_or(now), &zones));
    let hours = window.map(|window| DailyHours { window, zones: zones.clone() });
    Ok(Schedule::new(hours, until.transpose()?).starting(start))
}

/// Returns the moment that an option names, which must be later than another one.
fn moment(
    option: &str,
    time: TypedTime,
    after: Timestamp,
    zones: &Zones,
) -> Result<Timestamp, AppError> {
    time.moment(after, zones.otherwise()).ok_or_else(|| {
        let why = match option {
            _ if time.is_beyond_calendar(zones.otherwise()) => "is out of reach",
            "--start" => "has passed",
            _ => "has passed, or comes before the start",
        };
        AppError::new(ErrorKind::Usage, format!("{option} names a time that {why}"))
            .hint("nothing was changed; name another one")
    })
}
