use std::collections::HashSet;
use std::io::Cursor;

use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_service::imports::{ImportOptions, import_keys};
use claviger_service::testing::for_each_app;
use claviger_verify::entries::Identity;
use serde_json::json;

/// More than are read by one connection alone.
const KEYS: usize = 1_500;

#[tokio::test]
async fn a_start_reads_each_of_many_keys_once() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let draft = ApiDraft {
            name: Some("A".to_owned()),
            audience: Some("https://a".to_owned()),
            scopes: Some(vec![ScopeDraft {
                name: "read:a".to_owned(),
                ..ScopeDraft::default()
            }]),
            ..ApiDraft::default()
        };
        claviger_service::apis::create(&test.app, &access, draft, None)
            .await
            .unwrap();
        let line = |at: usize| {
            json!({"name": format!("Key {at}"), "scopes": ["read:a"], "algorithm": "sha256",
                "hash": sha256(&key(at))})
        };
        let lines: Vec<String> = (0..KEYS).map(|at| line(at).to_string()).collect();
        let options = ImportOptions {
            account_id: Some(test.account.id),
            ..ImportOptions::default()
        };
        let mut source = Cursor::new(lines.join("\n"));
        import_keys(&test.app, &access, &mut source, &options, &mut |_| {})
            .await
            .unwrap();
        let before = test.app.verifier().index().len();
        let app = test.reopened().await;
        assert_eq!(app.verifier().index().len(), before);
        let found = (0..KEYS).map(|at| {
            let now = app.sources().both();
            let found = app.verifier().identify(&key(at), now).unwrap();
            assert_eq!(found.name(), format!("Key {at}"));
            let Identity::Key(id, _) = found.identity() else {
                panic!("{found:?}");
            };
            id
        });
        assert_eq!(found.collect::<HashSet<_>>().len(), KEYS);
        app.close().await;
    })
    .await;
}

fn key(at: usize) -> String {
    format!("sk_elsewhere_{at:06}_of_another_system")
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
