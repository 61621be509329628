//! The journal of revocations beside a SQLite database.

use std::path::{Path, PathBuf};

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::KeySecret;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::members::Member;
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_store::testing::{TestDatabase, keyring, keyring_of};
use claviger_store::{
    Db, Journal, JournalRead, Location, StoreError, Tx, keys, ledger, members, recovery,
};

use crate::samples::{NOW, event, key, key_change, with_keys, with_users, wrote};

/// A database with a journal, and the journal's file.
async fn journaled() -> (TestDatabase, Journal, PathBuf) {
    let database = TestDatabase::sqlite().await;
    let Location::Sqlite { file } = &database.location else {
        unreachable!("a file");
    };
    let file = file.with_file_name("revocations.journal");
    let journal = Journal::new(file.clone(), keyring());
    database.db.keep_journal(journal.clone());
    with_keys(&database.db, 3).await;
    let begun = journal.begin(&database.db, UnixMillis(0)).await;
    begun.expect("a journal");
    (database, journal, file)
}

fn read(file: &Path) -> JournalRead {
    let read = Journal::read(file, &keyring()).expect("a file");
    read.expect("a journal")
}

fn sample(number: u64) -> ApiKey {
    key(number, AccountId(1)).0
}

async fn revoke(db: &Db, key: ApiKey) -> i64 {
    let number = key.id.0;
    let revoked = db.write_removal(move |tx: &mut Tx| {
        let revoked = key.clone().revoke(NOW, "somebody");
        Box::pin(async move {
            keys::update(tx, &revoked).await?;
            tx.change(key_change(revoked.id));
            tx.audit(event(number, Action::KeyRevoked, "key"));
            Ok::<_, StoreError>(())
        })
    });
    revoked.await.expect("revoked").epoch.expect("an epoch")
}

#[tokio::test]
async fn removals_are_noted_with_their_rows_and_nothing_else_is() {
    let (database, _, file) = journaled().await;
    let before = read(&file);
    assert_eq!((before.entries.len(), before.bad_line), (1, None));
    wrote(&database.db, |tx| {
        tx.change(key_change(sample(2).id));
        Box::pin(async { Ok(()) })
    })
    .await;
    assert_eq!(read(&file), before);

    let epoch = revoke(&database.db, sample(1)).await;
    let after = read(&file);
    assert_eq!(after.entries.len(), 2);
    let entry = &after.entries[1];
    assert_eq!((entry.epoch, entry.number), (epoch, 2));
    assert_eq!(entry.things.len(), 1);
    let rows = &entry.things[0].tables["keys"];
    assert_eq!(rows[0]["state"], "revoked");
    assert_eq!(after.last_epoch(), Some(epoch));
    let quick = Journal::last_epoch(&file, &keyring()).expect("a file");
    assert_eq!(quick, Some(epoch));
    assert_eq!(Journal::last_epoch(&file, &keyring_of(8)).ok(), Some(None));
    database.close().await;
}

#[tokio::test]
async fn a_torn_end_is_passed_over_and_a_hole_is_found() {
    let (database, _, file) = journaled().await;
    revoke(&database.db, sample(1)).await;
    let whole = std::fs::read(&file).expect("a file");
    let torn = [&whole[..], b"half a line"].concat();
    std::fs::write(&file, &torn).expect("written");
    assert_eq!(read(&file).bad_line, None);
    revoke(&database.db, sample(2)).await;
    revoke(&database.db, sample(3)).await;
    let found = read(&file);
    assert_eq!((found.entries.len(), found.bad_line), (4, None));

    let text = std::fs::read_to_string(&file).expect("a file");
    let lines: Vec<&str> = text.lines().collect();
    let hole = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    std::fs::write(&file, hole).expect("written");
    assert!(read(&file).bad_line.is_some());
    let mut swapped = lines.clone();
    swapped.swap(0, 1);
    std::fs::write(&file, swapped.join("\n") + "\n").expect("written");
    assert!(read(&file).bad_line.is_some());
    database.close().await;
}

