//! Clients and their secrets.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::clients::{
    Client, ClientAuthMethod, ClientCeilings, ClientKind, ClientScopes, ClientSecret,
    ClientSettings, ClientState, QuotaMode,
};
use claviger_model::ids::{AccountId, ApiId, ClientId, SecretId};
use claviger_model::rotations::{OldEnds, OldSecret, Rotation};
use claviger_model::{Environment, UnixMillis};
use claviger_store::clients::ClientFilter;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, StoreError, accounts, clients, rotations, signing_keys, token_ends};

use crate::samples::{NOW, account, run, scope, stored, with_accounts, write, wrote};

const ACCOUNT: AccountId = AccountId(1);

/// Client `number` of the account, made `number` milliseconds after [`NOW`].
fn client(number: u64, account: AccountId) -> Client {
    Client {
        id: ClientId(number.into()),
        account_id: account,
        kind: ClientKind::Machine,
        environment: Environment::Live,
        settings: ClientSettings {
            name: format!("Client {number}"),
            description: "Was \"theirs\"\n".into(),
            scopes: ClientScopes::Named(vec![scope("read:people"), scope("write:leads")]),
            api_id: Some(ApiId(7)),
            token_lifetime_seconds: Some(60),
            tokens_per_day: Some(10),
            quota_mode: Some(QuotaMode::Observe),
            auth_method: Some(ClientAuthMethod::Post),
        },
        ceilings: ClientCeilings {
            tokens_per_day: Some(20),
            ..ClientCeilings::default()
        },
        state: ClientState::Active,
        created_by: "usr_x".into(),
        created_at: NOW.plus_millis(i64::try_from(number).expect("small")),
        version: 1,
    }
}

/// Secret `number` of the client.
fn secret(number: u64, client: u64) -> ClientSecret {
    ClientSecret {
        id: SecretId(number.into()),
        client_id: ClientId(client.into()),
        stored: stored(number),
        description: String::new(),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    }
}

async fn insert(db: &Db, client: Client, secret: ClientSecret) -> Result<(), StoreError> {
    let written = write(db, move |tx| {
        let (client, secret) = (client.clone(), secret.clone());
        Box::pin(async move {
            clients::insert(tx, &client).await?;
            clients::insert_secret(tx, &secret).await
        })
    });
    written.await.map(drop)
}

async fn update(db: &Db, client: Client) -> Result<(), StoreError> {
    let written = write(db, move |tx| {
        let client = client.clone();
        Box::pin(async move { clients::update(tx, &client).await })
    });
    written.await.map(drop)
}

async fn update_secret(db: &Db, secret: ClientSecret) -> Result<(), StoreError> {
    let written = write(db, move |tx| {
        let secret = secret.clone();
        Box::pin(async move { clients::update_secret(tx, &secret).await })
    });
    written.await.map(drop)
}

/// Stores account 1 and clients 1 to `count` of it, each with a secret of its number.
async fn with_clients(db: &Db, count: u64) {
    with_accounts(db, 1).await;
    wrote(db, move |tx| {
        Box::pin(async move {
            for number in 1..=count {
                let client = client(number, ACCOUNT);
                clients::insert(tx, &client).await?;
                clients::insert_secret(tx, &secret(number, number)).await?;
            }
            Ok(())
        })
    })
    .await;
}

fn conflict(constraint: &str) -> StoreError {
    StoreError::Conflict {
        constraint: constraint.to_owned(),
    }
}

#[tokio::test]
async fn a_client_comes_back_as_it_was_written() {
    for_each_database(|db| async move {
        with_clients(&db, 2).await;
        let mut reader = db.read().await.expect("a reader");
        let first = client(1, ACCOUNT);
        let own = clients::get(&mut reader, Some(ACCOUNT), first.id).await;
        assert_eq!(own, Ok(Some(first.clone())));
        let foreign = clients::get(&mut reader, Some(AccountId(2)), first.id).await;
        assert_eq!(foreign, Ok(None));

        let mut changed = first.delete(NOW, "usr_y");
        changed.settings = ClientSettings {
            name: "All".into(),
            description: String::new(),
            scopes: ClientScopes::All,
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: None,
        };
        assert_eq!(update(&db, changed.clone()).await, Ok(()));
        let found = clients::get(&mut reader, None, changed.id).await;
        assert_eq!(found, Ok(Some(changed.clone())));
        assert_eq!(
            update(&db, changed).await,
            Err(conflict("clients.row_version"))
        );
    })
    .await;
}

