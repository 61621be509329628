//! The authorization endpoint and the pages of its steps, through the real router, as a browser
//! sees them.

mod connected_apps;
mod consent;
mod flow;
mod redirect_uris;
mod requests;
mod sign_in;

use std::collections::BTreeMap;

use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use super::instance::{Instance, merged, text};
use super::oauth::form;
use super::requests::{Answer, Call, get, post};

/// Where the tests' app is answered.
pub(crate) const CALLBACK: &str = "https://app.test/cb";
/// The S256 challenge of the verifier in RFC 7636 appendix B.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Makes an app of Acme; more settings replace those of the tests.
pub(crate) async fn app(instance: &Instance, more: Value) -> String {
    let admin = instance.session("admin").await;
    app_by(instance, &admin, more).await
}

/// The same by whoever has this session.
pub(crate) async fn app_by(instance: &Instance, session: &str, more: Value) -> String {
    let body = merged(
        &json!({"name": "Calendar", "kind": "app", "redirect_uris": [CALLBACK],
            "scopes": ["read:leads", "write:leads", "read:people"]}),
        &more,
    );
    let made = instance.send(post("/v1/clients", &body).by(session)).await;
    text(&made.is(201), "client_id").to_owned()
}

/// The parameters of a request in which everything is right.
pub(crate) fn request(client_id: &str) -> Vec<(String, String)> {
    [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "read:leads write:leads"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The same with one of them replaced, added or left out.
pub(crate) fn with(
    mut request: Vec<(String, String)>,
    name: &str,
    value: Option<&str>,
) -> Vec<(String, String)> {
    request.retain(|(known, _)| known != name);
    request.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    request
}

/// The path of the endpoint with these parameters.
pub(crate) fn path(request: &[(String, String)]) -> String {
    format!("/oauth/authorize?{}", encoded(request))
}

pub(crate) fn encoded(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| {
        let (name, value) = (super::oauth::escaped(name), super::oauth::escaped(value));
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A browser: it keeps cookies.
pub(crate) struct Browser<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(instance: &'a Instance) -> Self {
        Self {
            instance,
            cookies: BTreeMap::new(),
        }
    }

    /// One in which this member of Acme is signed in.
    pub(crate) async fn of(instance: &'a Instance, email: &str) -> Self {
        let mut browser = Self::new(instance);
        browser.sign_in(email, "/connected-apps").await;
        browser
    }

    pub(crate) async fn send(&mut self, call: Call) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let call = call.header("cookie", &cookies.join("; "));
        let answer = self.instance.send(call).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    /// Sends the form of a page with these fields beside the hidden ones.
    pub(crate) async fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let action = page.form_action();
        let hidden = page.hidden();
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.send(form(&action, &all)).await
    }

    /// Signs in, and is sent on to `next`.
    pub(crate) async fn sign_in(&mut self, email: &str, next: &str) -> Answer {
        let next = super::oauth::escaped(next);
        let page = self.open(&format!("/sign-in?next={next}")).await;
        let fields = [("email", email), ("password", PASSWORD)];
        let answer = self.submit(&page, &fields).await;
        answer.leads_on();
        answer
    }

    /// The code that consent to a request gives.
    pub(crate) async fn allow(&mut self, request: &[(String, String)]) -> BTreeMap<String, String> {
        let page = self.open(&path(request)).await;
        assert_eq!(page.status, 200, "{page:?}");
        let answer = self.submit(&page, &[("decision", "allow")]).await;
        answer.redirected(CALLBACK)
    }
}

impl Answer {
    /// Where a `303` leads.
    #[track_caller]
    pub(crate) fn leads_on(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
        self.header("location")
    }

    /// What came back to the app at this redirect URI.
    #[track_caller]
    pub(crate) fn redirected(&self, to: &str) -> BTreeMap<String, String> {
        let location = self.leads_on();
        let rest = location.strip_prefix(to);
        let query = rest.unwrap_or_else(|| panic!("elsewhere: {location}"));
        let mut pairs = BTreeMap::new();
        for pair in query[1..].split('&') {
            let (name, value) = pair.split_once('=').expect("a pair");
            let before = pairs.insert(name.to_owned(), unescaped(value));
            assert_eq!(before, None, "{location}");
        }
        pairs
    }

    /// The parameters of an error that went back to the app: with this word, the state and `iss`.
    #[track_caller]
    pub(crate) fn sent_back(&self, error: &str) -> BTreeMap<String, String> {
        let pairs = self.redirected(CALLBACK);
        assert_eq!(pairs["error"], error, "{pairs:?}");
        assert!(!pairs.contains_key("code"));
        assert_eq!(pairs["iss"], "http://127.0.0.1:8080");
        let description = &pairs["error_description"];
        let permitted = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(description.bytes().all(permitted), "{description}");
        pairs
    }

    /// A page with this status, and nothing that leads a browser away.
    #[track_caller]
    pub(crate) fn is_page(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(!self.headers.contains_key("location"), "{self:?}");
        assert!(!self.headers.contains_key("refresh"), "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert_eq!(self.header("x-frame-options"), "DENY");
        let policy = self.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        let outside = r#"<script type="module" src="/assets/"#;
        let inside = self.text.replace(outside, "");
        assert!(!inside.contains("<script"), "{inside}");
        for part in [" style=", "<style", "onclick", "http-equiv"] {
            assert!(!self.text.contains(part), "{part}: {}", self.text);
        }
    }

    /// Where the last form of a page goes: each page has one beside that which signs out.
    pub(crate) fn form_action(&self) -> String {
        let form = self.text.rsplit("<form").next().expect("a form");
        attribute(form, "action").unwrap_or_else(|| panic!("no form: {self:?}"))
    }

    /// The hidden fields of the last form of a page.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let form = self.text.rsplit("<form").next().expect("a form");
        let inputs = form.split("<input").skip(1);
        inputs
            .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
            .collect()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    Some(
        value
            .replace("&#38;", "&")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">"),
    )
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let pair = [rest.next().expect("a digit"), rest.next().expect("a digit")];
            let pair = std::str::from_utf8(&pair).expect("digits");
            u8::from_str_radix(pair, 16).expect("digits")
        } else {
            byte
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
