//! An instance made from a profile.

use std::path::Path;

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, exchange, get, post, send};
use crate::program::{Server, run, run_with};

pub(super) const ADMIN: &str = "admin@acme.test";
pub(super) const PASSWORD: &str = "a password for tests";
/// What the instance is called from outside: the issuer.
pub(super) const PUBLIC_URL: &str = "https://keys.example.com";

/// A server on a copy of a profile, with an account and its admin, who is signed in.
pub(super) struct Profile {
    pub(super) server: Server,
    pub(super) config: String,
    pub(super) session: String,
    pub(super) account_id: String,
    directory: Directory,
}

/// A client with its first secret.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Profile {
    /// Sets it up by the command line alone.
    pub(super) async fn start(name: &str) -> Self {
        Self::start_at(name, PUBLIC_URL, "127.0.0.1:0").await
    }

    /// The same with the URL at which it is, so that a browser can go there.
    pub(super) async fn start_for_browsers(name: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        Self::start_at(name, &format!("http://{listen}"), &listen).await
    }

    async fn start_at(name: &str, public_url: &str, listen: &str) -> Self {
        let directory = Directory::new();
        let config = directory.write("claviger.toml", &copy(name, public_url, listen));
        let place = ["--config", &config];
        let init = ["init", "--operator-email", "root@example.com"];
        run_with(&[&init[..], &place].concat(), PASSWORD, &[])
            .await
            .done();
        let checked = run(&[&["check"], &place[..]].concat()).await;
        checked.done();
        let create = ["account", "create", "Acme", "--json"];
        let account = run(&[&create[..], &place].concat()).await.json();
        let add = [
            "member",
            "add",
            ADMIN,
            "--role",
            "admin",
            "--password-stdin",
        ];
        run_with(&[&add[..], &place].concat(), PASSWORD, &[])
            .await
            .done();
        let server = Server::serve(&directory, &config).await;
        let mut profile = Self {
            server,
            session: String::new(),
            account_id: text(&account, "id").to_owned(),
            config,
            directory,
        };
        profile.session = profile.sign_in().await;
        profile
    }

    async fn sign_in(&self) -> String {
        let who = json!({"email": ADMIN, "password": PASSWORD});
        let answer = send("POST", &self.url("/v1/sessions"), None, Some(&who)).await;
        text(&answer.unwrap().json(), "session_token").to_owned()
    }

    /// Stops it and starts it again.
    pub(super) async fn restart(self) -> Self {
        self.server.stop().await;
        let server = Server::serve(&self.directory, &self.config).await;
        Self { server, ..self }
    }

    /// Suspends the account, beside the running server.
    pub(super) async fn suspend(&self) {
        let suspend = ["account", "suspend", &self.account_id, "--config"];
        run(&[&suspend[..], &[&*self.config]].concat()).await.done();
    }

    /// A URL of the public listener.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.text("/public_listen"))
    }

    /// What it says of itself to everybody.
    pub(super) async fn offer(&self) -> Value {
        let answer = send("GET", &self.url("/v1/instance"), None, None).await;
        answer.unwrap().json()
    }

    /// A read by the admin's session.
    pub(super) async fn get(&self, path: &str) -> Answer {
        get(&self.url(path), &self.session).await
    }

    /// A creation by the admin's session.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        post(&self.url(path), &self.session, body).await
    }

    /// A client that the admin makes.
    pub(super) async fn client(&self, body: &Value) -> Client {
        let made = self.post("/v1/clients", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        Client {
            id: text(&made, "client_id").to_owned(),
            secret: text(&made, "client_secret").to_owned(),
        }
    }

    /// A change by the admin's session.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let session = Some(&*self.session);
        send("PATCH", &self.url(path), session, Some(body))
            .await
            .unwrap()
    }

    /// A removal by the admin's session.
    pub(super) async fn delete(&self, path: &str) -> Answer {
        send("DELETE", &self.url(path), Some(&self.session), None)
            .await
            .unwrap()
    }

    /// A token request as the documents send it: a form without credentials elsewhere.
    pub(super) async fn form(&self, path: &str, members: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let kind = "application/x-www-form-urlencoded";
        self.unauthenticated(path, kind, &body.join("&")).await
    }

    /// The same as a JSON object.
    pub(super) async fn json(&self, path: &str, members: &[(&str, &str)]) -> Answer {
        let body: serde_json::Map<String, Value> = members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let body = Value::Object(body).to_string();
        self.unauthenticated(path, "application/json", &body).await
    }

    async fn unauthenticated(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let authority = self.server.text("/public_listen");
        let length = body.len();
        let asked = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
             content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        exchange(authority, &asked).await.unwrap()
    }

    /// A request to an API, such as `GET api.example.com/v1/leads`, as the gateway before the API
    /// asks for it.
    pub(super) async fn call(&self, request: &str, bearer: &str) -> Answer {
        let (method, url) = request.split_once(' ').unwrap();
        let (host, path) = url.split_at(url.find('/').unwrap());
        let authority = self.server.text("/internal_listen");
        let asked = format!(
            "GET /verify/http HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
             authorization: Bearer {bearer}\r\nx-forwarded-host: {host}\r\n\
             x-forwarded-method: {method}\r\nx-forwarded-uri: {path}\r\n\r\n"
        );
        exchange(authority, &asked).await.unwrap()
    }
}

/// A member of an object.
pub(super) fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {object}"))
}

/// The profile with a directory, addresses and a name that suit a test.
fn copy(name: &str, public_url: &str, listen: &str) -> String {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/profiles");
    let mut profile = std::fs::read_to_string(profiles.join(format!("{name}.toml"))).unwrap();
    for (written, instead) in [
        (
            "[server]\n",
            format!("[server]\npublic_url = \"{public_url}\"\n"),
        ),
        ("127.0.0.1:8080", listen.to_owned()),
        ("127.0.0.1:8081", "127.0.0.1:0".to_owned()),
        (&format!("claviger-data/{name}"), "data".to_owned()),
    ] {
        assert_eq!(profile.matches(written).count(), 1, "{name}: {written}");
        profile = profile.replace(written, &instead);
    }
    profile
}
