//! How each operation is made to succeed: what has to be there, and what is sent.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use claviger_service::testing::{ConnectedApp, PASSWORD};
use http::Method;
use serde_json::{Value, json};

use super::Recipe;
use crate::authorize::{CALLBACK, CHALLENGE};
use crate::disable::exchanged;
use crate::instance::{Instance, merged, text};
use crate::keys::management_token;
use crate::oauth::{TestClient, client, client_by, form};
use crate::requests::{Call, call, delete, get, post};
use crate::webhooks::receiver::Receiver;
use crate::webhooks::{deliveries, tell, webhook};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The recipe of an operation.
pub(super) async fn of(instance: &Instance, operation: &str) -> Option<Recipe> {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let method: Method = method.parse().expect("a method");
    let noun = path.split('/').nth(2).unwrap_or_default();
    match noun {
        "keys" => keys(instance, &method, path).await,
        "clients" => clients(instance, &method, path).await,
        "grants" | "sessions" | "password" | "whoami" => own(instance, &method, path).await,
        "members" | "roles" | "invitations" | "users" => people(instance, &method, path).await,
        "webhooks" => webhooks(instance, &method, path).await,
        "token" | "revoke" | "register" | "par" | "device_authorization" => {
            oauth(instance, &method, path).await
        }
        _ => operators(instance, &method, path).await,
    }
}

/// The registration of an app from a network from which none was registered yet: it may be few.
fn registration(metadata: &Value) -> Call {
    static NETWORKS: AtomicU32 = AtomicU32::new(0);
    let network = NETWORKS.fetch_add(1, Ordering::Relaxed);
    let address = Ipv4Addr::from((10 << 24) + (network << 8) + 1);
    post("/oauth/register", metadata).at_address(address.into())
}

/// A request with a body by the bearer of a credential.
fn sent(method: &Method, path: &str, body: Value, by: &str) -> Recipe {
    let (method, path, by) = (method.clone(), path.to_owned(), by.to_owned());
    Recipe::new(move || call(method.clone(), &path).json(&body).by(&by))
}

fn removed(path: &str, by: &str) -> Recipe {
    let (path, by) = (path.to_owned(), by.to_owned());
    Recipe::new(move || delete(&path).by(&by))
}

/// The same with a key under which a repetition is answered as before.
fn once(path: &str, body: Value, by: &str) -> Recipe {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    let key = format!("once-{}", KEYS.fetch_add(1, Ordering::Relaxed));
    let (path, by) = (path.to_owned(), by.to_owned());
    Recipe::new(move || post(&path, &body).by(&by).header("idempotency-key", &key))
}

async fn keys(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let by = if path.starts_with("/v1/") {
        management_token(instance, &["keys:write", "read:leads"]).await
    } else {
        instance.session("admin").await
    };
    let made = instance.key(json!({})).await;
    let one = path.replace("{id}", text(&made, "id"));
    Some(match (method.as_str(), one == path) {
        ("POST", true) => once(path, json!({"name": "K", "scopes": ["read:leads"]}), &by),
        ("PATCH", false) => sent(method, &one, json!({"name": "Another"}), &by),
        ("DELETE", false) => removed(&one, &by),
        _ => return None,
    })
}

async fn clients(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let by = instance.session("admin").await;
    let made = client(instance, json!({})).await;
    let one = path.replace("{id}", &made.id);
    let rest = path.strip_prefix("/v1/clients").unwrap_or_default();
    let rest = rest.strip_prefix("/{id}").unwrap_or(rest);
    let has_id = path.contains("{id}");
    let rotations = format!("/v1/clients/{}/rotations", made.id);
    let at = instance.now() + 3_600_000;
    let rotation = json!({"old_ends": "at", "at": at});
    if rest == "/rotations/current" {
        let begun = post(&rotations, &rotation).by(&by);
        instance.send(begun).await.is(201);
    }
    Some(match (method.as_str(), rest, has_id) {
        ("POST", "", false) => {
            let body = json!({"name": "C", "kind": "machine", "scopes": ["read:leads"]});
            once(path, body, &by)
        }
        ("PATCH", "", true) => sent(method, &one, json!({"scopes": ["read:people"]}), &by),
        ("POST", "/secrets", _) => once(&one, json!({"description": "Another"}), &by),
        ("DELETE", "/secrets/{secret_id}", _) => {
            removed(&one.replace("{secret_id}", &made.secret_id), &by)
        }
        ("POST", "/rotations", _) => once(&one, rotation, &by),
        ("PATCH", "/rotations/current", _) => sent(
            method,
            &one,
            json!({"old_ends": "at", "at": at + 1_000}),
            &by,
        ),
        ("POST", "/revoke-tokens", _) => sent(method, &one, json!({}), &by),
        ("DELETE", "" | "/rotations/current", true) => removed(&one, &by),
        _ => return None,
    })
}

