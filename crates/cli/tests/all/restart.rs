//! Disable x path after a power failure: everything is taken away in one data directory, the server
//! is killed at once, and its successor lets nothing of it pass.

mod apps;

use claviger_service::sources::Sources;
use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, exchange, get, post, send};
use crate::program::{Server, run, until};

/// What somebody holds.
#[derive(Clone, Debug)]
enum Held {
    Key(String),
    /// An access token.
    Token(String),
    /// A client's id and secret.
    Secret(String, String),
    Session(String),
    /// A session where it is used at APIs, with the scopes of a role.
    RoleOf(String),
    LegacyKey(String),
    /// An app's refresh token, which can be used once.
    Refresh {
        client: String,
        secret: String,
        token: String,
    },
}

/// What was taken away, and what that leaves nobody.
struct Taken {
    way: &'static str,
    held: Vec<Held>,
}

/// A server of `claviger dev` and its admin.
struct Acme<'a> {
    server: &'a Server,
    session: String,
}

impl Acme<'_> {
    async fn make(&self, path: &str, body: Value) -> Value {
        let answer = post(&self.server.public(path), &self.session, &body).await;
        assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
        answer.json()
    }

    async fn does(&self, method: &str, path: &str, body: Option<Value>) {
        let url = self.server.public(path);
        let answer = send(method, &url, Some(&self.session), body.as_ref()).await;
        let answer = answer.unwrap();
        assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
    }

    /// A key; its path and itself.
    async fn key(&self, more: Value) -> (String, Held) {
        let mut body = json!({"name": "K", "scopes": ["read:leads"]});
        if let Some(expires_at) = more.get("expires_at") {
            body["expires_at"] = expires_at.clone();
        }
        let made = self.make("/api/keys", body).await;
        let path = format!("/api/keys/{}", text(&made, "id"));
        (path, Held::Key(text(&made, "key").to_owned()))
    }

    /// A client; its path, that of its secret, its token and its secret.
    async fn client(&self) -> (String, String, Held, Held) {
        let body = json!({"name": "C", "kind": "machine", "scopes": ["read:leads"]});
        let made = self.make("/v1/clients", body).await;
        let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
        let path = format!("/v1/clients/{id}");
        let of_secret = format!("{path}/secrets/{}", text(&made["secrets"][0], "id"));
        let token = issued(self.server, id, secret).await;
        let token = Held::Token(text(&token.json(), "access_token").to_owned());
        let secret = Held::Secret(id.to_owned(), secret.to_owned());
        (path, of_secret, token, secret)
    }

    /// A member with a session; the path of the member, and the session.
    async fn member(&self, name: &str) -> (String, String) {
        let email = format!("{name}@acme.test");
        let invited = json!({"email": email, "role": "developer"});
        let invited = self.make("/v1/members", invited).await;
        let accepted = json!({"token": invited["token"], "password": PASSWORD});
        let joined = self.make("/v1/invitations/accept", accepted).await;
        let path = format!("/v1/members/{}", text(&joined, "user_id"));
        (path, self.signed_in(name).await)
    }

    async fn signed_in(&self, name: &str) -> String {
        let email = format!("{name}@acme.test");
        let made = self.make(
            "/v1/sessions",
            json!({"email": email, "password": PASSWORD}),
        );
        text(&made.await, "session_token").to_owned()
    }

    async fn by(&self, session: &str, method: &str, path: &str, body: Option<Value>) {
        let url = self.server.public(path);
        let answer = send(method, &url, Some(session), body.as_ref()).await;
        assert_eq!(answer.unwrap().status, 200, "{path}");
    }

    async fn change_password(&self, session: &str) {
        let new = "another password for tests";
        let body = json!({"old_password": PASSWORD, "new_password": new});
        self.by(session, "POST", "/v1/password", Some(body)).await;
    }

    /// Roles that lose what they allowed at APIs.
    async fn roles(&self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (number, way) in ["narrow role", "other role"].into_iter().enumerate() {
            let role = json!({"name": format!("R{number}"), "permissions": [],
                "scopes": ["read:*"]});
            let role = self.make("/v1/roles", role).await;
            let (member, session) = self.member(&format!("role{number}")).await;
            let role_of = json!({"role": role["id"]});
            self.does("PATCH", &member, Some(role_of)).await;
            let held = Held::RoleOf(session);
            assert!(works(self.server, &held).await, "before {way}");
            if way == "narrow role" {
                let path = format!("/v1/roles/{}", text(&role, "id"));
                let narrow = json!({"scopes": ["read:people"]});
                self.does("PATCH", &path, Some(narrow)).await;
            } else {
                let other = json!({"name": "Nothing", "permissions": [], "scopes": []});
                let other = self.make("/v1/roles", other).await;
                let role_of = json!({"role": other["id"]});
                self.does("PATCH", &member, Some(role_of)).await;
            }
            let held = vec![held];
            taken.push(Taken { way, held });
        }
        taken
    }

    async fn keys(&self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (way, method, change) in [
            ("revoke key", "DELETE", None),
            ("switch key off", "PATCH", Some(json!({"active": false}))),
            (
                "narrow key",
                "PATCH",
                Some(json!({"scopes": ["read:people"]})),
            ),
            (
                "narrow the key's network",
                "PATCH",
                Some(json!({"allowed_ips": ["192.0.2.0/24"]})),
            ),
        ] {
            let (path, key) = self.key(json!({})).await;
            assert!(works(self.server, &key).await, "before {way}");
            self.does(method, &path, change).await;
            let held = vec![key];
            taken.push(Taken { way, held });
        }
        let (_, leaked) = self.key(json!({})).await;
        let Held::Key(credential) = &leaked else {
            unreachable!("a key");
        };
        self.does("POST", "/v1/leaks", Some(json!({"credential": credential})))
            .await;
        // Nobody is told when it is done.
        let is_good = async || at_the_api(self.server, credential).await.contains(&true);
        until(async || (!is_good().await).then_some(())).await;
        taken.push(Taken {
            way: "report leaked key",
            held: vec![leaked.clone()],
        });
        let legacy = self.make("/v1/legacy-key", json!({})).await;
        let legacy = Held::LegacyKey(text(&legacy, "key").to_owned());
        assert!(works(self.server, &legacy).await);
        self.does("DELETE", "/v1/legacy-key", None).await;
        taken.push(Taken {
            way: "revert legacy key",
            held: vec![legacy],
        });
        taken
    }

    async fn clients(&self) -> Vec<Taken> {
        let mut all = Vec::new();
        for way in [
            "delete client",
            "revoke secret",
            "end tokens",
            "narrow client",
            "rotate now",
            "rotate with an end",
        ] {
            let (path, of_secret, token, secret) = self.client().await;
            for held in [&token, &secret] {
                assert!(works(self.server, held).await, "before {way}");
            }
            match way {
                "delete client" => self.does("DELETE", &path, None).await,
                "revoke secret" => self.does("DELETE", &of_secret, None).await,
                "end tokens" => {
                    let path = format!("{path}/revoke-tokens");
                    self.does("POST", &path, Some(json!({}))).await;
                }
                "narrow client" => {
                    let narrow = json!({"scopes": ["read:people"]});
                    self.does("PATCH", &path, Some(narrow)).await;
                }
                _ => {
                    let path = format!("{path}/rotations");
                    let ends = if way == "rotate now" {
                        json!({"old_ends": "now"})
                    } else {
                        json!({"old_ends": "at", "at": soon()})
                    };
                    self.does("POST", &path, Some(ends)).await;
                }
            }
            if way == "rotate with an end" {
                // The tokens that it got go on until they expire.
                until(async || (!works(self.server, &secret).await).then_some(())).await;
                let held = vec![secret];
                all.push(Taken { way, held });
                continue;
            }
            let mut held = vec![token];
            if !["end tokens", "narrow client"].contains(&way) {
                held.push(secret);
            }
            all.push(Taken { way, held });
        }
        all
    }

    async fn people(&self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (number, way) in [
            "sign out",
            "end session",
            "end others",
            "change password",
            "remove member",
            "suspend user",
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("user{number}");
            let (member, session) = self.member(&name).await;
            let held = Held::Session(session.clone());
            assert!(works(self.server, &held).await, "before {way}");
            match way {
                "sign out" => {
                    let own = "/v1/sessions/current";
                    self.by(&session, "DELETE", own, None).await;
                }
                "end others" => {
                    let other = self.signed_in(&name).await;
                    self.by(&other, "DELETE", "/v1/sessions", None).await;
                }
                "end session" => {
                    let other = self.signed_in(&name).await;
                    let all = get(&self.server.public("/v1/sessions"), &other)
                        .await
                        .json();
                    let all = all["data"].as_array().unwrap().iter();
                    let first = all.clone().find(|one| one["current"] == json!(false));
                    let id = text(first.unwrap(), "id").to_owned();
                    let path = format!("/v1/sessions/{id}");
                    self.by(&other, "DELETE", &path, None).await;
                }
                "change password" => {
                    let other = self.signed_in(&name).await;
                    self.change_password(&other).await;
                }
                "suspend user" => {
                    let user = member.replace("/members/", "/users/");
                    self.does("PATCH", &user, Some(json!({"status": "suspended"})))
                        .await;
                }
                _ => self.does("DELETE", &member, None).await,
            }
            let held = vec![held];
            taken.push(Taken { way, held });
        }
        taken
    }
}

