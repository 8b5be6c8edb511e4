//! Values that the config file and the journal keep as they are typed.

/// Gives types that are parsed and displayed the conversions that serde needs for `try_from` and `into` of a string.
macro_rules! as_typed {
    ($($type:ty),+) => {$(
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    )+};
}

pub(crate) use as_typed;
