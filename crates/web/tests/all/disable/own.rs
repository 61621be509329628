//! Every way to take power away from keys, clients and people, against every way to use it.

use std::collections::BTreeSet;

use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use crate::instance::{Instance, OLD_API, for_each_app_with, text, with_management};
use crate::oauth::{TestClient, client_by};
use crate::requests::{Call, delete, get, patch, post};

const NEW_PASSWORD: &str = "another password for tests";

/// What takes power away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    RevokeKey,
    SwitchKeyOff,
    KeyExpires,
    NarrowKey,
    NarrowKeysNetwork,
    ReportLeakedKey,
    RevokeSecret,
    DeleteClient,
    EndTokensOfClient,
    NarrowClient,
    RotateNow,
    RotationEnds,
    SignOut,
    EndSession,
    EndOtherSessions,
    ChangePassword,
    SuspendUser,
    RemoveMember,
    NarrowRole,
    OtherRole,
    SessionExpires,
    RevertLegacyKey,
    EndTokensOfAccount,
    SuspendAccount,
}

const WAYS: [Way; 24] = [
    Way::RevokeKey,
    Way::SwitchKeyOff,
    Way::KeyExpires,
    Way::NarrowKey,
    Way::NarrowKeysNetwork,
    Way::ReportLeakedKey,
    Way::RevokeSecret,
    Way::DeleteClient,
    Way::EndTokensOfClient,
    Way::NarrowClient,
    Way::RotateNow,
    Way::RotationEnds,
    Way::SignOut,
    Way::EndSession,
    Way::EndOtherSessions,
    Way::ChangePassword,
    Way::SuspendUser,
    Way::RemoveMember,
    Way::NarrowRole,
    Way::OtherRole,
    Way::SessionExpires,
    Way::RevertLegacyKey,
    Way::EndTokensOfAccount,
    Way::SuspendAccount,
];

const KEY: [&str; 4] = ["key: verify", "key: batch", "key: gateway", "key: demo"];
const TOKEN: [&str; 5] = [
    "token: verify",
    "token: batch",
    "token: gateway",
    "token: demo",
    "token: introspection",
];
const SECRET: &str = "secret: token";
const REST: &str = "management token: REST";
/// At APIs, with the scopes of the role.
const SESSION: [&str; 4] = [
    "session: verify",
    "session: batch",
    "session: gateway",
    "session: demo",
];
const PORTAL: [&str; 2] = ["session: REST", "session: page"];
const LEGACY: [&str; 2] = ["legacy key: verify", "legacy key: demo"];

impl Way {
    /// What it leaves nobody.
    fn takes(self) -> BTreeSet<&'static str> {
        let parts: &[&[&str]] = match self {
            Self::RevokeKey
            | Self::SwitchKeyOff
            | Self::KeyExpires
            | Self::NarrowKey
            | Self::NarrowKeysNetwork
            | Self::ReportLeakedKey => &[&KEY],
            Self::RevokeSecret | Self::DeleteClient | Self::RotateNow => &[&TOKEN, &[SECRET, REST]],
            Self::EndTokensOfClient | Self::NarrowClient | Self::EndTokensOfAccount => {
                &[&TOKEN, &[REST]]
            }
            // The tokens that it got go on until they expire.
            Self::RotationEnds => &[&[SECRET]],
            Self::SignOut
            | Self::EndSession
            | Self::EndOtherSessions
            | Self::ChangePassword
            | Self::SuspendUser
            | Self::RemoveMember => &[&SESSION, &PORTAL],
            Self::NarrowRole | Self::OtherRole => &[&SESSION],
            // And an access token lives no day either.
            Self::SessionExpires => &[&SESSION, &PORTAL, &TOKEN, &[REST]],
            Self::RevertLegacyKey => &[&LEGACY],
            Self::SuspendAccount => &[&KEY, &TOKEN, &[SECRET, REST], &SESSION, &PORTAL, &LEGACY],
        };
        parts.iter().flat_map(|part| part.iter().copied()).collect()
    }
}

/// An account with one of everything.
struct World<'a> {
    instance: &'a Instance,
    account_id: String,
    owner: String,
    operator: String,
    role_id: String,
    user_id: String,
    email: String,
    session: String,
    key_id: String,
    key: String,
    client: TestClient,
    token: String,
    management_token: String,
    legacy_key: String,
}

