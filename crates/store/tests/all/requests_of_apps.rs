//! Pushed authorization requests, and authorizations that devices ask for.

use claviger_model::UnixMillis;
use claviger_model::clients::HashedToken;
use claviger_model::devices::{DeviceAuthorization, DeviceState};
use claviger_model::grants::Authorized;
use claviger_model::ids::{ClientId, GrantId};
use claviger_model::pushed_requests::PushedRequest;
use claviger_model::secret::Lookup;
use claviger_store::devices::{self, Poll};
use claviger_store::testing::for_each_database;
use claviger_store::{Db, StoreError, pushed_requests};

use crate::samples::{NOW, run, scope, stored, write, wrote};

/// What 64 of the same at the same time come to.
async fn at_once<T, F>(work: impl Fn() -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..64).map(|_| tokio::spawn(work())).collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.expect("no panic"));
    }
    found
}

fn pushed(number: u64) -> PushedRequest {
    PushedRequest {
        stored: stored(number),
        client_id: ClientId(7),
        parameters: vec![
            ("scope".to_owned(), "read:leads \"é\"".to_owned()),
            ("resource".to_owned(), "https://one".to_owned()),
            ("resource".to_owned(), "https://two".to_owned()),
        ],
        created_at: NOW,
        expires_at: NOW.plus_seconds(90),
        opened_at: None,
        used_at: None,
        version: 1,
    }
}

async fn advance_pushed(db: &Db, request: &PushedRequest) -> bool {
    let request = request.clone();
    wrote(db, move |tx| {
        let request = request.clone();
        Box::pin(async move { pushed_requests::advance(tx, &request).await })
    })
    .await
}

