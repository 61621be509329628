//! Addresses of requests, compared as RFC 9449 section 4.3 says: without query and fragment, after
//! the normalisation of RFC 3986 sections 6.2.2 and 6.2.3.

/// The longest address that is looked at.
const LENGTH_MAX: usize = 4 * 1024;

/// The one form in which an address is compared; none of what is no absolute http or https address,
/// or names a user. Dot segments stay: they are in both or in none.
pub(super) fn normalised(url: &str) -> Option<String> {
    if url.len() > LENGTH_MAX || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if authority.is_empty() || authority.contains(['@', '\\']) {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let authority = authority
        .strip_suffix(default_port)
        .or_else(|| authority.strip_suffix(':'))
        .unwrap_or(&authority);
    Some(format!("{scheme}://{authority}{}", normal_path(path)?))
}

/// The path with escapes in upper case, and none where none is needed; no answer when one is
/// broken.
fn normal_path(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        normal.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        rest = &rest[at + 3..];
    }
    normal.push_str(rest);
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_address_compares_equal_and_nothing_else_does() {
        let same = "https://server.example.com/token";
        for text in [
            "https://server.example.com/token",
            "HTTPS://Server.Example.COM/token",
            "https://server.example.com:443/token",
            "https://server.example.com:/token",
            "https://server.example.com/token?x=1#y",
            "https://server.example.com/%74oken",
        ] {
            assert_eq!(normalised(text).as_deref(), Some(same), "{text}");
        }
        for text in [
            "http://server.example.com/token",
            "https://server.example.com:8443/token",
            "https://server.example.com/token/",
            "https://server.example.com/Token",
            "https://server.example.com/",
            "https://server.example.com/a%2Ftoken",
        ] {
            assert_ne!(normalised(text).as_deref(), Some(same), "{text}");
            assert!(normalised(text).is_some(), "{text}");
        }
        assert_eq!(normalised("http://a:80").as_deref(), Some("http://a/"));
        assert_eq!(
            normalised("http://[::1]:80/x").as_deref(),
            Some("http://[::1]/x")
        );
        assert_eq!(
            normalised("http://a/%c3%a9").as_deref(),
            Some("http://a/%C3%A9")
        );
        for text in [
            "",
            "/token",
            "ftp://a/b",
            "https://",
            "https://u@a/b",
            "https://a/%4",
            "https://a/%+1",
            "https://a/é",
            "https://a/ b",
            "https:///b",
        ] {
            assert_eq!(normalised(text), None, "{text}");
        }
    }
}
