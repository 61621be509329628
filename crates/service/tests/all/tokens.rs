//! What ends access tokens, and what counts them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::QuotaMode;
use claviger_model::ids::{AccountId, ClientId};
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Reason, UnixMillis};
use claviger_service::accounts::{self, AccountEdit};
use claviger_service::audit;
use claviger_service::jobs;
use claviger_service::oauth::QuotaState;
use claviger_service::signing_keys::ensure;
use claviger_service::testing::{TestApp, for_each_app};
use claviger_service::tokens::{
    Quota, RevokedToken, end_of_account, end_of_client, feed, revoke, take_quota,
};
use claviger_verify::tokens::parse;
use serde_json::{Value, json};

use crate::token_support::{CLIENT, inspect, make_client, shift, token, until};

const ES256: SigningAlgorithm = SigningAlgorithm::Es256;

async fn ready(test: &TestApp) {
    make_client(test).await;
    ensure(&test.app, ES256).await.unwrap();
}

fn facts(test: &TestApp, token: &str) -> RevokedToken {
    let claims = parse(token).unwrap().claims().unwrap();
    RevokedToken {
        id: claims.jti,
        client_id: claims.azp,
        account_id: test.account.id,
        expires_at: UnixMillis(claims.exp * 1_000),
    }
}

/// How many events tell of an action.
async fn told(test: &TestApp, action: &str) -> usize {
    let evidence = test.operator.evidence().unwrap();
    let filter = audit::AuditFilter {
        action: Some(action.to_owned()),
        ..audit::AuditFilter::default()
    };
    let page = audit::page(&test.app, &evidence, &filter, None, 50).await;
    page.unwrap().events.len()
}

