//! What a row of a list shows, the same in tables and CSV.

use serde::Serialize;

use crate::domain::audit::AuditedPhone;
use crate::domain::inventory::Phone;
use crate::domain::model::{Model, PushSchema};
use crate::domain::object::ToneFormat;
use crate::domain::registration::{Httpd, Status};
use crate::event::PhoneResult;

/// Something that can stand in a row.
pub trait Record: Serialize {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// Columns that a table never breaks into several lines.
    const FIXED: &'static [&'static str] = &["name"];

    /// Columns that a table leaves out on a narrow terminal, the first one first.
    const DROPPED: &'static [&'static str] = &[];

    /// The texts of the columns, as they are: escaping is for whoever writes them.
    fn cells(&self) -> Vec<String>;
}

impl Record for Phone {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "model",
        "protocol",
        "device_pool",
        "profile",
        "status",
        "ip",
        "node",
        "load",
        "web",
        "description",
    ];
    const FIXED: &'static [&'static str] = &["name", "status", "ip"];
    const DROPPED: &'static [&'static str] =
        &["load", "node", "protocol", "profile", "web", "description"];

    fn cells(&self) -> Vec<String> {
        let registration = &self.registration;
        vec![
            self.name.to_string(),
            self.model.clone(),
            self.protocol.clone(),
            self.device_pool.clone(),
            self.common_phone_profile.clone().unwrap_or_default(),
            status(registration.status).to_owned(),
            registration.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            registration.node.clone().unwrap_or_default(),
            registration.active_load.clone().unwrap_or_default(),
            httpd(registration.httpd).to_owned(),
            self.description.clone(),
        ]
    }
}

impl Record for AuditedPhone {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "model",
        "device_pool",
        "status",
        "ip",
        "verdict",
        "findings",
        "message",
        "remedy",
    ];
    const FIXED: &'static [&'static str] = &["name", "ip", "verdict"];
    const DROPPED: &'static [&'static str] = &["status", "model", "device_pool", "findings"];

    fn cells(&self) -> Vec<String> {
        let codes: Vec<&str> = self.findings.iter().map(|finding| finding.code.as_str()).collect();
        let worst = self.worst();
        vec![
            self.phone.name.to_string(),
            self.phone.model.clone(),
            self.phone.device_pool.clone(),
            status(self.phone.registration.status).to_owned(),
            self.phone.registration.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            self.verdict.to_string(),
            codes.join(" "),
            worst.map(|finding| finding.message.clone()).unwrap_or_default(),
            worst.map(|finding| finding.remedy.clone()).unwrap_or_default(),
        ]
    }
}

impl Record for PhoneResult {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "model",
        "device_pool",
        "ip",
        "outcome",
        "attempts",
        "duration_ms",
        "reason",
        "remedy",
    ];
    const FIXED: &'static [&'static str] = &["name", "ip", "outcome"];
    const DROPPED: &'static [&'static str] = &["duration_ms", "attempts", "model", "device_pool"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.to_string(),
            self.model.clone(),
            self.device_pool.clone(),
            self.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            self.outcome.as_str().to_owned(),
            self.attempts.to_string(),
            self.duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            self.reason.clone().unwrap_or_default(),
            self.remedy.clone().unwrap_or_default(),
        ]
    }
}

/// An entry of the model catalogue, flat enough for a row.
#[derive(Clone, Copy, Debug)]
pub struct ModelRecord(
    /// The entry.
    pub &'static Model,
);

impl Serialize for ModelRecord {
    /// Writes the entry with what else the model takes.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            model: &'static Model,
            ring_tone: Option<ToneFormat>,
            keys: bool,
        }
        let Self(model) = self;
        let body = Body { model, ring_tone: model.ring_tone(), keys: model.executes() };
        body.serialize(serializer)
    }
}

impl Record for ModelRecord {
    const COLUMNS: &'static [&'static str] = &[
        "model",
        "enum",
        "background",
        "thumbnail",
        "depth",
        "schema",
        "tftp_directory",
        "ring_tone",
        "keys",
        "note",
    ];

    fn cells(&self) -> Vec<String> {
        let model = self.0;
        let mut cells = vec![model.name.to_owned(), model.number.to_string()];
        match model.image {
            Some(image) => cells.extend([
                image.background.to_string(),
                image.thumbnail.to_string(),
                image.depth.to_string(),
                match image.schema {
                    PushSchema::Classic => "classic".to_owned(),
                    PushSchema::PhoneOs => "phoneos".to_owned(),
                },
                image.tftp_directory.to_owned(),
            ]),
            None => cells.extend(["none", "", "", "", ""].map(str::to_owned)),
        }
        cells.push(model.ring_tone().map_or("none", ToneFormat::as_str).to_owned());
        cells.push(if model.executes() { "yes" } else { "no" }.to_owned());
        cells.push(model.note.to_owned());
        cells
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Registered => "registered",
        Status::PartiallyRegistered => "partially_registered",
        Status::Unregistered => "unregistered",
        Status::Rejected => "rejected",
        Status::NotFound => "not_found",
        Status::Unknown => "unknown",
    }
}

fn httpd(httpd: Httpd) -> &'static str {
    match httpd {
        Httpd::Yes => "yes",
        Httpd::No => "no",
        Httpd::Unknown => "unknown",
    }
}
