//! Pictures and ring tones for phones: reading, resizing, encoding.
//!
//! One picture goes in, and for every size that the fleet's models show, a background and a thumbnail
//! come out, exactly as large and as deep as the model wants them. Nothing here knows of phones or of the
//! network. Files of unknown origin are decoded by [`Decoder`], in a process of their own.
mod blocking;
mod compressed_data;
mod contact_sheet;
mod external_check;
mod fitting;
mod label_contrast;
mod label_zones;
mod layout;
mod linear_light;
mod picture_quality;
mod screenshot;

mod decoder;
mod demo;
mod depth;
mod encode;
mod error;
mod integrity;
mod jpeg_integrity;
mod list_xml;
mod options;
mod picture;
mod prepare;
mod preview;
mod profile;
mod saliency;
mod shape;
mod svg;
mod tiff_integrity;
mod tone;
mod words;
mod xml_list;

pub use crate::domain::colour::Colour;
pub use crate::media::contact_sheet::{SheetEntry, contact_sheet};
pub use crate::media::external_check::Unfit;
pub use crate::media::fitting::Fitting;
pub use crate::media::label_zones::{Contrast, Letters, Sample, samples};
pub use crate::media::picture_quality::quality_warnings;
pub use crate::media::screenshot::{
    ExpectedScreen, Screen, ScreenError, Similarity, changed, similarity,
};
pub use blocking::blocking;
pub use decoder::{Decoder, Limit, decode_worker};
pub use demo::{demo_picture, demo_png};
pub use encode::{Compression, EncodedPicture, png_size};
pub use error::{MediaError, PictureProblem};
pub use list_xml::{ListEntry, ListXmlError, Listed, add_to_list, new_list};
pub use options::{Fit, Focus, Options};
pub use picture::{LONGEST_FILE, Picture};
pub use prepare::{Made, PreparedImage, PreparedSet, prepare, prepare_all};
pub use preview::Preview;
pub use shape::Shape;
pub use tone::{
    Audio, Merged, RingListError, SoundProblem, Tone, ToneError, ToneSet, merge as merge_ring_list,
};
pub use words::{QrProblem, WordsCanvas, WordsError, WordsNote, qr_problem};
