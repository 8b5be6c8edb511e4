//! Links that filter the table of phones: what the page's script reads after the `#` of the address.

use form_urlencoded::Serializer;

/// Writes filters with their values, such as `pool=HQ&outcome=unreachable`; those without a value are left out.
pub(crate) fn filter_link(filters: &[(&str, &str)]) -> String {
    let filters = filters.iter().filter(|(_, value)| !value.is_empty());
    Serializer::new(String::new()).extend_pairs(filters).finish()
}