#[tokio::test]
async fn a_pushed_request_is_completed_once() {
    for_each_database(|db| async move {
        wrote(&db, |tx| {
            Box::pin(async move { pushed_requests::insert(tx, &pushed(1)).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let r = &mut reader;
        let found = pushed_requests::by_lookup(r, Lookup(1)).await;
        assert_eq!(found, Ok(Some(pushed(1))));
        assert_eq!(pushed_requests::by_lookup(r, Lookup(2)).await, Ok(None));
        let opened = pushed(1).open(NOW.plus_seconds(5));
        assert!(advance_pushed(&db, &opened).await);
        assert!(!advance_pushed(&db, &opened).await, "once for each version");
        let completed = opened.clone().complete(NOW.plus_seconds(6));
        let won = at_once(|| {
            let (db, completed) = (db.clone(), completed.clone());
            async move { advance_pushed(&db, &completed).await }
        })
        .await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let found = pushed_requests::by_lookup(r, Lookup(1)).await;
        assert_eq!(found, Ok(Some(completed.clone())));
        let again = PushedRequest {
            version: completed.version + 1,
            ..completed
        };
        assert!(!advance_pushed(&db, &again).await, "nothing after the end");

        run(&db, "UPDATE pushed_requests SET used_at = NULL").await;
        let found = pushed_requests::by_lookup(r, Lookup(1)).await;
        assert!(
            matches!(found, Err(StoreError::BrokenSeal { .. })),
            "{found:?}"
        );
        let delete = |before: UnixMillis| {
            wrote(&db, move |tx| {
                Box::pin(pushed_requests::delete_before(tx, before, 10))
            })
        };
        assert_eq!(delete(opened.expires_at).await, 0);
        assert_eq!(delete(opened.expires_at.plus_millis(1)).await, 1);
    })
    .await;
}

fn device(number: u64) -> DeviceAuthorization {
    DeviceAuthorization {
        stored: stored(number),
        user_code: HashedToken {
            hash: [number.to_le_bytes()[0]; 32],
            pepper_version: 1,
        },
        client_id: ClientId(7),
        authorized: Authorized {
            scopes: vec![scope("read:leads")],
            ..Authorized::default()
        },
        state: DeviceState::Pending,
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
        version: 1,
    }
}

async fn insert(db: &Db, device: DeviceAuthorization) -> Result<(), StoreError> {
    let inserted = write(db, move |tx| {
        let device = device.clone();
        Box::pin(async move { devices::insert(tx, &device).await })
    });
    inserted.await.map(drop)
}

async fn advance(db: &Db, before: DeviceState, device: &DeviceAuthorization) -> bool {
    let device = device.clone();
    wrote(db, move |tx| {
        let device = device.clone();
        Box::pin(async move { devices::advance(tx, before, &device).await })
    })
    .await
}

#[tokio::test]
async fn a_device_gets_its_tokens_once() {
    for_each_database(|db| async move {
        insert(&db, device(1)).await.expect("inserts");
        let same_user_code = DeviceAuthorization {
            stored: stored(2),
            ..device(1)
        };
        let taken = insert(&db, same_user_code).await;
        assert!(
            matches!(taken, Err(StoreError::Conflict { .. })),
            "{taken:?}"
        );
        let mut reader = db.read().await.expect("a reader");
        let r = &mut reader;
        let found = devices::by_user_code(r, &[1; 32]).await;
        assert_eq!(found, Ok(Some(device(1))));
        assert_eq!(devices::by_user_code(r, &[2; 32]).await, Ok(None));

        let narrower = Authorized {
            scopes: vec![scope("read:people")],
            ..Authorized::default()
        };
        let approved = device(1).approve(NOW, GrantId(5), narrower);
        let denied = device(1).deny(NOW);
        assert!(advance(&db, DeviceState::Pending, &approved).await);
        assert!(
            !advance(&db, DeviceState::Pending, &denied).await,
            "decided once"
        );
        let found = devices::by_lookup(r, Lookup(1)).await;
        assert_eq!(found, Ok(Some(approved.clone())));
        let used = approved
            .clone()
            .spend(NOW.plus_seconds(1))
            .expect("approved");
        let won = at_once(|| {
            let (db, used) = (db.clone(), used.clone());
            async move { advance(&db, approved.state, &used).await }
        })
        .await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        assert_eq!(devices::by_lookup(r, Lookup(1)).await, Ok(Some(used)));

        run(
            &db,
            "UPDATE device_authorizations SET authorized = '{\"scopes\":[\"admin\"]}'",
        )
        .await;
        let found = devices::by_lookup(r, Lookup(1)).await;
        assert!(
            matches!(found, Err(StoreError::BrokenSeal { .. })),
            "{found:?}"
        );
        for (before, deleted) in [(NOW.plus_seconds(600), 0), (NOW.plus_seconds(601), 1)] {
            let of_codes = wrote(&db, move |tx| {
                Box::pin(devices::delete_before(tx, before, 10))
            });
            let of_polls = wrote(&db, move |tx| {
                Box::pin(devices::delete_polls_before(tx, before, 10))
            });
            assert_eq!((of_codes.await, of_polls.await), (deleted, deleted));
        }
    })
    .await;
}

async fn poll(db: &Db, millis: i64) -> Poll {
    let now = NOW.plus_millis(millis);
    let poll = wrote(db, move |tx| Box::pin(devices::poll(tx, Lookup(1), now))).await;
    poll.expect("a device")
}

#[tokio::test]
async fn each_poll_that_comes_too_early_makes_the_device_wait_longer() {
    for_each_database(|db| async move {
        insert(&db, device(1)).await.expect("inserts");
        // The first may come at once; the others their interval after the one before.
        for (millis, is_early, interval_seconds) in [
            (0, false, 5),
            (4_500, false, 5),
            (8_999, true, 10),
            (17_000, true, 15),
            (31_999, false, 15),
            (46_498, true, 20),
            (66_000, false, 20),
        ] {
            let expected = Poll {
                interval_seconds,
                is_early,
            };
            assert_eq!(poll(&db, millis).await, expected, "{millis}");
        }
        let unknown = wrote(&db, |tx| Box::pin(devices::poll(tx, Lookup(9), NOW))).await;
        assert_eq!(unknown, None);
    })
    .await;
}

#[tokio::test]
async fn of_polls_at_the_same_time_one_is_in_time() {
    for_each_database(|db| async move {
        insert(&db, device(1)).await.expect("inserts");
        let polls = at_once(|| {
            let db = db.clone();
            async move { poll(&db, 0).await }
        })
        .await;
        assert_eq!(polls.iter().filter(|poll| !poll.is_early).count(), 1);
        let longest = polls.iter().map(|poll| poll.interval_seconds).max();
        assert_eq!(longest, Some(5 + 63 * 5));
    })
    .await;
}
