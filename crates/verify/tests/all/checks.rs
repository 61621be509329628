//! Each check, by what it refuses, and the order of the reasons.

use claviger_model::accounts::AccountStatus;
use claviger_model::ids::KeyId;
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::limits::RateLimit;
use claviger_model::scopes::ScopeName;
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_verify::checks::{Check, Outcome};
use claviger_verify::{Note, Now, Request, Target};

use crate::support::{ASKED, Instance, NOW, account, key};

/// Holds the key that `change` makes of a good one, and asks.
fn check(change: impl FnOnce(&mut ApiKey), asked: Request<'_>, expected: Reason) {
    let instance = Instance::new();
    let mut key = key();
    change(&mut key);
    let secret = instance.put(&key);
    assert_eq!(
        instance.decide(&secret, &asked).reason,
        expected,
        "{asked:?}"
    );
}

fn scopes(names: &[&str]) -> Vec<ScopeName> {
    names
        .iter()
        .map(|name| ScopeName::new(name).unwrap())
        .collect()
}

#[test]
fn a_good_key_passes_with_every_check_asked() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    let decision = instance.decide(&secret, &ASKED);
    assert!(decision.is_allowed());
    assert!(
        decision
            .checks
            .iter()
            .all(|(_, outcome)| outcome == Outcome::Passed)
    );
    assert_eq!((decision.epoch, decision.staleness_millis), (7, 0));
    assert_eq!(
        decision.credential.unwrap().identity().id(),
        KeyId(1).to_string()
    );
}

#[test]
fn state_and_expiry() {
    let at = UnixMillis(1);
    check(
        |key| key.state = KeyState::Inactive { at },
        ASKED,
        Reason::Inactive,
    );
    check(
        |key| key.state = KeyState::Revoked { at, by: "x".into() },
        ASKED,
        Reason::Revoked,
    );
    check(
        |key| key.settings.expires_at = Some(NOW.wall),
        ASKED,
        Reason::Expired,
    );
    let later = NOW.wall.plus_millis(1);
    check(
        |key| key.settings.expires_at = Some(later),
        ASKED,
        Reason::Allowed,
    );
}

#[test]
fn environment_by_request_and_by_host() {
    let test = Some(Environment::Test);
    check(
        |_| {},
        Request {
            environment: test,
            ..ASKED
        },
        Reason::EnvironmentMismatch,
    );
    check(
        |key| key.environment = Environment::Test,
        ASKED,
        Reason::EnvironmentMismatch,
    );
    let sandbox = Request {
        target: Target::Host("SANDBOX.acme.test:443"),
        ..ASKED
    };
    check(|_| {}, sandbox, Reason::EnvironmentMismatch);
    check(
        |key| key.environment = Environment::Test,
        sandbox,
        Reason::Allowed,
    );
    let live = Request {
        target: Target::Host("api.acme.test"),
        path: Some("/base/v1/leads"),
        ..ASKED
    };
    check(|_| {}, live, Reason::Allowed);
    let outside = Request {
        target: Target::Host("api.acme.test"),
        ..ASKED
    };
    check(|_| {}, outside, Reason::Allowed);
    check(
        |key| key.environment = Environment::Test,
        outside,
        Reason::EnvironmentMismatch,
    );
    let unknown_host = Request {
        target: Target::Host("elsewhere.test"),
        ..ASKED
    };
    check(|_| {}, unknown_host, Reason::Allowed);
}

#[test]
fn api_route_and_scopes() {
    let other = Request {
        target: Target::Audience("https://other.test"),
        ..ASKED
    };
    check(|_| {}, other, Reason::UnknownApi);
    check(
        |_| {},
        Request {
            path: Some("/v1/other"),
            ..ASKED
        },
        Reason::RouteUnknown,
    );
    check(
        |_| {},
        Request {
            method: Some("DELETE"),
            ..ASKED
        },
        Reason::RouteUnknown,
    );
    check(
        |_| {},
        Request {
            method: None,
            ..ASKED
        },
        Reason::RouteUnknown,
    );
    check(
        |_| {},
        Request {
            path: None,
            method: None,
            ..ASKED
        },
        Reason::Allowed,
    );
    let post = Request {
        method: Some("POST"),
        ..ASKED
    };
    check(|_| {}, post, Reason::InsufficientScope);
    let asked = Request {
        scopes: &["write:leads"],
        ..ASKED
    };
    check(|_| {}, asked, Reason::InsufficientScope);
    check(
        |key| key.settings.scopes = scopes(&["admin"]),
        post,
        Reason::Allowed,
    );
    let test = |key: &mut ApiKey| {
        key.environment = Environment::Test;
        key.settings.scopes = scopes(&["admin"]);
    };
    let in_test = Request {
        environment: Some(Environment::Test),
        ..post
    };
    check(test, in_test, Reason::InsufficientScope);
}

#[test]
fn a_refusal_names_what_is_required_and_what_is_missing() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    let asked = Request {
        scopes: &["write:leads", "read:leads"],
        ..ASKED
    };
    let decision = instance.decide(&secret, &asked);
    assert_eq!(decision.required_scopes, ["read:leads", "write:leads"]);
    assert_eq!(decision.missing_scopes, ["write:leads"]);
    assert_eq!(decision.message(), "This key lacks write:leads.");
}

