//! Reads the object that a push carries, in the way of the phone's model.
//!
//! The phones' reader is not a full one: an unknown name is an error.

use crate::domain::model::PushSchema;
use crate::sim::xml::Node;

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Background {
    /// Where the picture is; empty on PhoneOS to remove the pushed picture.
    pub(super) image: String,
    pub(super) thumbnail: String,
}

/// Reads a `setBackground` object, or returns nothing if the model does not understand it.
pub(super) fn background(xml: &str, schema: PushSchema) -> Option<Background> {
    let root = Node::parse(xml).ok()?;
    let [background] = root.children.as_slice() else { return None };
    if root.name != "setBackground" || background.name != "background" {
        return None;
    }
    let (small, allowed): (_, &[&str]) = match schema {
        PushSchema::Classic => ("icon", &["image", "icon"]),
        PushSchema::PhoneOs => ("thumbnail", &["image", "thumbnail", "kem"]),
    };
    let mut seen = Vec::new();
    for child in &background.children {
        let name = child.name.as_str();
        if !allowed.contains(&name) || seen.contains(&name) || !child.children.is_empty() {
            return None;
        }
        seen.push(name);
    }
    match schema {
        PushSchema::Classic if !background.attributes.is_empty() => return None,
        PushSchema::Classic => {}
        // Both are in every published example; that they are required is believed.
        PushSchema::PhoneOs => {
            let named = background.attribute("name").is_some_and(|name| !name.is_empty());
            let theme = background.attribute("theme");
            if !named || !matches!(theme, Some("light" | "dark")) {
                return None;
            }
        }
    }
    let image = background.child_text("image")?.to_owned();
    if image.is_empty() && schema == PushSchema::PhoneOs {
        return Some(Background { image, thumbnail: String::new() });
    }
    let thumbnail = background.child_text(small)?.to_owned();
    let usable = !image.is_empty() && !thumbnail.is_empty();
    usable.then_some(Background { image, thumbnail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_reads_its_own_object_only() {
        let classic = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground><background><icon>b</icon><image>a</image></background></setBackground>";
        let modern = "<setBackground><background name=\"n\" theme=\"dark\"><image>a</image><thumbnail>b</thumbnail></background></setBackground>";
        let wanted = Background { image: "a".to_owned(), thumbnail: "b".to_owned() };
        assert_eq!(background(classic, PushSchema::Classic).as_ref(), Some(&wanted));
        assert_eq!(background(modern, PushSchema::PhoneOs).as_ref(), Some(&wanted));
        assert_eq!(background(classic, PushSchema::PhoneOs), None);
        assert_eq!(background(modern, PushSchema::Classic), None);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in [
            "",
            "<setBackground/>",
            "<setBackground><background><image>a</image></background></setBackground>",
            "<setBackground><background><image>a</image><icon>b</icon><x/></background></setBackground>",
            "<setBackground><background><image>a</image><image>a</image><icon>b</icon></background></setBackground>",
            "<setbackground><background><image>a</image><icon>b</icon></background></setbackground>",
            "<setBackground><background><image>a</image><icon></icon></background></setBackground>",
        ] {
            assert_eq!(background(bad, PushSchema::Classic), None, "{bad}");
        }
    }
}
