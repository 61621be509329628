//! Apps that act for users of theirs, and what ends that.

use serde_json::{Value, json};

use super::{Acme, Held, Taken, text, works};
use crate::http::{Answer, exchange, get, send};
use crate::program::Server;

const REDIRECT_URI: &str = "https://app.example/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An app, and what it holds for a user.
pub(super) struct Connected {
    client: String,
    secret: String,
    secret_id: String,
    /// The user's.
    member: String,
    session: String,
    token: Held,
    refresh: Held,
}

impl Acme<'_> {
    /// A new app that a new user of this name allows what it asks for.
    pub(super) async fn connected(&self, name: &str) -> Connected {
        let body = json!({"name": name, "kind": "app", "scopes": ["read:leads"],
            "redirect_uris": [REDIRECT_URI]});
        let made = self.make("/v1/clients", body).await;
        let (client, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
        let (member, session) = self.member(name).await;
        let code = allowed(self.server, client, &session).await;
        let body = json!({"grant_type": "authorization_code", "code": code,
            "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER,
            "client_id": client, "client_secret": secret});
        let url = self.server.public("/oauth/token");
        let tokens = send("POST", &url, None, Some(&body)).await.unwrap();
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let tokens = tokens.json();
        Connected {
            client: client.to_owned(),
            secret: secret.to_owned(),
            secret_id: text(&made["secrets"][0], "id").to_owned(),
            member,
            session,
            token: Held::Token(text(&tokens, "access_token").to_owned()),
            refresh: Held::Refresh {
                client: client.to_owned(),
                secret: secret.to_owned(),
                token: text(&tokens, "refresh_token").to_owned(),
            },
        }
    }

    /// Every way to take power away from an app that acts for a user.
    pub(super) async fn apps(&self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (number, way) in [
            "disconnect",
            "disconnect everywhere",
            "give the refresh token back",
            "delete app",
            "revoke the app's secret",
            "end the app's tokens",
            "narrow app",
            "suspend the app's user",
            "remove the app's user",
            "change the app's user's password",
        ]
        .into_iter()
        .enumerate()
        {
            let app = self.connected(&format!("app{number}")).await;
            assert!(works(self.server, &app.token).await, "before {way}");
            self.take_from(&app, way).await;
            let mut held = vec![app.token];
            // Another token may be asked for, of what is left.
            if !["end the app's tokens", "narrow app"].contains(&way) {
                held.push(app.refresh);
            }
            if way == "suspend the app's user" {
                held.push(Held::Session(app.session));
            }
            taken.push(Taken { way, held });
        }
        taken
    }

    async fn take_from(&self, app: &Connected, way: &str) {
        let client = format!("/v1/clients/{}", app.client);
        match way {
            "disconnect" => {
                let grants = get(&self.server.public("/v1/grants"), &app.session).await;
                let id = text(&grants.json()["data"][0], "id").to_owned();
                let grant = format!("/v1/grants/{id}");
                self.by(&app.session, "DELETE", &grant, None).await;
            }
            "disconnect everywhere" => {
                let all = format!("/v1/grants?client_id={}", app.client);
                self.by(&app.session, "DELETE", &all, None).await;
            }
            "give the refresh token back" => {
                let Held::Refresh { token, .. } = &app.refresh else {
                    unreachable!("a refresh token");
                };
                let (id, secret) = (&app.client, &app.secret);
                let body = json!({"token": token, "client_id": id, "client_secret": secret});
                let url = self.server.public("/oauth/revoke");
                let answer = send("POST", &url, None, Some(&body)).await.unwrap();
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            "delete app" => self.does("DELETE", &client, None).await,
            "revoke the app's secret" => {
                let secret = format!("{client}/secrets/{}", app.secret_id);
                self.does("DELETE", &secret, None).await;
            }
            "end the app's tokens" => {
                let path = format!("{client}/revoke-tokens");
                self.does("POST", &path, Some(json!({}))).await;
            }
            "narrow app" => {
                let narrow = json!({"scopes": ["read:people"]});
                self.does("PATCH", &client, Some(narrow)).await;
            }
            "suspend the app's user" => {
                let user = app.member.replace("/members/", "/users/");
                let suspended = json!({"status": "suspended"});
                self.does("PATCH", &user, Some(suspended)).await;
            }
            "remove the app's user" => self.does("DELETE", &app.member, None).await,
            _ => self.change_password(&app.session).await,
        }
    }
}

impl Connected {
    /// What it holds, to be kept.
    pub(super) fn held(self) -> [Held; 2] {
        [self.token, self.refresh]
    }
}

/// Whether a refresh token gives an access token that works.
pub(super) async fn refreshes(server: &Server, (id, secret): (&str, &str), token: &str) -> bool {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token,
        "client_id": id, "client_secret": secret});
    let url = server.public("/oauth/token");
    let answer = send("POST", &url, None, Some(&body)).await.unwrap();
    answer.status == 200
}

