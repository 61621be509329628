//! What a good token may do.

use std::sync::atomic::{AtomicUsize, Ordering};

use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::ClientScopes;
use claviger_model::ids::ApiId;
use claviger_model::tokens::{Audience, Claims};
use claviger_model::{Environment, Reason};
use claviger_verify::checks::Outcome;
use claviger_verify::{Note, Now, Request, Target};

use crate::issuer::{CLIENT, SECRET, claims, client, published, signed};
use crate::support::{API, ASKED, ISSUER, Instance, KEYS_ONLY, NOW, REPORTS, apis};

const POST: Request<'static> = Request {
    method: Some("POST"),
    ..ASKED
};

pub(crate) fn reason(instance: &Instance, claims: &Claims) -> Reason {
    instance.decide_text(&signed(claims, 1), &ASKED).reason
}

fn at(seconds_from_now: i64) -> Now {
    Now {
        wall: NOW.wall.plus_seconds(seconds_from_now),
        ..NOW
    }
}

/// What a token is at another time than [`NOW`], which the lease is made to cover.
pub(crate) fn reason_at(
    instance: &Instance,
    token: &str,
    seconds_from_now: i64,
) -> (Reason, Option<Note>) {
    let now = at(seconds_from_now);
    instance.verifier.freshness().extend(now);
    let request = Request {
        credential: Some(token),
        ..ASKED
    };
    let decision = instance.verifier.decide(&request, now);
    (decision.reason, decision.note)
}

#[test]
fn a_good_token_of_each_algorithm_passes_with_every_check_asked() {
    let instance = Instance::with_client();
    for (number, algorithm) in [1, 2, 3].into_iter().zip(SigningAlgorithm::ALL) {
        assert_eq!(published(number).algorithm, algorithm);
        let token = signed(&claims(), number);
        for _ in 0..2 {
            let decision = instance.decide_text(&token, &ASKED);
            assert_eq!(decision.reason, Reason::Allowed, "{algorithm:?}");
            let mut checks = decision.checks.iter();
            assert!(checks.all(|(_, outcome)| outcome == Outcome::Passed));
            let entry = decision.credential.unwrap();
            assert_eq!(entry.identity().id(), CLIENT.to_string());
            assert_eq!(entry.identity().token_id(), Some(claims().jti));
            assert_eq!(entry.identity().secret_id(), Some(SECRET));
            assert_eq!(entry.expires_at(), Some(NOW.wall.plus_seconds(3_600)));
        }
    }
    assert_eq!(instance.verifier.index().remembered_tokens(), 3);
}

#[test]
fn the_end_of_a_token_has_no_leeway_and_its_beginning_has_five_seconds() {
    let instance = Instance::with_client();
    let token = signed(&claims(), 1);
    assert_eq!(reason_at(&instance, &token, 3_599).0, Reason::Allowed);
    assert_eq!(reason_at(&instance, &token, 3_600).0, Reason::Expired);
    let early = (Reason::InvalidCredential, Some(Note::NotYetValid));
    assert_eq!(reason_at(&instance, &token, -5).0, Reason::Allowed);
    assert_eq!(reason_at(&instance, &token, -6), early);
    let later = Claims {
        nbf: Some(claims().iat + 100),
        ..claims()
    };
    let later = signed(&later, 1);
    assert_eq!(reason_at(&instance, &later, 94), early);
    assert_eq!(reason_at(&instance, &later, 95).0, Reason::Allowed);
    let earlier = Claims {
        nbf: Some(claims().iat - 100),
        ..claims()
    };
    assert_eq!(reason_at(&instance, &signed(&earlier, 1), -6), early);
}

#[test]
fn an_expired_token_is_said_to_be_only_when_its_signature_is_good() {
    let instance = Instance::with_client();
    let past = Claims {
        exp: claims().iat,
        ..claims()
    };
    let decision = instance.decide_text(&signed(&past, 1), &ASKED);
    assert_eq!(decision.reason, Reason::Expired);
    assert_eq!(decision.message(), "This access token has expired.");
    assert!(decision.credential.is_some());
    let mut forged = signed(&past, 1);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    let decision = instance.decide_text(&forged, &ASKED);
    assert_eq!(decision.reason, Reason::InvalidCredential);
}

