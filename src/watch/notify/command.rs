//! Gives notifications to a program.

use std::io;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use super::notification::Notification;
use super::send_error::{LIMIT, SendError};
use crate::config::PasswordCommand;
use crate::domain::notification::WebhookFormat;

#[derive(Debug)]
pub(super) struct CommandChannel(pub(super) PasswordCommand);

impl CommandChannel {
    pub(super) fn program(&self) -> String {
        self.0.program().display().to_string()
    }

    pub(super) async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        let mut child = tokio::process::Command::new(self.0.program())
            .args(self.0.arguments())
            // Passwords are not its business.
            .env_remove("CUCM_PASSWORD")
            .env_remove("PHONE_PASSWORD")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| SendError::lasting(format!("cannot be run: {error}")))?;
        let stdin = child.stdin.take();
        let document = notification.document(WebhookFormat::Json) + "\n";
        let ended = tokio::time::timeout(LIMIT, async {
            if let Some(mut stdin) = stdin {
                match stdin.write_all(document.as_bytes()).await {
                    // It need not read what it does not need.
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            child.wait().await
        });
        match ended.await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(SendError::passing(format!("failed: {status}"))),
            Ok(Err(error)) => Err(SendError::passing(format!("cannot be run: {error}"))),
            Err(_) => {
                // It is killed; one that has ended meanwhile is no trouble.
                let _ignored = child.kill().await;
                Err(SendError::lasting(format!(
                    "did not end within {} s, and was stopped",
                    LIMIT.as_secs()
                )))
            }
        }
    }
}
