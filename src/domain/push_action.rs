//! What a run does to phones. It is more than the kind of what is pushed: a picture can also be taken off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::payload_kind::ObjectKind;

/// What a run does to phones.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushAction {
    /// They get a picture from us.
    #[default]
    Picture,
    /// They get a picture of another server.
    PictureElsewhere,
    /// The pushed picture is taken off.
    Removal,
    /// They get a ring tone from us.
    RingTone,
    /// They play a sound.
    Sound,
    /// Keys are pressed on them.
    Keys,
    /// Their screens are compared with what they were proven to show; nothing is pushed.
    Verification,
}

impl PushAction {
    pub const ALL: [Self; 7] = [
        Self::Picture,
        Self::PictureElsewhere,
        Self::Removal,
        Self::RingTone,
        Self::Sound,
        Self::Keys,
        Self::Verification,
    ];

    /// Returns the kind of what is pushed.
    pub fn object(self) -> ObjectKind {
        match self {
            Self::Picture | Self::PictureElsewhere | Self::Removal | Self::Verification => {
                ObjectKind::Background
            }
            Self::RingTone => ObjectKind::RingTone,
            Self::Sound => ObjectKind::Play,
            Self::Keys => ObjectKind::Keys,
        }
    }

    /// Returns whether phones show a picture by it.
    pub fn is_picture(self) -> bool {
        match self {
            Self::Picture | Self::PictureElsewhere => true,
            Self::Removal | Self::RingTone | Self::Sound | Self::Keys | Self::Verification => false,
        }
    }
}

impl From<ObjectKind> for PushAction {
    /// What it is where nothing but the kind is known, as in the journals of earlier releases.
    fn from(object: ObjectKind) -> Self {
        match object {
            ObjectKind::Background => Self::Picture,
            ObjectKind::RingTone => Self::RingTone,
            ObjectKind::Play => Self::Sound,
            ObjectKind::Keys => Self::Keys,
        }
    }
}
