//! The shapes that AXL operations share: get one object, list objects page by page, do something with one object
//! by its name; and how their responses are read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::operation::Operation;
use super::paging::Page;
use crate::domain::text::quoted;
use crate::soap::reference::{DeviceNames, LoadInformation, Reference};
use crate::soap::scalar::{self, Loose};
use crate::soap::tags::ReturnedTags;
use crate::soap::vendor_config::VendorConfig;

/// An object that a `get…` operation returns.
pub trait Object: DeserializeOwned + Send + 'static {
    /// The operation, such as `getPhone`.
    const GET: &'static str;
    /// The element of the response that holds the object.
    const ELEMENT: &'static str;
    /// The element of the request that identifies the object.
    const KEY: &'static str;
    /// The fields to return, in the order of the AXL schema.
    const TAGS: ReturnedTags;

    /// Keeps what must be written back exactly as the server wrote it.
    fn keep(&mut self, _document: &str) {}
}

/// A `get…` request for one object.
#[derive(Clone, Debug)]
pub struct Get<T> {
    name: String,
    tags: ReturnedTags,
    object: PhantomData<fn() -> T>,
}

impl<T: Object> Get<T> {
    pub fn named(name: impl Into<String>) -> Self {
        Self::with_tags(name, T::TAGS)
    }

    pub(super) fn with_tags(name: impl Into<String>, tags: ReturnedTags) -> Self {
        Self { name: name.into(), tags, object: PhantomData }
    }
}

impl<T: Object> Serialize for Get<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(T::KEY, &self.name)?;
        map.serialize_entry("returnedTags", &self.tags)?;
        map.end()
    }
}

impl<T: Object> Operation for Get<T> {
    const NAME: &'static str = T::GET;
    type Output = T;

    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<T, D::Error> {
        one(T::ELEMENT, content)
    }

    fn keep(output: &mut T, document: &str) {
        output.keep(document);
    }
}

/// A row that a `list…` operation returns.
pub trait Row: Clone + DeserializeOwned + Send + 'static {
    /// The operation, such as `listPhone`.
    const LIST: &'static str;
    /// The element of the response that holds one row.
    const ELEMENT: &'static str;
    /// The search criterion. AXL requires at least one.
    const CRITERION: &'static str;
    /// The fields to return, in the order of the AXL schema.
    const TAGS: ReturnedTags;

    /// Returns what identifies the row: its UUID, or else its name.
    fn key(&self) -> Option<&str>;
}

/// A `list…` request, whose response comes in pages.
#[derive(Clone, Debug)]
pub struct List<R> {
    pattern: String,
    tags: ReturnedTags,
    page: Option<Page>,
    row: PhantomData<fn() -> R>,
}

impl<R: Row> List<R> {
    /// Requests the rows whose criterion matches a pattern, in which `%` matches any text.
    pub fn matching(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), tags: R::TAGS, page: None, row: PhantomData }
    }

    pub fn all() -> Self {
        Self::matching("%")
    }

    pub(super) fn with_tags(self, tags: ReturnedTags) -> Self {
        Self { tags, ..self }
    }

    pub fn set_page(&mut self, page: Page) {
        self.page = Some(page);
    }
}

impl<R: Row> Serialize for List<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Criterion<'a>(&'static str, &'a str);
        impl Serialize for Criterion<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(self.0, self.1)])
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("searchCriteria", &Criterion(R::CRITERION, &self.pattern))?;
        map.serialize_entry("returnedTags", &self.tags)?;
        if let Some(page) = self.page {
            map.serialize_entry("skip", &page.skip)?;
            map.serialize_entry("first", &page.first)?;
        }
        map.end()
    }
}

impl<R: Row> Operation for List<R> {
    const NAME: &'static str = R::LIST;
    type Output = Vec<R>;

    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<Vec<R>, D::Error> {
        Ok(optional(R::ELEMENT, content)?.unwrap_or_default())
    }
}

/// A value of an element that [`record!`] declares; a missing element is its default.
pub(super) trait Field: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Returns the value as what identifies a row; nothing for what does not.
    fn key(&self) -> Option<&str> {
        None
    }
}

/// Reads a [`Field`], for `deserialize_with`.
pub(super) fn field<'de, D: Deserializer<'de>, F: Field>(deserializer: D) -> Result<F, D::Error> {
    F::read(deserializer)
}

impl Field for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::text_or_empty(deserializer)
    }

    fn key(&self) -> Option<&str> {
        (!self.is_empty()).then_some(self)
    }
}

impl Field for Reference {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn key(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

macro_rules! fields {
    ($($type:ty: $read:path;)+) => {
        $(impl Field for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(deserializer)
            }
        })+
    };
}

fields! {
    Option<String>: scalar::text;
    Option<bool>: scalar::boolean;
    Option<i64>: scalar::number;
    Option<DeviceNames>: Option::deserialize;
    LoadInformation: LoadInformation::deserialize;
    VendorConfig: VendorConfig::deserialize;
}

