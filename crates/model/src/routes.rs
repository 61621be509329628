//! Route patterns: a path with `{name}` for one segment and a final `*` for the rest.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scopes::ScopeName;

const PATH_LENGTH_MAX: usize = 500;

/// A route of an API and the scopes that it asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The HTTP method in capitals, or `*` for every one.
    pub method: String,
    /// The pattern.
    pub path: PathPattern,
    /// All of them are needed; none means that any live credential passes.
    pub scopes: Vec<ScopeName>,
}

/// One segment of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// Any one segment.
    Parameter,
    /// All that follows, at least one segment.
    Rest,
}

/// A checked path pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

/// Why a pattern or method is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidRoute {
    /// No leading slash.
    #[error("must start with /")]
    Relative,
    /// Over the limit.
    #[error("must have at most {PATH_LENGTH_MAX} characters")]
    TooLong,
    /// A `*` that is not the last segment.
    #[error("may have * only as its last segment")]
    Star,
    /// A segment that no request can have.
    #[error("has the segment \"{0}\", which no request can match")]
    Segment(String),
    /// Not an HTTP method.
    #[error("must be an HTTP method in capitals, or * for every method")]
    Method,
}

impl PathPattern {
    /// Checks a pattern.
    pub fn new(text: &str) -> Result<Self, InvalidRoute> {
        let rest = text.strip_prefix('/').ok_or(InvalidRoute::Relative)?;
        if text.len() > PATH_LENGTH_MAX {
            return Err(InvalidRoute::TooLong);
        }
        let mut segments = Vec::new();
        let mut parts = rest.split('/').peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            if part.is_empty() && is_last && segments.is_empty() {
                break;
            }
            segments.push(segment(part, is_last)?);
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments; none for `/`.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PathPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Checks a method: capitals, or `*`.
pub fn method(text: &str) -> Result<String, InvalidRoute> {
    let word = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_uppercase());
    if word || text == "*" {
        Ok(text.to_owned())
    } else {
        Err(InvalidRoute::Method)
    }
}

/// Whether a request's path has one reading only. Everything that a proxy and a server might read
/// differently is refused before routes are looked at: empty and dot segments, encoded slashes,
/// dots and percent signs, parameters after `;`, backslashes and control characters.
pub fn is_canonical(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let bytes = path.as_bytes();
    if bytes
        .iter()
        .any(|b| matches!(b, b';' | b'\\' | b'#' | b'?' | 0..=0x20 | 0x7f))
    {
        return false;
    }
    let ambiguous_escape = |window: &[u8]| {
        let (high, low) = (window[1], window[2].to_ascii_lowercase());
        let is_hex = high.is_ascii_hexdigit() && low.is_ascii_hexdigit();
        let value = (high, low);
        !is_hex
            || matches!(
                value,
                (b'2', b'e' | b'f' | b'5') | (b'3', b'b') | (b'5', b'c')
            )
            || matches!(high, b'0' | b'1')
    };
    let escapes_are_plain = bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'%')
        .all(|(at, _)| {
            bytes
                .get(at..at + 3)
                .is_some_and(|window| !ambiguous_escape(window))
        });
    escapes_are_plain
        && (rest.is_empty() || bytes[1..].split(|byte| *byte == b'/').all(is_plain_segment))
}

fn is_plain_segment(segment: &[u8]) -> bool {
    !matches!(segment, b"" | b"." | b"..")
}

fn segment(part: &str, is_last: bool) -> Result<Segment, InvalidRoute> {
    if part == "*" {
        return if is_last {
            Ok(Segment::Rest)
        } else {
            Err(InvalidRoute::Star)
        };
    }
    if let Some(name) = part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !name.is_empty() && name.chars().all(plain) {
            return Ok(Segment::Parameter);
        }
    }
    let odd = part.contains(['{', '}', '*']);
    if odd || !is_plain_segment(part.as_bytes()) || !is_canonical(&format!("/{part}")) {
        return Err(InvalidRoute::Segment(part.to_owned()));
    }
    Ok(Segment::Literal(part.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let pattern = PathPattern::new("/v1/leads/{id}/notes/*").expect("pattern");
        assert_eq!(pattern.segments().len(), 5);
        assert_eq!(pattern.segments()[2], Segment::Parameter);
        assert_eq!(pattern.segments()[4], Segment::Rest);
        assert_eq!(PathPattern::new("/").expect("root").segments(), []);
        for bad in [
            "v1", "/a//b", "/a/", "/*/b", "/a*", "/{}", "/{a b}", "/..", "/a;x", "/%2e",
        ] {
            assert!(PathPattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_paths_with_one_reading_are_canonical() {
        for good in [
            "/",
            "/v1/leads",
            "/v1/leads/caf%C3%A9",
            "/v1/a.b",
            "/v1/a%20b",
        ] {
            assert!(is_canonical(good), "{good}");
        }
        for bad in [
            "",
            "v1",
            "//v1",
            "/v1//leads",
            "/v1/leads/",
            "/v1/../x",
            "/v1/./x",
            "/v1/%2e%2e/x",
            "/v1/%2Fx",
            "/v1/%5cx",
            "/v1;x",
            "/v1/%3bx",
            "/v1\\x",
            "/v1/%00",
            "/v1/%zz",
            "/v1/%",
            "/v1/%252e",
            "/v1/a b",
            "/v1?x",
        ] {
            assert!(!is_canonical(bad), "{bad}");
        }
    }
}