#[test]
fn network() {
    let listed = |key: &mut ApiKey| {
        key.settings.allowed_ips = vec!["203.0.113.0/24".parse().unwrap()];
    };
    let from = |ip: &str| Request {
        ip: Some(ip.parse().unwrap()),
        ..ASKED
    };
    check(listed, from("203.0.113.9"), Reason::Allowed);
    check(listed, from("::ffff:203.0.113.9"), Reason::Allowed);
    check(listed, from("198.51.100.1"), Reason::IpNotAllowed);
    check(listed, ASKED, Reason::IpNotAllowed);
}

#[test]
fn a_limit_is_taken_from_only_by_what_passes_and_survives_an_edit() {
    let instance = Instance::new();
    let mut key = key();
    key.settings.rate_limit = Some(RateLimit::new(2, 60).unwrap());
    let secret = instance.put(&key);
    let refused = Request {
        method: Some("POST"),
        ..ASKED
    };
    for _ in 0..10 {
        let decision = instance.decide(&secret, &refused);
        assert_eq!(decision.checks.outcome(Check::Limits), Outcome::NotAsked);
    }
    assert!(instance.decide(&secret, &ASKED).is_allowed());
    key.settings.name = "Another name".into();
    instance.put(&key);
    assert_eq!(
        instance
            .decide(&secret, &ASKED)
            .rate_limit
            .unwrap()
            .remaining,
        0
    );
    assert_eq!(instance.decide(&secret, &ASKED).reason, Reason::RateLimited);
}

#[test]
fn a_suspended_account_is_refused_at_once_and_comes_back() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    let at = UnixMillis(1);
    instance
        .verifier
        .index()
        .put_account(&account(AccountStatus::Suspended { at }));
    assert_eq!(
        instance.decide(&secret, &ASKED).reason,
        Reason::AccountInactive
    );
    instance
        .verifier
        .index()
        .put_account(&account(AccountStatus::Active));
    assert!(instance.decide(&secret, &ASKED).is_allowed());
}

#[test]
fn everything_wrong_is_shown_and_the_first_is_the_reason() {
    let instance = Instance::new();
    let mut key = key();
    key.state = KeyState::Inactive { at: UnixMillis(1) };
    key.settings.expires_at = Some(NOW.wall);
    let secret = instance.put(&key);
    let decision = instance.decide(
        &secret,
        &Request {
            method: Some("POST"),
            ..ASKED
        },
    );
    assert_eq!(decision.reason, Reason::Inactive);
    let failed = |check| matches!(decision.checks.outcome(check), Outcome::Failed(_));
    assert!(failed(Check::State) && failed(Check::Expiry) && failed(Check::Scopes));
}

#[test]
fn unknown_mistyped_and_wrong_secrets_tell_nothing() {
    let instance = Instance::new();
    let mut revoked = key();
    revoked.state = KeyState::Revoked {
        at: UnixMillis(1),
        by: "x".into(),
    };
    let secret = instance.put(&revoked);
    let ask = |credential: Option<&str>| {
        let request = Request {
            credential,
            ..ASKED
        };
        instance.verifier.decide(&request, NOW)
    };
    assert_eq!(ask(None).reason, Reason::CredentialMissing);
    assert_eq!(ask(Some("nonsense")).reason, Reason::InvalidCredential);
    let typo = secret.expose().replace("ck_live_", "ck_test_");
    assert_eq!(ask(Some(&typo)).note, Some(Note::Typo));
    let unknown = Instance::new();
    let mut other = key();
    other.id = KeyId(2);
    let unknown = unknown.put(&other);
    let decision = ask(Some(unknown.expose()));
    assert_eq!(
        (decision.reason, decision.note),
        (Reason::InvalidCredential, None)
    );
    assert!(decision.credential.is_none());
    assert_eq!(decision.checks.outcome(Check::State), Outcome::NotAsked);
}

#[test]
fn a_key_that_is_taken_out_or_gets_another_secret_is_unknown() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    instance.verifier.index().remove_key(KeyId(1));
    assert_eq!(
        instance.decide(&secret, &ASKED).reason,
        Reason::InvalidCredential
    );
    assert!(instance.verifier.index().is_empty());
}

#[test]
fn without_a_lease_nothing_is_decided() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    let late = Now {
        boot_nanos: NOW.boot_nanos + 10_000_000_000,
        ..NOW
    };
    let request = Request {
        credential: Some(secret.expose()),
        ..ASKED
    };
    let decision = instance.verifier.decide(&request, late);
    assert_eq!(
        (decision.reason, decision.credential.is_none()),
        (Reason::Stale, true)
    );
    assert_eq!(
        instance
            .verifier
            .identify(secret.expose(), late)
            .unwrap_err(),
        Reason::Stale
    );
}

#[test]
fn a_request_can_be_printed_without_its_credential() {
    let request = Request {
        credential: Some("ck_live_secret"),
        ..ASKED
    };
    let shown = format!("{request:?}");
    assert!(shown.contains("/v1/leads") && !shown.contains("ck_live_secret"));
}