impl<'a> World<'a> {
    async fn new(instance: &'a Instance, number: usize) -> Self {
        let operator = instance.sign_in("operator@claviger.test").await;
        let send = async |by: &str, path: &str, body: Value| {
            let answer = instance.send(post(path, &body).by(by)).await;
            answer.is(201)
        };
        let made = send(
            &operator,
            "/v1/accounts",
            json!({"name": format!("A{number}")}),
        )
        .await;
        let account_id = text(&made, "id").to_owned();
        let add = async |email: &str, role: &str| {
            let body = json!({"email": email, "role": role, "password": PASSWORD,
                "account_id": account_id});
            text(&send(&operator, "/v1/members", body).await, "user_id").to_owned()
        };
        let owner = format!("owner{number}@way.test");
        add(&owner, "owner").await;
        let owner = instance.sign_in(&owner).await;
        let role = json!({"name": "Reader", "permissions": [], "scopes": ["read:*"]});
        let role_id = text(&send(&owner, "/v1/roles", role).await, "id").to_owned();
        let email = format!("user{number}@way.test");
        let user_id = add(&email, &role_id).await;
        let session = instance.sign_in(&email).await;
        let body = json!({"name": "K", "scopes": ["read:leads"]});
        let key = send(&owner, "/api/keys", body).await;
        let scopes = json!({"scopes": ["read:leads", "keys:read"]});
        let client = client_by(instance, &owner, scopes).await;
        let [token, management_token] = [None, Some(instance.issuer())].map(|audience| {
            let audience = audience.map(|audience| ("audience", audience));
            client.form(audience.as_slice())
        });
        let issued = async |call: Call| {
            let answer = instance.send(call).await.is(200);
            text(&answer, "access_token").to_owned()
        };
        let legacy = send(&owner, "/v1/legacy-key", json!({})).await;
        Self {
            instance,
            token: issued(token).await,
            management_token: issued(management_token).await,
            account_id,
            owner,
            operator,
            role_id,
            user_id,
            email,
            session,
            key_id: text(&key, "id").to_owned(),
            key: text(&key, "key").to_owned(),
            client,
            legacy_key: text(&legacy, "key").to_owned(),
        }
    }

    /// Takes power away, and lets time pass where that is the way.
    #[expect(clippy::too_many_lines, reason = "a flat list of ways")]
    async fn take(&self, way: Way) {
        let key = format!("/api/keys/{}", self.key_id);
        let client = format!("/v1/clients/{}", self.client.id);
        let (member, role) = (
            format!("/v1/members/{}", self.user_id),
            format!("/v1/roles/{}", self.role_id),
        );
        let account = format!("/v1/accounts/{}", self.account_id);
        let soon = self.instance.now() + 60_000;
        let nothing = json!({});
        let by_owner = |call: Call| call.by(&self.owner);
        let call = match way {
            Way::RevokeKey => by_owner(delete(&key)),
            Way::SwitchKeyOff => by_owner(patch(&key, &json!({"active": false}))),
            Way::KeyExpires => by_owner(patch(&key, &json!({"expires_at": soon}))),
            Way::NarrowKey => by_owner(patch(&key, &json!({"scopes": ["read:people"]}))),
            Way::NarrowKeysNetwork => {
                by_owner(patch(&key, &json!({"allowed_ips": ["192.0.2.0/24"]})))
            }
            Way::ReportLeakedKey => post("/v1/leaks", &json!({"credential": self.key})),
            Way::RevokeSecret => by_owner(delete(&format!(
                "{client}/secrets/{}",
                self.client.secret_id
            ))),
            Way::DeleteClient => by_owner(delete(&client)),
            Way::EndTokensOfClient => by_owner(post(&format!("{client}/revoke-tokens"), &nothing)),
            Way::NarrowClient => by_owner(patch(&client, &json!({"scopes": ["read:people"]}))),
            Way::RotateNow | Way::RotationEnds => {
                let plan = match way {
                    Way::RotateNow => json!({"old_ends": "now"}),
                    _ => json!({"old_ends": "at", "at": soon}),
                };
                by_owner(post(&format!("{client}/rotations"), &plan))
            }
            Way::SignOut => delete("/v1/sessions/current").by(&self.session),
            Way::EndSession => {
                let other = self.instance.sign_in(&self.email).await;
                let all = self
                    .instance
                    .send(get("/v1/sessions").by(&other))
                    .await
                    .is(200);
                let all = all["data"].as_array().expect("a list").clone();
                let first = all.iter().find(|one| one["current"] == json!(false));
                let id = text(first.expect("the first"), "id").to_owned();
                delete(&format!("/v1/sessions/{id}")).by(&other)
            }
            Way::EndOtherSessions => {
                let other = self.instance.sign_in(&self.email).await;
                delete("/v1/sessions").by(&other)
            }
            Way::ChangePassword => {
                let other = self.instance.sign_in(&self.email).await;
                let body = json!({"old_password": PASSWORD, "new_password": NEW_PASSWORD});
                post("/v1/password", &body).by(&other)
            }
            Way::SuspendUser => {
                let user = format!("/v1/users/{}", self.user_id);
                patch(&user, &json!({"status": "suspended"})).by(&self.operator)
            }
            Way::RemoveMember => by_owner(delete(&member)),
            Way::NarrowRole => by_owner(patch(&role, &json!({"scopes": ["read:people"]}))),
            Way::OtherRole => {
                let other = json!({"name": "Other", "permissions": [], "scopes": []});
                let made = by_owner(post("/v1/roles", &other));
                let made = self.instance.send(made).await.is(201);
                by_owner(patch(&member, &json!({"role": made["id"]})))
            }
            Way::SessionExpires => get("/v1/whoami").by(&self.owner),
            Way::RevertLegacyKey => by_owner(delete("/v1/legacy-key")),
            Way::EndTokensOfAccount => {
                post(&format!("{account}/revoke-tokens"), &nothing).by(&self.operator)
            }
            Way::SuspendAccount => {
                patch(&account, &json!({"status": "suspended"})).by(&self.operator)
            }
        };
        let answer = self.instance.send(call).await;
        assert!([200, 201].contains(&answer.status), "{way:?}: {answer:?}");
        match way {
            Way::KeyExpires | Way::RotationEnds => self.instance.pass(61_000).await,
            Way::SessionExpires => self.instance.pass(25 * 3_600_000).await,
            Way::ReportLeakedKey => {
                // Nobody is told when it is done.
                let asked = async || self.instance.verify(&self.key, json!({})).await;
                while asked().await["allowed"] == json!(true) {
                    tokio::task::yield_now().await;
                }
            }
            _ => {}
        }
    }

