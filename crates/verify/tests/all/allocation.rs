//! An allowed API key costs no heap allocation, nor does an access token that was seen before.

use allocation_counter::measure;
use aws_lc_rs::{digest, hmac};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{FamilyId, SecretId, TokenId};
use claviger_model::imports::{ForeignHash, ImportedHash};
use claviger_model::secret::Lookup;
use claviger_model::tokens::{Claims, TokenOwner};
use claviger_verify::Request;

use crate::issuer::{CLIENT, claims, signed};
use crate::support::{ASKED, Instance, NOW, key};
use crate::token_users::{consented, user_claims};

#[test]
fn an_allowed_key_allocates_nothing() {
    let instance = Instance::new();
    let secret = instance.put(&key());
    assert_quiet(&instance, secret.expose());
}

#[test]
fn an_allowed_token_seen_before_allocates_nothing() {
    let instance = Instance::with_client();
    // What is asked of a token at each use finds something to look at.
    let index = instance.verifier.index();
    index.revoke_token(TokenId(99), NOW.wall);
    index.put_token_floor(TokenOwner::Client(CLIENT), 1);
    for number in [1, 2, 3] {
        let token = signed(&claims(), number);
        assert!(instance.decide_text(&token, &ASKED).is_allowed());
        assert_quiet(&instance, &token);
    }
}

#[test]
fn an_allowed_token_for_a_user_allocates_nothing() {
    let instance = consented();
    let index = instance.verifier.index();
    index.families().end(FamilyId(99), NOW.wall);
    let token = signed(&user_claims(), 1);
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
    assert_quiet(&instance, &token);
}

#[test]
fn an_allowed_key_that_was_made_elsewhere_allocates_nothing_before_or_after_its_first_use() {
    let text = "sk_old.9fQ2";
    let pepper = hmac::Key::new(hmac::HMAC_SHA256, b"pepper");
    let [sha256, hmac] = [
        digest::digest(&digest::SHA256, text.as_bytes())
            .as_ref()
            .to_vec(),
        hmac::sign(&pepper, text.as_bytes()).as_ref().to_vec(),
    ];
    let sha512 = digest::digest(&digest::SHA512, text.as_bytes());
    for hash in [
        ForeignHash::Sha256(sha256.try_into().unwrap()),
        ForeignHash::Sha512(sha512.as_ref().try_into().unwrap()),
        ForeignHash::HmacSha256(hmac.try_into().unwrap(), 3),
    ] {
        let instance = Instance::new();
        let index = instance.verifier.index();
        index.set_import_peppers(&[(1, "another"), (3, "pepper")]);
        let secret = |stored| KeySecret {
            id: SecretId(1),
            key_id: key().id,
            stored,
            created_at: NOW.wall,
            version: 1,
        };
        let mut row = imported(hash);
        let placeholder = StoredSecret::placeholder(row.placeholder, 1, String::new());
        index.put_key(&key(), &[secret(placeholder)]);
        assert!(!instance.decide_text(text, &ASKED).is_allowed());
        index.put_imported(&row);
        assert_quiet(&instance, text);
        // First the hash of our own, then the end of the other: in between it is known too.
        index.put_key(
            &key(),
            &[secret(StoredSecret::of_foreign(text, &instance.keyring))],
        );
        assert_quiet(&instance, text);
        row = row.upgraded(NOW.wall);
        index.put_imported(&row);
        assert_quiet(&instance, text);
        assert_eq!(index.imported().held(), 0);
        assert!(!instance.decide_text("sk_old.9fQ3", &ASKED).is_allowed());
    }
}

fn imported(hash: ForeignHash) -> ImportedHash {
    let keyring = Instance::new().keyring;
    ImportedHash {
        secret_id: SecretId(1),
        key_id: key().id,
        account_id: key().account_id,
        external_id: None,
        fingerprint: hash.fingerprint(&keyring, 1).unwrap(),
        algorithm: hash.algorithm(),
        hash: Some(hash),
        placeholder: Lookup(7),
        created_at: NOW.wall,
        upgraded_at: None,
        version: 1,
    }
}

fn assert_quiet(instance: &Instance, credential: &str) {
    let request = Request {
        ip: Some([192, 0, 2, 7].into()),
        ..ASKED
    };
    let decided = || assert!(instance.decide_text(credential, &request).is_allowed());
    // What a thread sets up once for itself is no cost of a decision.
    decided();
    let taken = measure(|| (0..1_000).for_each(|_| decided()));
    assert_eq!(taken.count_total, 0, "1,000 decisions allocated: {taken:?}");
}

#[test]
fn remembered_tokens_take_about_as_much_memory_as_they_are_thought_to() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    let tokens: Vec<String> = (0..500)
        .map(|number| {
            let claims = Claims {
                jti: TokenId(number),
                ..claims()
            };
            signed(&claims, 3)
        })
        .collect();
    let thought_before = index.remembered_token_bytes();
    let taken = measure(|| {
        for token in &tokens {
            assert!(instance.decide_text(token, &ASKED).is_allowed());
        }
    });
    let thought = i64::try_from(index.remembered_token_bytes() - thought_before).unwrap();
    assert!(
        (thought / 2..thought * 3 / 2).contains(&taken.bytes_current),
        "thought to be {thought} bytes: {taken:?}"
    );
}
