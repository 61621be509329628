//! Tokens by which an app acts for a user.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::clients::ClientScopes;
use claviger_model::ids::{AccountId, ClientId, FamilyId, GrantId, TokenId, UserId};
use claviger_model::scopes::{ScopeName, ScopePatterns};
use claviger_model::tokens::{Audience, Claims, TokenGrant, TokenOwner};
use claviger_model::{Reason, UnixMillis};
use claviger_verify::checks::{Check, Outcome};
use claviger_verify::entries::ResidentGrant;
use claviger_verify::{Decision, Index, Request};

use crate::issuer::{CLIENT, SECRET, claims, client, client_secret, published, signed};
use crate::support::{API, ASKED, ISSUER, Instance, NOW, account, apis};
use crate::token_uses::reason;

pub(crate) const GRANT: GrantId = GrantId(60);
const FAMILY: FamilyId = FamilyId(61);
const USER: UserId = UserId(62);
/// The account of the user; the app is another account's.
const USERS: AccountId = AccountId(2);

const POST: Request<'static> = Request {
    method: Some("POST"),
    ..ASKED
};

/// What a token for the user says, which may read and write leads.
pub(crate) fn user_claims() -> Claims {
    Claims {
        sub: USER.to_string(),
        account: USERS,
        scope: "read:leads write:leads".into(),
        gty: TokenGrant::AuthorizationCode,
        grant: Some(GRANT),
        family: Some(FAMILY),
        generation: Some(1),
        ..claims()
    }
}

/// What the user allowed, in the role of somebody with these scopes.
fn grant(role: &[&str]) -> ResidentGrant {
    let scopes = role.iter().map(|name| ScopeName::new(name).unwrap());
    ResidentGrant {
        id: GRANT,
        client_id: CLIENT,
        user_id: USER,
        account_id: USERS,
        refused: None,
        scopes: ScopePatterns(scopes.collect()),
    }
}

fn users_account(status: AccountStatus) -> Account {
    Account {
        id: USERS,
        ..account(status)
    }
}

/// An instance where the user, who may do everything, has agreed.
pub(crate) fn consented() -> Instance {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    index.put_account(&users_account(AccountStatus::Active));
    index.put_grant(&grant(&["*"]));
    instance
}

fn decide(instance: &Instance, claims: &Claims, asked: &Request<'_>) -> Decision {
    instance.decide_text(&signed(claims, 1), asked)
}

#[test]
fn it_acts_for_the_user_in_the_users_account() {
    let instance = consented();
    let decision = decide(&instance, &user_claims(), &POST);
    assert_eq!(decision.reason, Reason::Allowed);
    let mut checks = decision.checks.iter();
    assert!(checks.all(|(_, outcome)| outcome == Outcome::Passed));
    let entry = decision.credential.unwrap();
    assert_eq!(entry.identity().subject(), USER.to_string());
    assert_eq!(entry.identity().id(), CLIENT.to_string());
    assert_eq!(entry.account_id(), Some(USERS));
    assert_eq!(entry.consent().unwrap().id, GRANT);
    // Without the secret of a client that keeps none.
    let public = Claims {
        secret: None,
        jti: TokenId(51),
        ..user_claims()
    };
    assert_eq!(reason(&instance, &public), Reason::Allowed);
}

#[test]
fn nobody_manages_credentials_for_a_user_by_an_app() {
    let instance = consented();
    let claims = Claims {
        aud: Audience::One(ISSUER.into()),
        ..user_claims()
    };
    let identified = instance.verifier.identify(&signed(&claims, 1), NOW);
    assert_eq!(identified.unwrap_err(), Reason::InvalidCredential);
}

#[test]
fn without_the_consent_that_it_names_it_is_nobody() {
    let instance = consented();
    let index = instance.verifier.index();
    index.remove_grant(GRANT);
    for _ in 0..2 {
        assert_eq!(reason(&instance, &user_claims()), Reason::InvalidCredential);
    }
    assert_eq!(index.remembered_tokens(), 0);
    let other_app = ResidentGrant {
        client_id: ClientId(99),
        ..grant(&["*"])
    };
    index.put_grant(&other_app);
    assert_eq!(reason(&instance, &user_claims()), Reason::InvalidCredential);
    index.put_grant(&grant(&["*"]));
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    // One that was seen is looked at again too.
    index.remove_grant(GRANT);
    assert_eq!(reason(&instance, &user_claims()), Reason::InvalidCredential);
}

