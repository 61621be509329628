//! The origins of redirect URIs (RFC 6454): from where the pages of an app in a browser call.

use super::{RedirectUri, split_loopback};

impl RedirectUri {
    /// The origin of a page that it leads to, as [`browser_origin`] writes it; none when it leads
    /// to no page.
    pub fn origin(&self) -> Option<String> {
        let (scheme, rest) = self.0.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        browser_origin(&format!("{scheme}://{}", &rest[..end]))
    }
}

/// An `Origin` header in one form for each origin: https, or http of the user's own machine. The
/// port of a loopback address is left out, as it is free. None for everything else.
pub fn browser_origin(header: &str) -> Option<String> {
    let origin = header.to_ascii_lowercase();
    let (scheme, authority) = origin.split_once("://")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(is_plain) {
        return None;
    }
    if let Some((host, "")) = split_loopback(&origin) {
        return Some(host.to_owned());
    }
    let default_port = match scheme {
        "https" => ":443",
        "http" if authority.split(':').next() == Some("localhost") => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    Some(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_that_of_a_page() {
        for (uri, origin) in [
            ("https://app.example/callback", Some("https://app.example")),
            (
                "https://app.example:443/cb?x=y",
                Some("https://app.example"),
            ),
            (
                "https://app.example:8443/cb",
                Some("https://app.example:8443"),
            ),
            ("http://127.0.0.1/cb", Some("http://127.0.0.1")),
            ("http://127.0.0.1:5173/cb", Some("http://127.0.0.1")),
            ("http://[::1]:5173/cb", Some("http://[::1]")),
            ("com.example.app:/callback", None),
        ] {
            let uri = RedirectUri(uri.to_owned());
            assert_eq!(uri.origin().as_deref(), origin, "{uri:?}");
        }
        for other in [
            "null",
            "",
            "https://",
            "https://a@b",
            "http://app.example",
            "https://a/b",
        ] {
            assert_eq!(browser_origin(other), None, "{other}");
        }
        let header = browser_origin("http://127.0.0.1:49152");
        assert_eq!(header.as_deref(), Some("http://127.0.0.1"));
    }
}
