//! `claviger dev`: the journey of the README, against the real thing.

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{get, post, send};
use crate::program::{Server, run};

#[tokio::test]
async fn the_ready_line_has_the_members_of_the_contract() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let ready = &server.ready;
    assert_eq!(ready["ready"], json!(true));
    for pointer in [
        "/public_url",
        "/internal_url",
        "/account_id",
        "/user/email",
        "/user/password",
        "/session_token",
        "/api/audience",
        "/api/demo_url",
        "/api/sandbox_url",
        "/test_key",
        "/live_key",
        "/client/client_id",
        "/client/client_secret",
        "/app/client_id",
        "/app/client_secret",
    ] {
        assert!(!server.text(pointer).is_empty(), "{pointer}");
    }
    assert_eq!(server.text("/user/email"), "admin@acme.test");
    assert_eq!(server.text("/api/audience"), "https://api.acme.test");
    assert!(server.text("/live_key").starts_with("ck_live_"));
    assert!(server.text("/test_key").starts_with("ck_test_"));
    assert!(server.text("/session_token").starts_with("ses_"));
    assert!(server.text("/client/client_id").starts_with("cli_"));
    assert!(server.text("/client/client_secret").starts_with("cs_live_"));
    assert!(server.text("/app/client_id").starts_with("cli_"));
    assert!(server.text("/app/client_secret").starts_with("cs_live_"));
    assert_eq!(
        server.text("/app/redirect_uri"),
        "http://127.0.0.1:9999/callback"
    );
    let (_, rest) = stopped(server).await;
    assert_eq!(rest, "", "one line on standard output and then nothing");
}

#[tokio::test]
async fn each_key_reaches_its_own_data_alone() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (live, test) = (server.text("/live_key"), server.text("/test_key"));
    let (leads, sandbox) = (
        server.public("/demo/v1/leads"),
        server.public("/sandbox/v1/leads"),
    );

    let live_leads = get(&leads, live).await;
    assert_eq!(live_leads.status, 200, "{live_leads:?}");
    let test_leads = get(&sandbox, test).await;
    assert_eq!(test_leads.status, 200, "{test_leads:?}");
    assert_ne!(
        live_leads.json()["data"][0]["name"],
        test_leads.json()["data"][0]["name"]
    );

    for (url, key) in [(&leads, test), (&sandbox, live)] {
        let refused = get(url, key).await;
        assert_eq!(
            (refused.status, &*refused.reason()),
            (403, "environment_mismatch")
        );
    }
    let created = post(&leads, live, &json!({"name": "New Lead"})).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(get(&leads, live).await.body.contains("New Lead"));
    assert!(!get(&sandbox, test).await.body.contains("New Lead"));
}

#[tokio::test]
async fn the_old_versions_take_no_api_key() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    for path in ["/demo/old/v1/people", "/demo/old/v2/people"] {
        let refused = get(&server.public(path), server.text("/live_key")).await;
        assert_eq!(
            (refused.status, &*refused.reason()),
            (403, "kind_not_accepted"),
            "{path}"
        );
    }
    let session = server.text("/session_token");
    assert_eq!(
        get(&server.public("/demo/v1/people"), session).await.status,
        200
    );
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_which_one_it_lacks_and_a_deleted_one_is_refused_at_once() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let (session, keys) = (server.text("/session_token"), server.public("/api/keys"));
    let body = json!({"name": "Reader", "scopes": ["read:leads"]});
    let created = post(&keys, session, &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let created = created.json();
    let (key, id) = (
        created["key"].as_str().unwrap(),
        created["id"].as_str().unwrap(),
    );

    let leads = server.public("/demo/v1/leads");
    assert_eq!(get(&leads, key).await.status, 200);
    let refused = post(&leads, key, &json!({"name": "x"})).await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (403, "insufficient_scope")
    );
    assert_eq!(
        refused.json()["error"]["required_scopes"],
        json!(["write:leads"])
    );

    let revoked = send("DELETE", &format!("{keys}/{id}"), Some(session), None)
        .await
        .unwrap();
    assert_eq!((revoked.status, revoked.json()), (200, json!({"ok": true})));
    let refused = get(&leads, key).await;
    assert_eq!((refused.status, &*refused.reason()), (401, "revoked"));
}

#[tokio::test]
async fn a_second_start_keeps_everything_and_shows_no_secret_again() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let first = server.ready.clone();
    server.stop().await;
    let server = Server::dev(&directory).await;
    let second = &server.ready;
    for member in ["account_id", "live_key_id", "test_key_id"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    for who in ["client", "app"] {
        assert_eq!(first[who]["client_id"], second[who]["client_id"], "{who}");
    }
    assert_eq!(first["app"]["redirect_uri"], second["app"]["redirect_uri"]);
    for pointer in [
        "/user/password",
        "/session_token",
        "/live_key",
        "/test_key",
        "/client/client_secret",
        "/app/client_secret",
    ] {
        assert_eq!(second.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
    // Another port: the API is found by its new URL, and the old secrets still work.
    let live = first["live_key"].as_str().unwrap();
    assert_eq!(
        get(&server.public("/demo/v1/leads"), live).await.status,
        200
    );
    let session = first["session_token"].as_str().unwrap();
    let apis = get(&server.public("/v1/apis"), session).await.json();
    assert_eq!(apis["data"][0]["live_url"], json!(server.public("/demo")));
    server.stop().await;

    let server = Server::dev_with(&directory, &["--reset"]).await;
    assert_ne!(first["account_id"], server.ready["account_id"]);
    assert_eq!(
        get(&server.public("/demo/v1/leads"), live).await.status,
        401
    );
}

#[tokio::test]
async fn the_user_signs_in_and_runs_the_instance() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let body =
        json!({"email": server.text("/user/email"), "password": server.text("/user/password")});
    let signed_in = send("POST", &server.public("/v1/sessions"), None, Some(&body))
        .await
        .unwrap();
    assert_eq!(signed_in.status, 201, "{signed_in:?}");
    let token = signed_in.json()["session_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let who = get(&server.public("/v1/whoami"), &token).await.json();
    assert_eq!(
        (&who["operator"], &who["account"]["name"]),
        (&json!(true), &json!("Acme"))
    );
    assert_eq!(
        get(&server.public("/v1/accounts"), &token).await.status,
        200
    );
}

#[tokio::test]
async fn a_command_beside_the_server_is_in_force_for_the_next_request() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let leads = server.public("/demo/v1/leads");

    let made = run(&[
        "key",
        "create",
        "--data",
        &data,
        "--name",
        "From the shell",
        "--scope",
        "read:leads",
    ]);
    let key = made.await.done();
    assert_eq!(get(&leads, &key).await.status, 200);
    run(&["key", "revoke", "--data", &data, "From the shell"])
        .await
        .done();
    assert_eq!(get(&leads, &key).await.status, 401);

    run(&["account", "suspend", "--data", &data, "Acme"])
        .await
        .done();
    let refused = get(&leads, server.text("/live_key")).await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (401, "account_inactive")
    );
    run(&["account", "activate", "--data", &data, "Acme"])
        .await
        .done();
    assert_eq!(get(&leads, server.text("/live_key")).await.status, 200);
}

async fn stopped(mut server: Server) -> (std::process::ExitStatus, String) {
    server.signal(rustix::process::Signal::TERM);
    server.ended().await
}