/// What people do about themselves.
async fn own(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let email = format!("own{}@acme.test", instance.app().sources().request_id());
    instance
        .add_member(&email, "admin", &instance.account_id())
        .await;
    let by = instance.sign_in(&email).await;
    Some(match (method.as_str(), path) {
        ("DELETE", "/v1/grants" | "/v1/grants/{id}") => {
            let (test, owner) = (instance.test(), instance.session("owner").await);
            let (app, grant) = test.connected_app().await;
            exchanged(instance, &app, &test.owner).await;
            let of_client = format!("/v1/grants?client_id={}", app.client.id);
            let one = path.replace("{id}", &grant.id.to_string());
            removed(if one == path { &of_client } else { &one }, &owner)
        }
        ("POST", "/v1/sessions") => {
            let body = json!({"email": email, "password": PASSWORD});
            Recipe::new(move || post("/v1/sessions", &body))
        }
        ("DELETE", "/v1/sessions/{id}") => {
            let other = instance.sign_in(&email).await;
            let all = instance.send(get("/v1/sessions").by(&other)).await.is(200);
            let all = all["data"].as_array().expect("a list").clone();
            let own = all.iter().find(|session| session["current"] == json!(true));
            let id = text(own.expect("its own"), "id").to_owned();
            removed(&path.replace("{id}", &id), &by)
        }
        ("DELETE", _) => {
            instance.sign_in(&email).await;
            removed(path, &by)
        }
        ("POST", "/v1/sessions/current/account") => {
            let operator = instance.sign_in("operator@claviger.test").await;
            sent(
                method,
                path,
                json!({"account_id": instance.account_id()}),
                &operator,
            )
        }
        ("PATCH", "/v1/whoami") => sent(method, path, json!({"name": "Ana"}), &by),
        ("POST", "/v1/password") => {
            let new = "another password for tests";
            let body = json!({"old_password": PASSWORD, "new_password": new});
            sent(method, path, body, &by)
        }
        _ => return None,
    })
}

async fn people(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let owner = instance.session("owner").await;
    let operator = instance.session("operator").await;
    let tag = instance.app().sources().request_id();
    let email = format!("somebody{tag}@acme.test");
    let user = instance
        .add_member(&email, "viewer", &instance.account_id())
        .await;
    let role = json!({"name": format!("Role {tag}"), "permissions": [], "scopes": ["read:*"]});
    let made = instance
        .send(post("/v1/roles", &role).by(&owner))
        .await
        .is(201);
    let one = match path.split('/').nth(2) {
        Some("roles") => path.replace("{id}", text(&made, "id")),
        _ => path.replace("{user_id}", &user).replace("{id}", &user),
    };
    let invited = json!({"email": format!("new{tag}@acme.test"), "role": "viewer"});
    Some(match (method.as_str(), path) {
        ("POST", "/v1/members") => once(path, invited, &owner),
        ("PATCH", "/v1/members/{user_id}") => {
            sent(method, &one, json!({"role": "developer"}), &owner)
        }
        ("POST", "/v1/roles") => {
            let body = json!({"name": format!("R {tag}"), "permissions": [], "scopes": []});
            once(path, body, &owner)
        }
        ("PATCH", "/v1/roles/{id}") => sent(method, &one, json!({"scopes": []}), &owner),
        ("PATCH", "/v1/users/{id}") => {
            instance.sign_in(&email).await;
            sent(method, &one, json!({"status": "suspended"}), &operator)
        }
        ("DELETE", "/v1/members/{user_id}" | "/v1/roles/{id}") => removed(&one, &owner),
        ("DELETE" | "POST", _) => {
            let made = instance
                .send(post("/v1/members", &invited).by(&owner))
                .await
                .is(201);
            if *method == Method::DELETE {
                let all = instance
                    .send(get("/v1/invitations").by(&owner))
                    .await
                    .is(200);
                let all = all["data"].as_array().expect("a list").clone();
                let own = all.iter().find(|one| one["email"] == invited["email"]);
                let id = text(own.expect("one"), "id").to_owned();
                return Some(removed(&path.replace("{id}", &id), &owner));
            }
            let body = json!({"token": text(&made, "token"), "password": PASSWORD});
            Recipe::new(move || post("/v1/invitations/accept", &body))
        }
        _ => return None,
    })
}