#[tokio::test]
async fn what_a_crash_kept_out_is_made_up_for_and_what_is_old_is_dropped() {
    let (database, journal, file) = journaled().await;
    let first = read(&file);
    revoke(&database.db, sample(1)).await;
    let last = std::fs::read(&file).expect("a file");
    // The commit was made, and the line was not.
    let lines = last.split_inclusive(|byte| *byte == b'\n');
    let kept: Vec<u8> = lines.take(first.entries.len()).flatten().copied().collect();
    std::fs::write(&file, &kept).expect("written");
    let begun = journal.begin(&database.db, UnixMillis(0)).await;
    begun.expect("a journal");
    let made_up = read(&file);
    let things: Vec<_> = made_up.entries.iter().flat_map(|e| &e.things).collect();
    assert!(
        things
            .iter()
            .any(|thing| thing.tables["keys"][0]["state"] == "revoked")
    );

    let epoch = revoke(&database.db, sample(2)).await;
    let begun = journal.begin(&database.db, NOW.plus_millis(1)).await;
    begun.expect("a journal");
    let left = read(&file);
    assert_eq!((left.entries.len(), left.bad_line), (1, None));
    assert_eq!(left.last_epoch(), Some(epoch));
    assert!(
        left.covers_after() < Some(epoch),
        "{:?}",
        left.covers_after()
    );
    database.close().await;
}

#[tokio::test]
async fn an_older_state_gets_back_what_was_taken_away_and_gains_nothing() {
    let (database, _, file) = journaled().await;
    let db = &database.db;
    with_users(db, 2).await;
    let member = |user| Member {
        account_id: AccountId(1),
        user_id: UserId(user),
        role: RoleRef::BuiltIn(BuiltInRole::Admin),
        created_at: NOW,
        version: 1,
    };
    let (stays, goes) = (member(1), member(2));
    let both = (stays, goes);
    wrote(db, move |tx| {
        let (stays, goes) = both;
        Box::pin(async move {
            members::insert(tx, &stays).await?;
            members::insert(tx, &goes).await
        })
    })
    .await;
    let point = ledger::epoch(&mut db.read().await.expect("a reader")).await;
    let point = point.expect("an epoch");
    revoke(db, sample(1)).await;
    let removed = db.write_removal(|tx: &mut Tx| {
        tx.change(Change::new(ChangeKind::User, UserId(2)));
        Box::pin(async move {
            let sql = "DELETE FROM members WHERE user_id = $1";
            tx.query(sql).shown(UserId(2)).execute().await?;
            Ok::<_, StoreError>(())
        })
    });
    removed.await.expect("removed");

    // The older state: both are back.
    let back = goes;
    wrote(db, move |tx| {
        let (back, revoked) = (back, sample(1));
        Box::pin(async move {
            members::insert(tx, &back).await?;
            let sql = "DELETE FROM key_secrets WHERE key_id = $1";
            tx.query(sql).shown(revoked.id).execute().await?;
            let sql = "DELETE FROM keys WHERE id = $1";
            tx.query(sql).shown(revoked.id).execute().await?;
            let (key, secret) = key_of(1);
            keys::insert(tx, &key, &secret).await
        })
    })
    .await;
    let things = recovery::latest(&read(&file).entries, point);
    assert_eq!(things.len(), 2);
    wrote(db, move |tx| {
        let things = things.clone();
        Box::pin(async move {
            for thing in &things {
                assert!(thing.replay(tx).await?.found);
            }
            Ok(())
        })
    })
    .await;
    is_as_it_was_last(db, stays).await;
    database.close().await;
}

async fn is_as_it_was_last(db: &Db, stays: Member) {
    let mut reader = db.read().await.expect("a reader");
    let key = keys::get(&mut reader, None, sample(1).id).await;
    let key = key.expect("its seal is whole").expect("a key");
    assert!(matches!(key.state, KeyState::Revoked { .. }));
    let left = members::get(&mut reader, AccountId(1), UserId(2)).await;
    assert_eq!(left, Ok(None));
    let left = members::get(&mut reader, AccountId(1), UserId(1)).await;
    assert_eq!(left, Ok(Some(stays)));
}

fn key_of(number: u64) -> (ApiKey, KeySecret) {
    key(number, AccountId(1))
}
