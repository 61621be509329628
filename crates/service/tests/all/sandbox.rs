//! The test environment, put back to its start.

use claviger_model::Environment;
use claviger_model::Reason;
use claviger_model::grants::Grant;
use claviger_model::ids::AccountId;
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_model::time::DAY_MILLIS;
use claviger_service::App;
use claviger_service::app::Storage;
use claviger_service::audit::{AuditFilter, page};
use claviger_service::demo::{self, Collection};
use claviger_service::propagation::Role;
use claviger_service::sandbox::{next_appointed, reset, reset_appointed};
use claviger_service::settings::{SandboxSettings, Settings};
use claviger_service::testing::{
    ConnectedApp, TestApp, TestDatabase, for_each_app, messages_of_accounts,
};
use serde_json::json;

use crate::token_support::{inspect, shift};

const API: &str = "https://api.acme.test";

/// An app of the account in an environment, that its owner allowed to read.
async fn connected(test: &TestApp, environment: Environment) -> (ConnectedApp, Grant) {
    let made = ConnectedApp::make_in(&test.app, test.account.id, environment).await;
    let grant = made
        .consented(&test.app, &test.owner, &["read:leads"])
        .await;
    (made, grant)
}

/// How many resets the audit log tells of, of the account or of the demo API.
async fn resets(test: &TestApp, target: &str) -> usize {
    let filter = AuditFilter {
        action: Some("sandbox.reset".to_owned()),
        target: Some(target.to_owned()),
        ..AuditFilter::default()
    };
    let everything = test.operator.evidence().unwrap();
    let found = page(&test.app, &everything, &filter, None, 100).await;
    found.unwrap().events.len()
}

/// How many messages to the outside tell of a reset of an account.
async fn announced(test: &TestApp) -> i64 {
    let told = messages_of_accounts(&test.database().db, "sandbox.reset").await;
    told.unwrap()
}

