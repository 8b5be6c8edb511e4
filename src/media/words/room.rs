//! Where on a panel words go.

use crate::domain::model::Size;
use crate::domain::words::Words;
use crate::media::label_zones::Zone;

/// Returns the largest part of a panel that no zone of labels covers; nearly all of it where they cover all.
pub(super) fn of(panel: Size, zones: &[Zone]) -> Zone {
    let whole = Zone { left: 0, top: 0, right: panel.width, bottom: panel.height };
    let sides = |edge: fn(&Zone) -> [u32; 2]| {
        let mut sides: Vec<u32> = zones.iter().chain([&whole]).flat_map(edge).collect();
        sides.sort_unstable();
        sides.dedup();
        sides
    };
    let (across, down) =
        (sides(|zone| [zone.left, zone.right]), sides(|zone| [zone.top, zone.bottom]));
    let pairs = |sides: &[u32]| -> Vec<(u32, u32)> {
        let later = |(at, from): (usize, &u32)| {
            let (from, sides) = (*from, &sides[at + 1..]);
            sides.iter().map(move |to| (from, *to)).collect::<Vec<_>>()
        };
        sides.iter().enumerate().flat_map(later).collect()
    };
    let mut best: Option<Zone> = None;
    for (left, right) in pairs(&across) {
        for (top, bottom) in pairs(&down) {
            let part = Zone { left, top, right, bottom };
            let is_free = !zones.iter().any(|zone| zone.overlaps(&part));
            if is_free && best.is_none_or(|best| part.area() > best.area()) {
                best = Some(part);
            }
        }
    }
    let margin = (panel.height.min(panel.width) / 40).max(1);
    best.unwrap_or(whole).inner_zone(margin)
}

/// Returns the distance of letters from the edge of their plate.
pub(super) fn padding(height: u32) -> u32 {
    (height / 60).max(2)
}

/// Splits the room between a text and a QR code: returns the text's part, and whether it is beside the code and not above.
pub(super) fn beside(room: Zone, code: Option<u32>) -> (Size, bool) {
    let whole = room.size();
    let Some(code) = code else { return (whole, false) };
    let taken = code + gap(room);
    let beside = Size::new(whole.width.saturating_sub(taken), whole.height);
    let above = Size::new(whole.width, whole.height.saturating_sub(taken));
    let area = |size: Size| u64::from(size.width) * u64::from(size.height);
    if area(beside) > area(above) { (beside, true) } else { (above, false) }
}

fn gap(room: Zone) -> u32 {
    (room.size().height / 40).max(2)
}

/// Where the plates are.
pub(super) struct Places {
    pub(super) text: Option<Zone>,
    pub(super) code: Option<Zone>,
}

/// Places the plate of a text and that of a QR code as one block.
pub(super) fn place(
    room: Zone,
    text: Option<Size>,
    code: Option<u32>,
    beside: bool,
    words: &Words,
) -> Places {
    let code = code.map(|side| Size::new(side, side));
    let both = text.is_some() && code.is_some();
    let gap = if both { gap(room) } else { 0 };
    let none = Size::new(0, 0);
    let (first, second) = (text.unwrap_or(none), code.unwrap_or(none));
    let block = if beside {
        Size::new(first.width + gap + second.width, first.height.max(second.height))
    } else {
        Size::new(first.width.max(second.width), first.height + gap + second.height)
    };
    let (across, down) = words.style.position.halves();
    let within = |from: u32, room: u32, length: u32, halves: u32| {
        from + room.saturating_sub(length) * halves / 2
    };
    let left = within(room.left, room.size().width, block.width, across);
    let top = within(room.top, room.size().height, block.height, down);
    let zone = |size: Size, left: u32, top: u32| Zone {
        left,
        top,
        right: left + size.width,
        bottom: top + size.height,
    };
    let at = |size: Size, second: bool| {
        let moved = if second { gap } else { 0 };
        if beside {
            let x = if second { left + first.width + moved } else { left };
            zone(size, x, within(top, block.height, size.height, 1))
        } else {
            let y = if second { top + first.height + moved } else { top };
            zone(size, within(left, block.width, size.width, across), y)
        }
    };
    Places { text: text.map(|size| at(size, false)), code: code.map(|size| at(size, true)) }
}

impl Zone {
    pub(super) fn size(&self) -> Size {
        Size::new(self.width(), self.bottom - self.top)
    }

    pub(super) fn width(&self) -> u32 {
        self.right - self.left
    }

    fn area(&self) -> u64 {
        u64::from(self.width()) * u64::from(self.bottom - self.top)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Returns it without a margin, where that leaves anything.
    fn inner_zone(self, margin: u32) -> Self {
        let Size { width, height } = self.size();
        if width <= 2 * margin || height <= 2 * margin {
            return self;
        }
        Self {
            left: self.left + margin,
            top: self.top + margin,
            right: self.right - margin,
            bottom: self.bottom - margin,
        }
    }
}
