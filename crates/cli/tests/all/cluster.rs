//! Two servers on one PostgreSQL: what one takes away the other refuses, when the call returns.

mod users;

use std::time::Duration;

use claviger_service::testing::{Location, TestDatabase};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, get, post, send};
use crate::program::{Server, run, run_with, until};

const LEASE: Duration = Duration::from_secs(3);
/// What a busy machine may take beside the lease.
const MARGIN: Duration = Duration::from_secs(7);
const PASSWORD: &str = "a password for tests";
/// The master key of the template that test databases are copied from.
const MASTER_KEY: &str = "claviger-master-key:1:";

struct Cluster {
    first: Server,
    second: Server,
    session: String,
    config: String,
    _directory: Directory,
    database: TestDatabase,
}

impl Cluster {
    /// None without a PostgreSQL for tests.
    async fn start() -> Option<Self> {
        let database = TestDatabase::postgres().await?;
        let Location::Postgres { url } = database.location.clone() else {
            return None;
        };
        let directory = Directory::new();
        directory.write("master.key", &format!("{MASTER_KEY}{}\n", "07".repeat(32)));
        private(&directory.path("master.key"));
        let config = configuration(&directory, "first", &url);
        run_all(&config).await;
        let first = Server::serve(&directory, &config).await;
        let second = Server::serve(&directory, &configuration(&directory, "second", &url)).await;
        let body = json!({"email": "admin@acme.test", "password": PASSWORD});
        let url = public(&first, "/v1/sessions");
        let signed_in = send("POST", &url, None, Some(&body)).await.unwrap().json();
        let session = signed_in["session_token"].as_str().unwrap().to_owned();
        Some(Self {
            first,
            second,
            session,
            config,
            _directory: directory,
            database,
        })
    }

    /// Makes a key through the first server; the key and its id.
    async fn make_key(&self, name: &str) -> (String, String) {
        let body = json!({"name": name, "scopes": ["read:leads"]});
        let made = post(&public(&self.first, "/api/keys"), &self.session, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        let text = |member: &str| made[member].as_str().unwrap().to_owned();
        (text("key"), text("id"))
    }

    async fn revoke(&self, id: &str) {
        let url = public(&self.first, &format!("/api/keys/{id}"));
        let revoked = send("DELETE", &url, Some(&self.session), None)
            .await
            .unwrap();
        assert_eq!(revoked.status, 200, "{revoked:?}");
    }

    /// Makes a client through the first server: its path, and the answer.
    async fn make_client(&self, more: &Value) -> (String, Value) {
        let mut body = json!({"name": "Import", "kind": "machine", "scopes": ["read:leads"]});
        for (member, value) in more.as_object().unwrap() {
            body[member] = value.clone();
        }
        let made = post(&public(&self.first, "/v1/clients"), &self.session, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        let path = format!("/v1/clients/{}", made["id"].as_str().unwrap());
        (path, made)
    }

    async fn delete(&self, path: &str) {
        let url = public(&self.first, path);
        let gone = send("DELETE", &url, Some(&self.session), None).await;
        assert_eq!(gone.unwrap().status, 200);
    }
}

/// Asks a server for a token.
async fn ask(server: &Server, client: &Value) -> Answer {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    });
    let url = public(server, "/oauth/token");
    send("POST", &url, None, Some(&body)).await.unwrap()
}

