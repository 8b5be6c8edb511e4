//! Who decides whether a push is allowed?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};

/// Where CUCM's own answer lives, at the end of the URL's path.
const OWN_PATH: &str = "/ccmcip/authenticate.jsp";

pub(in crate::audit) fn check(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.accepts(context.object) {
        return;
    }
    // An empty field on the phone's page defers to the enterprise parameter.
    let own = typed(subject.phone.authentication_url.as_deref());
    let enterprise = context.inventory.enterprise.authentication_url.as_deref().map(str::trim);
    let usual = match (own, enterprise) {
        (Some(url), _) => Some((url, "Device > Phone > Authentication Server")),
        (None, Some(url)) => Some((url, "System > Enterprise Parameters > URL Authentication")),
        (None, None) => None,
    };
    // A phone that speaks HTTPS to it asks this one instead.
    let secure = typed(subject.phone.secure_authentication_url.as_deref())
        .map(|url| (url, "Device > Phone > Secure Authentication URL"))
        .or_else(|| {
            let url = context.inventory.enterprise.secure_authentication_url.as_deref();
            let page = "System > Enterprise Parameters > Secured Phone URL Authentication";
            typed(url).map(|url| (url, page))
        });
    if let Some((_, page)) = usual.filter(|(url, _)| url.is_empty()) {
        found.push(finding(
            Code::AuthenticationUrlBlank,
            Severity::Warning,
            "its Authentication URL is blank: it takes pushes from everybody, without a password",
            format!("set {page} to http://PUBLISHER:8080{OWN_PATH}"),
        ));
    }
    let mut urls = [usual, secure].into_iter().flatten();
    if let Some((url, page)) = urls.find(|(url, _)| !url.is_empty() && !is_own(url, context)) {
        found.push(finding(
            Code::AuthenticationUrlForeign,
            Severity::Warning,
            match is_on_cluster(url, context) {
                true => format!(
                    "another page than CUCM's own decides who may push to it: {url} ({page})"
                ),
                false => format!("another server decides who may push to it: {url} ({page})"),
            },
            format!(
                "if pushes are refused, look at that server, or set {page} back to the publisher's"
            ),
        ));
    }
}

/// Returns what somebody typed into a field, if anything.
fn typed(url: Option<&str>) -> Option<&str> {
    url.map(str::trim).filter(|url| !url.is_empty())
}

/// Tells whether the URL leads to the cluster's own page.
///
/// A node may be known by its short name and named in full in the URL, or the other way round; then first labels
/// are compared.
fn is_own(url: &str, context: &Context<'_>) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    format!("/{path}").to_ascii_lowercase().ends_with(OWN_PATH) && is_on_cluster(url, context)
}

fn is_on_cluster(url: &str, context: &Context<'_>) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = host_of(rest.split('/').next().unwrap_or_default());
    let publisher = host_of(&context.inventory.cluster.host);
    std::iter::once(publisher)
        .chain(context.inventory.nodes.iter().map(String::as_str))
        .any(|node| same_host(host, node))
}

fn host_of(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    // An IPv6 address stands in brackets here, and without them in the list of nodes.
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

fn same_host(a: &str, b: &str) -> bool {
    let is_short = |host: &str| !host.contains(['.', ':']);
    let label = |host: &str| host.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_address = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
    let one_is_short = is_short(a) || is_short(b);
    a.eq_ignore_ascii_case(b)
        || one_is_short && !is_address(a) && !is_address(b) && label(a) == label(b)
}
