//! Raw HTTP, so that nothing of ours stands between a test and the server.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The `reason` of a refusal.
    pub(crate) fn reason(&self) -> String {
        self.json()["error"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| {
            line.split(':')
                .next()
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        Some(self.head.lines().find(named)?.split_once(':')?.1.trim())
    }
}

/// One request on a connection of its own. `url` has scheme, authority and path.
pub(crate) async fn send(
    method: &str,
    url: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Result<Answer, std::io::Error> {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = head(method, authority, path, bearer, body, "close");
    exchange(authority, &request).await
}

/// One request, as its whole text, on a connection of its own that it asks to close.
pub(crate) async fn exchange(authority: &str, request: &str) -> Result<Answer, std::io::Error> {
    let exchange = async {
        let mut stream = TcpStream::connect(authority).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let answer: Result<String, std::io::Error> = tokio::time::timeout(TIMEOUT, exchange)
        .await
        .expect("an answer in time");
    parse(&answer?).ok_or_else(|| std::io::Error::other("no whole answer"))
}

/// The same where an answer is certain.
pub(crate) async fn get(url: &str, bearer: &str) -> Answer {
    send("GET", url, Some(bearer), None).await.unwrap()
}

/// The same with a body.
pub(crate) async fn post(url: &str, bearer: &str, body: &Value) -> Answer {
    send("POST", url, Some(bearer), Some(body)).await.unwrap()
}

/// A request's text.
pub(crate) fn head(
    method: &str,
    authority: &str,
    path: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
    connection: &str,
) -> String {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let authorization = bearer
        .map(|bearer| format!("authorization: Bearer {bearer}\r\n"))
        .unwrap_or_default();
    let content = if body.is_empty() {
        String::new()
    } else {
        format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        )
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: {connection}\r\n\
         {authorization}{content}\r\n{body}"
    )
}

/// An answer whose body is whole.
pub(crate) fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let answer = Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length: usize = answer.header("content-length")?.parse().ok()?;
    (answer.body.len() == length).then_some(answer)
}