#[test]
fn a_token_reaches_its_audiences_alone() {
    let instance = Instance::with_client();
    let reason = |aud: &Audience, api: &str| {
        let claims = Claims {
            aud: aud.clone(),
            ..claims()
        };
        let request = Request {
            target: Target::Audience(api),
            ..ASKED
        };
        instance.decide_text(&signed(&claims, 1), &request).reason
    };
    let one = Audience::One(API.into());
    let both = Audience::Several(vec![API.into(), REPORTS.into()]);
    assert_eq!(reason(&one, API), Reason::Allowed);
    assert_eq!(reason(&one, REPORTS), Reason::InvalidCredential);
    assert_eq!(reason(&both, API), Reason::Allowed);
    assert_eq!(reason(&both, REPORTS), Reason::Allowed);
    assert_eq!(reason(&both, "https://nowhere.test"), Reason::UnknownApi);
    // An API that takes no tokens says so, whatever this one is for.
    let keys_only = Audience::One(KEYS_ONLY.into());
    assert_eq!(reason(&keys_only, KEYS_ONLY), Reason::KindNotAccepted);
    assert_eq!(reason(&one, KEYS_ONLY), Reason::KindNotAccepted);
}

#[test]
fn a_token_for_the_issuer_is_somebody_there_and_nowhere_else() {
    let instance = Instance::with_client();
    let identified = |aud: Audience| {
        let claims = Claims { aud, ..claims() };
        let token = signed(&claims, 1);
        instance
            .verifier
            .identify(&token, NOW)
            .map(|entry| entry.identity().id())
    };
    let issuer = || Audience::One(ISSUER.into());
    assert_eq!(identified(issuer()), Ok(CLIENT.to_string()));
    for aud in [
        Audience::One(API.into()),
        Audience::Several(vec![ISSUER.into(), API.into()]),
        Audience::Several(Vec::new()),
    ] {
        assert_eq!(identified(aud), Err(Reason::InvalidCredential));
    }
    // Not even at an API whose audience is the issuer.
    let mut apis = apis();
    apis[0].spec.audience = ISSUER.into();
    instance.verifier.index().set_apis(&apis);
    let claims = Claims {
        aud: issuer(),
        ..claims()
    };
    assert_eq!(reason(&instance, &claims), Reason::InvalidCredential);
}

