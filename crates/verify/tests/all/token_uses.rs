//! What a good token may do, and what ends it.

use std::sync::atomic::{AtomicUsize, Ordering};

use claviger_model::accounts::AccountStatus;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::{ClientScopes, ClientState};
use claviger_model::ids::{AccountId, SecretId, TokenId};
use claviger_model::tokens::{Audience, Claims, TokenOwner};
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_verify::checks::{Check, Outcome};
use claviger_verify::{Note, Now, Request, Target};

use crate::issuer::{CLIENT, SECRET, claims, client, client_secret, header, published, signed};
use crate::support::{API, ASKED, ISSUER, Instance, KEYS_ONLY, NOW, REPORTS, account, apis};

const POST: Request<'static> = Request {
    method: Some("POST"),
    ..ASKED
};

fn reason(instance: &Instance, claims: &Claims) -> Reason {
    instance.decide_text(&signed(claims, 1), &ASKED).reason
}

fn at(seconds_from_now: i64) -> Now {
    Now {
        wall: NOW.wall.plus_seconds(seconds_from_now),
        ..NOW
    }
}

/// What a token is at another time than [`NOW`], which the lease is made to cover.
fn reason_at(instance: &Instance, token: &str, seconds_from_now: i64) -> (Reason, Option<Note>) {
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
            assert_eq!(entry.identity.id(), CLIENT.to_string());
            assert_eq!(entry.identity.token_id(), Some(claims().jti));
            assert_eq!(entry.identity.secret_id(), Some(SECRET));
            assert_eq!(entry.expires_at, Some(NOW.wall.plus_seconds(3_600)));
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
            .map(|entry| entry.identity.id())
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
    assert_eq!(&*entry.name, "Weekly Sync");
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

#[test]
fn a_revoked_token_is_refused_at_once_and_others_are_not() {
    let instance = Instance::with_client();
    let token = signed(&claims(), 1);
    let other = Claims {
        jti: TokenId(51),
        ..claims()
    };
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
    let end = NOW.wall.plus_seconds(3_600);
    let index = instance.verifier.index();
    index.revoke_token(claims().jti, end);
    let decision = instance.decide_text(&token, &ASKED);
    assert_eq!(decision.reason, Reason::Revoked);
    assert_eq!(decision.message(), "This access token was revoked.");
    assert_eq!(
        decision.checks.outcome(Check::State),
        Outcome::Failed(Reason::Revoked)
    );
    assert_eq!(reason(&instance, &claims()), Reason::Revoked);
    assert_eq!(reason(&instance, &other), Reason::Allowed);
    index.forget_revoked_tokens(end);
    assert_eq!(reason(&instance, &claims()), Reason::Revoked);
    index.forget_revoked_tokens(end.plus_millis(1));
    assert_eq!(reason_at(&instance, &token, 3_600).0, Reason::Expired);
}

#[test]
fn a_floor_ends_the_tokens_of_before() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let of_epoch = |epoch| Claims { epoch, ..claims() };
    for owner in [
        TokenOwner::Client(CLIENT),
        TokenOwner::Account(AccountId(1)),
    ] {
        index.put_token_floor(owner, 7);
        assert_eq!(reason(&instance, &of_epoch(7)), Reason::Allowed);
        assert_eq!(reason(&instance, &of_epoch(6)), Reason::Revoked);
    }
    index.put_token_floor(TokenOwner::Client(CLIENT), 9);
    assert_eq!(reason(&instance, &of_epoch(8)), Reason::Revoked);
    assert_eq!(reason(&instance, &of_epoch(9)), Reason::Allowed);
    // It stays when the client changes, goes and comes back, and never goes back itself.
    index.put_token_floor(TokenOwner::Client(CLIENT), 1);
    instance.put_client(&client(&["read:leads"]));
    assert_eq!(reason(&instance, &of_epoch(8)), Reason::Revoked);
    index.remove_client(CLIENT);
    instance.put_client(&client(&["read:leads"]));
    assert_eq!(reason(&instance, &of_epoch(8)), Reason::Revoked);
    index.put_token_floor(TokenOwner::Account(AccountId(1)), 10);
    assert_eq!(reason(&instance, &of_epoch(9)), Reason::Revoked);
    assert_eq!(reason(&instance, &of_epoch(10)), Reason::Allowed);
    // Others are not touched.
    index.put_token_floor(TokenOwner::Account(AccountId(2)), 99);
    assert_eq!(reason(&instance, &of_epoch(10)), Reason::Allowed);
}

