//! Reminders: each once, to those who can act, by mail and as events.

use std::io::Cursor;
use std::time::Duration;

use claviger_model::Environment;
use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_model::clients::{ClientDraft, ClientKind, ScopesDraft};
use claviger_model::keys::KeyDraft;
use claviger_model::time::DAY_MILLIS;
use claviger_service::apis;
use claviger_service::clients::{self, SecretInput};
use claviger_service::imports::{ImportOptions, Told, import_keys};
use claviger_service::jobs;
use claviger_service::keys::{self, IssueInput};
use claviger_service::mail::send_due;
use claviger_service::reminders::remind;
use claviger_service::settings::Settings;
use claviger_service::testing::TestApp;
use claviger_service::webhooks::{self, CreateInput, fan_out};
use claviger_store::reminders;
use tokio::join;

use crate::letters::{Letters, with_letters};

const HOUR_MILLIS: i64 = DAY_MILLIS / 24;

/// A key of the owner that ends after so many days; none is never.
async fn key(test: &TestApp, name: &str, days: Option<i64>) {
    let now = test.app.sources().now();
    let draft = KeyDraft {
        name: Some(name.to_owned()),
        scopes: Some(vec!["read:leads".to_owned()]),
        expires_at: Some(days.map(|days| now.plus_millis(days * DAY_MILLIS).0)),
        ..KeyDraft::default()
    };
    let environment = Environment::Live;
    let access = test.owner.key_writing().unwrap();
    let input = IssueInput { draft, environment };
    keys::issue(&test.app, &access, input, None)
        .await
        .map(drop)
        .unwrap();
}

async fn offer(test: &TestApp) {
    let draft = ApiDraft {
        name: Some("Acme".to_owned()),
        audience: Some("https://api.acme.test".to_owned()),
        scopes: Some(vec![ScopeDraft {
            name: "read:leads".to_owned(),
            ..ScopeDraft::default()
        }]),
        ..ApiDraft::default()
    };
    let access = test.operator.operator().unwrap();
    apis::create(&test.app, &access, draft, None)
        .await
        .map(drop)
        .unwrap();
}

/// A client of the owner with a further secret that ends after so many days.
async fn client(test: &TestApp, days: i64) {
    let access = test.owner.client_writing().unwrap();
    let input = clients::CreateInput {
        draft: ClientDraft {
            kind: Some(ClientKind::Machine),
            name: Some("Warehouse".to_owned()),
            scopes: Some(ScopesDraft::All),
            ..ClientDraft::default()
        },
        audience: None,
        environment: Environment::Live,
    };
    let made = clients::create(&test.app, &access, input, None).await;
    let id = made.map(|made| made.client.client.id).unwrap();
    let now = test.app.sources().now();
    let input = SecretInput {
        description: None,
        expires_at: Some(now.plus_millis(days * DAY_MILLIS).0),
    };
    clients::add_secret(&test.app, &access, id, &input, None)
        .await
        .map(drop)
        .unwrap();
}

/// What webhooks were told so far, the first first.
async fn events(test: &TestApp) -> Vec<String> {
    fan_out(&test.app).await.unwrap();
    let access = test.owner.webhooks().unwrap();
    let webhook = webhooks::list(&test.app, &access).await.unwrap().remove(0);
    let id = webhook.webhook.id;
    let page = webhooks::deliveries(&test.app, &access, id, None, 100)
        .await
        .unwrap();
    let told = page.deliveries.into_iter().rev();
    told.map(|one| one.delivery.event_type).collect()
}

