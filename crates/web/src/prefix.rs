//! An instance whose public URL has a path: everything is served below that path, and without it
//! too, for a proxy that takes it away.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use tower::util::MapRequest;

/// Serves `routes` below `prefix`, which is empty or `/like/this`, and without it.
pub(crate) fn serve_below(prefix: &str, routes: Router) -> Router {
    if prefix.is_empty() {
        return routes;
    }
    let prefix: Arc<str> = prefix.into();
    let strip = move |mut request: Request<Body>| {
        if let Some(uri) = without(&prefix, request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    };
    Router::new().fallback_service(MapRequest::new(routes, strip))
}

/// The same URI without the prefix; none when it does not have it.
fn without(prefix: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    let rest = match rest.as_bytes().first() {
        Some(b'/') => PathAndQuery::try_from(rest).ok()?,
        None | Some(b'?') => PathAndQuery::try_from(format!("/{rest}")).ok()?,
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_whole_segments() {
        let stripped = |uri: &str| without("/t1", &uri.parse().unwrap()).map(|uri| uri.to_string());
        for (uri, rest) in [
            ("/t1/oauth/token?a=b", "/oauth/token?a=b"),
            ("/t1", "/"),
            ("/t1?a=b", "/?a=b"),
            ("/t1//x", "//x"),
            ("https://host/t1/x", "https://host/x"),
        ] {
            assert_eq!(stripped(uri).as_deref(), Some(rest), "{uri}");
        }
        for other in ["/", "/t12/x", "/x/t1", "*"] {
            assert_eq!(stripped(other), None, "{other}");
        }
    }
}
