//! What customers' documents promise of keys, over HTTP, against the program itself.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Answer, get, post, send};
use crate::program::{Server, run};

async fn patch(url: &str, session: &str, body: &Value) -> Answer {
    send("PATCH", url, Some(session), Some(body)).await.unwrap()
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap()
}

#[tokio::test]
async fn a_key_is_listed_without_itself_changed_switched_off_and_on() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (session, keys) = (server.text("/session_token"), server.public("/api/keys"));
    let body = json!({"name": "Reporting Script", "scopes": ["read:people"]});
    let made = post(&keys, session, &body).await.json();
    let (key, url) = (text(&made, "key"), format!("{keys}/{}", text(&made, "id")));

    let listed = get(&keys, session).await;
    assert!(!listed.body.contains(key));
    let listed = listed.json();
    let row = &listed[0];
    for member in ["id", "name", "hint", "scopes", "created_at"] {
        assert_eq!(row[member], made[member], "{member}");
    }
    assert!(key.ends_with(text(row, "hint")));

    let people = server.public("/demo/v1/people");
    let leads = server.public("/demo/v1/leads");
    assert_eq!(get(&people, key).await.status, 200);
    let wider = json!({"scopes": ["read:leads"]});
    assert_eq!(patch(&url, session, &wider).await.status, 200);
    assert_eq!(get(&leads, key).await.status, 200);
    assert_eq!(get(&people, key).await.reason(), "insufficient_scope");

    let off = patch(&url, session, &json!({"active": false})).await;
    assert_eq!(off.json()["status"], "inactive");
    let refused = get(&leads, key).await;
    assert_eq!((refused.status, &*refused.reason()), (401, "inactive"));
    let listed = get(&keys, session).await.json();
    assert!(
        !listed
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["id"] == made["id"])
    );
    patch(&url, session, &json!({"active": true})).await;
    assert_eq!(get(&leads, key).await.status, 200);
}

#[tokio::test]
async fn keys_are_managed_with_a_session_and_the_settings_permission_alone() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (session, keys) = (server.text("/session_token"), server.public("/api/keys"));
    let with_a_key = get(&keys, server.text("/live_key")).await;
    assert_eq!(
        (with_a_key.status, &*with_a_key.reason()),
        (401, "session_required")
    );

    let role = json!({"name": "Integrations", "permissions": ["settings"]});
    let made = post(&server.public("/v1/roles"), session, &role).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (email, role, status) in [
        ("viewer@acme.test", "viewer", 403),
        ("ines@acme.test", "Integrations", 201),
    ] {
        let password = "a long enough password";
        let member = json!({"email": email, "role": role, "password": password,
            "account_id": server.text("/account_id")});
        let added = post(&server.public("/v1/members"), session, &member).await;
        assert_eq!(added.status, 201, "{added:?}");
        let who = json!({"email": email, "password": password});
        let sessions = server.public("/v1/sessions");
        let signed_in = send("POST", &sessions, None, Some(&who))
            .await
            .unwrap()
            .json();
        let body = json!({"name": "k", "scopes": ["read:people"]});
        let answer = post(&keys, text(&signed_in, "session_token"), &body).await;
        assert_eq!(answer.status, status, "{email}: {answer:?}");
    }
}

#[tokio::test]
async fn prefixes_are_the_operators() {
    let directory = Directory::new();
    let data = directory.path("data");
    run(&[
        "init",
        "--data",
        &data,
        "--operator-email",
        "root@example.com",
    ])
    .await
    .done();
    let config = directory.path("data/claviger.toml");
    let file = std::fs::read_to_string(&config).unwrap();
    let chosen = "[credentials]\nkey_prefix_live = \"pb_live_\"\nkey_prefix_test = \"pb_test_\"";
    std::fs::write(&config, file.replace("[credentials]", chosen)).unwrap();
    let api = directory.write(
        "api.json",
        r#"{"name": "Leads", "audience": "https://api.example.com",
            "scopes": [{"name": "read:leads", "description": "Read"}]}"#,
    );
    run(&["api", "create", "--data", &data, "--file", &api])
        .await
        .done();
    run(&["account", "create", "Acme", "--data", &data])
        .await
        .done();
    for (environment, prefix) in [("live", "pb_live_"), ("test", "pb_test_")] {
        let create = ["key", "create", "--data", &data, "--name", environment];
        let more = ["--scope", "read:leads", "--environment", environment];
        let key = run(&[&create[..], &more[..]].concat()).await.done();
        assert!(key.starts_with(prefix), "{environment}");
    }
}