#[tokio::test]
async fn a_reset_ends_test_grants_and_tokens_and_nothing_live() {
    for_each_app(async |test| {
        let (live, live_grant) = connected(test, Environment::Live).await;
        let (sandbox, grant) = connected(test, Environment::Test).await;
        let live_token = live.token(&test.app, &live_grant, API);
        let token = sandbox.token(&test.app, &grant, API);
        assert_eq!(
            (inspect(test, &live_token), inspect(test, &token)),
            (Ok(()), Ok(()))
        );
        let access = test.owner.client_writing().unwrap();
        let done = reset(&test.app, &access).await.unwrap();
        assert_eq!((done.clients, done.grants), (1, 1));
        assert_eq!(inspect(test, &token), Err(Reason::Revoked));
        assert_eq!(inspect(test, &live_token), Ok(()));
        // The client is as it was: what the user allows anew is good at once.
        let again = sandbox
            .consented(&test.app, &test.owner, &["read:leads"])
            .await;
        assert_ne!(again.id, grant.id);
        let fresh = sandbox.token(&test.app, &again, API);
        assert_eq!(inspect(test, &fresh), Ok(()));
        assert_eq!(resets(test, &test.account.id.to_string()).await, 1);
        assert_eq!(announced(test).await, 1);
        // Somebody who may only look resets nothing.
        let reading = test.owner.client_reading().unwrap();
        reset(&test.app, &reading).await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn no_token_of_before_survives_a_reset_however_many_are_issued_meanwhile() {
    for_each_app(async |test| {
        let (sandbox, grant) = connected(test, Environment::Test).await;
        let access = test.owner.client_writing().unwrap();
        for _ in 0..3 {
            let again = sandbox
                .consented(&test.app, &test.owner, &["read:leads"])
                .await;
            let before: Vec<String> = (0..20)
                .map(|_| sandbox.token(&test.app, &again, API))
                .collect();
            let issuing = async {
                let mut meanwhile = Vec::new();
                for _ in 0..200 {
                    meanwhile.push(sandbox.token(&test.app, &again, API));
                    tokio::task::yield_now().await;
                }
                meanwhile
            };
            let (done, meanwhile) = tokio::join!(reset(&test.app, &access), issuing);
            done.unwrap();
            // All of them are for a consent that ended.
            for token in before.iter().chain(&meanwhile) {
                assert_eq!(inspect(test, token), Err(Reason::Revoked));
            }
        }
        assert_ne!(grant.account_id.0, 0);
    })
    .await;
}

#[tokio::test]
async fn the_demo_sandbox_is_put_back_and_live_records_stay() {
    for_each_app(async |test| {
        let app = &test.app;
        demo::seed(app).await.unwrap();
        let record = json!({"name": "Mine"}).as_object().unwrap().clone();
        let own = Some(test.account.id);
        for (environment, account_id) in [
            (Environment::Live, own),
            (Environment::Test, own),
            (Environment::Test, Some(AccountId(7))),
        ] {
            let record = record.clone();
            demo::create(app, environment, Collection::Leads, account_id, record)
                .await
                .unwrap();
        }
        let count = async |environment| {
            let found = demo::list(app, environment, Collection::Leads).await;
            found.unwrap().len()
        };
        assert_eq!(
            (
                count(Environment::Live).await,
                count(Environment::Test).await
            ),
            (3, 4)
        );
        reset(app, &test.owner.client_writing().unwrap())
            .await
            .unwrap();
        assert_eq!(
            (
                count(Environment::Live).await,
                count(Environment::Test).await
            ),
            (3, 3),
            "the first ones and the other account's"
        );
    })
    .await;
}

#[tokio::test]
async fn an_appointed_reset_is_done_once_by_however_many_nodes_and_made_up_for() {
    for database in TestDatabase::all().await {
        let storage = Storage {
            main: database.location.clone(),
            usage: database.usage_location.clone(),
            lock_file: None,
            ballast_bytes: 0,
        };
        let test = TestApp::on(database, Settings::default()).await;
        let keyring = Keyring::parse(&master_key_line(1, &[7; 32])).unwrap();
        let settings = Settings {
            node_name: "second".to_owned(),
            ..Settings::default()
        };
        let sources = test.app.sources().clone();
        let second = App::open(&storage, keyring, settings, sources, Role::Command);
        let second = second.await.unwrap();
        demo::seed(&test.app).await.unwrap();
        let (sandbox, grant) = connected(&test, Environment::Test).await;
        let own = test.account.id.to_string();

        // What was appointed before there was an instance is not made up for.
        assert_eq!(reset_appointed(&test.app).await.unwrap(), 0);
        assert_eq!(resets(&test, &own).await, 0);
        let token = sandbox.token(&test.app, &grant, API);
        assert_eq!(inspect(&test, &token), Ok(()));

        // Two weeks of silence: one reset, not two.
        let next = next_appointed(&test.app).unwrap();
        assert!(next.since(test.app.sources().now()) <= 7 * DAY_MILLIS);
        shift(&test, 15 * DAY_MILLIS).await;
        let (one, two) = tokio::join!(reset_appointed(&test.app), reset_appointed(&second));
        assert_eq!(one.unwrap() + two.unwrap(), 1);
        assert_eq!(reset_appointed(&second).await.unwrap(), 0);
        assert_eq!(
            (resets(&test, &own).await, resets(&test, "demo").await),
            (1, 1)
        );
        assert_eq!(announced(&test).await, 1, "the account's");

        shift(&test, 7 * DAY_MILLIS).await;
        assert_eq!(reset_appointed(&second).await.unwrap(), 1);
        assert_eq!(resets(&test, &own).await, 2);
        second.close().await;
        test.close().await;
    }
}

#[tokio::test]
async fn never_is_never() {
    let settings = Settings {
        sandbox: SandboxSettings {
            weekday: None,
            hour: 3,
        },
        ..Settings::default()
    };
    let test = TestApp::on(TestDatabase::sqlite().await, settings).await;
    let (..) = connected(&test, Environment::Test).await;
    assert_eq!(next_appointed(&test.app), None);
    for _ in 0..3 {
        assert_eq!(reset_appointed(&test.app).await.unwrap(), 0);
        shift(&test, 8 * DAY_MILLIS).await;
    }
    assert_eq!(resets(&test, &test.account.id.to_string()).await, 0);
    test.close().await;
}
