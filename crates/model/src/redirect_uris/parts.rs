//! The parts of a URI (RFC 3986 section 3), cut out as they stand: nothing is decoded or corrected.

/// The parts of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Parts<'a> {
    /// Before the first `:`.
    pub(super) scheme: &'a str,
    /// After `//`; none without.
    pub(super) authority: Option<Authority<'a>>,
    /// Between authority and query; may be empty.
    pub(super) path: &'a str,
    /// After the first `?`.
    pub(super) query: Option<&'a str>,
    /// After the first `#`.
    pub(super) fragment: Option<&'a str>,
}

/// User, host and port.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Authority<'a> {
    /// Before the last `@`.
    pub(super) userinfo: Option<&'a str>,
    /// The host; an IPv6 address with its brackets.
    pub(super) host: &'a str,
    /// After the host's `:`.
    pub(super) port: Option<&'a str>,
}

/// Cuts a URI into its parts; none when it has no scheme.
pub(super) fn split(uri: &str) -> Option<Parts<'_>> {
    let (before, fragment) = cut(uri, '#');
    let (before, query) = cut(before, '?');
    let (scheme, rest) = before.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !is_scheme {
        return None;
    }
    let (authority, path) = match rest.strip_prefix("//") {
        None => (None, rest),
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(split_authority(&rest[..end])), &rest[end..])
        }
    };
    Some(Parts {
        scheme,
        authority,
        path,
        query,
        fragment,
    })
}

/// Whether this is the number of a port, written without leading zeros.
pub(super) fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

fn split_authority(text: &str) -> Authority<'_> {
    let (userinfo, rest) = match text.rsplit_once('@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, text),
    };
    // The colons of an IPv6 address are inside of its brackets.
    let after_address = rest.find(']').map_or(0, |end| end + 1);
    let (host, port) = match rest[after_address..].find(':') {
        None => (rest, None),
        Some(at) => (
            &rest[..after_address + at],
            Some(&rest[after_address + at + 1..]),
        ),
    };
    Authority {
        userinfo,
        host,
        port,
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}
