//! Parts of files: which one a client asks for, and which ones it has got already.

use std::ops::Range;

/// What a request asks of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes of it.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

/// Reads the value of a `Range` header (RFC 9110, 14.1) for a file of this length.
///
/// What is no byte range, or not a well-formed one, is to be ignored. Several ranges are answered only where
/// they make one piece: an answer in several parts would be a format that no phone is known to read, and a
/// server may always send the whole file instead.
pub(super) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some(list) = header.and_then(byte_ranges) else { return Wanted::Whole };
    let mut ranges = Vec::new();
    for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        // More of them than this is nobody's download.
        let Some(range) = one(text, length).filter(|_| ranges.len() < MOST_RANGES) else {
            return Wanted::Whole;
        };
        ranges.push(range);
    }
    if ranges.is_empty() {
        return Wanted::Whole;
    }
    let mut got = Coverage::default();
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        got.add(range);
    }
    match got.pieces.as_slice() {
        [] => Wanted::Nothing,
        [one] => Wanted::Part(one.clone()),
        _ => Wanted::Whole,
    }
}

fn byte_ranges(header: &str) -> Option<&str> {
    let (unit, list) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(list)
}

/// Reads one range; an empty one is well-formed and beyond the end of the file.
fn one(text: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => {
            Some(first.min(length)..last.saturating_add(1).min(length))
        }
        (Some(first), None) if last.is_empty() => Some(first.min(length)..length),
        // The last so many bytes.
        (None, Some(last)) if first.is_empty() => Some(length.saturating_sub(last)..length),
        _ => None,
    }
}

/// Reads digits and nothing else; what is too large is as good as the largest number.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The parts of a file that somebody has got: sorted, and none touches another.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Coverage {
    pieces: Vec<Range<u64>>,
}

impl Coverage {
    /// Adds a part.
    pub(super) fn add(&mut self, part: Range<u64>) {
        if part.is_empty() {
            return;
        }
        let mut joined = part;
        self.pieces.retain(|piece| {
            let apart = piece.end < joined.start || joined.end < piece.start;
            if !apart {
                joined = joined.start.min(piece.start)..joined.end.max(piece.end);
            }
            apart
        });
        let at = self.pieces.partition_point(|piece| piece.start < joined.start);
        self.pieces.insert(at, joined);
        // Whoever takes a file in thousands of crumbs has to take it again in one.
        self.pieces.truncate(MOST_PIECES);
    }

    /// Tells whether the parts make a whole file of this length.
    pub(super) fn is_whole(&self, length: u64) -> bool {
        matches!(self.pieces.as_slice(), [piece] if *piece == (0..length))
    }
}

/// Ranges of one request that are looked at.
const MOST_RANGES: usize = 16;

/// Pieces of one file that are remembered.
const MOST_PIECES: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |header| wanted(Some(header), 100);
        assert_eq!(wanted(None, 100), Wanted::Whole);
        assert_eq!(part("bytes=0-9"), Wanted::Part(0..10));
        assert_eq!(part("Bytes=90-"), Wanted::Part(90..100));
        assert_eq!(part("bytes=-10"), Wanted::Part(90..100));
        assert_eq!(part("bytes=-999"), Wanted::Part(0..100));
        assert_eq!(part("bytes=50-99999999999999999999999"), Wanted::Part(50..100));
        for beyond in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=200-,300-400"] {
            assert_eq!(part(beyond), Wanted::Nothing, "{beyond}");
        }
        for ignored in [
            "bytes=9-0",
            "bytes=a-b",
            "bytes=-",
            "bytes=1",
            "bytes=+1-2",
            "lines=1-2",
            "",
            "bytes=",
        ] {
            assert_eq!(part(ignored), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn several_ranges_are_one_piece_or_the_whole_file() {
        assert_eq!(wanted(Some("bytes=0-9, 10-19"), 100), Wanted::Part(0..20));
        assert_eq!(wanted(Some("bytes=5-30,0-9,"), 100), Wanted::Part(0..31));
        assert_eq!(wanted(Some("bytes=0-9,500-"), 100), Wanted::Part(0..10));
        assert_eq!(wanted(Some("bytes=0-0,50-60"), 100), Wanted::Whole);
        let many = format!("bytes={}", vec!["0-1"; 99].join(","));
        assert_eq!(wanted(Some(&many), 100), Wanted::Whole);
    }

    #[test]
    fn an_empty_file_has_no_part() {
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
        assert!(!Coverage::default().is_whole(0));
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_of_its_file(header in "bytes=[0-9,-]{0,24}", length in 0_u64..200) {
            match wanted(Some(&header), length) {
                Wanted::Part(part) => prop_assert!(part.start < part.end && part.end <= length),
                Wanted::Whole | Wanted::Nothing => {}
            }
        }

        #[test]
        fn never_panics(header in ".{0,60}", length in any::<u64>()) {
            wanted(Some(&header), length);
        }

        #[test]
        fn parts_are_whole_exactly_when_every_byte_is_in_one(
            parts in proptest::collection::vec((0_u64..40, 0_u64..20), 0..24),
        ) {
            let (mut coverage, mut bytes) = (Coverage::default(), [false; 40]);
            for (start, length) in parts {
                let part = start..(start + length).min(40);
                part.clone().for_each(|at| bytes[usize::try_from(at).unwrap()] = true);
                coverage.add(part);
                prop_assert!(coverage.pieces.windows(2).all(|two| two[0].end < two[1].start));
            }
            prop_assert_eq!(coverage.is_whole(40), bytes.iter().all(|byte| *byte));
        }
    }
}
