//! Shapes texts and draws letters.
//!
//! The font in the program covers Latin, Greek, Cyrillic, Arabic and Hebrew. The fonts of the system are read when a text
//! has a character that it lacks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cosmic_text::{
    Align, Attrs, Buffer, Color, Family, FontSystem, Metrics, PlatformFallback, Shaping,
    SwashCache, Wrap, fontdb,
};

use crate::domain::model::Size;
use crate::domain::words::{TextSize, Words};

/// What could not be drawn as it was wanted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WordsNote {
    /// The end of the text is left out.
    Cut,
    /// No font has some characters.
    MissingCharacters,
}

impl fmt::Display for WordsNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "the end of the text does not fit and is left out",
            Self::MissingCharacters => {
                "no font on this machine has some characters of the text; install one that has them"
            }
        })
    }
}

/// A text that is laid out.
pub(super) struct Block {
    fonts: Fonts,
    buffer: Buffer,
    pub(super) size: Size,
    /// Where its leftmost glyph begins.
    left: f32,
    notes: Vec<WordsNote>,
}

/// Fonts and letters that were drawn already, for one thread at a time.
struct Fonts {
    system: FontSystem,
    letters: SwashCache,
    has_system_fonts: bool,
}

/// Fonts that no thread uses.
static UNUSED: Mutex<Vec<Fonts>> = Mutex::new(Vec::new());

impl Fonts {
    fn take() -> Self {
        let unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner).pop();
        unused.unwrap_or_else(|| {
            let mut fonts = fontdb::Database::new();
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
            let locale = "en-US".to_owned();
            let system =
                FontSystem::new_with_locale_and_db_and_fallback(locale, fonts, PlatformFallback);
            Self { system, letters: SwashCache::new(), has_system_fonts: false }
        })
    }

    fn give_back(mut self) {
        if self.letters.image_cache.len() > MOST_LETTERS {
            self.letters.image_cache.clear();
        }
        UNUSED.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    fn load_system_fonts(&mut self) {
        if std::mem::replace(&mut self.has_system_fonts, true) {
            return;
        }
        let fonts = self.system.db_mut();
        fonts.load_system_fonts();
        // Their letters have colours of their own, which nobody can read on every plate.
        let coloured = fonts.faces().filter(|face| face.post_script_name.contains("Emoji"));
        #[expect(
            clippy::needless_collect,
            reason = "faces cannot be removed while they are listed"
        )]
        let coloured: Vec<_> = coloured.map(|face| face.id).collect();
        coloured.into_iter().for_each(|face| fonts.remove_face(face));
    }
}

/// Lays a text out in a room: as large as wanted, else smaller, else cut. `height` is the panel's.
pub(super) fn lay_out(words: &Words, room: Size, height: u32) -> Block {
    let percent = match words.style.size {
        TextSize::Auto => USUAL_PERCENT,
        TextSize::Percent(percent) => percent,
    };
    let wanted = (height as f32 * f32::from(percent) / 100.0).max(LEAST_LINE);
    let least = (wanted * LEAST_SHARE).max(LEAST_LINE);
    let align = match words.style.position.halves().0 {
        0 => Align::Left,
        1 => Align::Center,
        _ => Align::Right,
    };
    let fonts = Fonts::take();
    let buffer = Buffer::new_empty(Metrics::new(wanted / LINE, wanted));
    let mut block = Block { fonts, buffer, size: Size::new(0, 0), left: 0.0, notes: Vec::new() };
    let mut line = wanted;
    loop {
        let is_last = line <= least;
        block.set(
            &words.text,
            line,
            room,
            align,
            if is_last { Wrap::WordOrGlyph } else { Wrap::Word },
        );
        if !block.fonts.has_system_fonts && block.lacks_characters() {
            block.fonts.load_system_fonts();
            continue;
        }
        if block.fits(room) {
            break;
        }
        if is_last {
            block.cut(&words.text, line, room, align);
            break;
        }
        line = (line * STEP).max(least);
    }
    if block.lacks_characters() {
        block.notes.push(WordsNote::MissingCharacters);
    }
    block.measure();
    block
}