#[tokio::test]
async fn secrets_come_back_with_their_client_and_end_alone() {
    for_each_database(|db| async move {
        with_clients(&db, 2).await;
        let second = ClientSecret {
            description: "For the new server".into(),
            expires_at: Some(NOW.plus_seconds(60)),
            ..secret(3, 1)
        };
        let added = second.clone();
        wrote(&db, move |tx| {
            let added = added.clone();
            Box::pin(async move { clients::insert_secret(tx, &added).await })
        })
        .await;
        let revoked = second.revoke(NOW, "usr_y");
        assert_eq!(update_secret(&db, revoked.clone()).await, Ok(()));
        let again = update_secret(&db, revoked.clone()).await;
        assert_eq!(again, Err(conflict("client_secrets.row_version")));

        let mut reader = db.read().await.expect("a reader");
        let all = clients::secrets(&mut reader, ClientId(1)).await;
        assert_eq!(all, Ok(vec![secret(1, 1), revoked.clone()]));
        let own = clients::secret(&mut reader, ClientId(1), revoked.id).await;
        assert_eq!(own, Ok(Some(revoked.clone())));
        let foreign = clients::secret(&mut reader, ClientId(2), revoked.id).await;
        assert_eq!(foreign, Ok(None));
        let ids = [ClientId(1), ClientId(2), ClientId(9)];
        let found = clients::secrets_of(&mut reader, &ids)
            .await
            .expect("secrets");
        assert_eq!((found.len(), found[&ClientId(1)].len()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn a_lookup_is_unique_and_an_account_has_to_exist() {
    for_each_database(|db| async move {
        with_clients(&db, 1).await;
        let mut taken = secret(2, 2);
        taken.stored = stored(1);
        let written = insert(&db, client(2, ACCOUNT), taken).await;
        assert_eq!(written, Err(conflict("client_secrets.lookup")));
        let written = insert(&db, client(1, ACCOUNT), secret(2, 1)).await;
        assert_eq!(written, Err(conflict("clients.id")));
        let written = insert(&db, client(3, AccountId(9)), secret(3, 3)).await;
        assert_eq!(written, Err(conflict("foreign_key")));
    })
    .await;
}

#[tokio::test]
async fn pages_are_the_newest_first_and_without_deleted_ones() {
    for_each_database(|db| async move {
        with_clients(&db, 5).await;
        let deleted = client(4, ACCOUNT).delete(NOW, "usr_y");
        assert_eq!(update(&db, deleted).await, Ok(()));
        let page = async |with_deleted, after: Option<(UnixMillis, ClientId)>, limit| {
            let mut reader = db.read().await.expect("a reader");
            let filter = ClientFilter {
                with_deleted,
                ..ClientFilter::default()
            };
            let page = clients::page(&mut reader, ACCOUNT, filter, after, limit).await;
            let page = page.expect("a page");
            page.iter().map(|client| client.id.0).collect::<Vec<_>>()
        };
        assert_eq!(page(false, None, 10).await, [5, 3, 2, 1]);
        assert_eq!(page(true, None, 2).await, [5, 4]);
        let after = Some((client(4, ACCOUNT).created_at, ClientId(4)));
        assert_eq!(page(true, after, 2).await, [3, 2]);
        let count = async |filter| {
            let mut reader = db.read().await.expect("a reader");
            let page = clients::page(&mut reader, ACCOUNT, filter, None, 10).await;
            page.expect("a page").len()
        };
        let of = |kind, environment| ClientFilter {
            kind,
            environment,
            ..ClientFilter::default()
        };
        assert_eq!(count(of(Some(ClientKind::Machine), None)).await, 4);
        assert_eq!(count(of(Some(ClientKind::App), None)).await, 0);
        assert_eq!(count(of(None, Some(Environment::Test))).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_client_has_one_rotation_that_nobody_can_lengthen_in_the_database() {
    for_each_database(|db| async move {
        with_clients(&db, 2).await;
        let rotation = |client: u128| Rotation {
            client_id: ClientId(client),
            secret_id: SecretId(9),
            old_ends: OldEnds::AfterFirstUse { grace_seconds: 60 },
            old: vec![OldSecret {
                id: SecretId(1),
                expires_at: Some(NOW),
                used: 3,
            }],
            started_by: "usr_x".into(),
            started_at: NOW,
            first_used_at: None,
            version: 1,
        };
        let insert = async |row: Rotation| {
            let written = write(&db, move |tx| {
                let row = row.clone();
                Box::pin(async move { rotations::insert(tx, &row).await })
            });
            written.await.map(drop)
        };
        assert_eq!(insert(rotation(1)).await, Ok(()));
        assert_eq!(insert(rotation(2)).await, Ok(()));
        assert!(matches!(
            insert(rotation(1)).await,
            Err(StoreError::Conflict { .. })
        ));
        let used = rotation(1).begin_grace(NOW, |_| 7);
        let planned = used.clone().replan(OldEnds::At(NOW.plus_millis(5)));
        for row in [used, planned.clone()] {
            let written = write(&db, move |tx| {
                let row = row.clone();
                Box::pin(async move { rotations::update(tx, &row).await })
            });
            assert_eq!(written.await.map(drop), Ok(()));
        }
        let mut reader = db.read().await.expect("a reader");
        let found = rotations::get(&mut reader, ClientId(1)).await;
        assert_eq!(found, Ok(Some(planned)));
        let waiting = rotations::waiting(&mut reader, None, 10).await;
        assert_eq!(waiting, Ok(vec![rotation(2)]));
        let after = rotations::waiting(&mut reader, Some(ClientId(2)), 10).await;
        assert_eq!(after, Ok(Vec::new()));
        run(&db, "UPDATE rotations SET grace_seconds = 999999").await;
        let tampered = rotations::get(&mut reader, ClientId(2)).await;
        assert!(tampered.is_err(), "{tampered:?}");
        let ids = [ClientId(1), ClientId(2)];
        let good = rotations::of_clients(&mut reader, &ids)
            .await
            .expect("reads");
        assert!(good.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_index_loads_every_client_and_bad_rows_take_no_other_down() {
    for_each_database(|db| async move {
        with_clients(&db, 6).await;
        let deleted = client(2, ACCOUNT).delete(NOW, "usr_y");
        assert_eq!(update(&db, deleted).await, Ok(()));
        // Null is every scope.
        run(
            &db,
            "UPDATE clients SET scopes = NULL WHERE name = 'Client 3'",
        )
        .await;
        run(
            &db,
            "UPDATE clients SET kind = 'ghost' WHERE name = 'Client 4'",
        )
        .await;
        run(
            &db,
            "UPDATE client_secrets SET client_id = (SELECT id FROM clients WHERE name = 'Client 6')
             WHERE lookup = '0000000005'",
        )
        .await;
        let mut reader = db.read().await.expect("a reader");
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = clients::resident_page(&mut reader, after, 2).await;
            let page = page.expect("a page");
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            seen.extend(page.iter().map(|client| client.id.0));
        }
        assert_eq!(seen, [1, 2, 5, 6]);
        let widened = clients::get(&mut reader, None, ClientId(3)).await;
        assert!(
            matches!(
                widened,
                Err(StoreError::BrokenSeal {
                    table: "clients",
                    ..
                })
            ),
            "{widened:?}"
        );
        let ids = [ClientId(2), ClientId(3), ClientId(6), ClientId(9)];
        let mut found = clients::by_ids(&mut reader, &ids).await.expect("clients");
        found.sort_by_key(|client| client.id);
        let found: Vec<u128> = found.iter().map(|client| client.id.0).collect();
        assert_eq!(found, [2, 6]);
        let secrets = clients::secrets(&mut reader, ClientId(6)).await;
        assert_eq!(secrets, Ok(vec![secret(6, 6)]), "a secret does not move");
    })
    .await;
}

#[tokio::test]
async fn what_ended_lately_is_listed_and_what_ended_before_is_not() {
    for_each_database(|db| async move {
        with_clients(&db, 3).await;
        wrote(&db, |tx| {
            Box::pin(async move {
                for (number, at) in [(1, NOW), (2, NOW.plus_millis(2))] {
                    let gone = client(number, ACCOUNT).delete(at, "usr_y");
                    clients::update(tx, &gone).await?;
                    let ended = secret(number, number).revoke(at, "usr_y");
                    clients::update_secret(tx, &ended).await?;
                }
                let suspended = Account {
                    status: AccountStatus::Suspended {
                        at: NOW.plus_millis(2),
                    },
                    version: 2,
                    ..account(1)
                };
                accounts::update(tx, &suspended).await
            })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let r = &mut reader;
        let since = NOW.plus_millis(1);
        let clients = token_ends::deleted_clients(r, since).await;
        assert_eq!(clients, Ok(vec![ClientId(2)]));
        let secrets = token_ends::revoked_secrets(r, since).await;
        assert_eq!(secrets, Ok(vec![SecretId(2)]));
        let suspended = token_ends::suspended_accounts(r, since).await;
        assert_eq!(suspended, Ok(vec![ACCOUNT]));
        let before = token_ends::suspended_accounts(r, NOW.plus_millis(2)).await;
        assert_eq!(before, Ok(vec![]));
        let longest = signing_keys::longest_lifetime_seconds(r).await;
        assert_eq!(longest, Ok(Some(60)), "of the one that is left");
    })
    .await;
}
