//! What the operations share: the request, its criteria and tags, the pages of a list.

use crate::sim::fault::SoapFault;
use crate::sim::history::Write;
use crate::sim::schema;
use crate::sim::state::{Cluster, Database, Fields};
use crate::sim::xml::Node;

/// The inside of an answer, or the fault instead.
pub(crate) type Answer = Result<String, SoapFault>;

/// A request that has passed the field tables.
pub(crate) struct Call<'a> {
    /// The schema version, as `1250`.
    pub(crate) version: u16,
    /// The seed that shuffles lists, where they are shuffled.
    pub(crate) shuffle: Option<u64>,
    /// Whether nulls come in every shape.
    pub(crate) odd_nulls: bool,
    pub(crate) user: usize,
    pub(crate) request: &'a Node,
}

/// Records a write, and queues so many change notifications for the nodes.
pub(super) fn written(cluster: &mut Cluster, call: &Call<'_>, target: String, changes: usize) {
    let caller = cluster.users[call.user].userid.clone();
    cluster.writes.push(Write { operation: call.request.name.clone(), target, caller });
    let limits = cluster.config.limits;
    cluster.notifications.add(&limits, changes);
}

/// A page of a list: `skip` counts only beside `first`, as the schema notes.
pub(super) fn page(request: &Node) -> (usize, usize) {
    let number = |name| request.child_text(name).and_then(|text| text.parse().ok());
    match number("first") {
        Some(first) => (number("skip").unwrap_or(0), first),
        None => (0, usize::MAX),
    }
}

/// Writes the rows of a list, and refuses when they are more than the size limit allows.
pub(super) fn rows<T>(
    cluster: &Database,
    request: &Node,
    matching: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) -> Answer {
    let (skip, first) = page(request);
    let mut out = String::from("<return>");
    let mut matched = 0;
    let mut fitting = None;
    for item in matching.skip(skip).take(first) {
        if fitting.is_none() {
            write(&mut out, item);
            if cluster.config.limits.answer_bytes.is_some_and(|limit| out.len() > limit) {
                fitting = Some(matched);
            }
        }
        matched += 1;
    }
    if let Some(fitting) = fitting {
        return Err(SoapFault::too_large(matched, fitting).with_partial(out));
    }
    if matched == 0 {
        return Ok("<return/>".to_owned());
    }
    out.push_str("</return>");
    Ok(out)
}

pub(super) struct Criteria<'a>(Vec<(&'a str, Pattern)>);

impl<'a> Criteria<'a> {
    pub(super) fn read(request: &'a Node) -> Result<Self, SoapFault> {
        let given = request.child("searchCriteria").map_or(&[][..], |node| &node.children);
        if given.is_empty() {
            return Err(SoapFault::invalid("searchCriteria holds no criterion"));
        }
        Ok(Self(given.iter().map(|c| (c.name.as_str(), Pattern::new(c.text.trim()))).collect()))
    }

    pub(super) fn fit<'t>(&self, field: impl Fn(&str) -> &'t str) -> bool {
        self.0.iter().all(|(name, pattern)| pattern.fits(field(name)))
    }
}

/// A pattern with `%` for any text and `_` for any character; it fits in any case of letters.
pub(crate) struct Pattern(Vec<char>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_lowercase().chars().collect())
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let text = text.chars().flat_map(char::to_lowercase);
        if let [prefix @ .., '%'] = self.0.as_slice()
            && !prefix.iter().any(|c| matches!(c, '%' | '_'))
        {
            // By far the most common kind, and it needs no copy of the text.
            return text.take(prefix.len()).eq(prefix.iter().copied());
        }
        let text: Vec<char> = text.collect();
        let (mut t, mut p) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match self.0.get(p) {
                Some('%') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(&c) if c == '_' || c == text[t] => {
                    t += 1;
                    p += 1;
                }
                Some(_) | None => {
                    let Some((at, from)) = star else { return false };
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
            }
        }
        self.0[p..].iter().all(|&c| c == '%')
    }
}

/// Returns the names of the tags that the caller wants; `None` when `returnedTags` is absent.
pub(super) fn returned_tags(request: &Node) -> Option<Vec<&str>> {
    let tags = request.child("returnedTags")?;
    Some(tags.children.iter().map(|tag| tag.name.as_str()).collect())
}

/// Returns the tags of an answer: those that the caller wants, or the usual ones and those that were written.
pub(super) fn answered_tags<'a>(call: &Call<'a>, usual: &str, written: &Fields) -> Vec<&'a str> {
    returned_tags(call.request).unwrap_or_else(|| {
        let all = schema::tags(&call.request.name, call.version);
        let known = |tag: &&str| {
            usual.split_whitespace().any(|usual| usual == *tag) || written.contains_key(*tag)
        };
        all.filter(known).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_the_database() {
        for (pattern, text, fits) in [
            ("SEP%", "sep0011", true),
            ("SEP%", "CSF1", false),
            ("%", "", true),
            ("", "", true),
            ("", "a", false),
            ("%personal%", "PhonePersonalization", true),
            ("S_P", "SEP", true),
            ("S_P", "SEEP", false),
            ("%a%b", "xaxbxb", true),
            ("ä%", "Äpfel", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }
}
