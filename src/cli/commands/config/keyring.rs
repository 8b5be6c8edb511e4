//! `axlpaper config keyring`

use crate::cli::settings;
use crate::domain::text::quoted;
use std::path::PathBuf;

use crate::cli::args::ConnectionArgs;
use crate::cli::ui::{self, Terminal};
use crate::config::{FileConfig, KeyringEntry, Layer, PasswordSource, account};
use crate::connect::{keyring, password};
use crate::error::{AppError, ErrorKind, Exit};
use crate::report::printable_lines;

/// Keep a user's password in the keyring of this machine, or remove it from there
///
/// The password is asked for twice; without a terminal it is the first line of standard input. The entry is called
/// USER@HOST, of the service axlpaper. It counts where the config file says password_keyring = true,
/// push_password_keyring = true, or mail_password_keyring = true.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Config file [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
    /// The cluster of the config file whose user it is
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The password of the push user, not of the AXL user
    #[arg(long)]
    push: bool,
    /// The password of the user that sends notifications by mail: `mail_user` in the config file
    #[arg(long, conflicts_with_all = ["cluster", "push"])]
    mail: bool,
    /// Remove the entry
    #[arg(long)]
    delete: bool,
}

/// Whose entry is meant.
struct Owner {
    entry: KeyringEntry,
    account: String,
    /// The user, in words.
    whose: String,
    /// Says what is missing for the entry to count.
    advice: Option<String>,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let delete = args.delete;
    let Owner { entry, account, whose, advice } = owner(args)?;
    let terminal = Terminal::shared(false);
    let interaction = terminal.as_ref();
    if delete {
        keyring::delete(&entry, &whose, interaction).await?;
        ui::say(&printable_lines(&format!("Removed the entry {account} from the keyring.")));
        return Ok(Exit::Done);
    }
    keyring::reach(&entry, &whose).await?;
    let password = password::new(&account, interaction).await?;
    keyring::store(&entry, &whose, &password, interaction).await?;
    ui::say(&printable_lines(&format!("Stored the entry {account} in the keyring.")));
    if let Some(advice) = advice {
        ui::say(&printable_lines(&advice));
    }
    Ok(Exit::Done)
}

fn owner(args: Args) -> Result<Owner, AppError> {
    let Args { config, cluster, push, mail, delete: _ } = args;
    let named = ConnectionArgs {
        config,
        cluster: cluster.into_iter().collect(),
        ..ConnectionArgs::default()
    };
    if mail {
        return mail_owner(&named);
    }
    let (cluster, settings) = settings::settings(&named, None)?;
    let Some(cluster) = cluster else {
        return Err(AppError::new(ErrorKind::Usage, "no cluster of the config file is meant")
            .hint("name one with --cluster; `axlpaper init` writes a config file"));
    };
    let account = account_of(&settings, push)?;
    let user = if push { "push user" } else { "AXL user" };
    Ok(Owner {
        entry: KeyringEntry::new(&*cluster, push).of(Some(account.clone())),
        account,
        whose: format!("the {user} of cluster {}", quoted(&cluster)),
        advice: advice(&settings, &cluster, push),
    })
}

fn mail_owner(named: &ConnectionArgs) -> Result<Owner, AppError> {
    let file = settings::file(named)?;
    let account = file.as_ref().and_then(FileConfig::mail_account).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "the config file has no mail user, whose entry it would be")
            .hint("write mail_server and mail_user into [notify]")
    })?;
    let login = file.and_then(|file| file.notify()?.mail?.login);
    let advice = match login {
        Some((_, PasswordSource::Keyring(_))) => None,
        Some((_, other)) => Some(format!(
            "It does not count yet: the password of the mail user is {other}. Take that away and write \
             mail_password_keyring = true into [notify]."
        )),
        None => {
            Some("Write mail_password_keyring = true into [notify], so that it counts.".to_owned())
        }
    };
    let entry = KeyringEntry::of_mail(Some(account.clone()));
    Ok(Owner { entry, account, whose: "the mail user of [notify]".to_owned(), advice })
}

fn account_of(settings: &Layer, push: bool) -> Result<String, AppError> {
    let (what, key, user) = if push {
        ("push user", "push_user", settings.push_user.as_ref())
    } else {
        ("AXL user", "username", settings.username.as_ref())
    };
    let missing = |what: &str, key: &str| {
        AppError::new(
            ErrorKind::Usage,
            format!("the cluster has no {what}, whose entry it would be"),
        )
        .hint(format!("write {key} into the cluster's table"))
    };
    let user = user.ok_or_else(|| missing(what, key))?;
    let host = settings.host.as_ref().ok_or_else(|| missing("host", "host"))?;
    Ok(account(user, host))
}

/// Says what is missing for the entry to count.
fn advice(settings: &Layer, cluster: &str, push: bool) -> Option<String> {
    let (key, source) = if push {
        ("push_password_keyring", settings.push_password.as_ref())
    } else {
        ("password_keyring", settings.password.as_ref())
    };
    match source {
        Some(PasswordSource::Keyring(_)) => None,
        None => Some(format!(
            "Write {key} = true into the table of cluster {}, so that it counts.",
            quoted(cluster)
        )),
        Some(other) => Some(format!(
            "It does not count yet: the password of cluster {} is {other}. Take that away and write {key} = true into its \
             table.",
            quoted(cluster)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_does_not_count_is_told() {
        let of = |password| Layer { password, ..Layer::default() };
        let entry = PasswordSource::Keyring(KeyringEntry::new("lab", false));
        assert_eq!(advice(&of(Some(entry)), "lab", false), None);
        let told = advice(&of(None), "lab", false).unwrap();
        assert!(told.contains("password_keyring = true") && told.contains("\"lab\""), "{told}");
        let other = PasswordSource::File("lab.pw".into());
        let told = advice(&of(Some(other)), "lab", false).unwrap();
        assert!(told.contains("first line of lab.pw") && told.contains("not count yet"), "{told}");
        assert!(advice(&of(None), "lab", true).unwrap().contains("push_password_keyring"));
    }

    #[test]
    fn an_entry_needs_a_user_and_a_host() {
        let mut settings = Layer { host: Some("PUB".into()), ..Layer::default() };
        let error = account_of(&settings, false).unwrap_err().to_string();
        assert!(error.contains("no AXL user") && error.contains("username"), "{error}");
        settings.push_user = Some("bgpush".into());
        assert_eq!(account_of(&settings, true).unwrap(), "bgpush@pub");
        settings.host = None;
        assert!(account_of(&settings, true).unwrap_err().to_string().contains("no host"));
    }
}
