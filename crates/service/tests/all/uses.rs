use claviger_model::Reason;
use claviger_model::ids::{ClientId, SecretId};
use claviger_service::App;
use claviger_service::testing::for_each_app;
use claviger_service::uses::{self, SecretUse};

fn one(app: &App, secret: u128, refused: Option<Reason>) -> SecretUse<'static> {
    SecretUse {
        secret_id: SecretId(secret),
        owner_id: ClientId(1),
        at: app.sources().now(),
        ip: Some([203, 0, 113, 9].into()),
        user_agent: Some("curl/8\r\n"),
        refused,
    }
}

async fn counts(app: &App, secret: u128) -> (i64, i64) {
    let found = uses::of(app, &[SecretId(secret)]).await.unwrap();
    let found = found.get(&SecretId(secret)).cloned().unwrap_or_default();
    (found.used, found.refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uses_of_64_tasks_are_counted_exactly_also_while_they_are_read() {
    for_each_app(async |test| {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..64_u128 {
            let app = test.app.clone();
            tasks.spawn(async move {
                for number in 0..50 {
                    let refused = (number % 5 == 0).then_some(Reason::Revoked);
                    app.usage().secret_used(one(&app, task % 3, refused));
                    tokio::task::yield_now().await;
                }
            });
        }
        let mut seen = (0, 0);
        while !tasks.is_empty() {
            while tasks.try_join_next().is_some() {}
            let now = counts(&test.app, 0).await;
            assert!(now >= seen, "{now:?} after {seen:?}");
            seen = now;
        }
        for (secret, tasks) in [(0, 22), (1, 21), (2, 21)] {
            let expected = (tasks * 40, tasks * 10);
            assert_eq!(counts(&test.app, secret).await, expected);
        }
        assert_eq!(counts(&test.app, 3).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn uses_survive_a_close() {
    for_each_app(async |test| {
        let app = &test.app;
        app.usage().secret_used(one(app, 1, None));
        app.usage().secret_used(one(app, 1, Some(Reason::Expired)));
        let before = uses::of(app, &[SecretId(1)]).await.unwrap();
        let found = &before[&SecretId(1)];
        assert_eq!(found.last_used_agent.as_deref(), Some("curl/8"));
        assert_eq!(found.last_used_ip, Some([203, 0, 113, 9].into()));
        assert_eq!(found.last_refused_reason, Some(Reason::Expired));
        assert!(found.last_used_at.is_some() && found.last_refused_at.is_some());
        let reopened = test.reopened().await;
        assert_eq!(uses::of(&reopened, &[SecretId(1)]).await.unwrap(), before);
        reopened.close().await;
    })
    .await;
}
