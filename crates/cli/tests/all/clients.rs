//! `claviger client` on a directory, beside a running server.

use crate::directory::Directory;
use crate::program::{Ran, Server, run};

const CREATE: [&str; 8] = [
    "client",
    "create",
    "--name",
    "Import",
    "--scope",
    "read:leads",
    "--tokens-per-day",
    "10",
];

/// The arguments with `--data` of the directory.
async fn on(data: &str, arguments: &[&str]) -> Ran {
    run(&[arguments, &["--data", data]].concat()).await
}

#[tokio::test]
async fn a_client_is_made_changed_and_deleted() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let data = directory.path("data");
    let made = on(&data, &CREATE).await;
    let secret = made.stdout.trim_end().to_owned();
    assert!(
        secret.starts_with("cs_live_") && !secret.contains('\n'),
        "{secret}"
    );
    assert!(
        made.stderr.contains("is not shown again"),
        "{}",
        made.stderr
    );
    let added = on(
        &data,
        &[
            "client",
            "add-secret",
            "Import",
            "--description",
            "New server",
        ],
    );
    let second = added.await.done();
    let shown = on(&data, &["client", "show", "Import", "--json"])
        .await
        .json();
    assert_eq!(shown["tokens_per_day"], 10);
    assert_eq!(shown["secrets"][1]["description"], "New server");
    let hint = &second.trim_end()[second.trim_end().len() - 4..];
    assert_eq!(shown["secrets"][1]["hint"], hint);
    let edit = [
        "client",
        "edit",
        "Import",
        "--tokens-per-day",
        "default",
        "--scope",
        "all",
    ];
    let edited = on(&data, &edit).await.done();
    assert!(edited.contains("all"), "{edited}");
    on(&data, &["client", "revoke-secret", "Import", hint])
        .await
        .done();
    let shown = on(&data, &["client", "show", "Import", "--json"])
        .await
        .json();
    assert_eq!(shown["secrets"][1]["status"], "revoked");
    rotate(&data).await;
    on(&data, &["client", "delete", "Import"]).await.done();
    let listed = on(&data, &["client", "list", "--json"]).await.json();
    assert_eq!(
        listed.as_array().map(Vec::len),
        Some(2),
        "the demo's client and app: {listed}"
    );
    server.stop().await;
}

/// Rotates the secrets of the client, with and without a time for the older ones.
async fn rotate(data: &str) {
    let rotated = on(data, &["client", "rotate", "Import", "--grace", "1h"]).await;
    let new = rotated.done();
    assert!(new.starts_with("cs_live_"), "{new}");
    let second = on(data, &["client", "rotate", "Import"]).await;
    assert!(second.stderr.contains("is under way"), "{}", second.stderr);
    let shown = on(data, &["client", "show", "Import", "--json"])
        .await
        .json();
    assert_eq!(shown["rotation"]["grace_seconds"], 3600);
    assert_eq!(shown["secrets"][0]["status"], "retiring");
    let later = ["client", "rotation", "Import", "--old-ends-at", "7d"];
    assert!(on(data, &later).await.done().contains("retiring"));
    on(data, &["client", "cancel-rotation", "Import"])
        .await
        .done();
    on(data, &["client", "rotate", "Import", "--old-ends-now"])
        .await
        .done();
    let shown = on(data, &["client", "show", "Import", "--json"])
        .await
        .json();
    let statuses = shown["secrets"].as_array().expect("secrets").iter();
    let statuses: Vec<_> = statuses.map(|secret| secret["status"].clone()).collect();
    assert_eq!(statuses, ["revoked", "revoked", "revoked", "active"]);
}

#[tokio::test]
async fn wrong_arguments_say_what_to_do() {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    for (arguments, told) in [
        (
            &["client", "show", "Nobody"][..],
            "there is no client called Nobody",
        ),
        (
            &["client", "edit", "Demo client"],
            "nothing is to be changed",
        ),
        (&["client", "create", "--name", "X"], "scopes"),
        (
            &["client", "create", "--name", "X", "--scope", "no:such"],
            "no:such",
        ),
        (
            &["client", "edit", "Demo client", "--tokens-per-day", "many"],
            "--tokens-per-day must be a number",
        ),
    ] {
        let ended = on(&data, arguments).await;
        assert_ne!(ended.code, 0, "{arguments:?}");
        assert!(
            ended.stderr.contains(told),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}
