//! Signing keys, and what ends access tokens or counts them.

use std::collections::BTreeSet;

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, ClientId, SigningKeyId, TokenId};
use claviger_model::signing_keys::SigningKey;
use claviger_model::tokens::TokenOwner;
use claviger_store::revoked_tokens::{self, RevokedToken};
use claviger_store::testing::for_each_database;
use claviger_store::{Db, StoreError, ledger, signing_keys, token_counts, token_floors};

use crate::samples::{NOW, key_change, run, write, wrote};

const CLIENT: ClientId = ClientId(7);

fn signing_key(number: u128, algorithm: SigningAlgorithm, generation: i64) -> SigningKey {
    SigningKey {
        id: SigningKeyId(number),
        algorithm,
        generation,
        public_jwk: "{\"kty\":\"EC\"}".into(),
        sealed_private: vec![1, 2, 0, 255],
        created_at: NOW,
        signs_from: NOW.plus_seconds(300),
        published_until: None,
        version: 1,
    }
}

async fn insert(db: &Db, key: SigningKey) -> Result<(), StoreError> {
    let inserted = write(db, move |tx| {
        let key = key.clone();
        Box::pin(async move { signing_keys::insert(tx, &key).await })
    });
    inserted.await.map(drop)
}

#[tokio::test]
async fn two_nodes_cannot_make_the_same_generation() {
    for_each_database(|db| async move {
        let es256 = SigningAlgorithm::Es256;
        let first = signing_key(1, es256, 1);
        insert(&db, first.clone()).await.expect("inserts");
        let taken = insert(&db, signing_key(2, es256, 1)).await;
        let constraint = "signing_keys.generation".to_owned();
        assert_eq!(taken, Err(StoreError::Conflict { constraint }));
        let other = signing_key(3, SigningAlgorithm::EdDsa, 1);
        insert(&db, other.clone()).await.expect("inserts");
        let second = signing_key(4, es256, 2);
        insert(&db, second.clone()).await.expect("inserts");

        let retired = SigningKey {
            published_until: Some(NOW.plus_seconds(9)),
            signs_from: NOW,
            version: 2,
            ..first
        };
        for expected in [true, false] {
            let written = retired.clone();
            let updated = write(&db, move |tx| {
                let written = written.clone();
                Box::pin(async move { signing_keys::update(tx, &written).await })
            });
            assert_eq!(updated.await.is_ok(), expected, "once for each version");
        }
        let mut reader = db.read().await.expect("a reader");
        let all = signing_keys::all(&mut reader).await;
        assert_eq!(all, Ok((vec![retired, second, other], vec![])));
        for (algorithm, last) in [(es256, 2), (SigningAlgorithm::Rs256, 0)] {
            let generation = signing_keys::last_generation(&mut reader, algorithm).await;
            assert_eq!(generation, Ok(last));
        }
        let longest = signing_keys::longest_lifetime_seconds(&mut reader).await;
        assert_eq!(longest, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn a_signing_key_that_somebody_else_wrote_is_left_out_and_told_of() {
    for_each_database(|db| async move {
        let es256 = SigningAlgorithm::Es256;
        for generation in [1, 2] {
            let key = signing_key(
                u128::try_from(generation).expect("small"),
                es256,
                generation,
            );
            insert(&db, key).await.expect("inserts");
        }
        run(
            &db,
            "UPDATE signing_keys SET public_jwk = '{}' WHERE generation = 2",
        )
        .await;
        let mut reader = db.read().await.expect("a reader");
        let (good, bad) = signing_keys::all(&mut reader).await.expect("keys");
        assert_eq!(good, [signing_key(1, es256, 1)]);
        assert_eq!(bad.len(), 1);
        assert_eq!(
            (bad[0].table, bad[0].id.as_str()),
            ("signing_keys", SigningKeyId(2).to_string().as_str())
        );
        let last = signing_keys::last_generation(&mut reader, es256).await;
        assert_eq!(last, Ok(2), "its place is taken all the same");
    })
    .await;
}

fn revoked(number: u128, expires_at: UnixMillis) -> RevokedToken {
    RevokedToken {
        id: TokenId(number),
        client_id: CLIENT,
        expires_at,
        revoked_at: NOW,
    }
}

#[tokio::test]
async fn a_revoked_token_is_kept_until_its_end() {
    for_each_database(|db| async move {
        let ends = [NOW.plus_seconds(5), NOW, NOW.plus_seconds(7)];
        let noted = wrote(&db, move |tx| {
            Box::pin(async move {
                let mut noted = Vec::new();
                for (number, end) in (1..).zip(ends) {
                    noted.push(revoked_tokens::insert(tx, &revoked(number, end)).await?);
                }
                let again = revoked(1, NOW.plus_seconds(99));
                noted.push(revoked_tokens::insert(tx, &again).await?);
                Ok(noted)
            })
        });
        assert_eq!(noted.await, [true, true, true, false]);
        let mut reader = db.read().await.expect("a reader");
        let r = &mut reader;
        let found = revoked_tokens::by_ids(r, &[TokenId(1), TokenId(9)]).await;
        assert_eq!(found, Ok(vec![(TokenId(1), ends[0])]));
        let page = revoked_tokens::live_page(r, NOW, None, 1).await;
        assert_eq!(page, Ok(vec![(TokenId(1), ends[0])]));
        let page = revoked_tokens::live_page(r, NOW, Some(TokenId(1)), 5).await;
        assert_eq!(page, Ok(vec![(TokenId(3), ends[2])]));
        // What is no id is nobody's token.
        run(
            &db,
            "UPDATE revoked_tokens SET id = 'tok_' WHERE expires_at = 1741564805000",
        )
        .await;
        let page = revoked_tokens::live_page(r, NOW, None, 1).await;
        assert_eq!(page, Ok(vec![(TokenId(3), ends[2])]));
        let purge = |limit| {
            wrote(&db, move |tx| {
                Box::pin(revoked_tokens::purge(tx, NOW.plus_seconds(6), limit))
            })
        };
        assert_eq!((purge(1).await, purge(5).await), (1, 1));
        let page = revoked_tokens::live_page(r, UnixMillis(0), None, 5).await;
        assert_eq!(page, Ok(vec![(TokenId(3), ends[2])]));
    })
    .await;
}

#[derive(Debug, PartialEq)]
struct Refused;

impl From<StoreError> for Refused {
    fn from(_: StoreError) -> Self {
        Self
    }
}

/// Ends the tokens of client `number`; refuses odd ones after the work is done.
async fn end_tokens(db: Db, number: u128) -> Result<i64, Refused> {
    let committed = db.write(move |tx| {
        Box::pin(async move {
            tx.end_tokens(TokenOwner::Client(ClientId(number)));
            tx.end_tokens(TokenOwner::Client(ClientId(number)));
            if number % 2 == 1 {
                return Err(Refused);
            }
            Ok(())
        })
    });
    committed.await.map(|done| done.epoch.expect("an epoch"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floor_is_the_epoch_of_its_commit_and_a_refused_one_is_none() {
    for_each_database(|db| async move {
        let ends = (1..=32).map(|number| tokio::spawn(end_tokens(db.clone(), number)));
        let mut expected = Vec::new();
        for (number, task) in (1..=32).zip(ends.collect::<Vec<_>>()) {
            if let Ok(epoch) = task.await.expect("no panic") {
                expected.push((TokenOwner::Client(ClientId(number)), epoch));
            }
        }
        assert_eq!(expected.len(), 16);
        let mut reader = db.read().await.expect("a reader");
        let mut all = token_floors::all(&mut reader).await.expect("floors");
        all.sort_unstable();
        assert_eq!(all, expected);
        let changes = ledger::changes_since(&mut reader, 0).await;
        let told: BTreeSet<(i64, Change)> = changes.expect("changes").into_iter().collect();
        let of = |(owner, epoch): &(TokenOwner, i64)| {
            (*epoch, Change::new(ChangeKind::TokenFloor, owner))
        };
        assert_eq!(told, expected.iter().map(of).collect());

        // A later end raises the floor; others stay.
        let account = TokenOwner::Account(AccountId(1));
        let committed = write(&db, move |tx| {
            Box::pin(async move {
                tx.end_tokens(account);
                tx.end_tokens(TokenOwner::Client(ClientId(2)));
                tx.change(key_change(claviger_model::ids::KeyId(1)));
                Ok(())
            })
        });
        let epoch = committed.await.expect("commits").epoch.expect("an epoch");
        let owners = [TokenOwner::Client(ClientId(2)), account];
        let floors = token_floors::by_owners(&mut reader, &owners).await;
        let floors: BTreeSet<_> = floors.expect("floors").into_iter().collect();
        assert_eq!(floors, owners.map(|owner| (owner, epoch)).into());
        let unended = TokenOwner::Client(ClientId(1));
        let floors = token_floors::by_owners(&mut reader, &[unended]).await;
        assert_eq!(floors, Ok(vec![]));
    })
    .await;
}

async fn take(db: &Db, day: i64, limit: Option<u32>) -> Option<i64> {
    wrote(db, move |tx| {
        Box::pin(token_counts::take(tx, CLIENT, day, limit))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_gives_exactly_its_number_whoever_asks_at_once() {
    for_each_database(|db| async move {
        let asking = (0..64).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { take(&db, 20_000, Some(10)).await })
        });
        let mut given = Vec::new();
        for task in asking.collect::<Vec<_>>() {
            given.extend(task.await.expect("no panic"));
        }
        given.sort_unstable();
        assert_eq!(given, (1..=10).collect::<Vec<_>>());
        let mut reader = db.read().await.expect("a reader");
        let used = token_counts::used(&mut reader, CLIENT, 20_000).await;
        assert_eq!(used, Ok(10));
        assert_eq!(take(&db, 20_001, Some(10)).await, Some(1), "another day");
        assert_eq!(take(&db, 20_002, Some(0)).await, None);
        assert_eq!(take(&db, 20_000, None).await, Some(11), "only counted");
        assert_eq!(take(&db, 20_000, Some(11)).await, None);
        assert_eq!(take(&db, 20_000, Some(12)).await, Some(12));

        let purged = wrote(&db, |tx| Box::pin(token_counts::purge(tx, 20_001, 10)));
        assert_eq!(purged.await, 1);
        for (day, used) in [(20_000, 0), (20_001, 1)] {
            let found = token_counts::used(&mut reader, CLIENT, day).await;
            assert_eq!(found, Ok(used));
        }
    })
    .await;
}
