//! Sessions and APIs.

use claviger_model::Environment;
use claviger_model::apis::{Api, ApiDraft, ApiSpec, RouteDraft, ScopeDraft};
use claviger_model::ids::{AccountId, ApiId, RoleId, SessionId, UserId};
use claviger_model::members::Member;
use claviger_model::roles::RoleRef;
use claviger_model::secret::Lookup;
use claviger_model::sessions::Session;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, StoreError, apis, members, sessions};

use crate::samples::{NOW, account, run, session, user, with_accounts, with_users, write, wrote};

fn numbers(sessions: &[Session]) -> Vec<u128> {
    let mut numbers: Vec<u128> = sessions.iter().map(|session| session.id.0).collect();
    numbers.sort_unstable();
    numbers
}

/// Sessions 1 to 6: live ones of user 1 in accounts 1 and 2 and in none, one ended, one expired,
/// one of user 2.
async fn with_sessions(db: &Db) {
    with_accounts(db, 2).await;
    with_users(db, 2).await;
    wrote(db, |tx| {
        Box::pin(async move {
            for number in 1..=6 {
                let place = account(if number == 2 { 2 } else { 1 });
                let place = Some(&place).filter(|_| number != 3);
                let mut session = session(number, &user(if number == 6 { 2 } else { 1 }), place);
                match number {
                    4 => session.ended_at = Some(NOW.plus_millis(-5)),
                    5 => session.expires_at = NOW,
                    _ => {}
                }
                sessions::insert(tx, &session).await?;
            }
            Ok(())
        })
    })
    .await;
}

#[tokio::test]
async fn sessions_live_until_they_end_or_expire() {
    for_each_database(|db| async move {
        with_sessions(&db).await;
        let mut reader = db.read().await.expect("a reader");
        let r = &mut reader;
        let first = session(1, &user(1), Some(&account(1)));
        assert_eq!(
            sessions::get(r, SessionId(1)).await,
            Ok(Some(first.clone()))
        );
        assert_eq!(
            sessions::by_lookup(r, Lookup(1)).await,
            Ok(Some(first.clone()))
        );
        assert_eq!(sessions::by_lookup(r, Lookup(99)).await, Ok(None));
        let page = sessions::live_page(r, NOW, None, 10).await.expect("a page");
        assert_eq!(numbers(&page), [1, 2, 3, 6]);
        let page = sessions::live_page(r, NOW, Some(SessionId(1)), 2)
            .await
            .expect("a page");
        assert_eq!(numbers(&page), [2, 3]);
        let live = sessions::live_of_users(r, NOW, &[UserId(1)])
            .await
            .expect("sessions");
        assert_eq!(numbers(&live), [1, 2, 3]);
        let found = sessions::by_ids(r, &[SessionId(4), SessionId(6), SessionId(9)]).await;
        assert_eq!(numbers(&found.expect("sessions")), [4, 6]);
        let own = sessions::of_user(r, UserId(1)).await.expect("sessions");
        assert_eq!(
            own.iter().map(|s| s.id.0).collect::<Vec<_>>(),
            [5, 4, 3, 2, 1]
        );

        let ended = Session {
            ended_at: Some(NOW),
            version: 2,
            ..first
        };
        let written = ended.clone();
        wrote(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move { sessions::update(tx, &written).await })
        })
        .await;
        assert_eq!(sessions::get(r, SessionId(1)).await, Ok(Some(ended)));
        let delete = |limit| {
            wrote(&db, move |tx| {
                Box::pin(sessions::delete_ended_before(tx, NOW, limit))
            })
        };
        assert_eq!(delete(10).await, 1);
        assert_eq!(sessions::get(r, SessionId(4)).await, Ok(None));
        let later = NOW.plus_seconds(600);
        let all = wrote(&db, move |tx| {
            Box::pin(sessions::delete_ended_before(tx, later, 3))
        });
        assert_eq!(all.await, 3);
    })
    .await;
}

#[tokio::test]
async fn sessions_of_a_role_are_those_in_its_account() {
    for_each_database(|db| async move {
        with_sessions(&db).await;
        let role = RoleId(7);
        wrote(&db, move |tx| {
            let member = Member {
                account_id: AccountId(2),
                user_id: UserId(1),
                role: RoleRef::Custom(role),
                created_at: NOW,
                version: 1,
            };
            Box::pin(async move { members::insert(tx, &member).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let found = sessions::live_of_role(&mut reader, NOW, role)
            .await
            .expect("sessions");
        assert_eq!(numbers(&found), [2]);
        run(&db, "UPDATE sessions SET expires_at = expires_at + 1").await;
        let found = sessions::live_of_role(&mut reader, NOW, role).await;
        assert_eq!(found, Ok(vec![]), "a prolonged session is none");
        let got = sessions::get(&mut reader, SessionId(1)).await;
        assert!(matches!(got, Err(StoreError::BrokenSeal { .. })), "{got:?}");
    })
    .await;
}

fn api(number: u128, audience: &str) -> Api {
    let draft = ApiDraft {
        name: Some("Leads".into()),
        audience: Some(audience.into()),
        scopes: Some(vec![ScopeDraft {
            name: "admin".into(),
            description: "Everything".into(),
            environments: Some(vec![Environment::Test, Environment::Live]),
            ..ScopeDraft::default()
        }]),
        routes: Some(vec![RouteDraft {
            method: "GET".into(),
            path: "/v1/leads/{id}".into(),
            scopes: vec!["admin".into()],
        }]),
        accepts: Some(vec!["api_key".into(), "session".into()]),
        token_lifetime_seconds: Some(Some(300)),
        live_url: Some(Some("https://api.acme.test/v1".into())),
        ..ApiDraft::default()
    };
    Api {
        id: ApiId(number),
        spec: ApiSpec::create(draft).expect("valid"),
        is_default: number == 1,
        created_at: NOW,
        version: 1,
    }
}

#[tokio::test]
async fn apis_come_back_as_they_were_written() {
    for_each_database(|db| async move {
        wrote(&db, |tx| {
            Box::pin(async move {
                apis::insert(tx, &api(1, "https://one")).await?;
                apis::insert(tx, &api(2, "https://two")).await
            })
        })
        .await;
        let conflict = |audience: &'static str, is_default| {
            write(&db, move |tx| {
                let mut api = api(3, audience);
                api.is_default = is_default;
                Box::pin(async move { apis::insert(tx, &api).await })
            })
        };
        let of = |constraint: &str| StoreError::Conflict {
            constraint: constraint.to_owned(),
        };
        assert_eq!(
            conflict("https://two", false).await,
            Err(of("apis.audience"))
        );
        assert_eq!(
            conflict("https://three", true).await,
            Err(of("apis.is_default"))
        );
        let mut changed = api(2, "https://second");
        changed.version = 2;
        changed.spec.live_url = None;
        let written = changed.clone();
        wrote(&db, move |tx| {
            let written = written.clone();
            Box::pin(async move { apis::update(tx, &written).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(
            apis::get(&mut reader, ApiId(1)).await,
            Ok(Some(api(1, "https://one")))
        );
        let found = apis::get_by_audience(&mut reader, "https://second").await;
        assert_eq!(found, Ok(Some(changed.clone())));
        let list = apis::list(&mut reader).await;
        assert_eq!(list, Ok(vec![api(1, "https://one"), changed]));
        assert_eq!(apis::count(&mut reader).await, Ok(2));
        let gone = wrote(&db, |tx| Box::pin(apis::delete(tx, ApiId(1))));
        assert!(gone.await);
        assert_eq!(apis::get(&mut reader, ApiId(1)).await, Ok(None));
    })
    .await;
}
