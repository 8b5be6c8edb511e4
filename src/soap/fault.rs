//! SOAP faults, in every shape that CUCM gives them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::scalar;
use crate::domain::text::sanitize_truncate;

/// A SOAP fault.
///
/// All texts are cleaned and cut: they come from outside and end up on a terminal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fault {
    /// `faultcode`, such as `soapenv:Server`.
    pub code: String,
    /// `faultstring`: the sentence for people.
    pub text: String,
    /// `axlcode`, or `code` of AXL before 8.0. A negative number is usually one of the database.
    pub axl_code: Option<i64>,
    /// `axlmessage`, where it differs from [`Fault::text`].
    pub axl_message: Option<String>,
    pub request: Option<String>,
}

impl Fault {
    /// Returns what kind of fault this is.
    pub fn kind(&self) -> FaultKind {
        let message = self.axl_message.as_deref().unwrap_or_default();
        for text in [self.text.as_str(), message] {
            let text = text.to_ascii_lowercase();
            if let Some((matched, suggested)) = too_large(&text) {
                return FaultKind::TooLarge { matched, suggested };
            }
            if text.contains("maximum axl memory allocation") {
                return FaultKind::MemoryExhausted;
            }
            if text.contains("exceeded allowed rate") {
                return FaultKind::RateLimited { per_minute: allowed_rate(&text) };
            }
        }
        if self.code.to_ascii_lowercase().ends_with("ratecontrol") {
            return FaultKind::RateLimited { per_minute: None };
        }
        let text = format!("{} {message}", self.text).to_ascii_lowercase();
        if text.contains("user rank") {
            return FaultKind::OutrankedUser;
        }
        let passes = self.axl_code.is_some_and(|code| is_passing(code.unsigned_abs()));
        if passes || ["cannot get a connection", "pool error"].iter().any(|why| text.contains(why))
        {
            return FaultKind::DatabaseBusy;
        }
        let code_says_so = matches!(self.axl_code, Some(5007 | 5003));
        if code_says_so && text.contains("not found") {
            return FaultKind::NotFound;
        }
        FaultKind::Other
    }

    /// Returns whether the database refused the query itself: its syntax, or the permission of the user.
    ///
    /// The codes are those of Informix: syntax error, unknown table or column, no permission to select or to
    /// connect. Some clients saw them without their sign.
    pub fn is_sql_refusal(&self) -> bool {
        let code = self.axl_code.map(i64::abs);
        let text = format!("{} {}", self.text, self.axl_message.as_deref().unwrap_or_default());
        let text = text.to_ascii_lowercase();
        self.kind() == FaultKind::Other
            && (matches!(code, Some(201 | 206 | 217 | 272 | 387))
                || ["permission", "not authorized", "not allowed", "syntax error"]
                    .iter()
                    .any(|word| text.contains(word)))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.text.is_empty() {
            self.axl_message.as_deref().unwrap_or("a fault without a text")
        } else {
            &self.text
        };
        write!(f, "{text}")?;
        if let Some(code) = self.axl_code {
            write!(f, " (AXL code {code})")?;
        }
        Ok(())
    }
}

/// What kind of fault a [`Fault`] is, as far as it matters to what is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The database could not read because of what others do at the moment, or because it restarts: try again soon.
    DatabaseBusy,
    /// AXL has no memory left for the moment: try again later.
    MemoryExhausted,
    /// The object does not exist (codes 5007 and 5003).
    NotFound,
    /// The target user outranks the caller (User Rank, since CUCM 11.5(1)SU1).
    OutrankedUser,
    Other,
    RateLimited {
        /// The allowed requests a minute, where the server reports it.
        per_minute: Option<u32>,
    },
    /// The answer would have been larger than AXL gives at once (8 MB): ask for fewer rows.
    TooLarge {
        /// How many rows matched, where the server reports it.
        matched: Option<u64>,
        /// The number of rows that the server suggests; it is often wrong.
        suggested: Option<u64>,
    },
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FaultVisitor)
    }
}

struct FaultVisitor;

impl<'de> Visitor<'de> for FaultVisitor {
    type Value = Fault;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SOAP fault")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fault, A::Error> {
        let mut fault = Fault::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "faultcode" => fault.code = clean(map.next_value()?),
                "faultstring" => fault.text = clean(map.next_value()?),
                "detail" => {
                    let Detail(error) = map.next_value()?;
                    if let Some(error) = error {
                        fault.axl_code = error.code;
                        fault.request = error.request.map(|text| sanitize_truncate(&text, 80));
                        fault.axl_message =
                            error.message.map(|text| sanitize_truncate(&text, EXCERPT));
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if fault.axl_message.as_ref() == Some(&fault.text) {
            fault.axl_message = None;
        }
        Ok(fault)
    }
}

/// The content of `detail`: an AXL error, or something else, which is skipped.
struct Detail(Option<AxlErrorDetail>);

impl<'de> Deserialize<'de> for Detail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DetailVisitor)
    }
}

struct DetailVisitor;

impl<'de> Visitor<'de> for DetailVisitor {
    type Value = Detail;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the detail of a SOAP fault")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Detail, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if matches!(key.as_str(), "axlError" | "AXLError" | "error" | "Error") {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Detail(found))
    }
}

