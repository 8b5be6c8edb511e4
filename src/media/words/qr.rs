//! QR codes with modules of whole pixels and a quiet zone.

use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

use crate::media::label_zones::Zone;

/// A QR code and the size of its modules.
pub(super) struct Code {
    code: QrCode,
    /// Pixels of a module's side.
    module: u32,
}

/// Why a QR code cannot be drawn.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", describe(self))]
pub struct QrProblem {
    /// Bytes of the content.
    bytes: usize,
    /// Pixels of a side that the code needs; nothing where no QR code holds that much.
    needed: Option<u32>,
    /// Pixels of a side that there are.
    room: u32,
    /// How many bytes fit; nothing where no QR code fits.
    most: Option<usize>,
}

fn describe(problem: &QrProblem) -> String {
    let QrProblem { bytes, needed, room, most } = problem;
    let needed = needed.map_or_else(
        || format!("no QR code holds {bytes} bytes"),
        |needed| {
            format!(
                "a QR code of {bytes} bytes needs {needed}x{needed} pixels with modules of {LEAST_MODULE}, and the screen \
                 has room for {room}x{room}"
            )
        },
    );
    match most {
        Some(most) => format!("{needed}; at most {most} bytes fit, so use a shorter `qr`"),
        None => format!("{needed}; no QR code fits on this screen"),
    }
}

/// Makes the QR code of a text for a room.
pub(super) fn encode(content: &str, room: Zone) -> Result<Code, QrProblem> {
    let size = room.size();
    let room = size.width.min(size.height);
    let with = |level| QrCode::with_error_correction_level(content, level).ok();
    let problem = |code: Option<&QrCode>| QrProblem {
        bytes: content.len(),
        needed: code.map(|code| modules(code) * LEAST_MODULE),
        room,
        most: most_bytes(room),
    };
    // The medium level corrects twice as much as the low one.
    let fits = |code: &QrCode| modules(code) * LEAST_MODULE <= room;
    let code = with(EcLevel::M).filter(fits).or_else(|| with(EcLevel::L));
    let code = code.ok_or_else(|| problem(None))?;
    if !fits(&code) {
        return Err(problem(Some(&code)));
    }
    let module = (room * 9 / 20 / modules(&code)).clamp(LEAST_MODULE, LARGEST_MODULE);
    Ok(Code { code, module })
}

/// Returns how many bytes a QR code in a room of so many pixels holds.
fn most_bytes(room: u32) -> Option<usize> {
    let fits = |version: &i16| {
        let width = u32::try_from(Version::Normal(*version).width()).unwrap_or(u32::MAX);
        (width + 2 * QUIET) * LEAST_MODULE <= room
    };
    let version = (1..=40).take_while(fits).last()?;
    let bits = Bits::new(Version::Normal(version)).max_len(EcLevel::L).ok()?;
    // The mode, and the number of bytes.
    let header = 4 + if version < 10 { 8 } else { 16 };
    Some(bits.saturating_sub(header) / 8)
}

/// Returns the modules of a side, with the quiet zone.
fn modules(code: &QrCode) -> u32 {
    u32::try_from(code.width()).unwrap_or(u32::MAX).saturating_add(2 * QUIET)
}

impl Code {
    /// Returns the pixels of a side, with the quiet zone.
    pub(super) fn side(&self) -> u32 {
        modules(&self.code) * self.module
    }

    /// Calls `dark` for every dark pixel.
    pub(super) fn draw(&self, mut dark: impl FnMut(u32, u32)) {
        let width = self.code.width().max(1);
        for (row, colours) in (QUIET..).zip(self.code.to_colors().chunks_exact(width)) {
            for (column, _) in (QUIET..).zip(colours).filter(|(_, colour)| **colour == Color::Dark)
            {
                for y in row * self.module..(row + 1) * self.module {
                    for x in column * self.module..(column + 1) * self.module {
                        dark(x, y);
                    }
                }
            }
        }
    }
}

/// Light modules around a QR code (ISO/IEC 18004).
const QUIET: u32 = 4;

/// Pixels of the smallest module that cameras read off a phone's screen.
const LEAST_MODULE: u32 = 3;

const LARGEST_MODULE: u32 = 8;
