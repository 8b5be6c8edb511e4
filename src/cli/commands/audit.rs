//! `axlpaper audit`

use crate::cli::settings;
use jiff::Timestamp;

use crate::audit::audit;
use crate::cli::args::name_list;
use crate::cli::args::{ConnectionArgs, OutputArgs, RepairArgs, ResetArgs, TargetArgs};
use crate::cli::commands::rollout_common::{observers, survey};
use crate::cli::present::clusters;
use crate::cli::present::clusters::Chosen;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster::ClusterSettings;
use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::finding::Verdict;
use crate::domain::picture_rules::PictureRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::{LimitCounts, Selector};
use crate::error::{AppError, Exit};
use crate::report::{OfCluster, audit_json, audit_recap};
use crate::rollout::assess::survey_of;
use crate::rollout::multi_cluster::for_each;

/// Say for every phone whether it can take a push, and if not why
///
/// Reads only. The recap goes to standard error, the phones to standard output.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    repair: RepairArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 6 when a phone is fixable, blocked or offline
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Runs the command.
///
/// # Errors
/// When the cluster cannot be read or the answer cannot be written.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    name_list::check_stdin(&args.connection, &args.target)?;
    let repairs = args.repair.repairs(ResetArgs::default())?;
    let pictures = settings::pictures(&args.connection)?;
    match clusters::chosen(&args.connection, None)? {
        Chosen::One(connection) => one(&connection, &args, &repairs, &pictures).await,
        Chosen::Several(connections) => several(connections, &args, &repairs, &pictures).await,
    }
}

async fn one(
    connection: &ClusterSettings,
    args: &Args,
    repairs: &Repairs,
    pictures: &PictureRules,
) -> Result<Exit, AppError> {
    list::check_list::<AuditedPhone>(&args.output)?;
    let repairs = &Repairs { https: connection.may_use_https(), ..repairs.clone() };
    let (counts, progress) = (LimitCounts::AllPhones, Progress::shared());
    let inventory = survey(connection, &args.target, counts, repairs, &progress).await?;
    let mut audit = audit(&inventory, repairs).with_pictures(pictures);
    list::sort(&args.output.list, &mut audit.phones)?;
    let text = list::list(&args.output, &audit.phones, || audit_json(&audit, Timestamp::now()))?;
    list::write(&args.output, &text)?;
    ui::say(&format!("\n{}", audit_recap(&audit)));
    Ok(args.exit_of(&audit))
}

async fn several(
    connections: Vec<ClusterSettings>,
    args: &Args,
    repairs: &Repairs,
    pictures: &PictureRules,
) -> Result<Exit, AppError> {
    list::check_list::<OfCluster<'_, AuditedPhone>>(&args.output)?;
    let selector =
        Selector { limit_counts: LimitCounts::AllPhones, ..name_list::selector(&args.target)? };
    let interaction = Terminal::shared(false);
    let mut ended = for_each(
        connections,
        true,
        &interaction,
        &*observers(true),
        async |connection, observer| {
            let repairs = Repairs { https: connection.may_use_https(), ..repairs.clone() };
            let inventory =
                survey_of(&connection, interaction.as_ref(), &selector, &repairs, &observer)
                    .await?;
            Ok(audit(&inventory, &repairs).with_pictures(pictures))
        },
    )
    .await;
    clusters::sort(&args.output, &mut ended, |audit| &mut audit.phones)?;
    clusters::write(
        &args.output,
        &ended,
        |audit| &audit.phones,
        |audit| audit_json(audit, Timestamp::now()),
    )?;
    for audit in ended.iter().filter_map(|one| one.result.as_ref().ok()) {
        ui::say(&format!("\n{}", audit_recap(audit)));
    }
    ui::say(&clusters::recap(&ended));
    Ok(clusters::worst(&ended, |audit| args.exit_of(audit)))
}

impl Args {
    fn exit_of(&self, audit: &Audit) -> Exit {
        // Nothing can be done for a phone that takes no picture.
        let is_work =
            |verdict| matches!(verdict, Verdict::Fixable | Verdict::Blocked | Verdict::Offline);
        let mut meant = audit.phones.iter().filter(|phone| phone.excluded().is_none());
        let work = meant.any(|phone| is_work(phone.verdict));
        if self.detailed_exitcode && work { Exit::WorkToDo } else { Exit::Done }
    }
}
