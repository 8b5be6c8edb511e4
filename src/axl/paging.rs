//! Reading long lists page by page, without believing that a short answer is a whole one.

use std::collections::HashSet;

use serde::Serialize;

/// Which part of a list is asked for. AXL looks at `skip` only when `first` is there too (AXL schema).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Page {
    /// How many rows to leave out.
    pub skip: u64,
    /// How many rows to give at most.
    pub first: u64,
}

/// A list that was read to its end, or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing<R> {
    /// The rows, each once, in the server's order.
    pub rows: Vec<R>,
    /// Whether the end was seen: a page with fewer rows than asked for. Otherwise rows may be missing.
    pub complete: bool,
    /// How many rows came more than once, because the list moved while it was read.
    pub repeated: usize,
}

/// Decides which page comes next. It knows nothing of servers, so that it can be tested without one.
///
/// The order of rows is not guaranteed and no total is told (AXL Developer Guide). Rows are therefore
/// kept once by their key, and only a page with fewer rows than asked for proves the end. A page without
/// anything new does not: two in a row stop the reading, and the listing says that it is incomplete.
#[derive(Debug)]
pub struct Pager<R> {
    page: Page,
    rows: Vec<R>,
    seen: HashSet<String>,
    repeated: usize,
    barren: u32,
    complete: bool,
    done: bool,
}

impl<R> Pager<R> {
    /// Begins a list with pages of `first` rows.
    pub fn new(first: u64) -> Self {
        Self {
            page: Page { skip: 0, first: first.max(1) },
            rows: Vec::new(),
            seen: HashSet::new(),
            repeated: 0,
            barren: 0,
            complete: false,
            done: false,
        }
    }

    /// Returns the page to ask for, or nothing when the list is at its end.
    pub fn next_page(&self) -> Option<Page> {
        (!self.done).then_some(self.page)
    }

    /// Takes the rows of the page that was asked for.
    pub fn accept(&mut self, rows: Vec<R>, key: impl Fn(&R) -> Option<&str>) {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let before = self.rows.len();
        for row in rows {
            // A row without a key cannot be recognised, so it is kept.
            let is_new = key(&row).is_none_or(|key| self.seen.insert(key.to_ascii_lowercase()));
            if is_new {
                self.rows.push(row);
            } else {
                self.repeated += 1;
            }
        }
        if count < self.page.first {
            self.complete = true;
            self.done = true;
            return;
        }
        self.barren = if self.rows.len() == before { self.barren + 1 } else { 0 };
        self.done = self.barren == BARREN_PAGES;
        self.page.skip = self.page.skip.saturating_add(count);
    }

    /// Halves the pages, or goes further down where the server suggests fewer rows. Returns whether
    /// that was still possible.
    pub fn shrink(&mut self, suggested: Option<u64>) -> bool {
        if self.page.first <= 1 {
            return false;
        }
        let half = self.page.first / 2;
        // "Less than" the suggested number; but the suggestion is known to be unreliable.
        let below = suggested.map_or(half, |rows| rows.saturating_sub(1).min(half));
        self.page.first = below.max(1);
        true
    }

    /// Returns how many different rows there are so far.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Ends the list.
    pub fn finish(self) -> Listing<R> {
        Listing { rows: self.rows, complete: self.complete, repeated: self.repeated }
    }
}

/// How many rows a page has at first. AXL gives at most 8 MB at once (AXL Developer Guide); with the
/// fields that are asked for here, 500 rows are about half a megabyte.
pub const FIRST_PAGE: u64 = 500;

/// After so many pages in a row without anything new, the reading stops.
const BARREN_PAGES: u32 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(first: u64, mut server: impl FnMut(Page) -> Option<Vec<u32>>) -> Listing<String> {
        let mut pager = Pager::new(first);
        while let Some(page) = pager.next_page() {
            match server(page) {
                Some(rows) => {
                    let rows = rows.iter().map(u32::to_string).collect();
                    pager.accept(rows, |row: &String| Some(row.as_str()));
                }
                None => assert!(pager.shrink(None), "too large even for one row"),
            }
        }
        pager.finish()
    }

    fn slice(all: &[u32], page: Page) -> Vec<u32> {
        let skip = usize::try_from(page.skip).unwrap();
        all.iter().skip(skip).take(usize::try_from(page.first).unwrap()).copied().collect()
    }

    #[test]
    fn a_full_last_page_needs_one_more_question() {
        let all: Vec<u32> = (0..6).collect();
        let mut asked = 0;
        let listing = read(3, |page| {
            asked += 1;
            Some(slice(&all, page))
        });
        assert_eq!((listing.rows.len(), listing.complete, asked), (6, true, 3));
    }

    #[test]
    fn a_server_that_ignores_the_page_is_not_believed() {
        let mut asked = 0;
        let listing = read(3, |_| {
            asked += 1;
            Some(vec![1, 2, 3])
        });
        assert_eq!((listing.rows.len(), listing.complete, asked), (3, false, 3));
        assert_eq!(listing.repeated, 6);
    }

    #[test]
    fn a_moved_list_is_read_to_its_end() {
        // Three rows were inserted in front after the first page, so it comes once more.
        let listing = read(3, |page| {
            let (before, after) = ([1, 2, 3, 4, 5], [7, 8, 9, 1, 2, 3, 4, 5]);
            Some(if page.skip == 0 { slice(&before, page) } else { slice(&after, page) })
        });
        assert_eq!((listing.rows.len(), listing.complete, listing.repeated), (5, true, 3));
    }

    #[test]
    fn shrinks_to_what_the_server_bears() {
        let mut pager = Pager::<String>::new(500);
        assert!(pager.shrink(None));
        assert_eq!(pager.next_page().unwrap().first, 250);
        assert!(pager.shrink(Some(100)));
        assert_eq!(pager.next_page().unwrap().first, 99);
        assert!(pager.shrink(Some(0)));
        assert_eq!(pager.next_page().unwrap().first, 1);
        assert!(!pager.shrink(None));
    }

    proptest! {
        #[test]
        fn reads_every_row_once(rows in 0_u32..400, first in 1_u64..90, bears in 1_u64..60) {
            let all: Vec<u32> = (0..rows).collect();
            let listing = read(first, |page| (page.first <= bears).then(|| slice(&all, page)));
            prop_assert!(listing.complete);
            prop_assert_eq!(listing.rows.len(), all.len());
            prop_assert_eq!(listing.repeated, 0);
        }
    }
}