/// An API with the scope that the keys hold, and a webhook that hears of reminders.
async fn listen(test: &TestApp) {
    offer(test).await;
    let input = CreateInput {
        url: "https://told.claviger.test/".to_owned(),
        events: [
            "key.expiring",
            "client.secret_expiring",
            "key.rotation_due",
            "client.rotation_due",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let access = test.owner.webhooks().unwrap();
    webhooks::create(&test.app, &access, input, None)
        .await
        .map(drop)
        .unwrap();
}

async fn pass(test: &TestApp, letters: &Letters, hours: i64) -> Vec<String> {
    test.app.sources().shift_wall_clock(hours * HOUR_MILLIS);
    // As two nodes, and once more.
    let (one, two) = join!(remind(&test.app), remind(&test.app));
    one.and(two).unwrap();
    remind(&test.app).await.unwrap();
    send_due(&test.app).await.unwrap();
    letters.taken()
}

#[tokio::test]
async fn each_step_is_told_once_to_those_who_can_act() {
    with_letters(Settings::default(), async |test, letters| {
        listen(test).await;
        test.member("developer@acme.test", "developer").await;
        key(test, "Nightly import", Some(40)).await;
        key(test, "For a day", Some(1)).await;
        key(test, "For ever", None).await;
        assert_eq!(pass(test, letters, 0).await, Vec::<String>::new());
        for (days_passed, told) in [(11, "in 29 days"), (23, "in 6 days"), (5, "in 1 day")] {
            let found = pass(test, letters, days_passed * 24).await;
            let (found, other): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|one| one.contains("Nightly"));
            assert_eq!(found.len(), 2, "owner and admin: {found:?}");
            assert!(found.iter().any(|one| one.contains("To: owner@acme.test")));
            assert!(found.iter().any(|one| one.contains("To: admin@acme.test")));
            assert!(found.iter().all(|one| one.contains(told)), "{found:?}");
            assert!(found[0].contains("http://127.0.0.1:8080/keys/key_"));
            assert!(other.is_empty(), "{other:?}");
        }
        // It has ended: nothing more.
        assert_eq!(pass(test, letters, 24 * 3).await.len(), 0);
        assert_eq!(events(test).await, ["key.expiring"; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_pause_skips_steps_and_several_are_one_letter() {
    with_letters(Settings::default(), async |test, letters| {
        listen(test).await;
        key(test, "One", Some(60)).await;
        key(test, "Two", Some(60)).await;
        client(test, 60).await;
        let found = pass(test, letters, 24 * 55).await;
        assert_eq!(found.len(), 2, "{found:?}");
        for one in &found {
            assert!(one.contains("3 credentials need attention"), "{one}");
            assert!(one.contains("One") && one.contains("Two"), "{one}");
            assert!(one.contains("/clients/cli_"), "{one}");
        }
        let mut told = events(test).await;
        told.sort();
        assert_eq!(
            told,
            ["client.secret_expiring", "key.expiring", "key.expiring"]
        );
        assert_eq!(pass(test, letters, 1).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_told_once_and_what_is_older_still_not_at_all() {
    with_letters(Settings::default(), async |test, letters| {
        listen(test).await;
        key(test, "Old", None).await;
        assert_eq!(pass(test, letters, 24 * 89).await.len(), 0);
        let found = pass(test, letters, 24 + 1).await;
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("should be replaced"), "{found:?}");
        assert_eq!(pass(test, letters, 24).await.len(), 0);
        key(test, "Forgotten", None).await;
        assert_eq!(pass(test, letters, 24 * 200).await.len(), 0);
        assert_eq!(events(test).await, ["key.rotation_due"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_reminded_where_that_is_switched_off_and_webhooks_need_no_mail() {
    let mut settings = Settings::default();
    settings.reminders.rotate_after_days = None;
    settings.reminders.days = Vec::new();
    with_letters(settings, async |test, letters| {
        offer(test).await;
        key(test, "Old", None).await;
        key(test, "Ends", Some(91)).await;
        assert_eq!(pass(test, letters, 24 * 90 + 1).await.len(), 0);
    })
    .await;
    for test in TestApp::on_each(&Settings::default()).await {
        listen(&test).await;
        key(&test, "Ends", Some(40)).await;
        let ahead = 35 * DAY_MILLIS;
        test.app.sources().shift_wall_clock(ahead);
        remind(&test.app).await.unwrap();
        assert_eq!(events(&test).await, ["key.expiring"]);
        test.close().await;
    }
}

/// A key that was made elsewhere; it ends after so many days.
async fn import(test: &TestApp, name: &str, fill: &str, days: Option<i64>) {
    let now = test.app.sources().now();
    let line = serde_json::json!({
        "name": name, "scopes": ["read:leads"], "algorithm": "sha256", "hash": fill.repeat(64),
        "expires_at": days.map(|days| now.plus_millis(days * DAY_MILLIS).0),
    });
    let options = ImportOptions {
        account_id: Some(test.account.id),
        ..ImportOptions::default()
    };
    let access = test.operator.operator().unwrap();
    let mut told = |told: Told| {
        if let Told::Refused(refused) = told {
            panic!("{refused:?}");
        }
    };
    let mut source = Cursor::new(line.to_string());
    let outcome = import_keys(&test.app, &access, &mut source, &options, &mut told).await;
    assert_eq!(outcome.unwrap().fresh, 1);
}

#[tokio::test]
async fn keys_that_were_made_elsewhere_are_told_of_as_all_others() {
    with_letters(Settings::default(), async |test, letters| {
        listen(test).await;
        import(test, "Taken over", "a", Some(40)).await;
        import(test, "Without an end", "b", None).await;
        assert_eq!(pass(test, letters, 24 * 9).await.len(), 0);
        let found = pass(test, letters, 24 + 1).await;
        assert_eq!(found.len(), 2, "owner and admin: {found:?}");
        for one in &found {
            let told = one.contains("API key Taken over") && one.contains("expires in 30 days");
            assert!(told, "{one}");
        }
        assert_eq!(pass(test, letters, 24 * 23).await.len(), 2, "seven days");
        assert_eq!(pass(test, letters, 24 * 6).await.len(), 2, "one day");
        let old = pass(test, letters, 24 * 51).await;
        assert_eq!(old.len(), 2, "{old:?}");
        assert!(old[0].contains("API key Without an end"), "{old:?}");
        assert!(old[0].contains("should be replaced"), "{old:?}");
        let mut told = events(test).await;
        told.sort();
        assert_eq!(
            told,
            [
                "key.expiring",
                "key.expiring",
                "key.expiring",
                "key.rotation_due"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn it_is_forgotten_in_the_end_that_a_reminder_was_given() {
    with_letters(Settings::default(), async |test, letters| {
        listen(test).await;
        key(test, "Nightly import", Some(40)).await;
        assert_eq!(pass(test, letters, 24 * 11).await.len(), 2);
        let noted = async || -> i64 {
            let mut reader = test.database().db.read().await.unwrap();
            reminders::count(&mut reader).await.unwrap()
        };
        assert_eq!(noted().await, 1);
        test.app.sources().shift_wall_clock(399 * DAY_MILLIS);
        cleaned(test, async || true).await;
        assert_eq!(noted().await, 1, "it is kept for 400 days");
        test.app.sources().shift_wall_clock(DAY_MILLIS);
        cleaned(test, async || noted().await == 0).await;
    })
    .await;
}

/// Runs the jobs of a server once, and on until something is so.
async fn cleaned(test: &TestApp, is_done: impl AsyncFn() -> bool) {
    let jobs = jobs::start(test.app.clone());
    let done = async {
        while !is_done().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), done).await;
    // What is under way is finished first.
    jobs.stop().await;
    done.unwrap();
}
