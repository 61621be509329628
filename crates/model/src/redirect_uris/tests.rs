//! Redirect URIs that are one letter off.

use super::*;

/// Registered, asked, and a word of the sentence for the owner.
const NO_MATCH: &[(&str, &str, &str)] = &[
    // The path.
    (
        "https://app.test/cb",
        "https://app.test/cb/",
        "slash at the end",
    ),
    (
        "https://app.test/cb/",
        "https://app.test/cb",
        "lacks the slash",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb/more",
        "goes on with /more",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cbx",
        "goes on with x",
    ),
    (
        "https://app.test/cb",
        "https://app.test/CB",
        "upper and lower",
    ),
    (
        "https://app.test/cb",
        "https://app.test/Cb",
        "upper and lower",
    ),
    (
        "https://app.test/cb",
        "https://app.test/c",
        "path is /c and not /cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test//cb",
        "path is //cb",
    ),
    ("https://app.test/cb", "https://app.test/", "path is /"),
    ("https://app.test/cb", "https://app.test", "no path"),
    ("https://app.test", "https://app.test/", "slash at the end"),
    (
        "https://app.test/cb",
        "https://app.test/other",
        "path is /other",
    ),
    (
        "https://app.test/a/cb",
        "https://app.test/cb",
        "path is /cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test/x/../cb",
        "path is /x/../cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb/../cb",
        "goes on with /../cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb/..",
        "goes on with /..",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb/%2e%2e/cb",
        "percent-encoded",
    ),
    (
        "https://app.test/cb",
        "https://app.test/%2e%2e/cb",
        "percent-encoded",
    ),
    (
        "https://app.test/cb",
        "https://app.test/./cb",
        "path is /./cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test/c%62",
        "percent-encoded",
    ),
    (
        "https://app.test/c%62",
        "https://app.test/cb",
        "percent-encoded",
    ),
    (
        "https://app.test/%C3%A4",
        "https://app.test/%c3%a4",
        "upper and lower",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb%00",
        "percent-encoded",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb%2f",
        "percent-encoded",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb;x",
        "goes on with ;x",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb ",
        "goes on with \\u{20}",
    ),
    (
        "https://app.test/cb",
        "https://app.test/cb\n",
        "goes on with \\u{a}",
    ),
    (
        "https://app.test/cb",
        "https://app.test\\cb",
        "host is app.test\\cb",
    ),
    (
        "https://app.test/cb",
        "https://app.test/c\u{431}",
        "path is /c\\u{431}",
    ),
    // Query and fragment.
    (
        "https://app.test/cb",
        "https://app.test/cb?x=1",
        "query ?x=1",
    ),
    ("https://app.test/cb", "https://app.test/cb?", "query"),
    (
        "https://app.test/cb?x=1",
        "https://app.test/cb",
        "lacks the query ?x=1",
    ),
    (
        "https://app.test/cb?x=1",
        "https://app.test/cb?x=2",
        "not ?x=1",
    ),
    (
        "https://app.test/cb?x=1",
        "https://app.test/cb?x=1&y=2",
        "not ?x=1",
    ),
    (
        "https://app.test/cb?a&b",
        "https://app.test/cb?b&a",
        "not ?a&b",
    ),
    ("https://app.test/cb", "https://app.test/cb#", "fragment"),
    ("https://app.test/cb", "https://app.test/cb#x", "fragment"),
    (
        "https://app.test/cb",
        "https://app.test/cb#@app.test/cb",
        "fragment",
    ),
    // Host.
    (
        "https://app.test/cb",
        "https://www.app.test/cb",
        "subdomain of app.test",
    ),
    (
        "https://app.test/cb",
        "https://app.test.evil.test/cb",
        "host is app.test.evil.test",
    ),
    (
        "https://app.test/cb",
        "https://evilapp.test/cb",
        "host is evilapp.test",
    ),
    (
        "https://app.test/cb",
        "https://app.test./cb",
        "dot at the end",
    ),
    ("https://app.test/cb", "https://APP.test/cb", "lower case"),
    (
        "https://app.test/cb",
        "https://evil.test/cb",
        "host is evil.test",
    ),
    ("https://app.test/cb", "https:///cb", "no host"),
    ("https://app.test/cb", "https:/app.test/cb", "no host"),
    (
        "https://app.test/cb",
        "https://app.test@evil.test/cb",
        "user name",
    ),
    (
        "https://app.test/cb",
        "https://user@app.test/cb",
        "user name",
    ),
    (
        "https://app.test/cb",
        "https://user:pass@app.test/cb",
        "user name",
    ),
    (
        "https://app.test/cb",
        "https://app.test:@evil.test/cb",
        "user name",
    ),
    (
        "https://app.test/cb",
        "https://evil.test\\@app.test/cb",
        "user name",
    ),
    (
        "https://app.test/cb",
        "https://\u{430}pp.test/cb",
        "\\u{430}pp.test",
    ),
    // Scheme and port.
    (
        "https://app.test/cb",
        "http://app.test/cb",
        "scheme is http and not https",
    ),
    (
        "https://app.test/cb",
        "HTTPS://app.test/cb",
        "scheme is not in lower case",
    ),
    (
        "https://app.test/cb",
        "javascript://app.test/cb",
        "scheme is javascript",
    ),
    ("https://app.test/cb", "https://app.test:443/cb", "port 443"),
    (
        "https://app.test/cb",
        "https://app.test:8443/cb",
        "port 8443",
    ),
    (
        "https://app.test/cb",
        "https://app.test:/cb",
        "port (empty)",
    ),
    (
        "https://app.test:8443/cb",
        "https://app.test/cb",
        "should have 8443",
    ),
    (
        "https://app.test:8443/cb",
        "https://app.test:8444/cb",
        "port is 8444 and not 8443",
    ),
    ("https://app.test/cb", " https://app.test/cb", "no scheme"),
    ("https://app.test/cb", "//app.test/cb", "no scheme"),
    ("https://app.test/cb", "/cb", "no scheme"),
    ("https://app.test/cb", "", "no scheme"),
    (
        "https://app.test/cb",
        "https://app.test/cb https://evil.test",
        "goes on with",
    ),
    // Loopback: the port is free and nothing else.
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:51234/cb/",
        "slash at the end",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:51234/CB",
        "upper and lower",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:0/cb",
        "another way",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:65536/cb",
        "another way",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:080/cb",
        "another way",
    ),
    ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", "another way"),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:+80/cb",
        "another way",
    ),
    (
        "http://127.0.0.1/cb",
        "https://127.0.0.1:51234/cb",
        "scheme is https and not http",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.2:51234/cb",
        "host is 127.0.0.2",
    ),
    (
        "http://127.0.0.1/cb",
        "http://localhost:51234/cb",
        "host is localhost",
    ),
    (
        "http://127.0.0.1/cb",
        "http://[::1]:51234/cb",
        "host is [::1]",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.1:51234/cb",
        "host is 127.1",
    ),
    (
        "http://127.0.0.1/cb",
        "http://2130706433/cb",
        "host is 2130706433",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1.evil.test/cb",
        "127.0.0.1.evil.test",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "user name",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1@evil.test/cb",
        "user name",
    ),
    (
        "http://127.0.0.1/cb",
        "http://user@127.0.0.1/cb",
        "user name",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:51234/cb?x",
        "query ?x",
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:51234/cb#x",
        "fragment",
    ),
    (
        "http://[::1]/cb",
        "http://[::1]:51234/other",
        "path is /other",
    ),
    (
        "http://[::1]/cb",
        "http://[0:0:0:0:0:0:0:1]/cb",
        "host is [0:0",
    ),
    (
        "http://[::1]/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "host is [::ffff",
    ),
    (
        "http://localhost:3000/cb",
        "http://localhost:3001/cb",
        "port is 3001 and not 3000",
    ),
    (
        "http://localhost:3000/cb",
        "http://localhost/cb",
        "should have 3000",
    ),
    (
        "http://localhost/cb",
        "http://localhost:3000/cb",
        "port 3000",
    ),
    // Schemes of programs.
    ("com.example.app:/cb", "com.example.app://cb", "host is cb"),
    ("com.example.app:/cb", "com.example.app:cb", "path is cb"),
    (
        "com.example.app:/cb",
        "com.example.app2:/cb",
        "scheme is com.example.app2",
    ),
    ("com.example.app:/cb", "COM.example.app:/cb", "lower case"),
];

