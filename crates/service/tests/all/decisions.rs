use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_service::Caller;
use claviger_service::decisions::{
    About, DecisionFilter, DecisionRecord, RequestFacts, about, find, page,
};
use claviger_service::sessions::{Origin, start};
use claviger_service::testing::{PASSWORD, TestApp, for_each_app, sign_in_input};
use claviger_verify::possession::Sent;
use claviger_verify::{Request, Target};

/// Decides about a credential and records the decision.
fn decide(test: &TestApp, credential: Option<&str>) -> RequestId {
    let request = Request {
        credential,
        target: Target::Default,
        environment: None,
        method: Some("GET"),
        path: Some("/v1/leads"),
        scopes: &[],
        ip: Some([203, 0, 113, 9].into()),
        sent: Sent::BEARER,
    };
    let now = test.app.sources().both();
    let decision = test.app.verifier().decide(&request, now);
    let facts = RequestFacts {
        request_id: test.app.sources().request_id(),
        at: now.wall,
        ip: request.ip,
        method: request.method,
        path: request.path,
    };
    assert!(test.app.decisions().wants(&decision, 0));
    test.app
        .decisions()
        .record(DecisionRecord::of(&decision, &facts));
    facts.request_id
}

async fn token(test: &TestApp) -> String {
    let started = start(
        &test.app,
        sign_in_input("owner@acme.test", PASSWORD),
        Origin::default(),
    );
    started.await.unwrap().token.expose().to_owned()
}

async fn reason(test: &TestApp, caller: &Caller, id: RequestId) -> Result<String, Reason> {
    let found = find(&test.app, &caller.evidence().unwrap(), id).await;
    let found = found.map_err(|error| error.reason())?;
    assert_eq!(found["request_id"], id.to_string());
    assert_eq!(
        (&found["ip"], &found["path"]),
        (&"203.0.113.9".into(), &"/v1/leads".into())
    );
    assert!(found["at"].is_i64());
    Ok(found["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_decision_is_found_at_once_by_those_whose_it_is() {
    for_each_app(async |test| {
        let own = decide(test, Some(&token(test).await));
        let unknown = decide(test, Some("ck_live_nonsense"));
        let expected = Ok("unknown_api".to_owned());
        assert_eq!(reason(test, &test.owner, own).await, expected);
        assert_eq!(reason(test, &test.operator, own).await, expected);
        assert_eq!(
            reason(test, &test.operator, unknown).await,
            Ok("invalid_credential".to_owned())
        );
        assert_eq!(
            reason(test, &test.owner, unknown).await,
            Err(Reason::NotFound)
        );
        assert_eq!(test.app.decisions().dropped(), 0);
    })
    .await;
}

#[tokio::test]
async fn pages_are_filtered_and_follow_each_other() {
    for_each_app(async |test| {
        let token = token(test).await;
        let mut ids: Vec<RequestId> = (0..5).map(|_| decide(test, Some(&token))).collect();
        decide(test, None);
        ids.reverse();
        let access = test.owner.evidence().unwrap();
        let all = DecisionFilter {
            allowed: Some(false),
            ..DecisionFilter::default()
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = page(&test.app, &access, &all, after, 2).await.unwrap();
            assert!(page.decisions.len() <= 2);
            found.extend(page.decisions.iter().map(|one| one["request_id"].clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = ids.iter().map(|id| serde_json::json!(id)).collect();
        assert_eq!(found, expected);

        let operator = test.operator.evidence().unwrap();
        let count = async |filter: DecisionFilter| {
            page(&test.app, &operator, &filter, None, 100)
                .await
                .unwrap()
                .decisions
                .len()
        };
        assert_eq!(count(DecisionFilter::default()).await, 6);
        let of = |ip: &str| DecisionFilter {
            ip: Some(ip.to_owned()),
            ..DecisionFilter::default()
        };
        assert_eq!(
            (
                count(of("203.0.113.9")).await,
                count(of("203.0.113.8")).await
            ),
            (6, 0)
        );
        let one = DecisionFilter {
            request_id: Some(ids[0]),
            ..DecisionFilter::default()
        };
        assert_eq!(count(one.clone()).await, 1);
        assert_eq!(
            count(DecisionFilter {
                allowed: Some(true),
                ..one
            })
            .await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn what_somebody_has_in_hand_is_told_apart() {
    for_each_app(async |test| {
        let token = token(test).await;
        let id = decide(test, Some(&token));
        let access = test.owner.evidence().unwrap();
        let of = async |text: &str| about(&test.app, &access, text).await.unwrap();
        assert_eq!(of(&format!(" {id} ")).await, About::Request(id));
        let address = "2001:db8::1".parse().unwrap();
        assert_eq!(of("2001:db8::1").await, About::Address(address));
        let filter = DecisionFilter::default();
        let found = page(&test.app, &access, &filter, None, 1).await.unwrap();
        let credential = found.decisions[0]["credential"]["id"].as_str().unwrap();
        let expected = About::Credential(credential.to_owned());
        assert_eq!(of(credential).await, expected);
        assert_eq!(of(&token).await, expected);
        assert_eq!(of("nobody is called so").await, About::Nothing);
        assert_eq!(of("").await, About::Nothing);
        let mut mistyped = token.clone();
        mistyped.pop();
        mistyped.push('!');
        assert_ne!(of(&mistyped).await, expected);
        // Another account's credential is as unknown as one that never was.
        let outsider = test
            .start("operator@claviger.test", PASSWORD)
            .await
            .unwrap();
        assert_eq!(of(outsider.token.expose()).await, About::UnknownSecret);
    })
    .await;
}
