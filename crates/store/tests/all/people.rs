//! Accounts, users, members, operators, roles and invitations.

use claviger_model::ids::{AccountId, InvitationId, RoleId, UserId};
use claviger_model::members::{Invitation, Member, Operator};
use claviger_model::roles::{BuiltInRole, Permission, Powers, Role, RoleRef};
use claviger_model::scopes::ScopePatterns;
use claviger_model::secret::Lookup;
use claviger_store::testing::for_each_database;
use claviger_store::{StoreError, accounts, invitations, members, operators, roles, users};

use crate::samples::{
    NOW, account, run, scope, stored, user, with_accounts, with_users, write, wrote,
};

fn conflict(constraint: &str) -> StoreError {
    StoreError::Conflict {
        constraint: constraint.to_owned(),
    }
}

fn member(account: u128, user: u128, role: RoleRef) -> Member {
    Member {
        account_id: AccountId(account),
        user_id: UserId(user),
        role,
        created_at: NOW,
        version: 1,
    }
}

fn role(number: u128, name: &str) -> Role {
    Role {
        id: RoleId(number),
        account_id: AccountId(1),
        name: name.into(),
        powers: Powers {
            permissions: vec![Permission::Evidence],
            scopes: ScopePatterns(vec![scope("read:*")]),
        },
        created_at: NOW,
        version: 1,
    }
}

#[tokio::test]
async fn accounts_are_listed_and_change_by_version() {
    for_each_database(|db| async move {
        with_accounts(&db, 5).await;
        let suspended = account(2).suspend(NOW);
        let written = suspended.clone();
        let update = write(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move {
                accounts::lock(tx, written.id).await?;
                accounts::update(tx, &written).await
            })
        });
        assert!(update.await.is_ok());
        let stale = account(2).rename("Other".into());
        let update = write(&db, move |tx| {
            let stale = stale.clone();
            Box::pin(async move { accounts::update(tx, &stale).await })
        });
        assert_eq!(update.await, Err(conflict("accounts.row_version")));
        let mut reader = db.read().await.expect("a reader");
        let found = accounts::get(&mut reader, AccountId(2)).await;
        assert_eq!(found, Ok(Some(suspended)));
        assert_eq!(accounts::get(&mut reader, AccountId(9)).await, Ok(None));
        run(
            &db,
            "UPDATE accounts SET name = 'Evil' WHERE name = 'Acme 3'",
        )
        .await;
        let page = accounts::list(&mut reader, Some(AccountId(1)), 2)
            .await
            .expect("a page");
        let ids: Vec<u128> = page.iter().map(|account| account.id.0).collect();
        assert_eq!(ids, [2, 4], "what is bad is left out and made up for");
        let ids = [AccountId(5), AccountId(3), AccountId(9)];
        let found = accounts::by_ids(&mut reader, &ids).await;
        assert_eq!(found, Ok(vec![account(5)]));
    })
    .await;
}

#[tokio::test]
async fn users_have_one_address_each() {
    for_each_database(|db| async move {
        with_users(&db, 2).await;
        let twice = write(&db, |tx| {
            let mut twice = user(3);
            twice.email = user(1).email;
            Box::pin(async move { users::insert(tx, &twice).await })
        });
        assert_eq!(twice.await, Err(conflict("users.email")));
        let mut changed = user(1);
        changed.suspended_at = Some(NOW);
        changed.version = 2;
        let written = changed.clone();
        wrote(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move {
                users::lock(tx, written.id).await?;
                users::update(tx, &written).await
            })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(
            users::get(&mut reader, UserId(1)).await,
            Ok(Some(changed.clone()))
        );
        let found = users::by_email(&mut reader, &user(1).email).await;
        assert_eq!(found, Ok(Some(changed)));
        assert_eq!(users::by_email(&mut reader, "nobody").await, Ok(None));
        let found = users::by_ids(&mut reader, &[UserId(2), UserId(7)]).await;
        assert_eq!(found, Ok(vec![user(2)]));
    })
    .await;
}

