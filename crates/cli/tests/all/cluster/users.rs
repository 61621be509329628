//! Tokens that act for users, with two nodes that know of each other's uses.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::clients::{ClientAuthMethod, ClientMetadata, ClientScopes, ClientSettings};
use claviger_model::grants::Authorized;
use claviger_model::ids::ClientId;
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_model::scopes::ScopeName;
use claviger_service::App;
use claviger_service::app::Storage;
use claviger_service::propagation::Role;
use claviger_service::settings::Settings;
use claviger_service::sources::Sources;
use claviger_service::testing::{Allowed, make_app, make_code};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Cluster, decide, public};
use crate::http::{Answer, get, send};
use crate::program::Server;

const CALLBACK: &str = "https://app.example/callback";

/// A public app that the admin allows everything, beside the servers.
struct Connected {
    app: App,
    allowed: Allowed,
}

impl Connected {
    async fn make(cluster: &Cluster) -> Self {
        let storage = Storage {
            main: cluster.database.location.clone(),
            usage: cluster.database.usage_location.clone(),
            lock_file: None,
            ballast_bytes: 0,
        };
        let keyring = Keyring::parse(&master_key_line(1, &[7; 32])).unwrap();
        let sources = Sources::system().unwrap();
        let settings = Settings::default();
        let app = App::open(&storage, keyring, settings, sources, Role::Command);
        let app = app.await.unwrap();
        let url = public(&cluster.first, "/v1/whoami");
        let me = get(&url, &cluster.session).await.json();
        let account_id = me["account"]["id"].as_str().unwrap().parse().unwrap();
        let settings = ClientSettings {
            name: "App".to_owned(),
            description: String::new(),
            scopes: ClientScopes::All,
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: Some(ClientAuthMethod::None),
        };
        let metadata = ClientMetadata::default();
        let (client_id, _) = make_app(&app, account_id, settings, metadata).await;
        let allowed = Allowed {
            client_id,
            user_id: me["user"]["id"].as_str().unwrap().parse().unwrap(),
            account_id,
            authorized: Authorized {
                scopes: vec![ScopeName::new("read:leads").unwrap()],
                ..Authorized::default()
            },
            redirect_uri: CALLBACK.to_owned(),
            is_redirect_uri_named: true,
            challenge: None,
        };
        Self { app, allowed }
    }

    fn id(&self) -> ClientId {
        self.allowed.client_id
    }

    async fn code(&self) -> String {
        let (code, _) = make_code(&self.app, &self.allowed).await;
        code.expose().to_owned()
    }

    async fn exchange(&self, server: &Server, code: &str) -> Answer {
        let body = json!({
            "grant_type": "authorization_code", "client_id": self.id(), "code": code,
            "redirect_uri": CALLBACK,
        });
        ask(server, &body).await
    }

    async fn refresh(&self, server: &Server, tokens: &Value) -> Answer {
        let body = json!({
            "grant_type": "refresh_token", "client_id": self.id(),
            "refresh_token": tokens["refresh_token"],
        });
        ask(server, &body).await
    }
}

async fn ask(server: &Server, body: &Value) -> Answer {
    let url = public(server, "/oauth/token");
    send("POST", &url, None, Some(body)).await.unwrap()
}

#[track_caller]
fn given(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[track_caller]
fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["error"], json!("invalid_grant"), "{answer:?}");
}

async fn is_decided(cluster: &Cluster, tokens: &Value, reason: &str) {
    for server in [&cluster.first, &cluster.second] {
        let decision = decide(server, tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(decision["reason"], json!(reason), "{decision}");
    }
}

#[tokio::test]
async fn a_code_is_exchanged_once_at_whichever_node() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let app = Connected::make(&cluster).await;
    let code = app.code().await;
    let servers = [&cluster.first, &cluster.second];
    let calls = (0..64).map(|turn| app.exchange(servers[turn % 2], &code));
    let answers = join_all(calls).await;
    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(good.len(), 1, "{answers:?}");
    refused.into_iter().for_each(is_refused);
    let tokens = good[0].json();
    is_decided(&cluster, &tokens, "revoked").await;
    for server in servers {
        is_refused(&app.refresh(server, &tokens).await);
    }
}

#[tokio::test]
async fn of_64_refreshes_at_two_nodes_one_chain_lives() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let app = Connected::make(&cluster).await;
    let first = given(&app.exchange(&cluster.second, &app.code().await).await);
    let servers = [&cluster.first, &cluster.second];
    let calls = (0..64).map(|turn| app.refresh(servers[turn % 2], &first));
    let answers = join_all(calls).await;
    let by_generation: BTreeMap<u64, Value> = answers
        .iter()
        .map(given)
        .map(|tokens| (generation(&tokens), tokens))
        .collect();
    assert_eq!(by_generation.len(), 64);
    let (last, current) = by_generation.last_key_value().unwrap();
    assert_eq!(*last, 65);
    for (turn, replaced) in by_generation.values().take(63).enumerate() {
        is_refused(&app.refresh(servers[turn % 2], replaced).await);
    }
    is_decided(&cluster, current, "allowed").await;
    given(&app.refresh(&cluster.first, current).await);
}

#[tokio::test]
async fn a_use_at_one_node_makes_a_replay_at_the_other() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let app = Connected::make(&cluster).await;
    let first = given(&app.exchange(&cluster.first, &app.code().await).await);
    // A lost answer is forgiven at the other node too, though that takes a moment.
    given(&app.refresh(&cluster.first, &first).await);
    let second = given(&app.refresh(&cluster.second, &first).await);
    // Used at one, and replayed at the other before the use can have been written down.
    let decision = decide(&cluster.second, second["access_token"].as_str().unwrap()).await;
    assert_eq!(decision["reason"], json!("allowed"), "{decision}");
    is_refused(&app.refresh(&cluster.first, &first).await);
    for tokens in [&first, &second] {
        is_decided(&cluster, tokens, "revoked").await;
        is_refused(&app.refresh(&cluster.second, tokens).await);
    }
}

/// The generation that an access token says.
fn generation(tokens: &Value) -> u64 {
    let token = tokens["access_token"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims);
    let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    claims["generation"].as_u64().unwrap()
}