async fn webhooks(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let by = instance.session("owner").await;
    // There can be so many only.
    let all = instance.send(get("/v1/webhooks").by(&by)).await.is(200);
    for before in all["data"].as_array().expect("a list") {
        let gone = delete(&format!("/v1/webhooks/{}", text(before, "id"))).by(&by);
        instance.send(gone).await.is(200);
    }
    let receiver = Receiver::start().await;
    let made = webhook(instance, &receiver, &["key.created"]).await;
    let one = path.replace("{id}", text(&made, "id"));
    let rest = path.strip_prefix("/v1/webhooks").unwrap_or_default();
    Some(match (method.as_str(), rest) {
        ("POST", "") => once(path, json!({"url": receiver.url, "events": ["*"]}), &by),
        ("PATCH", _) => sent(method, &one, json!({"active": false}), &by),
        ("POST", "/{id}/deliveries/{delivery_id}/redeliver") => {
            instance.key(json!({})).await;
            tell(instance).await;
            let delivery = deliveries(instance, &made).await.remove(0);
            let one = one.replace("{delivery_id}", text(&delivery, "id"));
            sent(method, &one, json!({}), &by)
        }
        ("POST", _) => sent(method, &one, json!({}), &by),
        ("DELETE", _) => removed(&one, &by),
        _ => return None,
    })
}

/// An app of Acme that may do this.
async fn app(instance: &Instance, more: Value) -> TestClient {
    let base = json!({"kind": "app", "redirect_uris": [CALLBACK], "scopes": ["read:leads"]});
    client(instance, merged(&base, &more)).await
}

