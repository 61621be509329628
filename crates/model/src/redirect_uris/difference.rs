//! In which way a redirect URI is not a registered one: for the app's owner, who would otherwise
//! look for a slash for an afternoon.

use super::RedirectUri;
use super::parts::{self, Parts};

/// The longest part of a stranger's URI that is shown.
const SHOWN_MAX: usize = 200;

/// A sentence that tells an app's owner in which way `asked` differs from the nearest of the
/// registered redirect URIs. Only for the owner: it tells what is registered.
pub fn difference(registered: &[RedirectUri], asked: &str) -> String {
    let shown = shown(asked);
    if registered.is_empty() {
        return format!("The app has no redirect URI. Register {shown} if it is the app's.");
    }
    let asked_parts = parts::split(asked);
    let Some(asked_parts) = asked_parts else {
        return format!("The redirect_uri {shown} is not an absolute URI: it has no scheme.");
    };
    let with_differences = registered.iter().filter_map(|uri| {
        let parts = parts::split(uri.as_str())?;
        Some((uri, differences(uri, &parts, &asked_parts)))
    });
    let nearest = with_differences.min_by_key(|(_, found)| {
        let weight: u32 = found.iter().map(|(weight, _)| weight).sum();
        weight
    });
    let Some((uri, found)) = nearest else {
        return format!("The redirect_uri {shown} is not registered.");
    };
    let found: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
    let found = match found.as_slice() {
        [] => "it is written in another way".to_owned(),
        found => found.join(", and "),
    };
    format!(
        "The redirect_uri {shown} is not registered. The nearest that is registered is {}: {found}.",
        uri.as_str()
    )
}

/// What differs, each with how much it makes two URIs strangers.
fn differences(uri: &RedirectUri, registered: &Parts<'_>, asked: &Parts<'_>) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    if registered.scheme != asked.scheme {
        let text = if registered.scheme.eq_ignore_ascii_case(asked.scheme) {
            "its scheme is not in lower case".to_owned()
        } else {
            let (is, should) = (shown(asked.scheme), registered.scheme);
            format!("its scheme is {is} and not {should}")
        };
        found.push((4, text));
    }
    let (own, others) = (
        registered.authority.unwrap_or_default(),
        asked.authority.unwrap_or_default(),
    );
    if own.userinfo != others.userinfo {
        found.push((8, "it has a user name before its host".to_owned()));
    }
    if own.host != others.host {
        found.push((16, hosts(own.host, others.host)));
    }
    if own.port != others.port && !uri.is_loopback() {
        found.push((4, ports(own.port, others.port)));
    }
    if registered.path != asked.path {
        let is_prefix =
            asked.path.starts_with(registered.path) || registered.path.starts_with(asked.path);
        found.push((
            if is_prefix { 2 } else { 3 },
            paths(registered.path, asked.path),
        ));
    }
    if registered.query != asked.query {
        found.push((2, queries(registered.query, asked.query)));
    }
    if asked.fragment.is_some() {
        found.push((1, "it has a fragment: remove # and what follows".to_owned()));
    }
    found
}

fn hosts(registered: &str, asked: &str) -> String {
    if registered.eq_ignore_ascii_case(asked) {
        return "its host is not in lower case".to_owned();
    }
    let is = shown(asked);
    if asked.ends_with(&format!(".{registered}")) {
        return format!("its host is {is}, a subdomain of {registered}");
    }
    if asked.trim_end_matches('.') == registered {
        return "its host has a dot at the end".to_owned();
    }
    if asked.is_empty() {
        return "it has no host".to_owned();
    }
    format!("its host is {is} and not {registered}")
}

fn ports(registered: Option<&str>, asked: Option<&str>) -> String {
    match (registered, asked) {
        (Some(registered), None) => format!("it has no port and should have {registered}"),
        (Some(registered), Some(asked)) => {
            format!("its port is {} and not {registered}", shown(asked))
        }
        (None, Some(asked)) => format!("it has the port {} and should have none", shown(asked)),
        (None, None) => "its port differs".to_owned(),
    }
}

fn paths(registered: &str, asked: &str) -> String {
    let is = shown(asked);
    if asked.strip_suffix('/') == Some(registered) {
        return "its path has a slash at the end that the registered one has not".to_owned();
    }
    if registered.strip_suffix('/') == Some(asked) {
        return "its path lacks the slash at the end".to_owned();
    }
    if asked.eq_ignore_ascii_case(registered) {
        return format!("its path {is} differs from {registered} in upper and lower case");
    }
    if asked.contains('%') || registered.contains('%') {
        return format!(
            "its path is {is} and not {registered}, and what is percent-encoded has to be written \
             in the same way"
        );
    }
    if let Some(more) = asked.strip_prefix(registered) {
        return format!("its path goes on with {}", shown(more));
    }
    if asked.is_empty() {
        return format!("it has no path and should have {registered}");
    }
    format!("its path is {is} and not {registered}")
}

fn queries(registered: Option<&str>, asked: Option<&str>) -> String {
    match (registered, asked) {
        (None, Some(asked)) => format!(
            "it has the query ?{} and the registered one has none (what the app wants back belongs \
             in state)",
            shown(asked)
        ),
        (Some(registered), None) => format!("it lacks the query ?{registered}"),
        (Some(registered), Some(asked)) => {
            format!("its query is ?{} and not ?{registered}", shown(asked))
        }
        (None, None) => "its query differs".to_owned(),
    }
}

/// A stranger's text in a sentence: not too long, nothing invisible.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars().take(SHOWN_MAX) {
        if letter.is_ascii_graphic() {
            shown.push(letter);
        } else {
            shown.extend(letter.escape_unicode());
        }
    }
    if text.chars().count() > SHOWN_MAX {
        shown.push('…');
    }
    if shown.is_empty() {
        shown.push_str("(empty)");
    }
    shown
}
