//! Reading long lists page by page, without taking a short answer for a whole one.

use std::collections::HashSet;

use serde::Serialize;

/// Which part of a list is asked for. AXL looks at `skip` only when `first` is there too (AXL schema).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Page {
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
    /// How many answers it took. One answer is a picture of one moment; several are not.
    pub pages: usize,
}

/// Decides which pages are asked for. It does no I/O.
///
/// The order of rows is not guaranteed and no total is returned (AXL Developer Guide). Rows are therefore
/// kept once by their key, and only a page with fewer rows than asked for proves the end. A page without
/// anything new does not: two in a row stop the reading, and the listing is marked incomplete.
///
/// Pages shrink when the server refuses them and grow again after some that it accepted. A size that was
/// too large for one answer is not tried again; one that failed for another reason is, once.
#[derive(Debug)]
pub struct Pager<R> {
    skip: u64,
    first: u64,
    most: u64,
    accepted: u32,
    refused: Option<u64>,
    rows: Vec<R>,
    seen: HashSet<String>,
    repeated: usize,
    pages: usize,
    without_new_rows: u32,
    complete: bool,
    done: bool,
}

/// Why a page was not given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageRefusal {
    /// It would have been too large; the server may suggest fewer rows than a number.
    TooLarge(Option<u64>),
    /// The server could not do it now, or broke off.
    Unavailable,
}

impl<R> Pager<R> {
    /// Begins a list with pages of `first` rows that may grow to `most`.
    pub fn new(first: u64, most: u64) -> Self {
        let first = first.max(1);
        Self {
            skip: 0,
            first,
            most: most.max(first),
            accepted: 0,
            refused: None,
            rows: Vec::new(),
            seen: HashSet::new(),
            repeated: 0,
            pages: 0,
            without_new_rows: 0,
            complete: false,
            done: false,
        }
    }

    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Returns the next page to ask for, and goes on behind it.
    pub fn next_page(&mut self) -> Page {
        let page = Page { skip: self.skip, first: self.first };
        self.skip = self.skip.saturating_add(self.first);
        page
    }

    /// Returns how many rows the pages cover that were asked for so far.
    pub fn asked(&self) -> u64 {
        self.skip
    }

    /// Takes the rows of a page. Pages are taken in the order in which they were asked for.
    pub fn accept(&mut self, page: Page, rows: Vec<R>, key: impl Fn(&R) -> Option<&str>) {
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
        self.pages += 1;
        if count < page.first {
            self.complete = true;
            self.done = true;
            return;
        }
        self.without_new_rows =
            if self.rows.len() == before { self.without_new_rows + 1 } else { 0 };
        self.done = self.without_new_rows == MOST_PAGES_WITHOUT_NEW_ROWS;
        self.accepted += 1;
        if self.accepted >= PAGES_TO_GROW {
            self.accepted = 0;
            self.first = self.first.saturating_mul(2).min(self.most);
        }
    }

    /// Goes back to a page that was not given, with half of its rows, or fewer where the server suggests
    /// that. Returns whether that was still possible.
    pub fn shrink(&mut self, page: Page, why: PageRefusal) -> bool {
        if page.first <= 1 {
            return false;
        }
        let half = page.first / 2;
        self.first = match why {
            // "Less than" the suggested number; but the suggestion is known to be unreliable.
            PageRefusal::TooLarge(Some(rows)) => rows.saturating_sub(1).clamp(1, half),
            PageRefusal::TooLarge(None) | PageRefusal::Unavailable => half,
        };
        // What fails twice will fail again.
        let is_second = self.refused.replace(page.first) == Some(page.first);
        if is_second || why != PageRefusal::Unavailable {
            self.most = self.most.min(self.first);
        }
        self.accepted = 0;
        self.skip = page.skip;
        true
    }

    /// Goes back to a page that was not given, as it was.
    pub fn repeat(&mut self, page: Page) {
        self.first = page.first;
        self.skip = page.skip;
    }

    /// Returns how many different rows there are so far.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    pub fn finish(self) -> Listing<R> {
        Listing {
            rows: self.rows,
            complete: self.complete,
            repeated: self.repeated,
            pages: self.pages,
        }
    }
}

