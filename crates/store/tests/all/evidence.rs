//! The audit log.

use claviger_model::audit::{Action, BrokenChain, ChainVerifier};
use claviger_model::ids::AccountId;
use claviger_store::audit::AuditFilter;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, audit};

use crate::samples::{NOW, event, run, wrote};

/// Events 1 to 6, by turns about a key and a session; the last is the instance's.
async fn with_events(db: &Db) {
    wrote(db, |tx| {
        Box::pin(async move {
            for number in 1..=6 {
                let mut event = match number % 2 {
                    1 => event(number, Action::KeyCreated, "key_1"),
                    _ => event(number, Action::SessionStarted, "sid_1"),
                };
                if number == 6 {
                    event.account_id = None;
                    event.actor = "system".into();
                }
                tx.audit(event);
            }
            Ok(())
        })
    })
    .await;
}

#[tokio::test]
async fn pages_are_filtered_and_the_newest_first() {
    for_each_database(|db| async move {
        with_events(&db).await;
        let page = async |filter: AuditFilter, before: Option<i64>, limit| {
            let mut reader = db.read().await.expect("a reader");
            let page = audit::page(&mut reader, &filter, before, limit)
                .await
                .expect("a page");
            page.iter().map(|event| event.seq).collect::<Vec<_>>()
        };
        let all = AuditFilter::default;
        assert_eq!(page(all(), None, 10).await, [6, 5, 4, 3, 2, 1]);
        assert_eq!(page(all(), Some(5), 2).await, [4, 3]);
        let account_id = Some(AccountId(1));
        let own = || AuditFilter {
            account_id,
            ..all()
        };
        assert_eq!(page(own(), None, 10).await, [5, 4, 3, 2, 1]);
        let action = Some("session.started".to_owned());
        assert_eq!(
            page(
                AuditFilter {
                    action: action.clone(),
                    ..own()
                },
                None,
                10
            )
            .await,
            [4, 2]
        );
        assert_eq!(
            page(AuditFilter { action, ..all() }, None, 10).await,
            [6, 4, 2]
        );
        let target = Some("key_1".to_owned());
        assert_eq!(
            page(AuditFilter { target, ..all() }, None, 10).await,
            [5, 3, 1]
        );
        let actor = Some("system".to_owned());
        assert_eq!(page(AuditFilter { actor, ..all() }, None, 10).await, [6]);
        let (from, to) = (Some(NOW.plus_millis(2)), Some(NOW.plus_millis(4)));
        assert_eq!(
            page(AuditFilter { from, to, ..all() }, None, 10).await,
            [3, 2]
        );
        let actor = Some("\0".to_owned());
        assert_eq!(
            page(AuditFilter { actor, ..all() }, None, 10).await,
            [0_i64; 0]
        );
    })
    .await;
}

#[tokio::test]
async fn events_come_back_as_they_were_and_a_change_shows() {
    for_each_database(|db| async move {
        with_events(&db).await;
        let mut reader = db.read().await.expect("a reader");
        let chain = audit::chain_page(&mut reader, 0, 3).await.expect("events");
        assert_eq!(chain[0].event, event(1, Action::KeyCreated, "key_1"));
        let mut verifier = ChainVerifier::default();
        for event in &chain {
            assert_eq!(verifier.follow(event).map(drop), Ok(()));
        }
        run(&db, "UPDATE audit SET actor = 'usr_b' WHERE seq = 5").await;
        let rest = audit::chain_page(&mut reader, 3, 10).await.expect("events");
        assert_eq!(rest.len(), 3);
        let broken = rest.iter().find_map(|event| verifier.follow(event).err());
        assert_eq!(broken, Some(BrokenChain::Changed { seq: 5 }));
    })
    .await;
}
