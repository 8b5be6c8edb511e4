//! The description of the JSON that the console answers with is true, and complete.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::console::{Web, ask, lab};
use crate::documents::keeps;
use crate::lab::name;

const ROUTES: &str = include_str!("../../src/console/server.rs");
const DESCRIPTION: &str = include_str!("../../docs/json/openapi.json");

/// The paths of the console that answer to GET.
fn routes() -> Vec<&'static str> {
    let parts = ROUTES.split(".route(").skip(1);
    let paths = parts.filter(|part| part.split(".route(").next().unwrap().contains("get("));
    paths.map(|part| part.split('"').nth(1).unwrap()).collect()
}

/// Puts a value that exists in place of each parameter.
fn example(path: &str) -> String {
    let path = path.replace("{phone}", &name(1)).replace("{file}", "picture");
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_address_that_answers_json_is_described() {
    let lab = lab(2);
    assert_eq!(lab.rollout(&[]).0, 0);
    let web = Web::logged_in(&lab);
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let described: BTreeSet<&str> =
        description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let headers = format!("{}Accept: application/json\r\n", web.cookie);
    let mut answering = BTreeSet::new();
    let routes = routes();
    assert!(routes.len() > 10, "{routes:?}");
    // A stream does not end, and pictures are no text.
    for path in
        routes.into_iter().filter(|path| !path.ends_with("/events") && !path.ends_with("{file}"))
    {
        let answer = ask(web.address, "GET", &example(path), &headers, "");
        let is_json = answer.header("content-type") == Some("application/json");
        if is_json && answer.status == 200 {
            answering.insert(path);
        }
    }
    assert_eq!(answering, described);
    for path in described {
        let (status, document) = web.get_json(&example(path));
        let ok = &description["paths"][path]["get"]["responses"]["200"];
        let schema = ok["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        assert_eq!(status, 200, "{path}");
        keeps(schema.strip_suffix(".schema.json").unwrap(), &document);
    }
    // Errors are as described, too.
    let problem = &description["components"]["schemas"]["Problem"];
    for (path, cookie, status) in
        [("/runs/99", web.cookie.as_str(), 404), ("/runs", "", 401), ("/", "", 401)]
    {
        let headers = format!("{cookie}Accept: application/json\r\n");
        let answer = ask(web.address, "GET", path, &headers, "");
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert!(jsonschema::is_valid(problem, &document), "{document}");
    }
    web.ends();
}