/// The claims of the revocation feed.
async fn told_offline(test: &TestApp) -> Value {
    let made = feed(&test.app).await.unwrap();
    let claims = made.token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_revoked_token_is_refused_when_the_call_returns() {
    for_each_app(async |test| {
        ready(test).await;
        let (bad, good) = (token(test, ES256), token(test, ES256));
        let signature = test.admin.signature();
        for _ in 0..2 {
            let facts = facts(test, &bad);
            revoke(&test.app, facts, &signature).await.unwrap();
            assert_eq!(inspect(test, &bad), Err(Reason::Revoked));
        }
        assert_eq!(inspect(test, &good), Ok(()));
        assert_eq!(told(test, "token.revoked").await, 1);

        let over = RevokedToken {
            expires_at: test.app.sources().now(),
            ..facts(test, &good)
        };
        revoke(&test.app, over, &signature).await.unwrap();
        assert_eq!(told(test, "token.revoked").await, 1, "it has ended anyway");
    })
    .await;
}

#[tokio::test]
async fn all_tokens_of_a_client_or_an_account_end_and_new_ones_work() {
    for_each_app(async |test| {
        ready(test).await;
        let own = test.admin.client_writing().unwrap();
        for by_account in [false, true] {
            let before = token(test, ES256);
            assert_eq!(inspect(test, &before), Ok(()));
            if by_account {
                end_of_account(&test.app, &own).await.unwrap();
            } else {
                end_of_client(&test.app, &own, CLIENT).await.unwrap();
            }
            assert_eq!(inspect(test, &before), Err(Reason::Revoked));
            assert_eq!(inspect(test, &token(test, ES256)), Ok(()));
        }
        assert_eq!(told(test, "token.all_ended").await, 2);

        let unknown = end_of_client(&test.app, &own, ClientId(9)).await;
        assert_eq!(unknown.unwrap_err().reason(), Reason::NotFound);
        let nobody = test.operator.key_access_to(AccountId(9)).unwrap();
        let unknown = end_of_account(&test.app, &nobody).await;
        assert_eq!(unknown.unwrap_err().reason(), Reason::NotFound);
        let elsewhere = end_of_client(&test.app, &nobody, CLIENT).await;
        assert_eq!(elsewhere.unwrap_err().reason(), Reason::NotFound);
    })
    .await;
}

#[tokio::test]
async fn who_may_end_the_tokens_of_an_account() {
    let test = claviger_service::testing::app().await;
    let (own, other) = (test.account.id, AccountId(9));
    assert_eq!(
        test.operator.token_ending(other).unwrap().account_id(),
        other
    );
    assert_eq!(test.admin.token_ending(own).unwrap().account_id(), own);
    let refused = |caller: &claviger_service::Caller, account| {
        caller.token_ending(account).unwrap_err().reason()
    };
    assert_eq!(refused(&test.admin, other), Reason::NotFound);
    let viewer = test.member("viewer@acme.test", "viewer").await;
    assert_eq!(refused(&viewer, own), Reason::PermissionRequired);
    test.close().await;
}

/// Moves the clock to the first moment of a UTC day; that moment.
async fn at_midnight(test: &TestApp) -> UnixMillis {
    let now = test.app.sources().now();
    shift(test, DAY_MILLIS - now.0.rem_euclid(DAY_MILLIS)).await;
    test.app.sources().now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_gives_exactly_its_number_each_day() {
    for_each_app(async |test| {
        let now = at_midnight(test).await;
        let asking = (0..64).map(|_| {
            let app = test.app.clone();
            tokio::spawn(async move { take_quota(&app, CLIENT, 10, QuotaMode::Enforce, now).await })
        });
        let mut left = Vec::new();
        for task in asking.collect::<Vec<_>>() {
            match task.await.unwrap().unwrap() {
                Quota::Given(state) => left.push(state.remaining),
                Quota::Exhausted(state) => {
                    assert_eq!((state.limit, state.remaining), (10, 0));
                    assert!((86_000..=86_400).contains(&state.reset_seconds));
                }
            }
        }
        left.sort_unstable();
        assert_eq!(left, (0..10).collect::<Vec<_>>());

        let take = async |limit, mode, now| {
            take_quota(&test.app, CLIENT, limit, mode, now)
                .await
                .unwrap()
        };
        let beyond = take(10, QuotaMode::Observe, now).await;
        assert!(matches!(beyond, Quota::Given(state) if state.remaining == 0));
        let raised = take(20, QuotaMode::Enforce, now).await;
        assert!(matches!(raised, Quota::Given(state) if state.remaining == 8));
        let last = UnixMillis(now.0 - now.0.rem_euclid(DAY_MILLIS) + DAY_MILLIS - 1);
        let exhausted = take(10, QuotaMode::Enforce, last).await;
        let state = QuotaState {
            limit: 10,
            remaining: 0,
            reset_seconds: 1,
        };
        assert_eq!(exhausted, Quota::Exhausted(state));
        let tomorrow = take(10, QuotaMode::Enforce, last.plus_millis(1)).await;
        assert!(matches!(tomorrow, Quota::Given(state) if state.remaining == 9));
    })
    .await;
}

#[tokio::test]
async fn the_feed_tells_what_an_offline_verifier_cannot_know() {
    for_each_app(async |test| {
        ready(test).await;
        let first = told_offline(test).await;
        assert_eq!(first["iss"], json!(test.app.settings().public_url));
        assert_eq!(
            first["exp"].as_i64(),
            first["iat"].as_i64().map(|iat| iat + 300)
        );
        assert_eq!(
            (&first["revoked"], &first["accounts"]),
            (&json!([]), &json!([]))
        );

        let revoked = facts(test, &token(test, ES256));
        revoke(&test.app, revoked, &test.admin.signature())
            .await
            .unwrap();
        let own = test.admin.client_writing().unwrap();
        end_of_client(&test.app, &own, CLIENT).await.unwrap();
        let floor = test.app.verifier().freshness().epoch();
        let operator = test.operator.operator().unwrap();
        let suspended = AccountEdit {
            name: None,
            status: Some("suspended".into()),
        };
        let id = test.account.id;
        accounts::edit(&test.app, &operator, id, &suspended, None)
            .await
            .unwrap();
        let epoch = test.app.verifier().freshness().epoch();
        until(async || told_offline(test).await["epoch"] == json!(epoch)).await;

        let feed = told_offline(test).await;
        let exp = revoked.expires_at.0 / 1_000;
        assert_eq!(feed["revoked"], json!([{"jti": revoked.id, "exp": exp}]));
        assert_eq!(feed["not_before"], json!({CLIENT.to_string(): floor}));
        assert_eq!(feed["accounts"], json!([test.account.id]));
        assert_eq!(
            (&feed["clients"], &feed["secrets"]),
            (&json!([]), &json!([]))
        );
    })
    .await;
}

#[tokio::test]
async fn the_feed_is_made_once_and_again_when_it_is_old() {
    let test = claviger_service::testing::app().await;
    let made = feed(&test.app).await.unwrap();
    let same = feed(&test.app).await.unwrap();
    assert_eq!((&made.token, &made.tag), (&same.token, &same.tag));
    shift(&test, 10_000).await;
    let later = feed(&test.app).await.unwrap();
    assert_ne!(made.tag, later.tag);
    let header = URL_SAFE_NO_PAD
        .decode(later.token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["typ"], json!("revocations+jwt"));
    test.close().await;
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    for_each_app(async |test| {
        ready(test).await;
        let over = facts(test, &token(test, ES256));
        revoke(&test.app, over, &test.admin.signature())
            .await
            .unwrap();
        let now = test.app.sources().now();
        take_quota(&test.app, CLIENT, 1, QuotaMode::Enforce, now)
            .await
            .unwrap();
        shift(test, 8 * DAY_MILLIS).await;
        let jobs = jobs::start(test.app.clone());
        until(async || {
            let mut reader = test.database().db.read().await.unwrap();
            let kept = claviger_store::revoked_tokens::by_ids(&mut reader, &[over.id]).await;
            let day = now.0 / DAY_MILLIS;
            let used = claviger_store::token_counts::used(&mut reader, CLIENT, day).await;
            kept.unwrap().is_empty() && used == Ok(0)
        })
        .await;
        jobs.stop().await;
    })
    .await;
}
