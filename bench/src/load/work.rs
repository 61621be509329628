//! What is sent, and what has to come back.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::resident;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// One request, as bytes, and what its answers have to be.
#[derive(Clone)]
pub(crate) struct Work {
    source: Source,
    /// How each answer has to begin: a 200, unless something is made.
    status: &'static [u8],
    /// What each answer has to hold.
    expected: Arc<[u8]>,
    /// Whether each answer has to be another one than the last.
    is_new_each_time: bool,
}

/// Where the bytes of a request come from.
#[derive(Clone)]
enum Source {
    /// The same each time.
    Same(Arc<[u8]>),
    /// The verification of one of the credentials with these numbers, drawn each time.
    Verification(Range<u64>),
}

/// Who asks for tokens.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// Numbers in an order that no cache foresees, the same in every run.
pub(crate) struct Draws(u64);

impl Draws {
    /// Those of one connection.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// One of the range.
    pub(crate) fn one_of(&mut self, range: &Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        range.start + resident::mixed(self.0) % (range.end - range.start).max(1)
    }
}

impl Work {
    /// A POST of JSON.
    pub(crate) fn post(path: &str, body: &str, expected: &str) -> Self {
        Self::new("POST", path, &[("Content-Type", JSON)], body, expected)
    }

    /// A POST of JSON by somebody with a bearer token, which makes something.
    pub(crate) fn post_as(path: &str, bearer: &str, body: &str) -> Self {
        let bearer = format!("Bearer {bearer}");
        let headers = [("Content-Type", JSON), ("Authorization", &*bearer)];
        Self::new("POST", path, &headers, body, "").made()
    }

    /// A POST of a form by a client that authenticates itself.
    pub(crate) fn form(path: &str, client: &Client, form: &str, expected: &str) -> Self {
        let headers = [("Content-Type", FORM), ("Authorization", &client.basic())];
        Self::new("POST", path, &headers, form, expected)
    }

    /// A GET.
    pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", path, headers, "", "")
    }

    /// The verification of a credential.
    pub(crate) fn verification(credential: &str) -> Self {
        Self::post("/v1/verify", &question(credential), "\"allowed\":true")
    }

    /// The verification of one of the credentials with these numbers, which all are allowed, or
    /// all refused.
    pub(crate) fn verification_of(numbers: Range<u64>, is_allowed: bool) -> Self {
        Self {
            source: Source::Verification(numbers),
            status: b"HTTP/1.1 200",
            expected: format!("\"allowed\":{is_allowed}").as_bytes().into(),
            is_new_each_time: false,
        }
    }

    /// The same work, whose answers have to differ.
    pub(crate) fn new_each_time(self) -> Self {
        Self {
            is_new_each_time: true,
            ..self
        }
    }

    /// The same work, which makes something.
    pub(crate) fn made(self) -> Self {
        Self {
            status: b"HTTP/1.1 201",
            ..self
        }
    }

    /// The bytes of the next request.
    pub(crate) fn request<'a>(&'a self, draws: &mut Draws, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.source {
            Source::Same(request) => request,
            Source::Verification(numbers) => {
                buffer.clear();
                if let Some(credential) = resident::minted(draws.one_of(numbers)) {
                    let headers = [("Content-Type", JSON)];
                    let body = question(credential.expose());
                    buffer.extend(request("POST", "/v1/verify", &headers, &body).bytes());
                }
                buffer
            }
        }
    }

    /// Whether each answer has to be another one than the last.
    pub(crate) const fn is_new_each_time(&self) -> bool {
        self.is_new_each_time
    }

    /// Whether an answer is what it has to be, after the last one.
    pub(crate) fn is_right(&self, answer: &[u8], last: &[u8]) -> bool {
        let expected = &*self.expected;
        let holds = expected.is_empty() || answer.windows(expected.len()).any(|at| at == expected);
        let is_new = !self.is_new_each_time || answer != last;
        answer.starts_with(self.status) && holds && is_new
    }

    fn new(method: &str, path: &str, headers: &[(&str, &str)], body: &str, expected: &str) -> Self {
        let request = request(method, path, headers, body);
        Self {
            source: Source::Same(request.as_bytes().into()),
            status: b"HTTP/1.1 200",
            expected: expected.as_bytes().into(),
            is_new_each_time: false,
        }
    }
}

/// The body of a verification.
pub(crate) fn question(credential: &str) -> String {
    format!(
        "{{\"credential\":\"{credential}\",\"method\":\"GET\",\"path\":\"/v1/leads\",\
         \"ip\":\"192.0.2.7\"}}"
    )
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        lines.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        lines.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{body}")
}

impl Client {
    /// Both percent-encoded, as RFC 6749 section 2.3.1 has it; neither holds what that changes.
    fn basic(&self) -> String {
        let pair = format!("{}:{}", self.id, self.secret);
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}
