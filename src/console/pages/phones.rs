//! The list of phones: search, filters, order, pages, and the same as CSV.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use form_urlencoded::Serializer;
use jiff::Timestamp;
use serde::Deserialize;

use crate::console::pages::frame::{Frame, Part, json, page};
use crate::console::pages::loading;
use crate::console::pages::problem::Problem;
use crate::console::phone_index::{PhoneFilter, PhoneIndex, PhoneLine};
use crate::console::request::wants_json;
use crate::console::sessions::SessionUser;
use crate::console::shared::Shared;
use crate::domain::text::{grouped, pluralize};
use crate::error::AppError;
use crate::report::{FieldSelection, Row as _, csv, list_json};

#[derive(Template)]
#[template(path = "phones.html", config = "src/console/pages/askama.toml")]
struct PhonesPage<'a> {
    frame: Frame,
    shown: &'a Shown,
    lines: &'a [&'a PhoneLine],
    total: String,
    filters: Vec<Choice>,
    has_clusters: bool,
    page: usize,
    pages: usize,
    is_empty: bool,
}

pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) chosen: String,
    pub(crate) values: Vec<(String, usize)>,
}

/// What an address asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shown {
    pub(crate) q: String,
    cluster: String,
    pool: String,
    model: String,
    profile: String,
    verdict: String,
    outcome: String,
    finding: String,
    pub(crate) names: String,
    pub(crate) sort: String,
    page: String,
    format: String,
}

pub(crate) async fn phones(
    State(shared): State<Arc<Shared>>,
    Extension(user): Extension<SessionUser>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
) -> Response {
    match loading::phones(&shared, &user, &headers, Part::Phones).await {
        Ok(index) => answer(&index, &shown, &user, &headers),
        Err(other) => other,
    }
}

fn answer(index: &PhoneIndex, shown: &Shown, user: &SessionUser, headers: &HeaderMap) -> Response {
    let found = index.select(&shown.filter(), &shown.sort);
    if shown.format == "csv" {
        return as_csv(&found)
            .unwrap_or_else(|error| Problem::of(&error).answer(Some(user), headers));
    }
    let pages = found.len().div_ceil(ROWS).max(1);
    let at = shown.page.parse().unwrap_or(1).clamp(1, pages);
    let lines: Vec<&PhoneLine> = found.iter().copied().skip((at - 1) * ROWS).take(ROWS).collect();
    if wants_json(headers) {
        let lines: Vec<PhoneLine> = lines.into_iter().cloned().collect();
        return json(&list_json(&lines, PhoneLine::COLUMNS, Timestamp::now()));
    }
    let clusters = index.values(|line| &line.cluster);
    let page_of = PhonesPage {
        frame: Frame::new("Phones", Part::Phones, Some(user)),
        has_clusters: clusters.len() > 1,
        filters: shown.filters(index, clusters),
        total: match found.len() == index.lines.len() {
            true => pluralize(found.len(), "phone"),
            false => {
                format!("{} of {}", grouped(found.len()), pluralize(index.lines.len(), "phone"))
            }
        },
        shown,
        lines: &lines,
        page: at,
        pages,
        is_empty: index.lines.is_empty(),
    };
    page(StatusCode::OK, &page_of)
}

fn as_csv(found: &[&PhoneLine]) -> Result<Response, AppError> {
    let lines: Vec<PhoneLine> = found.iter().map(|line| (*line).clone()).collect();
    let mut bytes = Vec::new();
    csv(&lines, &FieldSelection::default(), &mut bytes)
        .map_err(|error| AppError::from_error(crate::error::ErrorKind::Failed, error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"axlpaper-phones.csv\""),
    ];
    Ok((headers, bytes).into_response())
}

impl Shown {
    pub(crate) fn filter(&self) -> PhoneFilter {
        let Self { q, cluster, pool, model, profile, verdict, outcome, finding, names, .. } =
            self.clone();
        let names = names.split([',', ' ']).filter(|name| !name.is_empty());
        let names = names.map(str::to_owned).collect();
        PhoneFilter { search: q, cluster, pool, model, profile, verdict, outcome, finding, names }
    }

    pub(crate) fn filters(
        &self,
        index: &PhoneIndex,
        clusters: Vec<(String, usize)>,
    ) -> Vec<Choice> {
        let choice = |name, title, chosen: &String, values| Choice {
            name,
            title,
            chosen: chosen.clone(),
            values,
        };
        let cluster =
            (clusters.len() > 1).then(|| choice("cluster", "Cluster", &self.cluster, clusters));
        let others = [
            choice("pool", "Device pool", &self.pool, index.values(|line| &line.device_pool)),
            choice("model", "Model", &self.model, index.values(|line| &line.model)),
            choice("profile", "Profile", &self.profile, index.values(|line| &line.profile)),
            choice("verdict", "Verdict", &self.verdict, index.values(|line| line.verdict())),
            choice("finding", "Finding", &self.finding, index.findings()),
            choice("outcome", "Outcome", &self.outcome, index.values(|line| line.outcome())),
        ];
        cluster.into_iter().chain(others).collect()
    }

    /// Returns the address of the same list with another value of one field.
    fn with(&self, name: &str, value: &str) -> String {
        self.address("/phones", (name, value))
    }

    fn address(&self, path: &str, (name, value): (&str, &str)) -> String {
        let own = [
            ("q", &self.q),
            ("cluster", &self.cluster),
            ("pool", &self.pool),
            ("model", &self.model),
            ("profile", &self.profile),
            ("verdict", &self.verdict),
            ("outcome", &self.outcome),
            ("finding", &self.finding),
            ("names", &self.names),
            ("sort", &self.sort),
        ];
        let mut query = Serializer::new(String::new());
        for (known, own) in own {
            let own = if known == name { value } else { own };
            if !own.is_empty() {
                query.append_pair(known, own);
            }
        }
        if ["page", "format"].contains(&name) {
            query.append_pair(name, value);
        }
        format!("{path}?{}", query.finish())
    }

    /// Tells whether anything narrows the list.
    pub(crate) fn is_chosen(&self) -> bool {
        self.address("", ("sort", "")) != "?"
    }

    /// Returns the address of the screens of the same phones.
    fn wall(&self) -> String {
        self.address("/screens", ("", ""))
    }

    /// Returns the address that sorts by a column, or the other way round.
    fn sorted(&self, column: &str) -> String {
        let is_sorted = self.sort == column || (self.sort.is_empty() && column == "name");
        let column = if is_sorted { format!("-{column}") } else { column.to_owned() };
        self.with("sort", &column)
    }

    /// Returns the value of `aria-sort`.
    fn order(&self, column: &str) -> &'static str {
        let is = |sort: &str| sort == column || (sort.is_empty() && column == "name");
        match self.sort.strip_prefix('-') {
            Some(sort) if is(sort) => "descending",
            None if is(&self.sort) => "ascending",
            _ => "none",
        }
    }

    fn to_page(&self, number: usize) -> String {
        self.with("page", &number.to_string())
    }
}

/// How many phones a page has.
const ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::phone_index::tests::index;
    use crate::domain::console_role::ConsoleRole;

    #[tokio::test]
    async fn the_first_of_40_000_phones_are_a_small_page() {
        let user =
            SessionUser { name: "a".into(), role: ConsoleRole::Viewer, form_token: "0".into() };
        let answer = answer(&index(40_000), &Shown::default(), &user, &HeaderMap::new());
        let body = axum::body::to_bytes(answer.into_body(), 10_000_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("40000 phones") && text.contains("page 1 of 400"));
        assert!(text.contains("Phone of somebody in office 99<") && text.len() < 300_000);
    }
}