#[test]
fn environment_route_and_scopes_are_asked_of_tokens_too() {
    let instance = Instance::with_client();
    let token = signed(&claims(), 1);
    let sandbox = Request {
        environment: Some(Environment::Test),
        ..ASKED
    };
    let reason = |request: &Request<'_>| instance.decide_text(&token, request).reason;
    assert_eq!(reason(&sandbox), Reason::EnvironmentMismatch);
    assert_eq!(
        reason(&Request {
            path: Some("/v1/other"),
            ..ASKED
        }),
        Reason::RouteUnknown
    );
    let decision = instance.decide_text(&token, &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    assert_eq!(decision.missing_scopes, ["write:leads"]);
    assert_eq!(decision.message(), "This access token lacks write:leads.");
}

#[test]
fn a_token_cannot_do_more_than_its_client_may_do_now() {
    let instance = Instance::with_client();
    let both = Claims {
        scope: "read:leads write:leads".into(),
        ..claims()
    };
    let token = signed(&both, 1);
    let may_write = || instance.decide_text(&token, &POST).is_allowed();
    assert!(may_write());
    instance.put_client(&client(&["read:leads"]));
    let decision = instance.decide_text(&token, &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
    instance.put_client(&client(&["read:leads", "write:leads"]));
    assert!(may_write());
    // And not more than it lists, whatever the client may do.
    instance.put_client(&client(&["admin"]));
    assert!(may_write());
    let narrow = signed(&claims(), 1);
    let decision = instance.decide_text(&narrow, &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    let mut renamed = client(&["read:leads"]);
    renamed.settings.name = "Weekly Sync".into();
    instance.put_client(&renamed);
    let entry = instance.decide_text(&token, &ASKED).credential.unwrap();
    assert_eq!(entry.name(), "Weekly Sync");
}

#[test]
fn a_client_that_is_kept_to_one_api_has_no_tokens_for_others_any_more() {
    let instance = Instance::with_client();
    let allowed = |aud: &str| {
        let aud = Audience::One(aud.into());
        let token = signed(&Claims { aud, ..claims() }, 1);
        let api = |api| Request {
            target: Target::Audience(api),
            ..ASKED
        };
        let decide = |at| instance.decide_text(&token, &api(at)).is_allowed();
        let issuer = instance.verifier.identify(&token, NOW).is_ok();
        (decide(API), decide(REPORTS), issuer)
    };
    let kept_to = |api: Option<ApiId>| {
        let mut client = client(&["read:leads"]);
        client.settings.api_id = api;
        instance.put_client(&client);
        [API, REPORTS, ISSUER].map(allowed)
    };
    let (at_api, at_reports, at_issuer) = (
        (true, false, false),
        (false, true, false),
        (false, false, true),
    );
    let nowhere = (false, false, false);
    assert_eq!(kept_to(None), [at_api, at_reports, at_issuer]);
    assert_eq!(kept_to(Some(ApiId(1))), [at_api, nowhere, nowhere]);
    assert_eq!(kept_to(Some(ApiId(2))), [nowhere, at_reports, nowhere]);
}

#[test]
fn a_token_for_all_scopes_is_what_its_client_is() {
    let instance = Instance::with_client();
    let mut all = client(&[]);
    all.settings.scopes = ClientScopes::All;
    instance.put_client(&all);
    let claims = Claims {
        scope: String::new(),
        all_scopes: true,
        ..claims()
    };
    let token = signed(&claims, 1);
    assert!(instance.decide_text(&token, &POST).is_allowed());
    instance.put_client(&client(&["read:leads"]));
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
    let decision = instance.decide_text(&token, &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
}

#[test]
fn a_scope_that_comes_after_the_token_counts_from_then_on() {
    let instance = Instance::with_client();
    instance.verifier.index().set_apis(&[]);
    let mut all = client(&[]);
    all.settings.scopes = ClientScopes::All;
    instance.put_client(&all);
    let claims = Claims {
        scope: "late:scope".into(),
        ..claims()
    };
    let token = signed(&claims, 1);
    assert_eq!(
        instance.decide_text(&token, &ASKED).reason,
        Reason::UnknownApi
    );
    let mut apis = apis();
    let late = claviger_model::scopes::ScopeName::new("late:scope").unwrap();
    apis[0].spec.scopes[0].name = late.clone();
    apis[0].spec.routes[0].scopes = vec![late];
    instance.verifier.index().set_apis(&apis);
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
}

/// Twice the changes that are made while others decide.
const LAST_VERSION: usize = 200;

#[test]
fn what_is_taken_away_is_gone_for_64_threads_when_the_change_returns() {
    let instance = Instance::with_client();
    let both = Claims {
        scope: "read:leads write:leads".into(),
        ..claims()
    };
    let tokens = [signed(&both, 1), signed(&both, 3)];
    // Odd while a change is being made; every other one takes `write:leads` away.
    let version = AtomicUsize::new(0);
    let decisions = AtomicUsize::new(0);
    let may_write = |version: usize| (version / 2).is_multiple_of(2);
    let decide = |token: &str| {
        let before = version.load(Ordering::SeqCst);
        let decided = instance.decide_text(token, &POST).reason;
        let after = version.load(Ordering::SeqCst);
        if before == after && before.is_multiple_of(2) {
            assert_eq!(decided == Reason::Allowed, may_write(before));
            decisions.fetch_add(1, Ordering::SeqCst);
        }
        let reasons = [Reason::Allowed, Reason::InsufficientScope];
        assert!(reasons.contains(&decided), "{decided:?}");
        assert!(instance.decide_text(token, &ASKED).is_allowed());
        std::thread::yield_now();
        after < LAST_VERSION
    };
    std::thread::scope(|scope| {
        let deciders: Vec<_> = (0..64)
            .map(|number| {
                let (decide, token) = (&decide, &tokens[number % 2]);
                scope.spawn(move || while decide(token) {})
            })
            .collect();
        let scopes = ["read:leads", "write:leads"];
        for next in (2..=LAST_VERSION).step_by(2) {
            version.store(next - 1, Ordering::SeqCst);
            let held = if may_write(next) {
                &scopes[..]
            } else {
                &scopes[..1]
            };
            instance.put_client(&client(held));
            let decided = decisions.load(Ordering::SeqCst);
            version.store(next, Ordering::SeqCst);
            // Somebody decides before the next change; when all have failed, nobody does.
            let are_there = || deciders.iter().any(|decider| !decider.is_finished());
            while decisions.load(Ordering::SeqCst) == decided && are_there() {
                std::thread::yield_now();
            }
        }
    });
}
