//! An allowed API key costs no heap allocation, nor does an access token that was seen before.

use claviger_model::ids::{FamilyId, TokenId};
use claviger_model::tokens::{Claims, TokenOwner};
use claviger_verify::Request;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::issuer::{CLIENT, claims, signed};
use crate::support::{ASKED, Instance, NOW, key};
use crate::token_users::{consented, user_claims};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

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

fn assert_quiet(instance: &Instance, credential: &str) {
    let request = Request {
        ip: Some([192, 0, 2, 7].into()),
        ..ASKED
    };
    // Other tests of this program allocate at the same time: one quiet round proves it, and one
    // that allocates every time would never be quiet.
    let quiet = (0..10_000).any(|_| {
        let region = Region::new(ALLOCATOR);
        assert!(instance.decide_text(credential, &request).is_allowed());
        region.change().allocations == 0
    });
    assert!(quiet, "each of 10,000 decisions allocated");
}

#[test]
fn remembered_tokens_take_about_as_much_memory_as_they_are_thought_to() {
    let instance = Instance::with_client();
    let index = instance.verifier.index();
    // Other tests of this program allocate at the same time, so one quiet round proves it.
    let fits = (1..=5).any(|round| {
        let tokens: Vec<String> = (0..500)
            .map(|number| {
                let claims = Claims {
                    jti: TokenId(round * 1_000 + number),
                    ..claims()
                };
                signed(&claims, 3)
            })
            .collect();
        let thought_before = index.remembered_token_bytes();
        let region = Region::new(ALLOCATOR);
        for token in &tokens {
            assert!(instance.decide_text(token, &ASKED).is_allowed());
        }
        let change = region.change();
        let thought = usize::try_from(index.remembered_token_bytes() - thought_before).unwrap();
        let taken = change
            .bytes_allocated
            .saturating_sub(change.bytes_deallocated);
        (thought / 2..thought * 3 / 2).contains(&taken)
    });
    assert!(fits);
}