#[tokio::test]
async fn members_of_accounts() {
    for_each_database(|db| async move {
        with_accounts(&db, 2).await;
        with_users(&db, 3).await;
        let owner = RoleRef::BuiltIn(BuiltInRole::Owner);
        let custom = RoleRef::Custom(RoleId(5));
        wrote(&db, move |tx| {
            Box::pin(async move {
                members::insert(tx, &member(1, 1, owner)).await?;
                members::insert(tx, &member(1, 2, custom)).await?;
                members::insert(tx, &member(1, 3, owner)).await?;
                members::insert(tx, &member(2, 1, custom)).await
            })
        })
        .await;
        let twice = write(&db, move |tx| {
            Box::pin(async move { members::insert(tx, &member(1, 1, owner)).await })
        });
        assert_eq!(twice.await, Err(conflict("members.user_id")));
        let mut reader = db.read().await.expect("a reader");
        let first = AccountId(1);
        let page = members::of_account(&mut reader, first, Some(UserId(1)), 1).await;
        assert_eq!(page, Ok(vec![(member(1, 2, custom), user(2))]));
        assert_eq!(members::count_role(&mut reader, first, owner).await, Ok(2));
        let changed = Member {
            role: custom,
            version: 2,
            ..member(1, 3, owner)
        };
        let gone = wrote(&db, move |tx| {
            Box::pin(async move {
                members::update(tx, &changed).await?;
                let gone = members::delete(tx, first, UserId(2)).await?;
                Ok((gone, members::delete(tx, first, UserId(2)).await?))
            })
        });
        assert_eq!(gone.await, (true, false));
        assert_eq!(
            members::get(&mut reader, first, UserId(3)).await,
            Ok(Some(changed))
        );
        assert_eq!(members::get(&mut reader, first, UserId(2)).await, Ok(None));
        let of_user = members::of_user(&mut reader, UserId(1)).await;
        assert_eq!(of_user, Ok(vec![member(1, 1, owner), member(2, 1, custom)]));
        run(
            &db,
            "UPDATE members SET role = 'owner' WHERE role <> 'owner'",
        )
        .await;
        let moved = members::get(&mut reader, first, UserId(3)).await;
        assert!(
            matches!(moved, Err(StoreError::BrokenSeal { .. })),
            "{moved:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn operators_come_and_go() {
    for_each_database(|db| async move {
        with_users(&db, 2).await;
        let operator = Operator {
            user_id: UserId(2),
            created_at: NOW,
            version: 1,
        };
        let insert = || {
            write(&db, move |tx| {
                Box::pin(async move { operators::insert(tx, &operator).await })
            })
        };
        assert!(insert().await.is_ok());
        assert_eq!(insert().await, Err(conflict("operators.user_id")));
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(
            operators::get(&mut reader, UserId(2)).await,
            Ok(Some(operator))
        );
        assert_eq!(operators::get(&mut reader, UserId(1)).await, Ok(None));
        assert_eq!(operators::list(&mut reader).await, Ok(vec![operator]));
        assert_eq!(operators::count(&mut reader).await, Ok(1));
        let gone = wrote(&db, |tx| Box::pin(operators::delete(tx, UserId(2))));
        assert!(gone.await);
        assert_eq!(operators::count(&mut reader).await, Ok(0));
    })
    .await;
}

#[tokio::test]
async fn roles_of_an_account() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        wrote(&db, |tx| {
            Box::pin(async move {
                roles::insert(tx, &role(1, "support")).await?;
                roles::insert(tx, &role(2, "billing")).await
            })
        })
        .await;
        let twice = write(&db, |tx| {
            Box::pin(async move { roles::insert(tx, &role(3, "support")).await })
        });
        assert_eq!(twice.await, Err(conflict("roles.name")));
        let changed = Role {
            version: 2,
            ..role(1, "help")
        };
        let written = changed.clone();
        wrote(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move { roles::update(tx, &written).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(
            roles::get(&mut reader, RoleId(1)).await,
            Ok(Some(changed.clone()))
        );
        let found = roles::by_name(&mut reader, AccountId(1), "help").await;
        assert_eq!(found, Ok(Some(changed.clone())));
        let found = roles::of_account(&mut reader, AccountId(1)).await;
        assert_eq!(found, Ok(vec![role(2, "billing"), changed]));
        let gone = wrote(&db, |tx| Box::pin(roles::delete(tx, RoleId(1))));
        assert!(gone.await);
        assert_eq!(roles::get(&mut reader, RoleId(1)).await, Ok(None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_taken_once() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        let invitation = Invitation {
            id: InvitationId(1),
            account_id: AccountId(1),
            email: "new@acme.test".into(),
            role: RoleRef::BuiltIn(BuiltInRole::Viewer),
            stored: stored(9),
            created_at: NOW,
            expires_at: NOW.plus_seconds(60),
            version: 1,
        };
        let written = invitation.clone();
        wrote(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move { invitations::insert(tx, &written).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let expected = Ok(Some(invitation.clone()));
        let found = invitations::get(&mut reader, AccountId(1), InvitationId(1)).await;
        assert_eq!(found, expected);
        assert_eq!(
            invitations::by_lookup(&mut reader, Lookup(9)).await,
            expected
        );
        let foreign = invitations::get(&mut reader, AccountId(2), InvitationId(1)).await;
        assert_eq!(foreign, Ok(None));
        let found = invitations::of_account(&mut reader, AccountId(1)).await;
        assert_eq!(found, Ok(vec![invitation]));
        let takers: Vec<_> = (0..64)
            .map(|_| {
                let db = db.clone();
                let take = async move {
                    wrote(&db, |tx| Box::pin(invitations::take(tx, InvitationId(1)))).await
                };
                tokio::spawn(take)
            })
            .collect();
        let mut winners = 0;
        for taker in takers {
            winners += u32::from(taker.await.expect("no panic"));
        }
        assert_eq!(winners, 1);
    })
    .await;
}
