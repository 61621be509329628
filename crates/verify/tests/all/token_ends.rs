//! What ends a good token before its time.

use claviger_model::accounts::AccountStatus;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::ClientState;
use claviger_model::ids::{AccountId, SecretId, TokenId};
use claviger_model::tokens::{Claims, TokenOwner};
use claviger_model::{Reason, UnixMillis};
use claviger_verify::checks::{Check, Outcome};

use crate::issuer::{CLIENT, SECRET, claims, client, client_secret, header, published, signed};
use crate::support::{ASKED, Instance, NOW, account};
use crate::token_uses::{reason, reason_at};

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
    index.put_client(&client, &[expired, second.clone()], None);
    assert_eq!(reason(), Reason::Allowed);
    let mut revoked = second.clone();
    revoked.revoked_at = Some(NOW.wall);
    index.put_client(&client, &[first.clone(), revoked], None);
    assert_eq!(reason(), Reason::Allowed);
    let mut revoked = first.clone();
    revoked.revoked_at = Some(NOW.wall);
    index.put_client(&client, &[revoked, second], None);
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