async fn token(server: &Server, client: &Value) -> String {
    let answer = ask(server, client).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// The ids of the keys that a server shows to verifiers.
/// The published keys of the algorithm that the tests rotate.
async fn shown_keys(server: &Server) -> Vec<String> {
    let url = public(server, "/.well-known/jwks.json");
    let jwks = send("GET", &url, None, None).await.unwrap().json();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["alg"] == "ES256")
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn private(path: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn configuration(directory: &Directory, name: &str, url: &str) -> String {
    let text = format!(
        "[server]\npublic_listen = \"127.0.0.1:0\"\ninternal_listen = \"127.0.0.1:0\"\n\
         [database]\npostgres_url = {}\n[master_key]\nfile = \"master.key\"\n\
         [node]\nname = \"{name}\"\nlease_seconds = {}\n\
         [tokens]\njwks_cache_seconds = 1\n",
        json!(url),
        LEASE.as_secs()
    );
    directory.write(&format!("{name}.toml"), &text)
}

/// An account with an admin, and an API.
async fn run_all(config: &str) {
    let place = ["--config", config];
    run(&[&["account", "create", "Acme"], &place[..]].concat())
        .await
        .done();
    let admin = [
        "member",
        "add",
        "admin@acme.test",
        "--role",
        "admin",
        "--password-stdin",
    ];
    run_with(&[&admin[..], &place].concat(), PASSWORD, &[])
        .await
        .done();
    let spec = std::path::Path::new(config).with_extension("json");
    let text = json!({
        "name": "Acme API",
        "audience": "https://api.acme.test",
        "scopes": [{"name": "read:leads", "description": "Read leads"}],
        "routes": [{"method": "GET", "path": "/leads", "scopes": ["read:leads"]}],
    });
    std::fs::write(&spec, text.to_string()).unwrap();
    let api = ["api", "create", "--file", spec.to_str().unwrap()];
    run(&[&api[..], &place].concat()).await.done();
}

fn public(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.text("/public_listen"))
}

async fn decide(server: &Server, key: &str) -> Value {
    let url = format!("http://{}/v1/verify", server.text("/internal_listen"));
    post(&url, "", &json!({"credential": key})).await.json()
}

#[tokio::test]
async fn what_one_node_does_the_other_knows_when_the_call_returns() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (key, id) = cluster.make_key("One").await;
    let decision = decide(&cluster.second, &key).await;
    assert_eq!(decision["allowed"], json!(true), "{decision}");
    cluster.revoke(&id).await;
    let decision = decide(&cluster.second, &key).await;
    assert_eq!(decision["reason"], json!("revoked"), "{decision}");

    // A command beside both of them.
    let (key, id) = cluster.make_key("Two").await;
    run(&["key", "revoke", &id, "--config", &cluster.config])
        .await
        .done();
    for server in [&cluster.first, &cluster.second] {
        let decision = decide(server, &key).await;
        assert_eq!(decision["reason"], json!("revoked"), "{decision}");
    }
    let keys = public(&cluster.second, "/api/keys");
    assert_eq!(get(&keys, &cluster.session).await.status, 200);
    let out = public(&cluster.first, "/v1/sessions/current");
    send("DELETE", &out, Some(&cluster.session), None)
        .await
        .unwrap();
    assert_eq!(get(&keys, &cluster.session).await.status, 401);
}

#[tokio::test]
async fn a_node_that_sleeps_delays_a_revocation_by_its_lease_and_wakes_up_refusing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (key, id) = cluster.make_key("One").await;
    assert_eq!(decide(&cluster.second, &key).await["allowed"], json!(true));

    cluster.second.signal(Signal::STOP);
    let revoked = tokio::time::timeout(LEASE + MARGIN, cluster.revoke(&id)).await;
    revoked.expect("the lease bounds the wait");
    cluster.second.signal(Signal::CONT);
    let decision = decide(&cluster.second, &key).await;
    assert_eq!(decision["allowed"], json!(false), "{decision}");

    let (key, _) = cluster.make_key("Two").await;
    until(async || {
        decide(&cluster.second, &key).await["allowed"]
            .as_bool()
            .filter(|ok| *ok)
    })
    .await;
}

