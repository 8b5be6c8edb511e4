//! Writes one object of an answer, with nulls in every shape that CUCM uses.

use std::fmt::Write as _;

use crate::sim::state::Entry;
use crate::sim::xml::{element_into, escape_into};

/// The fields of one object.
pub(super) struct Row<'a> {
    out: &'a mut String,
    salt: usize,
    /// Whether `xmlns:xsi` is declared at the top of the answer already.
    declared: bool,
}

impl<'a> Row<'a> {
    /// Begins an object. Objects of different `salt` write their nulls differently.
    pub(super) fn new(out: &'a mut String, salt: usize, version: u16) -> Self {
        Self { out, salt, declared: version >= 1400 }
    }

    /// Writes a text field; an empty text is a null.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.null(name);
        } else {
            element_into(self.out, name, text);
        }
    }

    /// Writes a boolean field, sometimes in the short form.
    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.salt += 1;
        let text = match (value, self.salt.is_multiple_of(5)) {
            (true, false) => "true",
            (true, true) => "t",
            (false, false) => "false",
            (false, true) => "f",
        };
        element_into(self.out, name, text);
    }

    /// Writes a reference to a named thing.
    pub(super) fn reference<T>(&mut self, name: &str, entry: Option<&Entry<T>>) {
        match entry {
            Some(entry) => self.named(name, &entry.name, &entry.uuid),
            None => self.null_reference(name),
        }
    }

    /// Writes a reference by name and UUID.
    pub(super) fn named(&mut self, name: &str, text: &str, uuid: &str) {
        // Writing into a String cannot fail.
        let _ = write!(self.out, "<{name} uuid=\"{uuid}\">");
        escape_into(self.out, text);
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes a field without value: four shapes that published answers show.
    pub(super) fn null(&mut self, name: &str) {
        self.salt += 1;
        let _ = match self.salt % 4 {
            0 => write!(self.out, "<{name}></{name}>"),
            1 => write!(self.out, "<{name} />"),
            2 => write!(self.out, "<{name} xsi:nil=\"true\"{}/>", self.instance()),
            _ => write!(self.out, "<{name}/>"),
        };
    }

    /// Writes markup as it is.
    pub(super) fn markup(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    fn null_reference(&mut self, name: &str) {
        self.salt += 1;
        let _ = match self.salt % 4 {
            0 => write!(self.out, "<{name} uuid=\"\"/>"),
            1 => write!(self.out, "<{name} xsi:nil=\"1\" uuid=\"\"{}/>", self.instance()),
            2 => write!(self.out, "<{name} />"),
            _ => write!(self.out, "<{name}/>"),
        };
    }

    fn instance(&self) -> &'static str {
        if self.declared { "" } else { " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"" }
    }
}