/// A moment that comes during the test, in Unix milliseconds.
fn soon() -> i64 {
    Sources::system().unwrap().now().0 + 3_000
}

fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}: {body}"))
}

/// Asks for a token with a client's secret.
async fn issued(server: &Server, id: &str, secret: &str) -> Answer {
    let body = json!({"grant_type": "client_credentials", "client_id": id,
        "client_secret": secret});
    let url = server.public("/oauth/token");
    send("POST", &url, None, Some(&body)).await.unwrap()
}

/// Whether what somebody holds opens anything, by every way to use it.
async fn works(server: &Server, held: &Held) -> bool {
    let found = match held {
        Held::Secret(id, secret) => vec![issued(server, id, secret).await.status == 200],
        Held::LegacyKey(key) => {
            let old = server.public("/demo/old/v1/people");
            vec![get(&old, key).await.status == 200]
        }
        Held::Key(key) | Held::Token(key) | Held::RoleOf(key) => at_the_api(server, key).await,
        Held::Refresh {
            client,
            secret,
            token,
        } => vec![apps::refreshes(server, (client, secret), token).await],
        Held::Session(session) => {
            let mut found = at_the_api(server, session).await;
            let whoami = get(&server.public("/v1/whoami"), session).await;
            found.push(whoami.status == 200);
            let authority = server.text("/public_url").trim_start_matches("http://");
            let page = format!(
                "GET /account HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
                 cookie: claviger_session={session}\r\n\r\n"
            );
            found.push(exchange(authority, &page).await.unwrap().status == 200);
            found
        }
    };
    let all = found.iter().all(|works| *works);
    assert_eq!(all, found.iter().any(|works| *works), "{held:?}: {found:?}");
    all
}

