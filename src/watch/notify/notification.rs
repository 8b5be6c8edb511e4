//! A notification, and the documents that it is sent as.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::notification::{NotificationKind, WebhookFormat};
use crate::domain::text::{escaped_json, printable_lines, sanitize_truncate};
use crate::journal::RunId;
use crate::report::Document;

/// What is in a `notification` document.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Notification {
    /// What happened.
    pub kind: NotificationKind,
    /// The kind of the condition that is over, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<NotificationKind>,
    /// When it happened.
    pub at: Timestamp,
    /// The name of the cluster; empty in a test.
    pub cluster: String,
    /// What happened, as a line.
    pub text: String,
    /// The run that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// How many phones it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phones: Option<usize>,
    /// The command that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_command: Option<String>,
}

impl Notification {
    pub(super) fn test(at: Timestamp) -> Self {
        Self {
            kind: NotificationKind::Test,
            over: None,
            at,
            cluster: String::new(),
            text: "this is a test of axlpaper's notifications".to_owned(),
            run: None,
            phones: None,
            next_command: None,
        }
    }

    /// Returns a title of one line.
    pub fn title(&self) -> String {
        let what = self.kind.as_str().replace('_', " ");
        match &*self.cluster {
            "" => format!("axlpaper: {what}"),
            cluster => format!("axlpaper: {what} on {}", sanitize_truncate(cluster, 100)),
        }
    }

    /// Returns the text with the command that helps.
    pub fn body(&self) -> String {
        match &self.next_command {
            Some(command) => printable_lines(&format!("{}\nNext: {command}", self.text)),
            None => printable_lines(&self.text),
        }
    }

    /// Returns the document that a format has.
    pub fn document(&self, format: WebhookFormat) -> String {
        match format {
            WebhookFormat::Json => json_text(&Document::new("notification", self.at, None, self)),
            WebhookFormat::Teams => json_text(&self.teams()),
            WebhookFormat::Slack => {
                let text = format!("*{}*\n{}", slack(&self.title()), slack(&self.body()));
                json_text(&json!({ "text": text }))
            }
        }
    }

    /// Returns a message with one Adaptive Card, as the trigger "When a Teams webhook request is received" of Power
    /// Automate reads it.
    fn teams(&self) -> serde_json::Value {
        let block = |text: String| json!({ "type": "TextBlock", "text": text, "wrap": true });
        let mut title = block(markdown(&self.title()));
        title["weight"] = json!("Bolder");
        title["size"] = json!("Medium");
        let lines = self.body();
        let mut body = vec![title];
        body.extend(lines.lines().map(|line| block(markdown(line))));
        let card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": self.title(),
            "body": body,
        });
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": card,
            }],
        })
    }
}

fn json_text(document: &impl Serialize) -> String {
    // Maps have text keys only, so that every value can be written.
    escaped_json(&serde_json::to_string(document).unwrap_or_default()).into_owned()
}

/// Escapes what Slack reads as a link or a mention.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes what an Adaptive Card reads as Markdown.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
