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
    text
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