#[test]
fn claims_that_contradict_the_consent_make_it_nobody() {
    type Change = fn(&mut Claims);
    let instance = consented();
    let changes: [(&str, Change); 11] = [
        ("all scopes", |claims| claims.all_scopes = true),
        ("no family", |claims| claims.family = None),
        ("no generation", |claims| claims.generation = None),
        ("neither", |claims| {
            (claims.family, claims.generation) = (None, None);
        }),
        ("no grant", |claims| claims.grant = None),
        ("only a grant's user", |claims| {
            (claims.grant, claims.family, claims.generation) = (None, None, None);
        }),
        ("another grant", |claims| claims.grant = Some(GrantId(99))),
        ("another user", |claims| claims.sub = UserId(99).to_string()),
        ("the client", |claims| {
            claims.sub = claviger_model::clients::subject(CLIENT);
        }),
        ("the app's account", |claims| claims.account = AccountId(1)),
        ("sandbox", |claims| {
            claims.env = claviger_model::Environment::Test;
        }),
    ];
    for (what, change) in changes {
        let mut claims = user_claims();
        change(&mut claims);
        let found = reason(&instance, &claims);
        assert_eq!(found, Reason::InvalidCredential, "{what}");
    }
    // Nor does a client reach an account of others without a user.
    let machine = Claims {
        account: USERS,
        ..claims()
    };
    assert_eq!(reason(&instance, &machine), Reason::InvalidCredential);
}

#[test]
fn what_ended_the_grant_ends_the_token() {
    let instance = consented();
    let index = instance.verifier.index();
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    for refused in [Reason::Revoked, Reason::UserLacksAccess] {
        let ended = ResidentGrant {
            refused: Some(refused),
            ..grant(&["*"])
        };
        index.put_grant(&ended);
        let decision = decide(&instance, &user_claims(), &ASKED);
        assert_eq!(decision.reason, refused);
        let state = decision.checks.outcome(Check::State);
        assert_eq!(state, Outcome::Failed(refused));
        let inspected = instance.verifier.inspect(&signed(&user_claims(), 1), NOW);
        assert_eq!(inspected.unwrap_err(), refused);
    }
    assert_eq!(Reason::UserLacksAccess.refusal().status, 403);
}

#[test]
fn an_ended_family_ends_its_tokens_alone() {
    let instance = consented();
    let index = instance.verifier.index();
    let other = Claims {
        family: Some(FamilyId(99)),
        jti: TokenId(51),
        ..user_claims()
    };
    let end = NOW.wall.plus_seconds(3_600);
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    index.families().end(FAMILY, end);
    assert_eq!(reason(&instance, &user_claims()), Reason::Revoked);
    assert_eq!(reason(&instance, &other), Reason::Allowed);
    index.families().forget_ended(end);
    assert_eq!(reason(&instance, &user_claims()), Reason::Revoked);
}

#[test]
fn floors_of_the_client_and_of_both_accounts_count() {
    for owner in [
        TokenOwner::Client(CLIENT),
        TokenOwner::Account(AccountId(1)),
        TokenOwner::Account(USERS),
    ] {
        let instance = consented();
        let index = instance.verifier.index();
        index.put_token_floor(owner, user_claims().epoch);
        assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
        index.put_token_floor(owner, user_claims().epoch + 1);
        assert_eq!(
            reason(&instance, &user_claims()),
            Reason::Revoked,
            "{owner}"
        );
    }
}

#[test]
fn both_accounts_have_to_be_active() {
    let instance = consented();
    let index = instance.verifier.index();
    let suspended = AccountStatus::Suspended { at: UnixMillis(1) };
    index.put_account(&users_account(suspended));
    let decision = decide(&instance, &user_claims(), &ASKED);
    assert_eq!(decision.reason, Reason::AccountInactive);
    let outcome = decision.checks.outcome(Check::Account);
    assert_eq!(outcome, Outcome::Failed(Reason::AccountInactive));
    index.put_account(&users_account(AccountStatus::Active));
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    index.put_account(&account(suspended));
    assert_eq!(reason(&instance, &user_claims()), Reason::AccountInactive);
}

#[test]
fn a_revoked_secret_a_deleted_client_and_a_revoked_token_end_it() {
    let instance = consented();
    let index = instance.verifier.index();
    let app = client(&["read:leads", "write:leads"]);
    let (_, mut secret) = client_secret(&instance, CLIENT, SECRET);
    secret.revoked_at = Some(NOW.wall);
    index.put_client(&app, &[secret], None);
    assert_eq!(reason(&instance, &user_claims()), Reason::Revoked);
    instance.put_client(&app);
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    instance.put_client(&app.clone().delete(NOW.wall, "usr_x"));
    assert_eq!(reason(&instance, &user_claims()), Reason::Revoked);
    instance.put_client(&app);
    index.revoke_token(user_claims().jti, NOW.wall.plus_seconds(3_600));
    assert_eq!(reason(&instance, &user_claims()), Reason::Revoked);
}

