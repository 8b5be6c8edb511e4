//! The keys of a table that give one secret, of which a table may hold only one.

use std::path::Path;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'config> {
    pub keys: [&'static str; 4],
    pub file: Option<&'config Path>,
    pub variable: Option<&'config str>,
    pub command: Option<&'config [String]>,
    /// Whether the fourth key is given.
    pub other: bool,
}

impl Sources<'_> {
    /// Returns whether one of the keys is given.
    pub fn is_given(self) -> bool {
        self.given().contains(&true)
    }

    fn given(self) -> [bool; 4] {
        [self.file.is_some(), self.variable.is_some(), self.command.is_some(), self.other]
    }

    /// Returns what is wrong, with the key that it is about.
    pub fn problems(self) -> Vec<(&'static str, String)> {
        let keys = self.keys;
        let given: Vec<&str> = keys
            .into_iter()
            .zip(self.given())
            .filter(|(_, is_given)| *is_given)
            .map(|(key, _)| key)
            .collect();
        let mut problems = Vec::new();
        if let [first, second, ..] = given[..] {
            let what =
                format!("`{first}` and `{second}` give the same secret: leave one of them out");
            problems.push((second, what));
        }
        if self.variable.is_some_and(|name| name.contains(['=', '\0'])) {
            problems.push((keys[1], format!("`{}` is not the name of a variable", keys[1])));
        }
        if self.command.is_some_and(|words| words.first().is_none_or(|word| word.trim().is_empty()))
        {
            problems.push((keys[2], format!("`{}` names no program", keys[2])));
        }
        problems
    }
}
