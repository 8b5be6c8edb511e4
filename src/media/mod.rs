//! Pictures for phones: reading, resizing, encoding.
//!
//! One picture goes in, and for every size that the fleet's models show, a background and a thumbnail
//! come out, exactly as large as the model wants them. Nothing here knows of phones or of the network.

mod demo;
mod encode;
mod error;
mod found;
mod picture;
mod prepare;
mod screen;

pub use demo::{demo_picture, demo_png};
pub use encode::EncodedPicture;
pub use error::MediaError;
pub use found::Unfit;
pub use picture::Picture;
pub use prepare::{PreparedImage, PreparedSet, Shape, prepare, prepare_all};
pub use screen::{Likeness, Screen, ScreenError, changed, likeness};