    /// The uses that work.
    async fn uses(&self, server: &TestClient) -> BTreeSet<&'static str> {
        let mut works = BTreeSet::new();
        for (credential, [verify, batch, gateway, demo]) in [
            (&self.key, KEY),
            (&self.token, [TOKEN[0], TOKEN[1], TOKEN[2], TOKEN[3]]),
            (&self.session, SESSION),
        ] {
            let of_api = self.at_the_api(credential).await;
            for (use_of, is_allowed) in [verify, batch, gateway, demo].into_iter().zip(of_api) {
                works.extend(is_allowed.then_some(use_of));
            }
        }
        let asked = server.about("/oauth/introspect", &self.token);
        let told = self.instance.send(asked).await;
        let told = if told.status == 200 {
            told.json()
        } else {
            Value::Null
        };
        let scope = told["scope"].as_str().unwrap_or_default();
        let is_active = told["active"] == json!(true) && scope.contains("read:leads");
        works.extend(is_active.then_some(TOKEN[4]));
        let old = json!({"api": OLD_API, "method": "GET", "path": "/v1/people"});
        let old = self.instance.verify(&self.legacy_key, old).await;
        works.extend((old["allowed"] == json!(true)).then_some(LEGACY[0]));
        let cookie = format!("claviger_session={}", self.session);
        for (use_of, call) in [
            (SECRET, self.client.form(&[])),
            (REST, get("/v1/keys").by(&self.management_token)),
            (PORTAL[0], get("/v1/whoami").by(&self.session)),
            (PORTAL[1], get("/account").header("cookie", &cookie)),
            (LEGACY[1], get("/demo/old/v1/people").by(&self.legacy_key)),
        ] {
            let status = self.instance.send(call).await.status;
            works.extend((status == 200).then_some(use_of));
        }
        works
    }

    /// Whether a credential is allowed: verify, batch, gateway, demo.
    async fn at_the_api(&self, credential: &str) -> [bool; 4] {
        let (instance, ip) = (self.instance, "198.51.100.9");
        let question = json!({"credential": credential, "method": "GET", "path": "/v1/leads",
            "ip": ip});
        let one = post("/v1/verify", &question);
        let one = instance.send_inside(one).await.is(200);
        let batch = post("/v1/verify/batch", &json!([question]));
        let batch = instance.send_inside(batch).await.is(200);
        let gateway = get("/verify/http")
            .header("x-forwarded-host", "live.acme.test")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/v1/leads")
            .header("x-forwarded-for", ip)
            .by(credential);
        let demo = get("/demo/v1/leads").by(credential);
        [
            one["allowed"] == json!(true),
            batch["data"][0]["allowed"] == json!(true),
            instance.send_inside(gateway).await.status == 200,
            instance.send(demo).await.status == 200,
        ]
    }
}

#[tokio::test]
async fn what_is_taken_from_keys_clients_and_people_is_taken_on_every_path() {
    for_each_app_with(&with_management(), async |instance| {
        let all = Way::SuspendAccount.takes();
        let (mut cells, mut wrong) = (0, Vec::new());
        for (number, way) in WAYS.into_iter().enumerate() {
            let world = World::new(instance, number).await;
            let scopes = json!({"scopes": ["read:people"]});
            let server = client_by(instance, &world.owner, scopes).await;
            let before = world.uses(&server).await;
            assert_eq!(before, all, "before {way:?}");
            world.take(way).await;
            let left = world.uses(&server).await;
            let expected: BTreeSet<&str> = all.difference(&way.takes()).copied().collect();
            cells += all.len();
            if left != expected {
                let more: Vec<_> = left.difference(&expected).collect();
                let less: Vec<_> = expected.difference(&left).collect();
                wrong.push(format!("{way:?}: {more:?} still work, {less:?} do not"));
            }
        }
        eprintln!("disable x path: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}