const MATCH: &[(&str, &str)] = &[
    ("https://app.test/cb", "https://app.test/cb"),
    ("https://app.test/cb?x=1", "https://app.test/cb?x=1"),
    ("https://app.test", "https://app.test"),
    ("https://app.test/%C3%A4", "https://app.test/%C3%A4"),
    ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb"),
    ("http://127.0.0.1:9999/cb", "http://127.0.0.1:51234/cb"),
    ("http://127.0.0.1:9999/cb", "http://127.0.0.1/cb"),
    ("http://127.0.0.1:9999", "http://127.0.0.1:1"),
    ("http://127.0.0.1/cb?x=1", "http://127.0.0.1:65535/cb?x=1"),
    ("http://[::1]/cb", "http://[::1]:51234/cb"),
    ("http://localhost:3000/cb", "http://localhost:3000/cb"),
    ("com.example.app:/cb", "com.example.app:/cb"),
    ("com.example.app://host/cb", "com.example.app://host/cb"),
];

#[test]
fn one_letter_off_is_no_match_and_the_owner_is_told_which() {
    assert!(NO_MATCH.len() >= 60);
    for (registered, asked, word) in NO_MATCH {
        let uri = RedirectUri::new(registered).unwrap_or_else(|e| panic!("{registered} {e}"));
        assert!(!uri.matches(asked), "{registered} and {asked}");
        let told = difference(&[uri], asked);
        assert!(told.contains(word), "{registered} and {asked}: {told}");
        assert!(!told.contains(['\n', '\u{431}', '\u{430}']), "{told}");
    }
}

