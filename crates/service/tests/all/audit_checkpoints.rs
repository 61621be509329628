//! Checkpoints of the audit log, exports, and proofs of single events.

use claviger_model::audit::checkpoint::CheckpointKey;
use claviger_model::audit::evidence::{Entry, Examiner, Flaw, Verdict};
use claviger_service::access::EvidenceAccess;
use claviger_service::audit::checkpoints::{self, Due, advance};
use claviger_service::audit::{AuditFilter, ChainReport, Export, check, last_beside, page, proof};
use claviger_service::config::Config;
use claviger_service::settings::{AuditSettings, Settings};
use claviger_service::testing::{
    AuditDamage, Location, TestApp, TestDatabase, damage_audit, for_each_app,
};
use claviger_service::{App, accounts};

/// Checkpoints of few events, so that there are many.
fn settings() -> Settings {
    Settings {
        audit: AuditSettings {
            checkpoint_minutes: 60,
            checkpoint_events: 10,
        },
        ..Settings::default()
    }
}

async fn add_events(test: &TestApp, count: usize) {
    let operator = test.operator.operator().unwrap();
    for number in 0..count {
        accounts::create(&test.app, &operator, &format!("Account {number}"), None)
            .await
            .unwrap();
    }
}

async fn exported(app: &App, access: &EvidenceAccess, filter: &AuditFilter) -> String {
    let mut export = Export::begin(app, access, filter).await.unwrap();
    let mut text = Vec::new();
    while let Some(lines) = export.next(app).await.unwrap() {
        text.extend_from_slice(&lines);
    }
    String::from_utf8(text).unwrap()
}

fn trusted(app: &App) -> Vec<CheckpointKey> {
    let keys = checkpoints::keys(app);
    assert!(keys[0].is_current && keys[0].fingerprint.starts_with("SHA256:"));
    vec![CheckpointKey::parse(&keys[0].key).unwrap()]
}

fn examined(app: &App, text: &str) -> Result<Verdict, Flaw> {
    let mut examiner = Examiner::new(trusted(app));
    for line in text.lines() {
        examiner.take(serde_json::from_str::<Entry>(line).unwrap())?;
    }
    examiner.finish()
}

#[tokio::test]
async fn a_checkpoint_is_signed_when_it_is_due_and_on_demand() {
    for test in TestApp::on_each(&settings()).await {
        let operator = test.operator.operator().unwrap();
        // Those of the test's own people are the first.
        let first = advance(&test.app, Due::ByAge).await.unwrap().unwrap();
        assert_eq!(advance(&test.app, Due::ByAge).await.unwrap(), None);
        add_events(&test, 2).await;
        assert_eq!(
            advance(&test.app, Due::ByAge).await.unwrap(),
            None,
            "too young"
        );
        let made = checkpoints::make(&test.app, &operator).await.unwrap();
        assert_eq!(made.seq, first.seq + 2);
        let again = checkpoints::make(&test.app, &operator).await.unwrap();
        assert_eq!(again, made, "nothing was written since");
        add_events(&test, 25).await;
        let full = advance(&test.app, Due::ByAge).await.unwrap().unwrap();
        assert_eq!(
            full.seq,
            made.seq + 20,
            "two full ones, and the rest is young"
        );
        test.app.sources().shift_wall_clock(61 * 60_000);
        let aged = advance(&test.app, Due::ByAge).await.unwrap().unwrap();
        assert_eq!(aged.seq, full.seq + 5);
        let everything = test.operator.evidence().unwrap();
        let list = checkpoints::list(&test.app, &everything, None, 2)
            .await
            .unwrap();
        assert_eq!(list.checkpoints[0], aged);
        let rest = checkpoints::list(&test.app, &everything, list.next, 100)
            .await
            .unwrap();
        assert!(rest.checkpoints.contains(&first) && rest.next.is_none());
        let beside = last_beside(&test.app).await.unwrap();
        let is_sqlite = matches!(test.database().location, Location::Sqlite { .. });
        assert_eq!(
            beside.map(|one| one.checkpoint.seq),
            is_sqlite.then_some(aged.seq)
        );
        test.close().await;
    }
}