impl Block {
    fn set(&mut self, text: &str, line: f32, room: Size, align: Align, wrap: Wrap) {
        let system = &mut self.fonts.system;
        self.buffer.set_metrics(Metrics::new(line / LINE, line));
        self.buffer.set_size(Some(room.width as f32), None);
        self.buffer.set_wrap(wrap);
        let attributes = Attrs::new().family(Family::Name(FAMILY));
        self.buffer.set_text(text, &attributes, Shaping::Advanced, Some(align));
        self.buffer.shape_until_scroll(system, false);
    }

    fn lacks_characters(&self) -> bool {
        let mut glyphs = self.buffer.layout_runs().flat_map(|run| run.glyphs);
        glyphs.any(|glyph| glyph.glyph_id == 0)
    }

    fn lines(&self) -> usize {
        self.buffer.layout_runs().count()
    }

    fn fits(&self, room: Size) -> bool {
        let widest = self.buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
        self.lines() <= self.most_lines(room) && widest <= room.width as f32 + 0.5
    }

    fn most_lines(&self, room: Size) -> usize {
        ((room.height as f32 / self.buffer.metrics().line_height) as usize).max(1)
    }

    /// Leaves the end of the text out, so that it fits with an ellipsis.
    fn cut(&mut self, text: &str, line: f32, room: Size, align: Align) {
        self.notes.push(WordsNote::Cut);
        let most = self.most_lines(room);
        let last = self.buffer.layout_runs().nth(most - 1);
        let Some((paragraph, end)) = last.map(|run| {
            (run.line_i, run.glyphs.iter().map(|glyph| glyph.end).max().unwrap_or_default())
        }) else {
            return;
        };
        let mut lines: Vec<&str> = text.lines().take(paragraph + 1).collect();
        let Some(mut kept) = lines.pop().map(|line| line.get(..end).unwrap_or(line)) else {
            return;
        };
        loop {
            let shown =
                lines.iter().copied().chain([kept.trim_end()]).collect::<Vec<_>>().join("\n");
            self.set(&format!("{shown}…"), line, room, align, Wrap::WordOrGlyph);
            if self.lines() <= most || kept.is_empty() {
                return;
            }
            let shorter = kept.char_indices().next_back().map_or(0, |(at, _)| at);
            kept = &kept[..shorter];
        }
    }

    fn measure(&mut self) {
        let (mut left, mut right) = (f32::MAX, 0.0_f32);
        for glyph in self.buffer.layout_runs().flat_map(|run| run.glyphs) {
            left = left.min(glyph.x);
            right = right.max(glyph.x + glyph.w);
        }
        self.left = left.min(right).floor();
        let height = self.lines() as f32 * self.buffer.metrics().line_height;
        self.size = Size::new((right - self.left).ceil() as u32, height.ceil() as u32);
    }

    /// Calls `put` with the pixels of the letters and how much of each they cover, from the corner of the text.
    pub(super) fn draw(self, mut put: impl FnMut(i32, i32, f32)) -> Vec<WordsNote> {
        let Self { mut fonts, buffer, left, notes, .. } = self;
        for run in buffer.layout_runs() {
            for glyph in run.glyphs {
                let glyph = glyph.physical((-left, run.line_y), 1.0);
                let (key, black) = (glyph.cache_key, Color::rgb(0, 0, 0));
                fonts.letters.with_pixels(&mut fonts.system, key, black, |x, y, colour| {
                    put(glyph.x + x, glyph.y + y, f32::from(colour.a()) / 255.0);
                });
            }
        }
        fonts.give_back();
        notes
    }
}

/// DejaVu Sans 2.37.
const FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");

const FAMILY: &str = "DejaVu Sans";

/// The height of a line in font sizes.
const LINE: f32 = 1.2;

/// The usual height of a line, in hundredths of the panel's.
const USUAL_PERCENT: u8 = 6;

/// The least height of a line, in pixels: letters of 11 pixels.
const LEAST_LINE: f32 = 13.2;

/// What is left of the wanted size before the text is cut.
const LEAST_SHARE: f32 = 0.6;

/// What one attempt to fit leaves of the size.
const STEP: f32 = 0.88;

/// How many drawn letters one thread keeps.
const MOST_LETTERS: usize = 4_000;