/// Whether a credential is allowed: by verify, by the batch and at the demo.
async fn at_the_api(server: &Server, credential: &str) -> Vec<bool> {
    let question = json!({"credential": credential, "method": "GET", "path": "/v1/leads"});
    let one = post(&server.internal("/v1/verify"), "", &question).await;
    let batch = server.internal("/v1/verify/batch");
    let batch = post(&batch, "", &json!([question])).await;
    let demo = get(&server.public("/demo/v1/leads"), credential).await;
    vec![
        one.json()["allowed"] == json!(true),
        batch.json()["data"][0]["allowed"] == json!(true),
        demo.status == 200,
    ]
}

async fn nothing_works(server: &Server, taken: &[Taken], when: &str) -> usize {
    let mut cells = 0;
    for Taken { way, held } in taken {
        for held in held {
            assert!(!works(server, held).await, "{when}, after {way}: {held:?}");
            cells += 1;
        }
    }
    cells
}

#[tokio::test]
async fn what_was_taken_away_stays_so_after_a_power_failure() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let acme = Acme {
        server: &server,
        session: server.text("/session_token").to_owned(),
    };
    let (_, kept_key) = acme.key(json!({})).await;
    let (_, _, kept_token, kept_secret) = acme.client().await;
    let (_, kept_session) = acme.member("kept").await;
    let kept_app = acme.connected("kept-app").await;
    let mut kept = vec![
        kept_key,
        kept_token,
        kept_secret,
        Held::Session(kept_session),
    ];
    kept.extend(kept_app.held());
    let (_, expiring) = acme.key(json!({"expires_at": soon()})).await;
    let Held::Key(text_of_it) = expiring.clone() else {
        unreachable!("a key");
    };
    let mut taken = acme.keys().await;
    taken.extend(acme.clients().await);
    taken.extend(acme.people().await);
    taken.extend(acme.roles().await);
    taken.extend(acme.apps().await);
    taken.extend(apps::suspended_account(&acme).await);
    let is_over = async || {
        at_the_api(&server, &text_of_it)
            .await
            .iter()
            .all(|works| !works)
    };
    until(async || is_over().await.then_some(())).await;
    taken.push(Taken {
        way: "key expires",
        held: vec![expiring],
    });
    let before = nothing_works(&server, &taken, "before").await;
    let address = server
        .text("/public_url")
        .trim_start_matches("http://")
        .to_owned();
    server.kill().await;

    // At the same address: elsewhere it would be another issuer, whose tokens these are not.
    let server = Server::dev_at(&directory, &address, &[]).await;
    let after = nothing_works(&server, &taken, "after a restart").await;
    for held in &kept {
        assert!(works(&server, held).await, "{held:?} was not taken away");
    }
    eprintln!(
        "disable x path, before and after kill -9: {} cells",
        before + after
    );
    server.kill().await;
    let data = directory.path("data");
    let chain = run(&["audit", "verify", "--data", &data]).await.done();
    assert!(chain.starts_with("intact: "), "{chain}");
}
