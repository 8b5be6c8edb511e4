//! Refuses a run that would make phones restart outside of their maintenance window.

use crate::domain::inventory::{Inventory, Phone};
use crate::domain::plan::{Action, ConfigLevel, Plan};
use crate::domain::text::{pluralize, quoted};
use crate::error::{AppError, ErrorKind};
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::window::WindowState;

/// Makes sure that phones are not made to restart outside of their window.
///
/// Associations disturb no phone, so they are added at any time. Settings are applied at once, and some phones
/// restart for that.
///
/// # Errors
/// When the plan changes settings and the window of a selected phone is closed. Nothing has been changed then.
pub fn check(schedule: &Schedule, plan: &Plan, inventory: &Inventory) -> Result<(), AppError> {
    if plan.changes.iter().all(|change| matches!(change.action, Action::AssociateDevices { .. })) {
        return Ok(());
    }
    if schedule.has_hours() {
        within_selection(plan, inventory)?;
    }
    let begins = schedule.start().unwrap_or_else(|| schedule.now());
    let closed = |pool: &str| matches!(schedule.gate(pool, begins), WindowState::Closed { .. });
    let phones = inventory.phones.iter().filter(|phone| closed(&phone.device_pool));
    let (count, first) = (phones.clone().count(), phones.map(|phone| &phone.name).next());
    let Some(first) = first else { return Ok(()) };
    let told = format!(
        "the window of {} is closed, {first} among them, and this run changes settings, for which phones may restart",
        pluralize(count, "phone")
    );
    Err(AppError::new(ErrorKind::Refused, told).hint(
        "nothing was changed; run it while the windows of all selected phones are open, or change the settings \
         apart, with `axlpaper plan` and `axlpaper apply`",
    ))
}

/// Makes sure that no profile is changed of which only some phones are selected: all of them apply its settings,
/// and the window of the others is unknown here.
fn within_selection(plan: &Plan, inventory: &Inventory) -> Result<(), AppError> {
    for change in &plan.changes {
        let Some((ConfigLevel::Profile, profile)) = change.action.told() else { continue };
        let of_profile = |phone: &&Phone| phone.common_phone_profile.as_deref() == Some(profile);
        let selected = inventory.phones.iter().filter(of_profile).count();
        if change.affects > selected {
            let told = format!(
                "this run makes all {} of the profile {} apply its settings, only {selected} of them are \
                 selected, and the windows of the others are not known here",
                pluralize(change.affects, "phone"),
                quoted(profile)
            );
            return Err(AppError::new(ErrorKind::Refused, told).hint(
                "nothing was changed; repair with `--scope phone`, or change the settings apart, with `axlpaper \
                 plan` and `axlpaper apply`",
            ));
        }
    }
    Ok(())
}