#[tokio::test]
async fn nodes_that_sign_at_once_sign_the_same_log() {
    for test in TestApp::on_each(&settings()).await {
        add_events(&test, 30).await;
        let (one, two) = tokio::join!(advance(&test.app, Due::Now), advance(&test.app, Due::Now));
        assert!(one.unwrap().is_some() || two.unwrap().is_some());
        let everything = test.operator.evidence().unwrap();
        let export = exported(&test.app, &everything, &AuditFilter::default()).await;
        let verdict = examined(&test.app, &export).unwrap();
        assert!(verdict.is_whole && verdict.unsigned == 0 && verdict.checkpoints >= 3);
        assert!(matches!(
            check(&test.app).await.unwrap(),
            ChainReport::Intact { .. }
        ));
        test.close().await;
    }
}

#[tokio::test]
async fn the_whole_log_is_exported_with_its_checkpoints_and_an_account_has_its_own_with_proofs() {
    for test in TestApp::on_each(&settings()).await {
        add_events(&test, 33).await;
        let everything = test.operator.evidence().unwrap();
        let export = exported(&test.app, &everything, &AuditFilter::default()).await;
        let whole = examined(&test.app, &export).unwrap();
        assert!(whole.is_whole && whole.unsigned == 0 && whole.events > 33);

        // The account's first events and some later ones, with others' between them.
        test.member("late@acme.test", "viewer").await;
        let own = test.owner.evidence().unwrap();
        let export = exported(&test.app, &own, &AuditFilter::default()).await;
        let verdict = examined(&test.app, &export).unwrap();
        assert!(!verdict.is_whole && verdict.checkpoints >= 2, "{verdict:?}");
        let listed = page(&test.app, &own, &AuditFilter::default(), None, 1_000)
            .await
            .unwrap();
        assert_eq!(verdict.events, listed.events.len() as u64);
        assert!(!export.contains("Account 3"), "another account's");

        // So is what an operator asks for in part.
        let some = AuditFilter {
            action: Some("account.created".to_owned()),
            ..AuditFilter::default()
        };
        let export = exported(&test.app, &everything, &some).await;
        let verdict = examined(&test.app, &export).unwrap();
        assert_eq!((verdict.events, verdict.is_whole), (34, false));
        test.close().await;
    }
}

#[tokio::test]
async fn one_event_is_proved_without_a_word_about_others_and_no_byte_can_differ() {
    for test in TestApp::on_each(&settings()).await {
        add_events(&test, 15).await;
        let own = test.owner.evidence().unwrap();
        let listed = page(&test.app, &own, &AuditFilter::default(), None, 1_000)
            .await
            .unwrap();
        for event in &listed.events {
            let proof = proof(&test.app, &own, event.event.id).await.unwrap();
            let document = proof.document().unwrap().to_string();
            assert_eq!(examined(&test.app, &document).unwrap().events, 1);
            assert!(
                !document.contains("Account 3") && document.len() < 4_000,
                "{document}"
            );
        }
        let proof_of_one = proof(&test.app, &own, listed.events[0].event.id)
            .await
            .unwrap();
        let document = proof_of_one.document().unwrap().to_string();
        for at in 0..document.len() {
            let mut bytes = document.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            let holds = serde_json::from_str::<Entry>(&changed)
                .is_ok_and(|_| examined(&test.app, &changed).is_ok());
            assert!(!holds, "{at}: {changed}");
        }
        // Another account's event is as unknown as none.
        let everything = test.operator.evidence().unwrap();
        let all = page(&test.app, &everything, &AuditFilter::default(), None, 1)
            .await
            .unwrap();
        assert_ne!(all.events[0].event.account_id, Some(test.account.id));
        proof(&test.app, &own, all.events[0].event.id)
            .await
            .unwrap_err();
        proof(&test.app, &everything, all.events[0].event.id)
            .await
            .unwrap();
        test.close().await;
    }
}