/// The code that an app gets when a signed-in user allows what it asks for.
async fn allowed(server: &Server, client: &str, session: &str) -> String {
    let redirect_uri = REDIRECT_URI.replace(':', "%3A").replace('/', "%2F");
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={client}&redirect_uri={redirect_uri}\
         &scope=read%3Aleads&state=xyz&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let page = browse(server, session, "GET", &path, "").await;
    assert_eq!(page.status, 200, "{page:?}");
    let (_, form) = page.body.rsplit_once("<form").unwrap();
    let inputs = form.split("<input").skip(1);
    let hidden = inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
    let mut fields: Vec<String> = hidden
        .map(|(name, value)| format!("{name}={}", escaped(&value)))
        .collect();
    fields.push("decision=allow".to_owned());
    let action = attribute(form, "action").unwrap();
    let back = browse(server, session, "POST", &action, &fields.join("&")).await;
    let location = back.header("location").unwrap_or_default();
    let code = location
        .split(['?', '&'])
        .find_map(|pair| pair.strip_prefix("code="));
    code.unwrap_or_else(|| panic!("no code: {back:?}"))
        .to_owned()
}

/// A request as a browser sends it.
async fn browse(server: &Server, session: &str, method: &str, path: &str, form: &str) -> Answer {
    let url = server.text("/public_url");
    let authority = url.trim_start_matches("http://");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\norigin: {url}\r\n\
         sec-fetch-site: same-origin\r\ncookie: claviger_session={session}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    exchange(authority, &request).await.unwrap()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.replace("&#38;", "&"))
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Another account, of which everything is taken away at once: its operator suspends it.
pub(super) async fn suspended_account(acme: &Acme<'_>) -> Vec<Taken> {
    let made = acme.make("/v1/accounts", json!({"name": "Other"})).await;
    let id = text(&made, "id");
    let email = "owner@other.test";
    let password = claviger_service::testing::PASSWORD;
    let owner = json!({"email": email, "role": "owner", "password": password, "account_id": id});
    acme.make("/v1/members", owner).await;
    let who: Value = json!({"email": email, "password": password});
    let session = acme.make("/v1/sessions", who).await;
    let other = Acme {
        server: acme.server,
        session: text(&session, "session_token").to_owned(),
    };
    let (_, key) = other.key(json!({})).await;
    let (_, _, token, secret) = other.client().await;
    let (_, member) = other.member("member-of-other").await;
    let held = vec![key, token, secret, Held::Session(member)];
    for held in &held {
        assert!(
            works(acme.server, held).await,
            "before its account: {held:?}"
        );
    }
    let account = format!("/v1/accounts/{id}");
    let suspended = json!({"status": "suspended"});
    acme.does("PATCH", &account, Some(suspended)).await;
    let way = "suspend account";
    vec![Taken { way, held }]
}
