//! One request to a running server, over plain HTTP to this machine.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::decider::answered;
use crate::exit::{Exit, Failure};

/// How long the whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A server's URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    authority: String,
    path: String,
}

/// What to ask.
pub(crate) struct Question<'a> {
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// Path and query below the server's URL.
    pub(crate) target: &'a str,
    /// A header with a secret: its name and value.
    pub(crate) secret: Option<(&'static str, &'a str)>,
    /// The body.
    pub(crate) body: Option<&'a Value>,
}

impl Server {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none that this program speaks to: credentials go in clear over plain HTTP, so it has
    /// to be this machine.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let hint = "run this on the server's machine with http://127.0.0.1:8081, or with --data or \
                    --config";
        let refused = |message: String| Err(Failure::new(Exit::Usage, message).hint(hint));
        let Ok(uri) = url.parse::<http::Uri>() else {
            return refused(format!("{url} is no URL"));
        };
        let host = match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) => host,
            (Some("https"), _) => return refused("https is not spoken by this command".to_owned()),
            _ => return refused(format!("{url} is no URL")),
        };
        let address = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        if host != "localhost" && !address.is_ok_and(|address| address.is_loopback()) {
            let message = "is another machine, and http would show the credential on the way";
            return refused(format!("{host} {message}"));
        }
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self {
            authority,
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Asks, and gives the object of the answer.
    ///
    /// # Errors
    /// Nobody answers, or a refusal.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Value, Failure> {
        let exchange = tokio::time::timeout(TIMEOUT, self.exchange(question));
        let answer = match exchange.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.unreachable(&error.to_string())),
            Err(_) => return Err(self.unreachable("no answer in time")),
        };
        let (status, body) = split(&answer).ok_or_else(|| self.unreachable("no HTTP answer"))?;
        answered(status, body)
    }

    /// HTTP/1.0, so that the answer ends with the connection (RFC 9112 section 6.3).
    async fn exchange(&self, question: &Question<'_>) -> std::io::Result<Vec<u8>> {
        let body = question.body.map(ToString::to_string).unwrap_or_default();
        let secret = question
            .secret
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let request = zeroize::Zeroizing::new(format!(
            "{} {}{} HTTP/1.0\r\nhost: {}\r\naccept: application/json\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{}\r\n{body}",
            question.method,
            self.path,
            question.target,
            self.authority,
            body.len(),
            secret.unwrap_or_default(),
        ));
        let mut stream = TcpStream::connect(&self.authority).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut answer)
            .await?;
        Ok(answer)
    }

    fn unreachable(&self, why: &str) -> Failure {
        let message = format!("the server at {} cannot be reached: {why}", self.authority);
        Failure::new(Exit::Unreachable, message)
            .hint("look whether it runs, and at the URL in --url or CLAVIGER_URL")
    }
}

/// Status and body.
fn split(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.lines().next()?.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.get(end + 4..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_clear() {
        let server = Server::parse("http://127.0.0.1:8081/").unwrap();
        assert_eq!(server.authority, "127.0.0.1:8081");
        assert_eq!(Server::parse("http://[::1]").unwrap().authority, "[::1]:80");
        assert_eq!(
            Server::parse("http://localhost").unwrap().authority,
            "localhost:80"
        );
        for url in [
            "https://127.0.0.1",
            "http://10.0.0.1:8081",
            "keys.example.com",
        ] {
            assert_eq!(Server::parse(url).unwrap_err().exit, Exit::Usage, "{url}");
        }
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{}";
        assert_eq!(split(answer), Some((200, b"{}".as_slice())));
        assert_eq!(split(b"nonsense"), None);
    }
}
