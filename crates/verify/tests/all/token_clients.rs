//! Who a client is, what a token still is, and what an issuer asks of a grant.

use claviger_model::accounts::AccountStatus;
use claviger_model::clients::{ClientScopes, ClientState};
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::scopes::ScopeName;
use claviger_model::tokens::{Audience, Claims};
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_verify::{ClientLogin, ClientRefusal, Now};

use crate::issuer::{CLIENT, SECRET, claims, client, client_secret, signed};
use crate::support::{API, ASKED, ISSUER, Instance, NOW, REPORTS, account, key};

const INVALID: ClientRefusal = ClientRefusal {
    reason: Reason::InvalidCredential,
    secret: None,
};

fn login(instance: &Instance, id: &str, secret: &str) -> Result<ClientLogin, ClientRefusal> {
    instance.verifier.authenticate_client(id, secret, NOW)
}

#[test]
fn a_client_proves_itself_by_each_of_its_live_secrets() {
    let instance = Instance::with_client();
    let (first, first_row) = client_secret(&instance, CLIENT, SECRET);
    let (second, second_row) = client_secret(&instance, CLIENT, SecretId(42));
    let rows = [first_row, second_row];
    instance
        .verifier
        .index()
        .put_client(&client(&[]), &rows, None);
    for (secret, id) in [(first, SECRET), (second, SecretId(42))] {
        let login = login(&instance, &CLIENT.to_string(), secret.expose()).unwrap();
        assert_eq!((login.client.id, login.secret_id), (CLIENT, id));
        assert_eq!(&*login.client.name, "Nightly Sync");
    }
}

#[test]
fn unknown_clients_unknown_secrets_and_secrets_of_others_all_look_the_same() {
    let instance = Instance::with_client();
    let (secret, _) = client_secret(&instance, CLIENT, SECRET);
    let mut other = client(&["read:leads"]);
    other.id = ClientId(60);
    let (of_other, row) = client_secret(&instance, other.id, SecretId(61));
    instance.verifier.index().put_client(&other, &[row], None);
    let (unknown, _) = client_secret(&instance, CLIENT, SecretId(62));
    let key = instance.put(&key());
    let own = CLIENT.to_string();
    for (id, text) in [
        (&*ClientId(99).to_string(), secret.expose()),
        ("", secret.expose()),
        ("nonsense", secret.expose()),
        (&own.to_uppercase(), secret.expose()),
        (&own, of_other.expose()),
        (&own, unknown.expose()),
        (&own, key.expose()),
        (&own, ""),
        (&own, "nonsense"),
        (&own, &secret.expose().replace("cs_live_", "cs_test_")),
        (&own, &signed(&claims(), 1)),
    ] {
        assert_eq!(
            login(&instance, id, text).unwrap_err(),
            INVALID,
            "{id} {text}"
        );
    }
    assert!(login(&instance, &own, secret.expose()).is_ok());
    assert!(login(&instance, &other.id.to_string(), of_other.expose()).is_ok());
}

#[test]
fn a_secret_that_matches_and_does_not_work_is_named_with_its_reason() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let (secret, row) = client_secret(&instance, CLIENT, SECRET);
    let expect = |reason| {
        let refusal = login(&instance, &CLIENT.to_string(), secret.expose()).unwrap_err();
        let secret = Some((CLIENT, SECRET));
        assert_eq!(refusal, ClientRefusal { reason, secret });
    };
    let mut expired = row.clone();
    expired.expires_at = Some(NOW.wall);
    index.put_client(&client(&[]), &[expired], None);
    expect(Reason::Expired);
    let mut revoked = row.clone();
    revoked.revoked_at = Some(NOW.wall);
    index.put_client(&client(&[]), &[revoked], None);
    expect(Reason::Revoked);
    let mut deleted = client(&[]);
    let (at, by) = (UnixMillis(1), "usr_x".to_owned());
    deleted.state = ClientState::Deleted { at, by };
    index.put_client(&deleted, std::slice::from_ref(&row), None);
    expect(Reason::Revoked);
    index.put_client(&client(&[]), &[row], None);
    index.put_account(&account(AccountStatus::Suspended { at }));
    expect(Reason::AccountInactive);
    index.remove_client(CLIENT);
    let refusal = login(&instance, &CLIENT.to_string(), secret.expose()).unwrap_err();
    assert_eq!(refusal, INVALID);
}

#[test]
fn without_a_lease_nobody_is_let_in_and_nothing_is_inspected() {
    let instance = Instance::with_client();
    let (secret, _) = client_secret(&instance, CLIENT, SECRET);
    let late = Now {
        boot_nanos: NOW.boot_nanos + 10_000_000_000,
        ..NOW
    };
    let verifier = &instance.verifier;
    let refused = verifier.authenticate_client(&CLIENT.to_string(), secret.expose(), late);
    assert_eq!(refused.unwrap_err().reason, Reason::Stale);
    let token = signed(&claims(), 1);
    assert_eq!(verifier.inspect(&token, late).unwrap_err(), Reason::Stale);
    assert_eq!(verifier.identify(&token, late).unwrap_err(), Reason::Stale);
}