#[test]
fn it_never_does_more_than_the_user_may_do_now() {
    let instance = consented();
    let index = instance.verifier.index();
    let inspected = || {
        let facts = instance.verifier.inspect(&signed(&user_claims(), 1), NOW);
        facts.unwrap().scopes(&index.apis())
    };
    assert_eq!(inspected(), ["read:leads", "write:leads"]);
    index.put_grant(&grant(&["read:*"]));
    assert_eq!(inspected(), ["read:leads"]);
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    let asks_more = Request {
        scopes: &["write:leads"],
        ..ASKED
    };
    for asked in [&POST, &asks_more] {
        let decision = decide(&instance, &user_claims(), asked);
        assert_eq!(decision.reason, Reason::UserLacksAccess);
        assert_eq!(decision.missing_scopes, ["write:leads"]);
        assert_eq!(
            decision.message(),
            "The user for whom this app acts has a role that lacks write:leads."
        );
    }
    // A wider role counts at once too.
    index.put_grant(&grant(&["read:leads", "write:leads"]));
    let decision = decide(&instance, &user_claims(), &POST);
    assert_eq!(decision.reason, Reason::Allowed);
}

#[test]
fn it_never_does_more_than_its_client_or_it_may_do() {
    let instance = consented();
    let narrow = Claims {
        scope: "read:leads".into(),
        jti: TokenId(51),
        ..user_claims()
    };
    let decision = decide(&instance, &narrow, &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    instance.put_client(&client(&["read:leads"]));
    let decision = decide(&instance, &user_claims(), &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    assert_eq!(decision.missing_scopes, ["write:leads"]);
    // What the client lacks is told before what the user lacks.
    instance.verifier.index().put_grant(&grant(&["read:*"]));
    let decision = decide(&instance, &user_claims(), &POST);
    assert_eq!(decision.reason, Reason::InsufficientScope);
    let mut all = client(&[]);
    all.settings.scopes = ClientScopes::All;
    instance.put_client(&all);
    instance.verifier.index().put_grant(&grant(&["*"]));
    let decision = decide(&instance, &user_claims(), &POST);
    assert_eq!(decision.reason, Reason::Allowed);
}

#[test]
fn a_new_index_knows_only_what_it_was_given() {
    let instance = consented();
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
    let index = Index::default();
    index.set_apis(&apis());
    index.put_account(&account(AccountStatus::Active));
    index.put_account(&users_account(AccountStatus::Active));
    assert_eq!(index.set_signing_keys(&[published(1)]), []);
    instance.verifier.replace_index(index);
    instance.put_client(&client(&["read:leads"]));
    assert_eq!(reason(&instance, &user_claims()), Reason::InvalidCredential);
    instance.verifier.index().put_grant(&grant(&["*"]));
    assert_eq!(reason(&instance, &user_claims()), Reason::Allowed);
}

#[test]
fn the_first_use_of_each_generation_is_noted() {
    let instance = consented();
    let index = instance.verifier.index();
    let families = index.families();
    let token = |generation: u32| {
        let claims = Claims {
            generation: Some(generation),
            jti: TokenId(generation.into()),
            ..user_claims()
        };
        signed(&claims, 1)
    };
    let (first, second, third) = (token(1), token(2), token(3));
    let reason = |token: &str| instance.decide_text(token, &ASKED).reason;
    let inspected = |token: &str| instance.verifier.inspect(token, NOW).unwrap();
    let facts = inspected(&first);
    assert_eq!(families.newest_use(FAMILY), 0, "looking is no use");
    assert_eq!(reason(&first), Reason::Allowed);
    assert_eq!(families.newest_use(FAMILY), 1);
    // It was the app that sent it, whatever the API says to what it asks for.
    let unknown = Request {
        path: Some("/no"),
        ..ASKED
    };
    let refused = instance.decide_text(&third, &unknown);
    assert_eq!(refused.reason, Reason::RouteUnknown);
    assert_eq!(reason(&second), Reason::Allowed);
    assert_eq!(families.uses(), [(FAMILY, 3)]);
    families.forget_uses(&[(FAMILY, 2)]);
    assert_eq!(families.newest_use(FAMILY), 3, "more was used meanwhile");
    families.forget_uses(&[(FAMILY, 3)]);
    assert_eq!(reason(&third), Reason::Allowed);
    instance.verifier.note_use(&facts);
    assert_eq!(families.uses(), [], "once is enough");
    instance.verifier.note_use(&inspected(&token(4)));
    assert_eq!(families.uses(), [(FAMILY, 4)]);
    let revoked = token(9);
    index.revoke_token(TokenId(9), NOW.wall.plus_seconds(3_600));
    assert_eq!(reason(&revoked), Reason::Revoked);
    assert_eq!(families.newest_use(FAMILY), 4, "a dead one is not used");
}

#[test]
fn its_audience_counts_as_any_other() {
    let instance = consented();
    let claims = Claims {
        aud: Audience::of(vec![API.into(), ISSUER.into()]),
        ..user_claims()
    };
    assert_eq!(reason(&instance, &claims), Reason::Allowed);
    let elsewhere = Claims {
        aud: Audience::One("https://elsewhere.test".into()),
        ..user_claims()
    };
    assert_eq!(reason(&instance, &elsewhere), Reason::InvalidCredential);
}
