//! What became of the secrets of clients.

use std::net::IpAddr;

use claviger_model::ids::SecretId;
use claviger_model::secret_uses::{SecretUses, UsedSecret};
use claviger_model::{Reason, UnixMillis};
use claviger_store::Db;
use claviger_store::secret_uses::{NewSecretUses, add_many, by_secrets};
use claviger_store::testing::TestDatabase;

use crate::samples::{NOW, wrote};

fn at(millis: i64) -> UnixMillis {
    NOW.plus_millis(millis)
}

fn ip(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

fn of(secret: u128, uses: SecretUses) -> NewSecretUses {
    NewSecretUses {
        secret: UsedSecret::Secret(SecretId(secret)),
        owner_id: "cli_1".into(),
        uses,
    }
}

async fn add(db: &Db, new: Vec<NewSecretUses>) {
    wrote(db, move |tx| {
        let new = new.clone();
        Box::pin(async move { add_many(tx, &new).await })
    })
    .await;
}

#[tokio::test]
async fn uses_are_added_to_those_that_are_there() {
    for database in TestDatabase::all().await {
        let db = &database.usage;
        let used = |millis, last| {
            SecretUses::one(at(millis), Some(ip(last)), Some(format!("\u{1F511}{last}")))
        };
        let refused =
            |millis, last| SecretUses::one_refused(at(millis), Some(ip(last)), Reason::Revoked);
        let batches = [
            vec![of(2, used(5, 1)), of(1, refused(1, 9))],
            vec![of(1, used(2, 2)), of(2, used(4, 3))],
            vec![
                of(2, refused(7, 4)),
                of(1, SecretUses::one(at(3), None, None)),
            ],
            vec![of(2, refused(6, 5))],
        ];
        let mut expected = [SecretUses::default(), SecretUses::default()];
        for batch in batches {
            for new in &batch {
                let place = usize::from(new.secret == UsedSecret::Secret(SecretId(2)));
                expected[place].add(new.uses.clone());
            }
            add(db, batch).await;
        }
        let mut reader = db.read().await.expect("a reader");
        let ids = [SecretId(1), SecretId(2), SecretId(3)];
        let mut found = by_secrets(&mut reader, &ids).await.expect("uses");
        assert_eq!(found.len(), 2);
        let [first, second] = expected;
        assert_eq!((first.used, second.last_used_at), (2, Some(at(5))));
        assert_eq!(first.last_used_ip, None);
        assert_eq!(found.remove(&SecretId(1)), Some(first));
        assert_eq!(found.remove(&SecretId(2)), Some(second));
        drop(reader);
        database.close().await;
    }
}