async fn oauth(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let metadata = json!({"redirect_uris": [CALLBACK], "client_name": "Calendar"});
    Some(match (method.as_str(), path) {
        ("POST", "/oauth/token") => {
            let test = instance.test();
            let app = ConnectedApp::make(&test.app, test.account.id).await;
            let (_, tokens) = exchanged(instance, &app, &test.owner).await;
            let (id, secret) = (app.client.id.to_string(), app.secret.expose().to_owned());
            let token = text(&tokens, "refresh_token").to_owned();
            let grant = ("grant_type", "refresh_token");
            Recipe::new(move || {
                let pairs = [grant, ("refresh_token", &token)];
                form("/oauth/token", &pairs).basic(&id, &secret)
            })
        }
        ("POST", "/connect/token") => {
            // The first token of all makes a key that signs, which is a change of its own.
            client(instance, json!({})).await.token(instance).await;
            let operator = operator_in_acme(instance).await;
            let made = client_by(instance, &operator, json!({"tokens_per_day": 5})).await;
            let pair = json!({"grant_type": "client_credentials", "client_id": made.id,
                "client_secret": made.secret});
            Recipe::new(move || post("/connect/token", &pair))
        }
        ("POST", "/oauth/revoke") => {
            let made = client(instance, json!({})).await;
            let token = made.token(instance).await;
            Recipe::new(move || made.about("/oauth/revoke", &token))
        }
        ("POST", "/oauth/register") => Recipe::new(move || registration(&metadata)),
        ("PUT" | "DELETE", _) => {
            let made = instance.send(registration(&metadata)).await.is(201);
            let token = text(&made, "registration_access_token").to_owned();
            let id = text(&made, "client_id");
            let one = path.replace("{client_id}", id);
            if *method == Method::DELETE {
                return Some(removed(&one, &token));
            }
            let body =
                json!({"client_id": id, "redirect_uris": [CALLBACK], "client_name": "Other"});
            sent(method, &one, body, &token)
        }
        ("POST", "/oauth/par") => {
            let made = app(instance, json!({})).await;
            let pairs = [
                ("response_type", "code"),
                ("redirect_uri", CALLBACK),
                ("scope", "read:leads"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            Recipe::new(move || form("/oauth/par", &pairs).basic(&made.id, &made.secret))
        }
        ("POST", "/oauth/device_authorization") => {
            let grants = json!({"grant_types": [DEVICE_GRANT, "refresh_token"],
                "redirect_uris": []});
            let made = app(instance, grants).await;
            let pairs = [("scope", "read:leads")];
            Recipe::new(move || {
                form("/oauth/device_authorization", &pairs).basic(&made.id, &made.secret)
            })
        }
        _ => return None,
    })
}

/// The operator, in Acme.
async fn operator_in_acme(instance: &Instance) -> String {
    let session = instance.sign_in("operator@claviger.test").await;
    let body = json!({"account_id": instance.account_id()});
    let entered = post("/v1/sessions/current/account", &body).by(&session);
    text(&instance.send(entered).await.is(201), "session_token").to_owned()
}

async fn operators(instance: &Instance, method: &Method, path: &str) -> Option<Recipe> {
    let by = instance.session("operator").await;
    let admin = instance.session("admin").await;
    let tag = instance.app().sources().request_id();
    let account = json!({"name": format!("Account {tag}")});
    let api = json!({"name": "Mine", "audience": format!("https://{tag}.test"),
        "accepts": ["api_key"], "routes": [],
        "scopes": [{"name": format!("read:{tag}").to_lowercase(), "description": "M.",
            "sensitive": false}]});
    Some(match (method.as_str(), path) {
        ("POST", "/v1/accounts") => once(path, account, &by),
        (_, "/v1/accounts/{id}" | "/v1/accounts/{id}/revoke-tokens") => {
            let made = instance
                .send(post("/v1/accounts", &account).by(&by))
                .await
                .is(201);
            let one = path.replace("{id}", text(&made, "id"));
            let body = if *method == Method::PATCH {
                json!({"status": "suspended"})
            } else {
                json!({})
            };
            sent(method, &one, body, &by)
        }
        ("POST", "/v1/apis") => once(path, api, &by),
        (_, "/v1/apis/{id}" | "/v1/apis/{id}/import") => {
            let made = instance.send(post("/v1/apis", &api).by(&by)).await.is(201);
            let one = path.replace("{id}", text(&made, "id"));
            match method.as_str() {
                "DELETE" => removed(&one, &by),
                "PATCH" => sent(method, &one, json!({"name": "Other"}), &by),
                _ => {
                    let info = json!({"title": "A", "version": "1"});
                    let document = json!({"openapi": "3.1.0", "info": info,
                        "paths": {"/v1/bills": {"get": {"responses": {}}}}});
                    sent(method, &one, document, &by)
                }
            }
        }
        ("POST", "/v1/audit/checkpoints" | "/v1/signing-keys/rotations") => {
            // There is something to sign.
            instance.key(json!({})).await;
            sent(method, path, json!({}), &by)
        }
        ("POST", "/v1/operators") => {
            let email = format!("op{tag}@claviger.test");
            once(path, json!({"email": email, "password": PASSWORD}), &by)
        }
        ("POST", "/v1/legacy-key") => {
            instance.send(delete(path).by(&admin)).await.is(200);
            once(path, json!({}), &admin)
        }
        ("DELETE", "/v1/legacy-key") => {
            let made = instance.send(post(path, &json!({})).by(&admin)).await;
            assert!([201, 409].contains(&made.status), "{made:?}");
            removed(path, &admin)
        }
        ("POST", "/v1/sandbox/reset") => sent(method, path, json!({}), &admin),
        ("DELETE", "/v1/signing-keys/{id}") => {
            let listed = instance.send(get("/v1/signing-keys").by(&by)).await.is(200);
            let one = text(&listed["data"][0], "id").to_owned();
            removed(&path.replace("{id}", &one), &by)
        }
        _ => return None,
    })
}