/// Declares an object of AXL or a row of a list, with the request that reads it.
///
/// `FIELD: TYPE = ELEMENT` gives the fields in the order of the AXL schema; their elements are the request's
/// `returnedTags`. `by` names the field that identifies the object. `others` are fields that only other requests ask
/// for, and `keeps` is where the product-specific settings stay exactly as they were written.
macro_rules! record {
    (@object $record:ident $operation:literal $element:literal $by:ident [$($tag:literal)*] $($settings:ident)?) => {
        impl $crate::axl::request::Object for $record {
            const GET: &'static str = $operation;
            const ELEMENT: &'static str = $element;
            const KEY: &'static str = stringify!($by);
            const TAGS: $crate::soap::tags::ReturnedTags = $crate::soap::tags::ReturnedTags(&[$($tag),*]);
            $(
                fn keep(&mut self, document: &str) {
                    self.$settings = $crate::soap::vendor_markup::VendorMarkup::find(document);
                }
            )?
        }
    };
    (@row $record:ident $operation:literal $element:literal $by:ident [$($tag:literal)*]) => {
        impl $crate::axl::request::Row for $record {
            const LIST: &'static str = $operation;
            const ELEMENT: &'static str = $element;
            const CRITERION: &'static str = stringify!($by);
            const TAGS: $crate::soap::tags::ReturnedTags = $crate::soap::tags::ReturnedTags(&[$($tag),*]);

            fn key(&self) -> Option<&str> {
                self.uuid.as_deref().or_else(|| $crate::axl::request::Field::key(&self.$by))
            }
        }
    };
    (
        $(#[$doc:meta])*
        $kind:ident $record:ident = $shape:ident $request:ident $operation:literal, $element:literal by $by:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $tag:literal,)*
        }
        $(others { $($others:tt)* })?
        $(keeps $settings:ident)?
    ) => {
        #[doc = concat!("`", $operation, "`.")]
        pub type $request = $shape<$record>;

        $(#[$doc])*
        #[derive(Clone, Debug, serde::Deserialize, Eq, PartialEq)]
        pub struct $record {
            /// The UUID as AXL writes it.
            #[serde(default, rename = "@uuid", deserialize_with = "crate::soap::scalar::uuid")]
            pub uuid: Option<String>,
            $(
                $(#[$field_doc])*
                #[serde(default, rename = $tag, deserialize_with = "crate::axl::request::field")]
                pub $field: $type,
            )*
            $($($others)*)?
            $(
                /// The product-specific settings again, exactly as they were written.
                #[serde(skip, default = "VendorMarkup::none")]
                pub $settings: Result<VendorMarkup, MarkupError>,
            )?
        }

        $crate::axl::request::record!(@$kind $record $operation $element $by [$($tag)*] $($settings)?);
    };
}
pub(super) use record;

/// Declares a request that changes one object, identified by its name, and returns a [`StandardReturn`].
macro_rules! change_by_name {
    ($(#[$doc:meta])* $request:ident, $operation:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize)]
        pub struct $request {
            name: String,
        }

        impl $request {
            /// Requests it for the object with this name.
            pub fn named(name: impl Into<String>) -> Self {
                Self { name: name.into() }
            }
        }

        impl $crate::axl::operation::Operation for $request {
            const NAME: &'static str = $operation;
            const INTENT: $crate::net::session::Intent = $crate::net::session::Intent::Write;
            type Output = $crate::axl::request::StandardReturn;
        }
    };
}
pub(super) use change_by_name;

/// What AXL returns for a change, `StandardResponse` of the AXL schema: `true` or the UUID of the changed object.
///
/// Anything else is an error, so that a change that the server denies never looks like one that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandardReturn {
    /// The UUID, as AXL writes it, when there is one.
    pub uuid: Option<String>,
}

impl<'de> Deserialize<'de> for StandardReturn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Loose(text) = Loose::deserialize(deserializer)?;
        match text.trim() {
            "true" => Ok(Self { uuid: None }),
            text if text.starts_with('{') && text.ends_with('}') => {
                Ok(Self { uuid: Some(text.to_owned()) })
            }
            other => {
                let other: String = other.chars().take(60).collect();
                Err(D::Error::custom(format_args!(
                    "expected true or a UUID, found {}",
                    quoted(&other)
                )))
            }
        }
    }
}

/// Reads the one child element that has this name, and skips all others.
pub(super) fn one<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    element: &'static str,
    content: D,
) -> Result<T, D::Error> {
    optional(element, content)?.ok_or_else(|| D::Error::missing_field(element))
}

/// Reads the child element of this name, or the sequence of them where `T` is one; nothing when there is none.
pub(super) fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    element: &'static str,
    content: D,
) -> Result<Option<T>, D::Error> {
    content.deserialize_map(ChildVisitor { element, value: PhantomData })
}

struct ChildVisitor<T> {
    element: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ChildVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an element that holds {}", quoted(self.element))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != self.element {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value()?).is_some() {
                // A second one could replace the first by nothing.
                return Err(A::Error::duplicate_field(self.element));
            }
        }
        Ok(found)
    }
}