#[tokio::test]
async fn a_token_of_one_node_is_good_at_the_other_until_it_is_ended_at_either() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (path, client) = cluster.make_client(&json!({})).await;
    let second = post(
        &public(&cluster.first, &format!("{path}/secrets")),
        &cluster.session,
        &json!({}),
    )
    .await
    .json();
    let with_second = json!({
        "client_id": client["client_id"], "client_secret": second["client_secret"],
    });
    let one = token(&cluster.second, &client).await;
    let other = token(&cluster.first, &with_second).await;
    for server in [&cluster.first, &cluster.second] {
        for token in [&one, &other] {
            let decision = decide(server, token).await;
            assert_eq!(decision["allowed"], json!(true), "{decision}");
        }
    }
    let body = json!({
        "token": one, "client_id": client["client_id"], "client_secret": client["client_secret"],
    });
    let url = public(&cluster.first, "/oauth/revoke");
    let revoked = send("POST", &url, None, Some(&body)).await.unwrap();
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let decision = decide(&cluster.second, &one).await;
    assert_eq!(decision["reason"], json!("revoked"), "{decision}");
    let decision = decide(&cluster.second, &other).await;
    assert_eq!(decision["allowed"], json!(true), "{decision}");

    let secret = format!("{path}/secrets/{}", second["id"].as_str().unwrap());
    cluster.delete(&secret).await;
    let decision = decide(&cluster.second, &other).await;
    assert_eq!(decision["reason"], json!("revoked"), "{decision}");
    assert_eq!(ask(&cluster.second, &with_second).await.status, 401);

    let third = token(&cluster.second, &client).await;
    cluster.delete(&path).await;
    let decision = decide(&cluster.second, &third).await;
    assert_eq!(decision["reason"], json!("revoked"), "{decision}");
    assert_eq!(ask(&cluster.second, &client).await.status, 401);
}

#[tokio::test]
async fn a_quota_is_one_for_all_nodes() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (_, client) = cluster.make_client(&json!({"tokens_per_day": 10})).await;
    let asked = (0..64).map(|turn| {
        let server = [&cluster.first, &cluster.second][turn % 2];
        ask(server, &client)
    });
    let answers = futures_util::future::join_all(asked).await;
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, 10, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 429))
    );
}

#[tokio::test]
async fn what_one_node_signs_the_other_verifies_through_a_rotation() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let (_, client) = cluster.make_client(&json!({})).await;
    let first = token(&cluster.first, &client).await;
    let keys = shown_keys(&cluster.second).await;
    assert_eq!(keys, shown_keys(&cluster.first).await, "both made one key");
    assert_eq!(keys.len(), 1);

    let rotate = [
        "signing-key",
        "rotate",
        "--json",
        "--config",
        &cluster.config,
    ];
    let made = run(&rotate).await.json();
    assert_eq!(made["status"], json!("published"));
    for server in [&cluster.first, &cluster.second] {
        let keys = shown_keys(server).await;
        assert_eq!(keys.get(1).map(String::as_str), made["id"].as_str());
    }
    // Every token of the first one is good at the second, until and after the new key signs.
    let header = |token: &str| token.split('.').next().unwrap().to_owned();
    let old = header(&first);
    until(async || {
        let fresh = token(&cluster.first, &client).await;
        let decision = decide(&cluster.second, &fresh).await;
        assert_eq!(decision["allowed"], json!(true), "{decision}");
        (header(&fresh) != old).then_some(())
    })
    .await;
    assert_eq!(
        decide(&cluster.second, &first).await["allowed"],
        json!(true)
    );

    withdraw_and_end(&cluster, &client, made["id"].as_str().unwrap()).await;
}

/// Withdraws the key that signs, and ends all tokens, beside both nodes.
async fn withdraw_and_end(cluster: &Cluster, client: &Value, id: &str) {
    let last = token(&cluster.first, client).await;
    let withdraw = ["signing-key", "withdraw", id, "--config", &cluster.config];
    run(&withdraw).await.done();
    for server in [&cluster.first, &cluster.second] {
        let decision = decide(server, &last).await;
        assert_eq!(
            decision["reason"],
            json!("invalid_credential"),
            "{decision}"
        );
        assert!(!shown_keys(server).await.contains(&id.to_owned()));
    }

    let last = token(&cluster.first, client).await;
    let end = [
        "client",
        "revoke-tokens",
        "Import",
        "--config",
        &cluster.config,
    ];
    run(&end).await.done();
    for server in [&cluster.first, &cluster.second] {
        let decision = decide(server, &last).await;
        assert_eq!(decision["reason"], json!("revoked"), "{decision}");
    }
    let again = token(&cluster.first, client).await;
    assert_eq!(
        decide(&cluster.second, &again).await["allowed"],
        json!(true)
    );
}
