//! The token endpoint's use cases: what they cost, what they count, what they survive.

use std::collections::HashSet;

use claviger_model::Environment;
use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_model::clients::{ClientAuthMethod, ClientDraft, ScopesDraft};
use claviger_service::clients::{self, CreateInput};
use claviger_service::oauth::{
    Client, ClientCredentials, ClientProof, ErrorCode, Introspection, IssuedToken, Refusal, Source,
    TokenRequest, authenticate, introspect, issue, revoke,
};
use claviger_service::testing::{TestApp, app, for_each_app};
use claviger_service::{apis, uses};
use zeroize::Zeroizing;

const AUDIENCE: &str = "https://api.acme.test";

fn credentials(id: &str, secret: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: Some(id.to_owned()),
        proof: ClientProof::Secret {
            secret: Zeroizing::new(secret.to_owned()),
            method: ClientAuthMethod::Post,
        },
    }
}

/// A client of Acme, with an API to hold a scope of.
async fn client(test: &TestApp, tokens_per_day: Option<u32>) -> ClientCredentials {
    let api = ApiDraft {
        name: Some("Acme".to_owned()),
        audience: Some(AUDIENCE.to_owned()),
        scopes: Some(vec![ScopeDraft {
            name: "read:leads".to_owned(),
            ..ScopeDraft::default()
        }]),
        ..ApiDraft::default()
    };
    let operator = test.operator.operator().unwrap();
    apis::create(&test.app, &operator, api, None).await.unwrap();
    let input = CreateInput {
        draft: ClientDraft {
            name: Some("Sync".to_owned()),
            scopes: Some(ScopesDraft::Named(vec!["read:leads".to_owned()])),
            tokens_per_day: tokens_per_day.map(Some),
            ..ClientDraft::default()
        },
        audience: None,
        environment: Environment::Live,
    };
    let access = test.admin.client_writing().unwrap();
    let made = clients::create(&test.app, &access, input, None)
        .await
        .unwrap();
    let id = made.client.client.id.to_string();
    credentials(&id, made.plaintext.unwrap().expose())
}

fn source() -> Source {
    Source {
        ip: Some([203, 0, 113, 9].into()),
        request_id: None,
        user_agent: Some("curl/8".to_owned()),
    }
}

async fn login(test: &TestApp, credentials: &ClientCredentials) -> Result<Client, Refusal> {
    authenticate(&test.app, credentials, source()).await
}

async fn token(test: &TestApp, by: &ClientCredentials) -> Result<IssuedToken, Refusal> {
    let client = login(test, by).await?;
    let asked = TokenRequest::default();
    issue(&test.app, &client, &asked).await
}

