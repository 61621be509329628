//! Commands on the store: what they do, and how they end.

use claviger_service::testing::{AuditDamage, Location, TestDatabase, damage_audit};
use serde_json::json;

use crate::directory::Directory;
use crate::http::get;
use crate::program::{Ran, Server, run, run_with};

/// A command on the data of `directory`.
fn on(directory: &Directory, arguments: &[&str]) -> impl Future<Output = Ran> + use<> {
    run(&[arguments, &["--data", &directory.path("data")]].concat())
}

/// The data of a server that has stopped.
async fn stopped() -> Directory {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    directory
}

#[tokio::test]
async fn key_create_prints_the_key_alone() {
    let directory = stopped().await;
    let made = on(
        &directory,
        &[
            "key",
            "create",
            "--name",
            "Nightly",
            "--scope",
            "read:leads",
            "--scope",
            "write:leads",
            "--environment",
            "test",
            "--expires-at",
            "90d",
            "--allowed-ip",
            "10.0.0.0/8",
            "--rate-limit",
            "100/60",
            "--description",
            "For the night",
        ],
    )
    .await;
    assert!(made.stderr.contains("not shown again"), "{made:?}");
    let key = made.done();
    assert!(key.starts_with("ck_test_") && key.len() == 56, "{key}");

    let shown = on(&directory, &["key", "show", "Nightly", "--json"])
        .await
        .json();
    assert_eq!(shown["scopes"], json!(["read:leads", "write:leads"]));
    assert_eq!(shown["allowed_ips"], json!(["10.0.0.0/8"]));
    assert_eq!(
        shown["rate_limit"],
        json!({"limit": 100, "window_seconds": 60})
    );
    assert_eq!(shown["hint"], json!(key[key.len() - 4..]));
    assert!(shown.get("key").is_none(), "{shown}");
    let created = on(
        &directory,
        &[
            "key",
            "create",
            "--name",
            "J",
            "--scope",
            "read:leads",
            "--json",
        ],
    );
    assert!(
        created.await.json()["key"]
            .as_str()
            .unwrap()
            .starts_with("ck_live_")
    );
}

#[tokio::test]
async fn a_key_is_edited_listed_and_revoked() {
    let directory = stopped().await;
    on(
        &directory,
        &["key", "create", "--name", "One", "--scope", "read:leads"],
    )
    .await
    .done();
    let edited = on(
        &directory,
        &[
            "key",
            "edit",
            "One",
            "--name",
            "Two",
            "--scope",
            "read:people",
            "--active",
            "no",
            "--json",
        ],
    );
    let edited = edited.await.json();
    assert_eq!(
        (&edited["name"], &edited["status"]),
        (&json!("Two"), &json!("inactive"))
    );
    let active = on(&directory, &["key", "list", "--json"]).await.json();
    assert_eq!(active.as_array().map(Vec::len), Some(2), "{active}");
    let all = on(&directory, &["key", "list", "--all", "--json"])
        .await
        .json();
    assert_eq!(all.as_array().map(Vec::len), Some(3), "{all}");
    let live = on(
        &directory,
        &["key", "list", "--environment", "live", "--json"],
    )
    .await
    .json();
    assert_eq!(live[0]["name"], "Demo live key");

    let nothing = on(&directory, &["key", "edit", "Two"]).await;
    assert_eq!(nothing.code, 2, "{nothing:?}");
    for _ in 0..2 {
        on(
            &directory,
            &["key", "revoke", "Two", "--reason", "no longer used"],
        )
        .await
        .done();
    }
    let again = on(&directory, &["key", "edit", "Two", "--active", "yes"]).await;
    assert_eq!(again.code, 6, "{again:?}");
    assert_eq!(on(&directory, &["key", "show", "Three"]).await.code, 3);
    let unknown = on(
        &directory,
        &["key", "create", "--name", "x", "--scope", "read:nothing"],
    )
    .await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown
            .stderr
            .contains("scopes[0] is no scope of this instance"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn accounts_are_told_apart() {
    let directory = stopped().await;
    on(&directory, &["account", "create", "Globex"])
        .await
        .done();
    let several = on(&directory, &["key", "list"]).await;
    assert_eq!(several.code, 2, "{several:?}");
    assert!(
        several.stderr.contains("hint: say which with --account"),
        "{several:?}"
    );
    let key = on(
        &directory,
        &[
            "key",
            "create",
            "--account",
            "Globex",
            "--name",
            "k",
            "--scope",
            "read:leads",
        ],
    );
    let key = key.await.done();
    let listed = on(
        &directory,
        &["key", "list", "--account", "Globex", "--json"],
    )
    .await
    .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    on(&directory, &["account", "rename", "Globex", "Initech"])
        .await
        .done();
    on(&directory, &["account", "suspend", "Initech"])
        .await
        .done();
    let shown = on(&directory, &["account", "show", "Initech", "--json"])
        .await
        .json();
    assert_eq!(shown["status"], "suspended");
    let data = directory.path("data");
    let refused = run_with(&["verify", "--data", &data], &key, &[]).await;
    assert!(refused.stdout.contains("account_inactive"), "{refused:?}");
    assert_eq!(
        on(&directory, &["account", "show", "Umbrella"]).await.code,
        3
    );
}

#[tokio::test]
async fn members_roles_and_operators() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let role = [
        "role",
        "create",
        "Key manager",
        "--permission",
        "settings",
        "--scope",
        "read:*",
        "--json",
    ];
    assert_eq!(
        on(&directory, &role).await.json()["permissions"],
        json!(["settings"])
    );
    let add = [
        "member",
        "add",
        "ana@acme.test",
        "--role",
        "Key manager",
        "--password-stdin",
        "--json",
        "--data",
        &data,
    ];
    let added = run_with(&add, "a password for tests\n", &[]).await.json();
    assert_eq!(added["role_name"], "Key manager");
    let body = json!({"email": "ana@acme.test", "password": "a password for tests"});
    let sessions = server.public("/v1/sessions");
    let signed_in = crate::http::send("POST", &sessions, None, Some(&body));
    let token = signed_in.await.unwrap().json()["session_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(get(&server.public("/api/keys"), &token).await.status, 200);

    on(&directory, &["member", "role", "ana@acme.test", "viewer"])
        .await
        .done();
    assert_eq!(get(&server.public("/api/keys"), &token).await.status, 403);
    on(&directory, &["role", "delete", "Key manager"])
        .await
        .done();
    on(&directory, &["operator", "add", "ana@acme.test"])
        .await
        .done();
    assert_eq!(
        get(&server.public("/v1/accounts"), &token).await.status,
        200
    );
    let operators = on(&directory, &["operator", "list", "--json"]).await.json();
    assert_eq!(operators.as_array().map(Vec::len), Some(2));
    on(&directory, &["member", "remove", "ana@acme.test"])
        .await
        .done();
    assert_eq!(
        get(&server.public("/v1/accounts"), &token).await.status,
        401
    );
    assert_eq!(
        on(&directory, &["member", "remove", "nobody@acme.test"])
            .await
            .code,
        3
    );
}

#[tokio::test]
async fn apis_scopes_and_imports() {
    let directory = stopped().await;
    let spec = directory.write(
        "api.json",
        r#"{"name": "Billing", "audience": "https://billing.acme.test",
            "scopes": [{"name": "read:invoices", "description": "See invoices"}],
            "routes": [{"method": "GET", "path": "/invoices", "scopes": ["read:invoices"]}]}"#,
    );
    let made = on(
        &directory,
        &[
            "api", "create", "--file", &spec, "--accept", "api_key", "--json",
        ],
    );
    let made = made.await.json();
    assert_eq!(made["accepts"], json!(["api_key"]));
    let scopes = on(&directory, &["scope", "list", "--json"]).await.json();
    assert!(scopes.to_string().contains("read:invoices"));

    let document = directory.write(
        "openapi.json",
        r#"{"openapi": "3.1.0", "paths": {"/refunds": {"post":
            {"security": [{"oauth": ["write:refunds"]}]}}},
            "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows":
            {"clientCredentials": {"scopes": {"write:refunds": "Refund"}}}}}}}"#,
    );
    let imported = on(
        &directory,
        &["api", "import", "Billing", &document, "--json"],
    )
    .await
    .json();
    assert_eq!(imported["import"]["added_scopes"], json!(["write:refunds"]));
    let edited = on(
        &directory,
        &["api", "edit", "Billing", "--unmatched", "allow", "--json"],
    );
    assert_eq!(edited.await.json()["unmatched"], "allow");
    on(&directory, &["api", "delete", "https://billing.acme.test"])
        .await
        .done();
    assert_eq!(on(&directory, &["api", "show", "Billing"]).await.code, 3);
    let bad = directory.write("bad.json", r#"{"nonsense": 1}"#);
    assert_eq!(
        on(&directory, &["api", "create", "--file", &bad])
            .await
            .code,
        2
    );
}