/// `axlError` of AXL since 8.0, and `error` with `code` and `message` before.
#[derive(Deserialize)]
struct AxlErrorDetail {
    #[serde(default, rename = "axlcode", alias = "code", deserialize_with = "scalar::number")]
    code: Option<i64>,
    #[serde(default, rename = "axlmessage", alias = "message", deserialize_with = "scalar::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    request: Option<String>,
}

/// Returns whether an error of Informix (without its sign) passes by itself. The database is locked: a locked row, table or key (107, 113, 144,
/// 233, 263, 378), no more locks (134), a deadlock (143), a lock timeout (154), a read that one of these broke off (243 to
/// 246), a table that was altered meanwhile (710). Or it restarts: no connection to it (908, 930, 27002),
/// a connection that could not be made or broke (25580, 25582, 27001, and 79716, 79730 and 79735 of the JDBC driver). The
/// meaning is in the Informix error messages.
fn is_passing(code: u64) -> bool {
    matches!(code, 107 | 113 | 134 | 143 | 144 | 154 | 233 | 243..=246 | 263 | 378 | 710)
        || matches!(code, 908 | 930 | 25580 | 25582 | 27001 | 27002 | 79716 | 79730 | 79735)
}

/// How many characters of a foreign text an error message shows.
pub(super) const EXCERPT: usize = 300;

fn clean(text: String) -> String {
    sanitize_truncate(&text, EXCERPT)
}

/// Reads "Total rows matched: 2816 rows. Suggestive Row Fetch: less than 844 rows"; "Suggested" is
/// documented too (AXL Developer Guide). The text is in lower case.
fn too_large(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let matched = text.split_once("rows matched:").map(|(_, rest)| rest);
    if matched.is_none() && !text.contains("query request too large") {
        return None;
    }
    let suggested = text
        .split_once("row fetch:")
        .map(|(_, rest)| rest.trim_start())
        .map(|rest| rest.strip_prefix("less than").unwrap_or(rest));
    Some((matched.and_then(leading_number), suggested.and_then(leading_number)))
}

/// Reads "Current allowed rate for realtime information is 15 requests per minute".
fn allowed_rate(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("current allowed rate")?;
    let (_, rest) = rest.split_once(" is ")?;
    u32::try_from(leading_number(rest)?).ok().filter(|rate| (1..=10_000).contains(rate))
}

fn leading_number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(text: &str) -> FaultKind {
        Fault { text: text.to_owned(), axl_code: Some(-1), ..Fault::default() }.kind()
    }

    #[test]
    fn knows_both_wordings_of_too_large() {
        for word in ["Suggestive Row Fetch", "Suggested row fetch"] {
            let text = format!(
                "Query request too large. Total rows matched: 9000 rows. {word}: less than 712 rows"
            );
            let expected = FaultKind::TooLarge { matched: Some(9000), suggested: Some(712) };
            assert_eq!(with_text(&text), expected);
        }
        let bare = FaultKind::TooLarge { matched: None, suggested: None };
        assert_eq!(with_text("Query request too large."), bare);
    }

    #[test]
    fn knows_what_to_wait_for() {
        let text = "Maximum AXL Memory Allocation Consumed. Please retry";
        assert_eq!(with_text(text), FaultKind::MemoryExhausted);
        let text = "AxisFault: Exceeded allowed rate for Reatime information. Current allowed rate \
                    for realtime information is 15 requests per minute.http://example.org/#a";
        assert_eq!(with_text(text), FaultKind::RateLimited { per_minute: Some(15) });
        let coded = Fault { code: "ns1:Server.RateControl".to_owned(), ..Fault::default() };
        assert_eq!(coded.kind(), FaultKind::RateLimited { per_minute: None });
    }

    #[test]
    fn a_lock_or_a_restart_of_the_database_passes() {
        let kind = |axl_code| Fault { axl_code: Some(axl_code), ..Fault::default() }.kind();
        for code in [-107, -113, -154, -243, -244, -246, 244, -908, -25580, -27001, -79730] {
            assert_eq!(kind(code), FaultKind::DatabaseBusy, "{code}");
        }
        let pool = "Cannot get a connection, pool error Timeout waiting for idle object";
        assert_eq!(with_text(pool), FaultKind::DatabaseBusy);
        for code in [-1, -201, -206, -239, 5003, 5007] {
            assert_eq!(kind(code), FaultKind::Other, "{code}");
        }
    }

    #[test]
    fn only_the_database_refuses_sql() {
        let fault = |axl_code, text: &str| Fault {
            axl_code: Some(axl_code),
            text: text.to_owned(),
            ..Fault::default()
        };
        assert!(fault(-206, "The specified table (x) is not in the database.").is_sql_refusal());
        assert!(fault(-1, "No SELECT permission for device.").is_sql_refusal());
        assert!(!fault(-1, "Maximum AXL Memory Allocation Consumed.").is_sql_refusal());
        assert!(!fault(-1, "Could not open connection").is_sql_refusal());
    }

    #[test]
    fn distinguishes_missing_from_outranked() {
        let missing = Fault {
            text: "Item not valid: The specified User was not found".to_owned(),
            axl_code: Some(5007),
            ..Fault::default()
        };
        assert_eq!(missing.kind(), FaultKind::NotFound);
        let rank = Fault {
            text: "no privilege to update this user as you have lower User Rank".to_owned(),
            axl_code: Some(5003),
            ..Fault::default()
        };
        assert_eq!(rank.kind(), FaultKind::OutrankedUser);
    }
}
