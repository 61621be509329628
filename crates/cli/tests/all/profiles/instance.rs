//! An instance made from a profile.

use std::path::Path;

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, exchange, get, post, send};
use crate::program::{Server, run, run_with};

const ADMIN: &str = "admin@acme.test";
const PASSWORD: &str = "a password for tests";
/// What the instance is called from outside: the issuer.
pub(super) const PUBLIC_URL: &str = "https://keys.example.com";

/// A server on a copy of a profile, with an account and its admin, who is signed in.
pub(super) struct Profile {
    pub(super) server: Server,
    pub(super) session: String,
    _directory: Directory,
}

impl Profile {
    /// Sets it up by the command line alone.
    pub(super) async fn start(name: &str) -> Self {
        let directory = Directory::new();
        let config = directory.write("claviger.toml", &copy(name));
        let place = ["--config", &config];
        let init = ["init", "--operator-email", "root@example.com"];
        run_with(&[&init[..], &place].concat(), PASSWORD, &[])
            .await
            .done();
        let checked = run(&[&["check"], &place[..]].concat()).await;
        checked.done();
        let create = ["account", "create", "Acme"];
        run(&[&create[..], &place].concat()).await.done();
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
            _directory: directory,
        };
        profile.session = profile.sign_in().await;
        profile
    }

    async fn sign_in(&self) -> String {
        let who = json!({"email": ADMIN, "password": PASSWORD});
        let answer = send("POST", &self.url("/v1/sessions"), None, Some(&who)).await;
        text(&answer.unwrap().json(), "session_token").to_owned()
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
fn copy(name: &str) -> String {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/profiles");
    let mut profile = std::fs::read_to_string(profiles.join(format!("{name}.toml"))).unwrap();
    for (written, instead) in [
        (
            "[server]\n",
            format!("[server]\npublic_url = \"{PUBLIC_URL}\"\n"),
        ),
        ("127.0.0.1:8080", "127.0.0.1:0".to_owned()),
        ("127.0.0.1:8081", "127.0.0.1:0".to_owned()),
        (&format!("claviger-data/{name}"), "data".to_owned()),
    ] {
        assert_eq!(profile.matches(written).count(), 1, "{name}: {written}");
        profile = profile.replace(written, &instead);
    }
    profile
}