#[tokio::test]
async fn the_audit_log_names_who_was_at_the_machine_and_holds() {
    let directory = stopped().await;
    on(
        &directory,
        &["key", "create", "--name", "k", "--scope", "read:leads"],
    )
    .await
    .done();
    let events = on(
        &directory,
        &["audit", "list", "--action", "key.created", "--json"],
    )
    .await
    .json();
    assert_eq!(events.as_array().map(Vec::len), Some(3));
    assert!(
        events[0]["actor"].as_str().unwrap().starts_with("cli:"),
        "{events}"
    );
    let intact = on(&directory, &["audit", "verify", "--json"]).await.json();
    assert_eq!(intact["intact"], json!(true));
}

#[tokio::test]
async fn the_first_bad_event_of_the_audit_log_is_named() {
    let database = TestDatabase::sqlite().await;
    let Location::Sqlite { file } = &database.location else {
        panic!("{:?}", database.location);
    };
    let directory = Directory::new();
    let key = format!("claviger-master-key:1:{}\n", "07".repeat(32));
    directory.write("master.key", &key);
    let data = json!(file.parent().unwrap());
    let text = format!("[database]\ndata_dir = {data}\n[master_key]\nfile = \"master.key\"\n");
    let config = directory.write("claviger.toml", &text);
    for name in ["One", "Two", "Three"] {
        run(&["account", "create", name, "--config", &config])
            .await
            .done();
    }
    damage_audit(&database.db, AuditDamage::Edited)
        .await
        .unwrap();
    let broken = run(&["audit", "verify", "--config", &config]).await;
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(
        broken
            .stderr
            .contains("not as it was written, from event 2 on"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn help_version_completion_and_reference_need_no_store() {
    let version = run(&["--version"]).await.done();
    assert_eq!(version, format!("claviger {}", env!("CARGO_PKG_VERSION")));
    assert!(
        run(&["completion", "bash"])
            .await
            .done()
            .contains("_claviger")
    );
    assert!(
        run(&["config", "reference", "--markdown"])
            .await
            .done()
            .starts_with("# Config")
    );
    for word in ["dev", "serve", "key", "why", "completion"] {
        assert!(run(&["--help"]).await.done().contains(word), "{word}");
    }
}
