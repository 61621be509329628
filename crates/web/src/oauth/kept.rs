//! Answers that anybody may read and keep: with a tag, so that they are sent only when they changed
//! (RFC 9110 section 13.1.2).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

/// A document, and how long it may be kept.
pub(super) struct Kept {
    /// Its media type.
    pub(super) content_type: &'static str,
    /// Its text.
    pub(super) body: String,
    /// What differs when it does.
    pub(super) tag: String,
    /// How long it may be kept before it is asked for again, in seconds.
    pub(super) max_age_seconds: u32,
}

impl Kept {
    /// The answer to a request with these headers: the document, or that it has not changed.
    pub(super) fn answer(self, request: &HeaderMap) -> Response {
        // Weak, since it is the same for each media type.
        let tag = format!("W/\"{}\"", self.tag);
        let mut response = if is_known(request, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(self.body));
            let content_type = HeaderValue::from_static(self.content_type);
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response
        };
        let cache = format!("public, max-age={}", self.max_age_seconds);
        let headers = response.headers_mut();
        for (name, value) in [(CACHE_CONTROL, cache), (ETAG, tag)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response
    }
}

/// Whether the caller has what is called `tag`, by the weak comparison.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = request.get_all(IF_NONE_MATCH).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || bare(known) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_and_weakly() {
        let known = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known(&headers, "W/\"a1\"")
        };
        for value in ["W/\"a1\"", "\"a1\"", "\"b\", W/\"a1\"", "*"] {
            assert!(known(value), "{value}");
        }
        for value in ["\"a\"", "a1", "\"a1 \"", ""] {
            assert!(!known(value), "{value}");
        }
        assert!(!is_known(&HeaderMap::new(), "W/\"a1\""));
    }
}
