//! What may be registered. Whoever reads a redirect URI later (a browser, an operating system, a
//! person on the consent page) must read the same as we do: what can be read in two ways is not
//! taken.

use std::net::Ipv6Addr;

use super::REDIRECT_URI_LENGTH_MAX;
use super::parts::{self, Authority, Parts};

/// Schemes whose content a browser runs or shows as it is.
const DANGEROUS: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];
/// The hosts that http may lead to.
const OWN_MACHINE: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
/// What the answer adds to the query; a second one of them would be read instead.
const OURS: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

const NOT_HTTPS: &str = "must start with https://";

/// Whether `text` may be registered as a redirect URI.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let parts = written_well(text)?;
    match parts.scheme {
        "https" => {
            check_authority(&parts)?;
        }
        "http" => {
            let host = check_authority(&parts)?.host;
            if !OWN_MACHINE.contains(&host) {
                return Err(
                    "must start with https://; http is for http://127.0.0.1, http://[::1] and \
                     http://localhost alone",
                );
            }
        }
        scheme if scheme.contains('.') => {
            if parts.authority.is_some() {
                check_authority(&parts)?;
            } else if !parts.path.starts_with('/') {
                return Err("must have a path after its scheme: com.example.app:/callback");
            }
        }
        _ => {
            return Err(
                "must start with https://, or with a scheme that is the reverse of a domain of \
                 yours, such as com.example.app:/callback",
            );
        }
    }
    let names = parts.query.unwrap_or_default().split('&');
    let mut names = names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    if names.any(|name| OURS.contains(&name)) {
        return Err("must not have code, state, iss or error in its query: the answer adds them");
    }
    Ok(())
}

/// Where something is in the web.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WebAddress<'a> {
    /// Whether it is asked for over TLS.
    pub is_https: bool,
    /// The host's name or address; an IPv6 address with its brackets.
    pub host: &'a str,
    /// The port, that of the scheme when none is named.
    pub port: u16,
    /// The path; may be empty.
    pub path: &'a str,
    /// What follows the `?`.
    pub query: Option<&'a str>,
}

impl<'a> WebAddress<'a> {
    /// Reads an `https` or `http` URL that everybody reads in the same way; the sentence says what
    /// is wrong with it otherwise.
    pub fn new(text: &'a str) -> Result<Self, &'static str> {
        let parts = written_well(text)?;
        let (is_https, usual) = match parts.scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return Err(NOT_HTTPS),
        };
        let authority = check_authority(&parts)?;
        let port = authority.port.and_then(|port| port.parse().ok());
        Ok(Self {
            is_https,
            host: authority.host,
            port: port.unwrap_or(usual),
            path: parts.path,
            query: parts.query,
        })
    }

    /// The same for `https` alone.
    pub fn https(text: &'a str) -> Result<Self, &'static str> {
        Self::new(text).and_then(|url| {
            if url.is_https {
                Ok(url)
            } else {
                Err(NOT_HTTPS)
            }
        })
    }
}

/// The parts of a URI that everybody reads in the same way.
fn written_well(text: &str) -> Result<Parts<'_>, &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.len() > REDIRECT_URI_LENGTH_MAX {
        return Err("must be at most 2000 characters");
    }
    if text.contains('*') {
        return Err("must not have a wildcard *: register each address that is used");
    }
    if text.contains('\\') {
        return Err("must not have a backslash: write /");
    }
    if !text.is_ascii() {
        return Err(
            "must have ASCII characters alone: percent-encode the others, and write a host as \
             xn--…",
        );
    }
    let is_taken = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()+,;=%".contains(&b);
    if !text.bytes().all(is_taken) {
        return Err("must not have spaces, control characters, quotes, <, >, {, }, |, ^ or `");
    }
    if text.contains('#') {
        return Err("must not have a fragment: remove # and what follows it");
    }
    percent_encoded_well(text)?;
    let parts = parts::split(text).ok_or("must be absolute: https://host/path")?;
    if DANGEROUS.contains(&parts.scheme.to_ascii_lowercase().as_str()) {
        return Err("must not be a javascript, data, file or similar URI");
    }
    if parts.scheme.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("must have its scheme in lower case");
    }
    if has_dot_segments(parts.path) {
        return Err("must not have . or .. as a part of its path");
    }
    if parts.path.contains(['[', ']']) || parts.query.is_some_and(|q| q.contains(['[', ']'])) {
        return Err("must have [ and ] percent-encoded as %5B and %5D");
    }
    Ok(parts)
}

fn check_authority<'a>(parts: &Parts<'a>) -> Result<Authority<'a>, &'static str> {
    let Some(authority) = parts.authority else {
        return Err("must have // and a host after its scheme");
    };
    if authority.userinfo.is_some() {
        return Err("must not have a user name or password: remove what is before @");
    }
    check_host(authority.host)?;
    if authority.port.is_some_and(|port| !parts::is_port(port)) {
        return Err("must have a port of 1 to 65535 after its host, or no colon");
    }
    Ok(authority)
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("must have a host");
    }
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("must have its host in lower case");
    }
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        let read = address.parse::<Ipv6Addr>();
        return match read {
            Ok(_) => Ok(()),
            Err(_) => Err("must have an IPv6 address between [ and ]"),
        };
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !host.split('.').all(is_label) {
        return Err("must have a host of letters, digits, hyphens and dots");
    }
    Ok(())
}

fn percent_encoded_well(text: &str) -> Result<(), &'static str> {
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3);
        let byte = digits
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            None => return Err("must have two hexadecimal digits after each %"),
            Some(byte) if byte.is_ascii_control() => {
                return Err("must not have a percent-encoded control character");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Also those that are only dots to somebody who decodes first.
fn has_dot_segments(path: &str) -> bool {
    let decoded = path.to_ascii_lowercase();
    let decoded = decoded
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    decoded
        .split('/')
        .any(|segment| matches!(segment, "." | ".."))
}
