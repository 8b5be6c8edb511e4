//! An error and what caused it, in one line.

/// Joins an error with its causes, leaving out a cause that the text before it contains.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(more.trim_end()) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    without_os_codes(&text)
}

/// Removes the number of the operating system that Rust adds to an error's text: "No such file or directory (os error 2)".
pub fn without_os_codes(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_once(')') {
        Some((number, rest)) if number.parse::<i32>().is_ok() => text + rest,
        _ => text + " (os error " + part,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layered {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn the_number_of_an_error_of_the_system_is_left_out() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(error_chain(&error), error.to_string().replace(" (os error 2)", ""));
        assert_eq!(without_os_codes("a (os error 98): b (os error 5)"), "a: b");
        assert_eq!(without_os_codes("a (os error x) (os error 1"), "a (os error x) (os error 1");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = Layered { text: "connection refused", source: None };
        let middle =
            Layered { text: "cannot reach pub: connection refused", source: Some(Box::new(inner)) };
        let outer = Layered { text: "failed to read phones", source: Some(Box::new(middle)) };
        assert_eq!(
            error_chain(&outer),
            "failed to read phones: cannot reach pub: connection refused"
        );
    }
}