#[tokio::test]
async fn a_log_that_was_changed_is_never_signed_again_and_the_change_is_named() {
    for damage in [
        AuditDamage::Edited,
        AuditDamage::Rewritten,
        AuditDamage::Removed,
        AuditDamage::Unsigned,
    ] {
        for database in TestDatabase::all().await {
            let (db, is_sqlite) = (
                database.db.clone(),
                matches!(database.location, Location::Sqlite { .. }),
            );
            let test = TestApp::on(database, settings()).await;
            let operator = test.operator.operator().unwrap();
            let everything = test.operator.evidence().unwrap();
            let before = checkpoints::make(&test.app, &operator).await.unwrap();
            let kept = exported(&test.app, &everything, &AuditFilter::default()).await;
            damage_audit(&db, damage).await.unwrap();
            if !is_sqlite && matches!(damage, AuditDamage::Unsigned) {
                // Without a file beside the database only a kept checkpoint tells.
                continue;
            }
            let report = check(&test.app).await.unwrap();
            assert!(
                matches!(report, ChainReport::Broken { .. }),
                "{damage:?} {report:?}"
            );
            add_events(&test, 1).await;
            if matches!(damage, AuditDamage::Unsigned) {
                advance(&test.app, Due::Now).await.unwrap_err();
                continue;
            }
            let export = exported(&test.app, &everything, &AuditFilter::default()).await;
            let flaw = examined(&test.app, &export).unwrap_err();
            let named = match damage {
                AuditDamage::Edited => 2,
                AuditDamage::Removed => 3,
                _ => 1,
            };
            assert_eq!(flaw.seq(), Some(named), "{damage:?}: {flaw}");
            assert!(examined(&test.app, &kept).is_ok_and(|held| held.events == before.seq));
            test.close().await;
        }
    }
}

#[tokio::test]
async fn an_older_database_beside_newer_checkpoints_signs_nothing() {
    let database = TestDatabase::sqlite().await;
    let db = database.db.clone();
    let test = TestApp::on(database, settings()).await;
    let operator = test.operator.operator().unwrap();
    let made = checkpoints::make(&test.app, &operator).await.unwrap();
    assert_eq!(
        last_beside(&test.app)
            .await
            .unwrap()
            .unwrap()
            .checkpoint
            .seq,
        made.seq
    );
    // What a restored database lacks.
    damage_audit(&db, AuditDamage::Unsigned).await.unwrap();
    damage_audit(&db, AuditDamage::CutOff).await.unwrap();
    damage_audit(&db, AuditDamage::Forgotten).await.unwrap();
    let error = checkpoints::make(&test.app, &operator).await.unwrap_err();
    assert!(
        error.to_string().contains("older than the last checkpoint"),
        "{error}"
    );
    test.close().await;
}

#[tokio::test]
async fn a_lost_or_torn_file_beside_the_database_is_made_up_for() {
    let test = TestApp::on(TestDatabase::sqlite().await, settings()).await;
    let operator = test.operator.operator().unwrap();
    let Location::Sqlite { file } = &test.database().location else {
        unreachable!("a file");
    };
    let file = file.with_file_name("audit-checkpoints.jsonl");
    let first = checkpoints::make(&test.app, &operator).await.unwrap();
    let mut kept = std::fs::read_to_string(&file).unwrap();
    kept.push_str("{\"checkpoint\":\"torn");
    std::fs::write(&file, &kept).unwrap();
    add_events(&test, 1).await;
    let second = checkpoints::make(&test.app, &operator).await.unwrap();
    let beside = last_beside(&test.app).await.unwrap().unwrap();
    assert_eq!(
        (first.seq + 1, second.seq),
        (second.seq, beside.checkpoint.seq)
    );
    std::fs::remove_file(&file).unwrap();
    add_events(&test, 1).await;
    checkpoints::make(&test.app, &operator).await.unwrap();
    let count = std::fs::read_to_string(&file).unwrap().lines().count();
    assert!(count >= 3, "all of them again: {count}");
    test.close().await;
}

#[tokio::test]
async fn another_master_key_signs_with_another_key() {
    for_each_app(async |test| {
        let config = Config::parse("", "x.toml").unwrap();
        assert_eq!(config.settings().audit, AuditSettings::default());
        let everything = test.operator.evidence().unwrap();
        let export = exported(&test.app, &everything, &AuditFilter::default()).await;
        let other = claviger_model::keyring::master_key_line(1, &[9; 32]);
        let other = claviger_model::keyring::Keyring::parse(&other).unwrap();
        let mut examiner = Examiner::new(vec![CheckpointKey {
            name: "x".to_owned(),
            public: other.checkpoint_key(),
        }]);
        let first = serde_json::from_str::<Entry>(export.lines().next().unwrap()).unwrap();
        assert!(matches!(examiner.take(first), Err(Flaw::Note(_))));
    })
    .await;
}
