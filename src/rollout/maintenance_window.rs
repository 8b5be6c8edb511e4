//! When phones may be pushed to, as typed and as the config file says.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::{ConnectionArgs, PushArgs};
use crate::config::FileConfig;
use crate::connect::cluster;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::plan::{Place, Plan};
use crate::domain::text::counted;
use crate::domain::time_zone::Zones;
use crate::error::{AppError, ErrorKind};
use crate::push::scheduler::schedule::{Hours, Schedule};
use crate::push::scheduler::window::{Gate, Until};

/// Returns when phones may be pushed to.
///
/// # Errors
/// When the config file cannot be used, the time has passed, or nobody knows which time zone is meant.
pub fn schedule(connection: &ConnectionArgs, push: &PushArgs) -> Result<Schedule, AppError> {
    let of_clocks = matches!(push.until, Some(Until::Clock(_)));
    if push.window.is_none() && push.until.is_none() {
        return Ok(Schedule::default());
    }
    let file = cluster::file(connection)?.unwrap_or_default();
    let zones = zones(&file, push.window.is_some() || of_clocks)?;
    let until = push.until.map(|until| end(until, zones.otherwise())).transpose()?;
    let hours = push.window.map(|window| Hours { window, zones });
    Ok(Schedule::new(hours, until))
}

/// Returns the zones of device pools; this machine's has to be known only where it is `needed`.
fn zones(file: &FileConfig, needed: bool) -> Result<Zones, AppError> {
    if file.has_default_zone() || !needed {
        return Ok(file.zones(TimeZone::UTC));
    }
    let local = TimeZone::try_system().map_err(|error| {
        AppError::new(ErrorKind::Usage, format!("this machine's time zone is not known: {error}"))
            .hint("write `default_time_zone = \"Europe/Paris\"` into the config file, or set TZ")
    })?;
    Ok(file.zones(local))
}

fn end(until: Until, zone: &TimeZone) -> Result<Timestamp, AppError> {
    until.moment(Timestamp::now(), zone).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "--until names a time that has passed")
            .hint("nothing was changed; name a later one")
    })
}

/// Makes sure that phones are not made to restart outside of their window.
///
/// Associations disturb nobody, so they are added at any time. Settings are taken over at once, and some phones
/// restart for that.
///
/// # Errors
/// When the plan changes settings and the window of a selected phone is closed. Nothing has been changed then.
pub fn check(schedule: &Schedule, plan: &Plan, inventory: &Inventory) -> Result<(), AppError> {
    if plan.changes.iter().all(|change| change.action.kind() == "associate_devices") {
        return Ok(());
    }
    if schedule.has_hours() {
        within_selection(plan, inventory)?;
    }
    let now = schedule.now();
    let closed = |pool: &str| matches!(schedule.gate(pool, now), Gate::Closed { .. });
    let phones = inventory.phones.iter().filter(|phone| closed(&phone.device_pool));
    let (count, first) = (phones.clone().count(), phones.map(|phone| &phone.name).next());
    let Some(first) = first else { return Ok(()) };
    let told = format!(
        "the window of {} is closed, {first} among them, and this run changes settings, for which phones may restart",
        counted(count, "phone")
    );
    Err(AppError::new(ErrorKind::Refused, told).hint(
        "nothing was changed; run it while the windows of all selected phones are open, or change the settings \
         apart, with `axlpaper plan` and `axlpaper apply`",
    ))
}

/// Makes sure that no profile is changed of which only some phones are selected: all of them take its settings over,
/// and of the others nobody here knows the window.
fn within_selection(plan: &Plan, inventory: &Inventory) -> Result<(), AppError> {
    for change in &plan.changes {
        let Some((Place::Profile, profile)) = change.action.told() else { continue };
        let of_profile = |phone: &&Phone| phone.common_phone_profile.as_deref() == Some(profile);
        let selected = inventory.phones.iter().filter(of_profile).count();
        if change.affects > selected {
            let told = format!(
                "this run lets all {} of the profile {profile:?} take its settings over, only {selected} of them are \
                 selected, and the windows of the others are not known here",
                counted(change.affects, "phone"),
            );
            return Err(AppError::new(ErrorKind::Refused, told).hint(
                "nothing was changed; repair with `--scope phone`, or change the settings apart, with `axlpaper \
                 plan` and `axlpaper apply`",
            ));
        }
    }
    Ok(())
}
