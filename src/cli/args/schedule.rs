//! When phones may be pushed to, from the options and the config file.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::{ConnectionArgs, PushArgs};
use crate::cli::settings;
use crate::config::FileConfig;
use crate::domain::time_zone::Zones;
use crate::error::{AppError, ErrorKind};
use crate::push::scheduler::schedule::{DailyHours, Schedule};
use crate::push::scheduler::window::EndTime;

/// Returns when phones may be pushed to.
pub fn schedule(connection: &ConnectionArgs, push: &PushArgs) -> Result<Schedule, AppError> {
    let of_clocks = matches!(push.until, Some(EndTime::Clock(_)));
    if push.window.is_none() && push.until.is_none() {
        return Ok(Schedule::default());
    }
    let file = settings::file(connection)?.unwrap_or_default();
    let zones = zones(&file, push.window.is_some() || of_clocks)?;
    let until = push.until.map(|until| end(until, zones.otherwise())).transpose()?;
    let hours = push.window.map(|window| DailyHours { window, zones });
    Ok(Schedule::new(hours, until))
}

/// Returns the zones of device pools; this machine's has to be known only where it is `needed`.
fn zones(file: &FileConfig, needed: bool) -> Result<Zones, AppError> {
    if file.has_default_zone() || !needed {
        return Ok(file.zones(TimeZone::UTC));
    }
    let local = TimeZone::try_system().map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context("this machine's time zone is not known")
            .hint("write `default_time_zone = \"Europe/Paris\"` into the config file, or set TZ")
    })?;
    Ok(file.zones(local))
}

fn end(until: EndTime, zone: &TimeZone) -> Result<Timestamp, AppError> {
    until.moment(Timestamp::now(), zone).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "--until names a time that has passed")
            .hint("nothing was changed; name a later one")
    })
}