#[test]
fn a_secret_that_is_revoked_ends_its_tokens_and_one_that_expired_does_not() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let token = signed(&claims(), 1);
    let (_, first) = client_secret(&instance, CLIENT, SECRET);
    let (_, second) = client_secret(&instance, CLIENT, SecretId(42));
    let client = client(&["read:leads"]);
    let reason = || instance.decide_text(&token, &ASKED).reason;
    let mut expired = first.clone();
    expired.expires_at = Some(NOW.wall);
    index.put_client(&client, &[expired, second.clone()]);
    assert_eq!(reason(), Reason::Allowed);
    let mut revoked = second.clone();
    revoked.revoked_at = Some(NOW.wall);
    index.put_client(&client, &[first.clone(), revoked]);
    assert_eq!(reason(), Reason::Allowed);
    let mut revoked = first.clone();
    revoked.revoked_at = Some(NOW.wall);
    index.put_client(&client, &[revoked, second]);
    assert_eq!(reason(), Reason::Revoked);
}

#[test]
fn a_deleted_client_a_suspended_account_and_an_untrusted_row_end_tokens() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let token = signed(&claims(), 1);
    let reason = || instance.decide_text(&token, &ASKED).reason;
    let at = UnixMillis(1);
    assert_eq!(reason(), Reason::Allowed);
    index.put_account(&account(AccountStatus::Suspended { at }));
    assert_eq!(reason(), Reason::AccountInactive);
    index.put_account(&account(AccountStatus::Active));
    let mut deleted = client(&["read:leads"]);
    let by = "usr_x".to_owned();
    deleted.state = ClientState::Deleted { at, by };
    instance.put_client(&deleted);
    assert_eq!(reason(), Reason::Revoked);
    instance.put_client(&client(&["read:leads"]));
    assert_eq!(reason(), Reason::Allowed);
    index.remove_client(CLIENT);
    assert_eq!(reason(), Reason::InvalidCredential);
    assert_eq!(reason(), Reason::InvalidCredential);
    assert_eq!(index.remembered_tokens(), 0);
    instance.put_client(&client(&["read:leads"]));
    assert_eq!(reason(), Reason::Allowed);
}

#[test]
fn a_key_that_is_withdrawn_ends_its_tokens_at_once() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let (old, new) = (signed(&claims(), 1), signed(&claims(), 3));
    let reason = |token: &str| instance.decide_text(token, &ASKED).reason;
    assert_eq!(reason(&old), Reason::Allowed);
    assert_eq!(index.set_signing_keys(&[published(3), published(1)]), []);
    assert_eq!(
        (reason(&old), reason(&new)),
        (Reason::Allowed, Reason::Allowed)
    );
    assert_eq!(index.set_signing_keys(&[published(3)]), []);
    assert_eq!(reason(&old), Reason::InvalidCredential);
    assert_eq!(reason(&new), Reason::Allowed);
    // Another key under the same id: what the old one signed is nothing any more.
    let mut other = published(4);
    other.id = published(3).id;
    index.set_signing_keys(&[other]);
    assert_eq!(reason(&new), Reason::InvalidCredential);
}

#[test]
fn a_key_that_cannot_be_used_is_left_out_and_named() {
    let instance = Instance::with_client();
    let mut bad = published(1);
    bad.public_key[5] ^= 1;
    let index = instance.verifier.index();
    assert_eq!(
        index.set_signing_keys(&[bad.clone(), published(3)]),
        [bad.id]
    );
    assert_eq!(
        instance.decide_text(&signed(&claims(), 3), &ASKED).reason,
        Reason::Allowed
    );
    // A key of one algorithm under the name of another.
    let mut wrong = published(3);
    wrong.algorithm = SigningAlgorithm::Es256;
    assert_eq!(index.set_signing_keys(&[wrong.clone()]), [wrong.id]);
    assert_eq!(header(3)["alg"], "EdDSA");
}

#[test]
fn a_reloaded_index_remembers_nothing_of_the_one_before() {
    let instance = Instance::with_client();
    let token = signed(&claims(), 1);
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
    instance
        .verifier
        .replace_index(claviger_verify::Index::default());
    let decision = instance.decide_text(&token, &ASKED);
    assert_eq!(decision.reason, Reason::InvalidCredential);
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
