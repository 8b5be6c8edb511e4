//! `axlpaper audit`

use crate::audit::audit;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::{
    AllClustersArgs, ConnectionArgs, OutputArgs, RepairArgs, ResetArgs, TargetArgs,
};
use crate::cli::commands::rollout_common::list_phones;
use crate::cli::settings;
use crate::domain::audit::Audit;
use crate::domain::finding::Verdict;
use crate::domain::repair_policy::Repairs;
use crate::error::{AppError, Exit};
use crate::report::audit_recap;

/// Say for every phone whether it can take a push, and if not why
///
/// Reads only. The recap goes to standard error, the phones to standard output.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    all: AllClustersArgs,
    #[command(flatten)]
    phones: PhoneArgs,
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

pub async fn run(mut args: Args) -> Result<Exit, AppError> {
    args.connection = args.connection.or_all(args.all).with_phones(args.phones.clone());
    let repairs = args.repair.repairs(ResetArgs::default())?;
    let pictures = settings::pictures(&args.connection)?;
    list_phones(
        (&args.connection, &args.target, &args.output),
        |cluster| Repairs { https: cluster.may_use_https(), ..repairs.clone() },
        |inventory, repairs| audit(&inventory, repairs).with_pictures(&pictures),
        |audit| format!("\n{}", audit_recap(audit)),
        |audit| args.exit_of(audit),
    )
    .await
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