#[tokio::test]
async fn without_a_quota_a_token_takes_no_statement_of_any_database() {
    for_each_app(async |test| {
        let by = client(test, None).await;
        token(test, &by).await.map(drop).unwrap();
        test.app.cut_databases().await;
        for _ in 0..200 {
            let issued = token(test, &by).await.unwrap();
            let client = login(test, &by).await.unwrap();
            let found = introspect(&test.app, &client, &issued.access_token).await;
            assert!(found.unwrap().is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_written_down_is_never_said_to_be_done() {
    for_each_app(async |test| {
        let by = client(test, Some(10)).await;
        let issued = token(test, &by).await.unwrap();
        assert_eq!(issued.quota.map(|quota| quota.remaining), Some(9));
        let client = login(test, &by).await.unwrap();
        test.app.cut_databases().await;
        let uncounted = token(test, &by).await.map(drop).unwrap_err();
        let unrevoked = revoke(&test.app, &client, &issued.access_token).await;
        for refusal in [uncounted, unrevoked.unwrap_err()] {
            assert_eq!(
                refusal.code,
                ErrorCode::TemporarilyUnavailable,
                "{refusal:?}"
            );
            assert!(refusal.retry_after_seconds.is_some());
        }
        // What nobody could end goes on.
        let found = introspect(&test.app, &client, &issued.access_token).await;
        assert!(found.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_tokens_have_ten_thousand_ids() {
    let test = app().await;
    let by = client(&test, None).await;
    let client = login(&test, &by).await.unwrap();
    let mut ids = HashSet::new();
    for _ in 0..10_000 {
        let asked = TokenRequest::default();
        let issued = issue(&test.app, &client, &asked).await;
        let found = introspect(&test.app, &client, &issued.unwrap().access_token).await;
        let Some(Introspection::Access(token)) = found.unwrap() else {
            panic!("not live");
        };
        ids.insert(token.claims().jti);
        // The node's heartbeat has its turn.
        tokio::task::yield_now().await;
    }
    assert_eq!(ids.len(), 10_000);
    test.close().await;
}

#[tokio::test]
async fn a_hundred_thousand_wrong_secrets_are_refused_and_the_right_one_is_let_in() {
    let test = app().await;
    let by = client(&test, None).await;
    let mut answered = 0;
    for number in 0..100_000 {
        let ClientProof::Secret { secret, .. } = &by.proof else {
            panic!("no secret");
        };
        let mut secret = secret.to_string();
        let end = secret.len() - 6;
        secret.replace_range(end.., &format!("{number:06}"));
        let wrong = credentials(by.client_id.as_deref().unwrap(), &secret);
        let refusal = login(&test, &wrong).await.map(drop).unwrap_err();
        match refusal.code {
            ErrorCode::InvalidClient => answered += 1,
            ErrorCode::RateLimited => assert!(refusal.retry_after_seconds > Some(0)),
            other => panic!("{other:?}"),
        }
        if number % 1_000 == 0 {
            tokio::task::yield_now().await;
            login(&test, &by).await.map(drop).unwrap();
        }
    }
    // Fifty at once, and one each second that it took.
    assert!((50..1_000).contains(&answered), "{answered}");
    token(&test, &by).await.map(drop).unwrap();
    test.close().await;
}

#[tokio::test]
async fn an_unknown_client_takes_as_long_as_a_wrong_secret() {
    let test = app().await;
    let by = client(&test, None).await;
    let wrong = test.app.sources().mint("cs_live_").unwrap();
    let unknown = "cli_00000000000000000000000000";
    let guesses =
        [by.client_id.as_deref().unwrap(), unknown].map(|id| credentials(id, wrong.expose()));
    let clock = || test.app.sources().both().boot_nanos;
    let is_alike = |[one, other]: [u64; 2]| one < other * 2 && other < one * 2;
    // The fastest of many rounds: what disturbs the machine only ever adds, and a difference that
    // is the program's own does not go away with more of them.
    let mut fastest = [u64::MAX; 2];
    for round in 0..1_000 {
        if round >= 50 && is_alike(fastest) {
            break;
        }
        for (guess, fastest) in guesses.iter().zip(&mut fastest) {
            let begun = clock();
            for _ in 0..100 {
                assert!(login(&test, guess).await.is_err());
            }
            *fastest = (*fastest).min(clock() - begun);
        }
    }
    assert!(is_alike(fastest), "{fastest:?} ns");
    test.close().await;
}

#[tokio::test]
async fn each_use_and_refusal_of_a_secret_is_counted() {
    for_each_app(async |test| {
        let by = client(test, Some(2)).await;
        let client = login(test, &by).await.unwrap();
        let issued = token(test, &by).await.unwrap();
        introspect(&test.app, &client, &issued.access_token)
            .await
            .map(drop)
            .unwrap();
        revoke(&test.app, &client, &issued.access_token)
            .await
            .unwrap();
        token(test, &by).await.map(drop).unwrap();
        token(test, &by).await.map(drop).unwrap_err();
        let ids = [client.secret_id.unwrap()];
        let found = uses::of(&test.app, &ids).await.unwrap();
        let uses = &found[&ids[0]];
        assert_eq!((uses.used, uses.refused), (4, 1));
    })
    .await;
}
