//! Where the server is, and who calls it.

use std::io;

use serde_json::{Value, json};

use crate::http::{Answer, exchange};
use crate::program::Server;

/// The addresses of a server, which stay the same over its restarts, and the session of an admin.
#[derive(Clone)]
pub(super) struct Site {
    public: String,
    internal: String,
    session: String,
}

/// One request to the public listener.
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// The `Idempotency-Key`, where its repetition has to be safe.
    pub(super) repeatable: Option<String>,
}

impl Call {
    /// A request that reads.
    pub(super) fn get(path: String) -> Self {
        Self {
            method: "GET",
            path,
            body: None,
            repeatable: None,
        }
    }
}

impl Site {
    /// Of a server at its first start.
    pub(super) fn of(server: &Server) -> Self {
        Self {
            public: authority(server.text("/public_url")),
            internal: authority(server.text("/internal_url")),
            session: server.text("/session_token").to_owned(),
        }
    }

    /// The address of the public listener, at which the server has to come back: elsewhere it would
    /// be another issuer of tokens.
    pub(super) fn listen(&self) -> &str {
        &self.public
    }

    /// The internal listener may have another address after a restart.
    pub(super) fn follow(&mut self, server: &Server) {
        assert_eq!(self.public, authority(server.text("/public_url")));
        self.internal = authority(server.text("/internal_url"));
    }

    /// Sends a request as the admin.
    pub(super) async fn call(&self, call: &Call) -> io::Result<Answer> {
        let more = call.repeatable.as_deref();
        let more = more.map(|key| format!("idempotency-key: {key}\r\n"));
        let authorization = format!("authorization: Bearer {}\r\n", self.session);
        let headers = authorization + &more.unwrap_or_default();
        let (method, path) = (call.method, &*call.path);
        let request = request(method, &self.public, path, &headers, call.body.as_ref());
        exchange(&self.public, &request).await
    }

    /// Asks for a token with a client's secret.
    pub(super) async fn token(&self, id: &str, secret: &str) -> io::Result<Answer> {
        let body = json!({"grant_type": "client_credentials", "client_id": id,
            "client_secret": secret});
        let request = request("POST", &self.public, "/oauth/token", "", Some(&body));
        exchange(&self.public, &request).await
    }

    /// Asks what credentials may do, at most a hundred; a decision for each.
    pub(super) async fn decide(&self, credentials: &[&str]) -> io::Result<Vec<Decided>> {
        let ask = |credential: &&str| {
            let (method, path) = ("GET", "/v1/leads");
            json!({"credential": credential, "method": method, "path": path})
        };
        let body: Value = credentials.iter().map(ask).collect();
        let path = "/v1/verify/batch";
        let request = request("POST", &self.internal, path, "", Some(&body));
        let answer = exchange(&self.internal, &request).await?;
        let decisions = answer.json();
        let decisions = decisions["data"].as_array().cloned().unwrap_or_default();
        if decisions.len() != credentials.len() {
            return Ok(vec![Decided::Unavailable; credentials.len()]);
        }
        Ok(decisions.iter().map(Decided::of).collect())
    }

    /// What the internal listener has at a path.
    pub(super) async fn internal(&self, path: &str) -> io::Result<Answer> {
        let request = request("GET", &self.internal, path, "", None);
        exchange(&self.internal, &request).await
    }
}

/// A decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Decided {
    Allowed,
    Refused(String),
    /// None was made.
    Unavailable,
}

impl Decided {
    fn of(decision: &Value) -> Self {
        let reason = decision["reason"].as_str().unwrap_or_default();
        match (&decision["allowed"], reason) {
            (Value::Bool(true), _) => Self::Allowed,
            (_, "stale" | "sealed" | "internal" | "storage") => Self::Unavailable,
            _ => Self::Refused(reason.to_owned()),
        }
    }
}

fn authority(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

fn request(
    method: &str,
    authority: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
) -> String {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let length = body.len();
    let content = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: application/json\r\ncontent-length: {length}\r\n")
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{headers}{content}\
         \r\n{body}"
    )
}
