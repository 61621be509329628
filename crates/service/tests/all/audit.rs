use claviger_service::accounts;
use claviger_service::audit::{AuditFilter, ChainReport, EventView, actor_of, chain, check, page};
use claviger_service::settings::Settings;
use claviger_service::testing::{TestApp, for_each_app};
use claviger_store::testing::{AuditDamage, TestDatabase, damage_audit};
use serde_json::json;

#[tokio::test]
async fn pages_hold_what_was_done_and_an_account_sees_its_own() {
    for_each_app(async |test| {
        let operator = test.operator.operator().unwrap();
        accounts::create(&test.app, &operator, "Globex", None)
            .await
            .unwrap();
        let everything = test.operator.evidence().unwrap();
        let created = AuditFilter {
            action: Some("account.created".to_owned()),
            ..AuditFilter::default()
        };
        let first = page(&test.app, &everything, &created, None, 1)
            .await
            .unwrap();
        let newest = serde_json::to_value(EventView::new(&first.events[0])).unwrap();
        assert_eq!(newest["action"], "account.created");
        assert_eq!(newest["after"]["name"], "Globex");
        assert_eq!(newest["hash"].as_str().unwrap().len(), 64);
        let second = page(&test.app, &everything, &created, first.next, 1)
            .await
            .unwrap();
        assert_eq!((second.events.len(), second.next), (1, None));

        let own = test.owner.evidence().unwrap();
        let own = page(&test.app, &own, &AuditFilter::default(), None, 100)
            .await
            .unwrap();
        assert!(!own.events.is_empty());
        let is_own = |event: &claviger_model::audit::ChainedEvent| {
            event.event.account_id == Some(test.account.id)
        };
        assert!(own.events.iter().all(is_own));
        let mine = test.owner.evidence().unwrap();
        let actor = actor_of(&test.app, &mine, " Owner@acme.test")
            .await
            .unwrap();
        assert_eq!(actor, Some(test.owner.actor.label()));
        for stranger in ["operator@claviger.test", "nobody@acme.test"] {
            let actor = actor_of(&test.app, &mine, stranger).await.unwrap();
            assert_eq!(actor, None, "{stranger}");
        }
        let all = chain(&test.app, &operator, 0, 1_000).await.unwrap();
        assert_eq!(all[0].seq, 1);
        assert!(all.len() > own.events.len());
    })
    .await;
}

#[tokio::test]
async fn an_untouched_chain_is_intact_and_each_touch_is_found() {
    let broken = async |damage: AuditDamage, seq: i64, why: &str| {
        for database in TestDatabase::all().await {
            let db = database.db.clone();
            let test = TestApp::on(database, Settings::default()).await;
            let ChainReport::Intact { events, head, .. } = check(&test.app).await.unwrap() else {
                panic!("a fresh chain is intact");
            };
            assert!(events > 3 && head.len() == 64, "{events} {head}");
            damage_audit(&db, damage).await.unwrap();
            let report = check(&test.app).await.unwrap();
            let ChainReport::Broken {
                seq: found,
                why: told,
            } = report
            else {
                panic!("{damage:?} is not found");
            };
            let expected = if seq > 0 { seq } else { events };
            assert_eq!(found, expected, "{damage:?}: {told}");
            assert!(told.contains(why), "{told}");
        }
    };
    broken(AuditDamage::Edited, 2, "was changed").await;
    broken(AuditDamage::Unreadable, 2, "cannot be read").await;
    broken(AuditDamage::Removed, 3, "is missing").await;
    // Zero stands for the last event.
    broken(AuditDamage::CutOff, 0, "are missing").await;
    broken(AuditDamage::Forgotten, 0, "past the end").await;
}

#[tokio::test]
async fn events_carry_no_secret() {
    for_each_app(async |test| {
        let operator = test.operator.operator().unwrap();
        let all = chain(&test.app, &operator, 0, 1_000).await.unwrap();
        let text = json!(all.iter().map(EventView::new).collect::<Vec<_>>()).to_string();
        assert!(!text.contains(claviger_service::testing::PASSWORD));
        assert!(!text.contains("ses_") && !text.contains("argon2"));
    })
    .await;
}
