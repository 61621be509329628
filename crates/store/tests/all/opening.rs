//! Opening: files, master keys, schema versions.

use std::sync::Arc;

use claviger_model::keyring::{Keyring, master_key_line};
use claviger_store::testing::{TestDatabase, keyring, keyring_of};
use claviger_store::{Db, Location, StoreError, accounts, decisions};

use crate::samples::{account, run, with_accounts};

async fn refused(location: &Location, keyring: Arc<Keyring>) -> StoreError {
    let opened = Db::open(location, keyring).await;
    opened.err().expect("refused")
}

#[tokio::test]
async fn what_is_written_is_there_after_a_restart() {
    for mut database in TestDatabase::all().await {
        with_accounts(&database.db, 1).await;
        database.reopen().await;
        let mut reader = database.db.read().await.expect("a reader");
        let found = accounts::get(&mut reader, account(1).id).await;
        assert_eq!(found, Ok(Some(account(1))));
        drop(reader);
        database.close().await;
    }
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_a_further_version_is_not() {
    for database in TestDatabase::all().await {
        let location = &database.location;
        assert_eq!(
            refused(location, keyring_of(8)).await,
            StoreError::WrongMasterKey
        );
        let line = |version: u8, fill: u8| master_key_line(version, &[fill; 32]).to_string();
        let ring = |text: String| Arc::new(Keyring::parse(&text).expect("lines"));
        let unknown = ring(line(2, 9));
        assert_eq!(refused(location, unknown).await, StoreError::WrongMasterKey);
        let both = ring(format!("{}\n{}", line(1, 7), line(2, 9)));
        Db::open(location, both)
            .await
            .expect("knows version 1")
            .close()
            .await;
        let other_second = ring(format!("{}\n{}", line(1, 7), line(2, 8)));
        assert_eq!(
            refused(location, other_second).await,
            StoreError::WrongMasterKey
        );
        database.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    for database in TestDatabase::all().await {
        run(
            &database.db,
            "INSERT INTO migrations (version, name) VALUES (999, 'later')",
        )
        .await;
        let error = refused(&database.location, keyring()).await;
        assert!(
            matches!(error, StoreError::NewerSchema { found: 999, .. }),
            "{error:?}"
        );
        let usage = Db::open_usage(&database.usage_location, keyring()).await;
        usage.expect("a set of its own").close().await;
        database.close().await;
    }
}

#[tokio::test]
async fn a_missing_file_is_missing_and_an_unwritable_one_is_named() {
    let database = TestDatabase::sqlite().await;
    let Location::Sqlite { file } = &database.location else {
        unreachable!("it is SQLite")
    };
    let missing = Location::Sqlite {
        file: file.with_file_name("other.db"),
    };
    let error = Db::open_existing(&missing, keyring()).await.err();
    assert!(
        matches!(error, Some(StoreError::Missing { .. })),
        "{error:?}"
    );
    let directory = Location::Sqlite {
        file: file.parent().expect("a directory").to_owned(),
    };
    let error = refused(&directory, keyring()).await;
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error:?}");
    let no_database = file.with_file_name("text.db");
    std::fs::write(&no_database, "x".repeat(5_000)).expect("a file");
    let error = refused(&Location::Sqlite { file: no_database }, keyring()).await;
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads it");
    }
    database.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_its_password_is_not_told() {
    let url = "postgres://claviger:hunter2@127.0.0.1:1/claviger";
    let location = Location::Postgres { url: url.into() };
    assert!(!format!("{location:?}").contains("hunter2"));
    let error = refused(&location, keyring()).await;
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    let location = Location::Postgres {
        url: "postgres://claviger:hunter2@[nowhere".into(),
    };
    let error = refused(&location, keyring()).await;
    assert!(matches!(error, StoreError::BadLocation(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn two_openings_at_once_migrate_once() {
    let database = TestDatabase::sqlite().await;
    let Location::Sqlite { file } = &database.location else {
        unreachable!("it is SQLite")
    };
    for round in 0..20 {
        let fresh = Location::Sqlite {
            file: file.with_file_name(format!("fresh{round}.db")),
        };
        let (left, right) = tokio::join!(Db::open(&fresh, keyring()), Db::open(&fresh, keyring()));
        let (left, right) = (left.expect("opens"), right.expect("opens"));
        with_accounts(&left, 1).await;
        let mut reader = right.read().await.expect("a reader");
        let found = accounts::get(&mut reader, account(1).id).await;
        assert_eq!(found, Ok(Some(account(1))));
        drop(reader);
        left.close().await;
        right.close().await;
    }
    database.close().await;
}

#[tokio::test]
async fn decisions_have_their_own_database_on_sqlite() {
    let database = TestDatabase::sqlite().await;
    let mut reader = database.db.read().await.expect("a reader");
    let filter = decisions::DecisionFilter::default();
    assert!(
        decisions::page(&mut reader, &filter, None, 1)
            .await
            .is_err()
    );
    drop(reader);
    database.close().await;
}