#[test]
fn a_client_secret_is_no_bearer() {
    let instance = Instance::with_client();
    let (secret, _) = client_secret(&instance, CLIENT, SECRET);
    let decision = instance.decide(&secret, &ASKED);
    assert_eq!(decision.reason, Reason::KindNotAccepted);
    let entry = decision.credential.unwrap();
    assert_eq!(entry.identity().kind(), CredentialKind::ClientSecret);
}

#[test]
fn a_live_token_is_inspected_whatever_it_is_for() {
    let instance = Instance::with_client();
    let verifier = &instance.verifier;
    for aud in [API, REPORTS, ISSUER, "https://nowhere.test"] {
        let claims = Claims {
            aud: Audience::One(aud.into()),
            ..claims()
        };
        let facts = verifier.inspect(&signed(&claims, 1), NOW).unwrap();
        assert_eq!((&facts.claims, facts.client.id), (&claims, CLIENT));
    }
    let token = signed(&claims(), 1);
    let reason = || verifier.inspect(&token, NOW).unwrap_err();
    let index = verifier.index();
    index.put_account(&account(AccountStatus::Suspended { at: NOW.wall }));
    assert_eq!(reason(), Reason::AccountInactive);
    index.revoke_token(claims().jti, NOW.wall);
    assert_eq!(reason(), Reason::Revoked);
    let past = Claims {
        exp: claims().iat,
        jti: claviger_model::ids::TokenId(51),
        ..claims()
    };
    let inspected = verifier.inspect(&signed(&past, 1), NOW);
    assert_eq!(inspected.unwrap_err(), Reason::Expired);
    let key = instance.put(&key());
    let inspected = verifier.inspect(key.expose(), NOW);
    assert_eq!(inspected.unwrap_err(), Reason::InvalidCredential);
}

#[test]
fn inspection_shows_the_scopes_that_count_now() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let scopes = |scope: &str, audiences: &[&str], all_scopes| {
        let audiences = audiences.iter().map(ToString::to_string).collect();
        let claims = Claims {
            aud: Audience::of(audiences),
            scope: scope.into(),
            all_scopes,
            ..claims()
        };
        let facts = instance.verifier.inspect(&signed(&claims, 1), NOW).unwrap();
        facts.scopes(&index.apis())
    };
    let both = "read:leads write:leads";
    assert_eq!(scopes(both, &[API], false), ["read:leads", "write:leads"]);
    assert_eq!(
        scopes("unheard:of read:leads", &[API, REPORTS], false),
        ["read:leads"]
    );
    instance.put_client(&client(&["write:leads"]));
    assert_eq!(scopes(both, &[API], false), ["write:leads"]);
    assert_eq!(scopes("", &[API], true), ["write:leads"]);
    assert!(scopes(both, &["https://nowhere.test"], false).is_empty());
}

#[test]
fn a_grant_says_what_a_token_for_an_api_may_list() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let apis = index.apis();
    let api = apis.by_audience(API).unwrap();
    let grant = |scopes: &[&str]| {
        instance.put_client(&client(scopes));
        index.client(CLIENT).unwrap().grant.clone()
    };
    let names = |scopes: &[&str], environment| -> Vec<String> {
        let grant = grant(scopes);
        let names = grant.names_of(api, environment);
        names.into_iter().map(ToString::to_string).collect()
    };
    let (live, test) = (Environment::Live, Environment::Test);
    assert_eq!(
        names(&["write:leads", "of:another", "read:leads"], live),
        ["write:leads", "read:leads"]
    );
    assert_eq!(
        names(&["admin", "read:leads"], live),
        ["admin", "read:leads"]
    );
    assert_eq!(names(&["admin", "read:leads"], test), ["read:leads"]);
    assert!(names(&["of:another"], live).is_empty());
    let mut all = client(&[]);
    all.settings.scopes = ClientScopes::All;
    instance.put_client(&all);
    let all = index.client(CLIENT).unwrap().grant.clone();
    assert_eq!(all.names_of(api, live).len(), 3);
    assert_eq!(all.names_of(api, test).len(), 2);

    let may = |scopes: &[&str], name: &str, environment| {
        grant(scopes).may_hand_on(&ScopeName::new(name).unwrap(), api, environment)
    };
    assert!(may(&["read:leads"], "read:leads", live));
    assert!(!may(&["read:leads"], "write:leads", live));
    assert!(may(&["admin"], "write:leads", live));
    assert!(!may(&["admin"], "write:leads", test));
    assert!(!may(&["admin", "of:another"], "of:another", live));
    assert!(all.may_hand_on(&ScopeName::new("admin").unwrap(), api, live));
    assert!(!all.may_hand_on(&ScopeName::new("admin").unwrap(), api, test));
}

#[test]
fn an_api_is_found_by_its_base_urls() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let apis = index.apis();
    let audience = |url: &str| apis.by_base_url(url).map(|api| &*api.audience);
    assert_eq!(audience("https://api.acme.test/base"), Some(API));
    assert_eq!(audience("HTTPS://API.acme.test/base/"), Some(API));
    assert_eq!(audience("https://sandbox.acme.test"), Some(API));
    for url in [
        "https://api.acme.test",
        "https://api.acme.test/base/more",
        "http://api.acme.test/base",
        "https://api.acme.test/base#x",
        "api.acme.test/base",
        "",
    ] {
        assert_eq!(audience(url), None, "{url}");
    }
}
