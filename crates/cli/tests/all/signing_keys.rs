//! `claviger signing-key`, and ending tokens from the command line.

use serde_json::json;

use crate::directory::Directory;
use crate::program::{Server, run};

#[tokio::test]
async fn signing_keys_are_listed_rotated_and_withdrawn() {
    let directory = Directory::new();
    // The server makes the key of its own algorithm when it starts.
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    let on = |arguments: &[&str]| run(&[arguments, &["--data", &data]].concat());
    let list = async || on(&["signing-key", "list", "--json"]).await.json();
    let first = list().await;
    assert_eq!(first.as_array().unwrap().len(), 1, "{first}");
    assert_eq!(
        (&first[0]["algorithm"], &first[0]["status"]),
        (&json!("ES256"), &json!("signing"))
    );
    let table = on(&["signing-key", "list"]).await.done();
    assert!(table.starts_with("ID "), "{table}");

    let made = on(&["signing-key", "rotate", "--json"]).await.json();
    assert_eq!(made["status"], json!("published"));
    let other = on(&["signing-key", "rotate", "--algorithm", "EdDSA"]).await;
    assert!(
        other.done().contains("signing"),
        "the first one signs at once"
    );
    let id = made["id"].as_str().unwrap();
    let withdrawn = on(&["signing-key", "withdraw", id]).await.done();
    assert!(withdrawn.contains("no node accepts"), "{withdrawn}");
    let listed = list().await;
    let statuses: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["signing", "withdrawn", "signing"]);
    assert_eq!(listed[0]["published_until"], json!(null));

    for (arguments, code) in [
        (&["signing-key", "withdraw", "sgn_x"][..], 2),
        (
            &["signing-key", "withdraw", "sgn_00000000000000000000000000"],
            3,
        ),
        (&["signing-key", "rotate", "--algorithm", "HS256"], 2),
        (&["account", "revoke-tokens", "Globex"], 3),
        (&["client", "revoke-tokens", "Nobody"], 3),
    ] {
        assert_eq!(on(arguments).await.code, code, "{arguments:?}");
    }
    let ended = on(&["account", "revoke-tokens", "Acme"]).await.done();
    assert!(ended.contains("no node accepts"), "{ended}");
    let ended = on(&["account", "revoke-tokens", "Acme", "--json"]).await;
    assert_eq!(ended.json(), json!({"ok": true}));
}
