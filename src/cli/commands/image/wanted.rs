//! For which models pictures are made.

use crate::cli::settings;
use std::collections::HashSet;

use crate::cli::args::{ConnectionArgs, TargetArgs};
use crate::cli::args::{device_list, name_list};
use crate::cli::commands::rollout_common::survey;
use crate::cli::ui::Progress;
use crate::domain::inventory::Phone;
use crate::domain::model::{self, Model};
use crate::domain::picture_rules::PictureRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Pattern;
use crate::error::{AppError, ErrorKind};

/// Chooses models that show pictures, in the order of the catalogue, with the phones of them where a cluster was asked.
///
/// A cluster is asked when one is named, or when phones are chosen by anything but their model; only models that
/// it has are taken then. Otherwise the catalogue alone is asked.
pub async fn models(
    connection: &ConnectionArgs,
    target: &TargetArgs,
) -> Result<(Vec<&'static Model>, Vec<Phone>), AppError> {
    let (models, phones) = if asks_cluster(connection, target) {
        of_cluster(connection, target).await?
    } else {
        (of_catalogue(&target.model, &target.exclude_model)?, Vec::new())
    };
    if models.is_empty() {
        return Err(AppError::new(
            ErrorKind::Usage,
            "none of the phones shows a background picture",
        )
        .hint("`axlpaper models` lists those that do"));
    }
    Ok((models, phones))
}

fn asks_cluster(connection: &ConnectionArgs, target: &TargetArgs) -> bool {
    let patterns = [
        &target.device_pool,
        &target.profile,
        &target.location,
        &target.dn,
        &target.description,
        &target.owner,
        &target.device,
        &target.exclude_device,
        &target.exclude_device_pool,
    ];
    !connection.cluster.is_empty()
        || connection.host.is_some()
        || patterns.iter().any(|patterns| !patterns.is_empty())
        || !target.subnet.is_empty()
        || !target.devices_from.is_empty()
        || target.limit.is_some()
        || target.sample.is_some()
}

async fn of_cluster(
    connection: &ConnectionArgs,
    target: &TargetArgs,
) -> Result<(Vec<&'static Model>, Vec<Phone>), AppError> {
    name_list::check_stdin(connection, target)?;
    let connection = settings::connection(connection, None)?;
    let progress = Progress::shared();
    let (repairs, pictures) = (Repairs::default(), PictureRules::default());
    let inventory = survey(&connection, target, &repairs, &pictures, &progress).await?;
    let names: HashSet<&str> = inventory
        .phones
        .iter()
        .filter_map(|phone| model::by_name(&phone.model))
        .map(|model| model.name)
        .collect();
    let models = with_pictures().filter(|model| names.contains(model.name)).collect();
    Ok((models, inventory.phones))
}

fn of_catalogue(include: &[Pattern], exclude: &[Pattern]) -> Result<Vec<&'static Model>, AppError> {
    for pattern in include.iter().chain(exclude) {
        if pattern.clone().of_known_model().is_err() {
            return Err(device_list::unknown_model(pattern.as_str()));
        }
    }
    let any =
        |patterns: &[Pattern], model: &Model| patterns.iter().any(|p| p.matches_model(model.name));
    Ok(with_pictures()
        .filter(|model| include.is_empty() || any(include, model))
        .filter(|model| !any(exclude, model))
        .collect())
}

fn with_pictures() -> impl Iterator<Item = &'static Model> {
    model::catalogue().iter().filter(|model| model.image.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
    }

    #[test]
    fn the_catalogue_alone_answers_for_models() {
        let names = |include: &[&str], exclude: &[&str]| {
            of_catalogue(&patterns(include), &patterns(exclude))
                .map(|models| models.iter().map(|model| model.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["8841", "cisco 7965"], &[]).unwrap(), ["Cisco 7965", "Cisco 8841"]);
        let nines = names(&["98*"], &["*NR"]).unwrap();
        assert_eq!(nines, ["Cisco 9851", "Cisco 9861", "Cisco 9871"]);
        assert_eq!(names(&[], &[]).unwrap().len(), with_pictures().count());
        // A model without pictures is no mistake, an unknown one is.
        assert!(names(&["7821"], &[]).unwrap().is_empty());
        for (include, exclude) in [(&["8842"], &["8841"]), (&["8841"], &["8842"])] {
            assert_eq!(names(include, exclude).unwrap_err().kind(), ErrorKind::Usage);
        }
    }
}