#[test]
fn the_same_text_matches_and_any_port_of_a_loopback_address() {
    for (registered, asked) in MATCH {
        let uri = RedirectUri::new(registered).unwrap_or_else(|e| panic!("{registered} {e}"));
        assert!(uri.matches(asked), "{registered} and {asked}");
    }
}

#[test]
fn the_nearest_of_several_is_named() {
    let uris = [
        "https://other.test/cb",
        "https://app.test/callback",
        "https://app.test/cb?tenant=1",
    ];
    let uris = uris.map(|uri| RedirectUri::new(uri).unwrap());
    let told = difference(&uris, "https://app.test/callback/");
    assert!(
        told.contains("https://app.test/callback: its path"),
        "{told}"
    );
    let told = difference(&uris, "https://app.test/cb");
    assert!(told.contains("lacks the query ?tenant=1"), "{told}");
    assert!(difference(&[], "https://app.test/cb").contains("no redirect URI"));
    let long = difference(&uris, &format!("https://app.test/{}", "x".repeat(5_000)));
    assert!(long.len() < 1_000, "{}", long.len());
}

#[test]
fn kinds_of_targets_are_told_apart() {
    let uri = |text: &str| RedirectUri::new(text).unwrap();
    assert!(uri("http://127.0.0.1:1/cb").is_loopback());
    assert!(uri("http://[::1]/cb").is_loopback());
    assert!(!uri("http://localhost/cb").is_loopback());
    assert!(!uri("https://127.0.0.1/cb").is_loopback());
    assert!(uri("com.example.app:/cb").is_private_use());
    assert!(!uri("http://localhost/cb").is_private_use());
}

proptest::proptest! {
    #[test]
    fn nothing_panics_and_only_itself_matches(
        text in "(https?|com\\.x)?:?/{0,2}[a-c.@:\\[\\]%?#/]{0,12}\\PC{0,4}"
    ) {
        let uri = RedirectUri::new("https://app.test/cb").unwrap();
        let told = difference(std::slice::from_ref(&uri), &text);
        proptest::prop_assert!(!told.is_empty());
        proptest::prop_assert!(!uri.matches(&text));
        if let Ok(other) = RedirectUri::new(&text) {
            proptest::prop_assert!(other.matches(&text));
        }
    }
}