/// How many rows a page has at first. AXL gives at most 8 MB at once (AXL Developer Guide); with the
/// fields that are asked for here, 500 rows are about half a megabyte.
pub const FIRST_PAGE: u64 = 500;

/// How many rows a page has at most once the server has accepted some.
pub const LARGEST_PAGE: u64 = 1000;

/// After so many accepted pages, the next ones are larger.
const PAGES_TO_GROW: u32 = 4;

/// After so many pages in a row without anything new, the reading stops.
const MOST_PAGES_WITHOUT_NEW_ROWS: u32 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(first: u64, mut server: impl FnMut(Page) -> Option<Vec<u32>>) -> Listing<String> {
        let mut pager = Pager::new(first, first * 4);
        while !pager.is_done() {
            let page = pager.next_page();
            match server(page) {
                Some(rows) => {
                    let rows = rows.iter().map(u32::to_string).collect();
                    pager.accept(page, rows, |row: &String| Some(row.as_str()));
                }
                None => assert!(
                    pager.shrink(page, PageRefusal::TooLarge(None)),
                    "too large even for one row"
                ),
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
    fn a_server_that_ignores_the_page_is_incomplete() {
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
    fn shrinks_to_what_the_server_accepts() {
        let mut pager = Pager::<String>::new(500, 1000);
        let page = pager.next_page();
        assert!(pager.shrink(page, PageRefusal::Unavailable));
        let page = pager.next_page();
        assert_eq!(page, Page { skip: 0, first: 250 });
        assert!(pager.shrink(page, PageRefusal::TooLarge(Some(100))));
        let page = pager.next_page();
        assert_eq!(page.first, 99);
        assert!(pager.shrink(page, PageRefusal::TooLarge(Some(0))));
        let page = pager.next_page();
        assert_eq!(page.first, 1);
        assert!(!pager.shrink(page, PageRefusal::Unavailable));
    }

    /// Takes `pages` full pages and returns the size of the one that follows.
    fn after(pager: &mut Pager<u64>, pages: u32) -> u64 {
        for _ in 0..pages {
            let page = pager.next_page();
            pager.accept(page, (page.skip..page.skip + page.first).collect(), |_| None);
        }
        pager.first
    }

    #[test]
    fn grows_again_but_not_to_what_was_too_large() {
        let mut pager = Pager::new(500, 1000);
        assert_eq!(after(&mut pager, 3), 500);
        assert_eq!(after(&mut pager, 1), 1000);
        assert_eq!(after(&mut pager, 8), 1000);
        let page = pager.next_page();
        assert!(pager.shrink(page, PageRefusal::Unavailable));
        assert_eq!(after(&mut pager, 4), 1000, "there was no memory at that moment");
        let page = pager.next_page();
        assert!(pager.shrink(page, PageRefusal::TooLarge(None)));
        assert_eq!(after(&mut pager, 20), 500);
        assert_eq!(pager.asked(), pager.count() as u64);
    }

    #[test]
    fn what_fails_twice_is_not_tried_a_third_time() {
        let mut pager = Pager::new(500, 500);
        let page = pager.next_page();
        assert!(pager.shrink(page, PageRefusal::Unavailable));
        assert_eq!(after(&mut pager, 4), 500);
        let page = pager.next_page();
        assert!(pager.shrink(page, PageRefusal::Unavailable));
        assert_eq!(after(&mut pager, 40), 250);
    }

    #[test]
    fn pages_that_were_asked_for_ahead_are_taken_in_their_order() {
        let mut pager = Pager::<u32>::new(3, 3);
        let (one, two) = (pager.next_page(), pager.next_page());
        assert_eq!((one.skip, two.skip), (0, 3));
        pager.accept(one, vec![1, 2, 3], |_| None);
        assert!(pager.shrink(two, PageRefusal::Unavailable));
        assert_eq!(pager.next_page(), Page { skip: 3, first: 1 });
    }

    proptest! {
        #[test]
        fn reads_every_row_once(rows in 0_u32..400, first in 1_u64..90, accepts in 1_u64..60) {
            let all: Vec<u32> = (0..rows).collect();
            let listing = read(first, |page| (page.first <= accepts).then(|| slice(&all, page)));
            prop_assert!(listing.complete);
            prop_assert_eq!(listing.rows.len(), all.len());
            prop_assert_eq!(listing.repeated, 0);
        }
    }
}
