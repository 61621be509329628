//! `decide` in process, beside its floor: of a key one keyed hash and one look-up in the same map,
//! of an access token that was seen before one hash and one look-up.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::apis::{Api, ApiDraft, ApiSpec, RouteDraft, ScopeDraft};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{AccountId, ApiId, KeyId, SecretId};
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_model::keys::{ApiKey, KeyDraft, KeySettings, KeyState};
use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
use claviger_model::{Environment, UnixMillis};
use claviger_verify::possession::Sent;
use claviger_verify::{Index, Now, Request, Target, Verifier};

use crate::issued;
use crate::report::{DecideRow, median};

pub(crate) const NOW: Now = Now {
    wall: UnixMillis(1_763_769_600_000),
    boot_nanos: 5_000_000_000,
};
/// Decisions timed together: a clock costs as much as a part of one decision.
const BATCH: usize = 64;

/// Measures at three sizes of the index.
pub(crate) fn measure(decisions: usize) -> Result<Vec<DecideRow>> {
    let keys = [1_000, 10_000, 100_000].map(|keys| of_keys(keys, decisions));
    let tokens = [1_000, 10_000, 50_000].map(|tokens| of_tokens(tokens, decisions));
    keys.into_iter().chain(tokens).collect()
}

fn of_tokens(count: u64, decisions: usize) -> Result<DecideRow> {
    let line = master_key_line(1, &[7; 32]);
    let keyring = Arc::new(Keyring::parse(&line)?);
    let index = Index::default();
    index.put_account(&account());
    index.set_apis(&[api()?]);
    let tokens = issued::tokens(&index, &keyring, count)?;
    let verifier = started(keyring, index);
    let floor = papaya::HashMap::new();
    let decide = |token: &String| {
        let decision = verifier.decide(&request(token), NOW);
        assert!(black_box(decision).is_allowed());
    };
    for token in &tokens {
        decide(token);
        floor.pin().insert(issued::hash(token), Arc::new([0u8; 64]));
    }
    let bare = |token: &String| {
        let found = floor.pin().get(&issued::hash(token)).cloned();
        black_box(found);
    };
    Ok(DecideRow {
        name: format!("decide, token seen before, {count} tokens"),
        nanos: timed(&tokens, decisions, decide),
        floor_nanos: timed(&tokens, decisions, bare),
    })
}

fn of_keys(keys: u64, decisions: usize) -> Result<DecideRow> {
    let line = master_key_line(1, &[7; 32]);
    let keyring = Arc::new(Keyring::parse(&line)?);
    let (index, secrets) = filled(keys, &keyring)?;
    let floor = papaya::HashMap::new();
    for secret in &secrets {
        floor.pin().insert(secret.lookup(), Arc::new([0u8; 64]));
    }
    let verifier = started(Arc::clone(&keyring), index);
    let decide = |secret: &Plaintext| {
        let decision = verifier.decide(&request(secret.expose()), NOW);
        assert!(black_box(decision).is_allowed());
    };
    let bare = |secret: &Plaintext| {
        let found = floor.pin().get(&secret.lookup()).cloned();
        black_box(found);
        black_box(keyring.hash_secret(1, secret.expose()));
    };
    Ok(DecideRow {
        name: format!("decide, API key, {keys} keys"),
        nanos: timed(&secrets, decisions, decide),
        floor_nanos: timed(&secrets, decisions, bare),
    })
}

pub(crate) fn started(keyring: Arc<Keyring>, index: Index) -> Verifier {
    let verifier = Verifier::new(keyring, issued::ISSUER, 10_000);
    verifier.replace_index(index);
    verifier.freshness().applied(1);
    verifier.freshness().extend(NOW);
    verifier
}

pub(crate) const fn request(credential: &str) -> Request<'_> {
    Request {
        credential: Some(credential),
        target: Target::Default,
        environment: None,
        method: Some("GET"),
        path: Some("/v1/leads"),
        scopes: &[],
        ip: None,
        sent: Sent::BEARER,
    }
}

/// Median nanoseconds of one call, over batches that walk the credentials in an order that no cache
/// foresees.
fn timed<T>(credentials: &[T], calls: usize, call: impl Fn(&T)) -> f64 {
    let mut at = 0usize;
    let mut batches = Vec::with_capacity(calls / BATCH);
    for _ in 0..calls / BATCH {
        let begun = Instant::now();
        for _ in 0..BATCH {
            at = (at
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_041))
                >> 1;
            call(&credentials[at % credentials.len()]);
        }
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a batch are few")]
        batches.push(begun.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    median(batches)
}

pub(crate) fn filled(keys: u64, keyring: &Keyring) -> Result<(Index, Vec<Plaintext>)> {
    let index = Index::default();
    let account = account();
    index.put_account(&account);
    index.set_apis(&[api()?]);
    let draft = KeyDraft {
        name: Some("Reporting Script".to_owned()),
        scopes: Some(vec!["read:leads".to_owned(), "write:leads".to_owned()]),
        ..KeyDraft::default()
    };
    let settings = KeySettings::create(&draft, NOW.wall)?;
    let mut secrets = Vec::new();
    for number in 1..=keys {
        let secret = minted(number).context("enough digits")?;
        let key = ApiKey {
            id: KeyId(number.into()),
            account_id: account.id,
            environment: Environment::Live,
            settings: settings.clone(),
            state: KeyState::Active,
            created_by: "bench".to_owned(),
            created_at: NOW.wall,
            version: 1,
        };
        let row = KeySecret {
            id: SecretId(number.into()),
            key_id: key.id,
            stored: StoredSecret::of(&secret, keyring),
            created_at: NOW.wall,
            version: 1,
        };
        index.put_key(&key, &[row]);
        secrets.push(secret);
    }
    Ok((index, secrets))
}

fn account() -> Account {
    Account {
        id: AccountId(1),
        name: "Acme".to_owned(),
        status: AccountStatus::Active,
        created_at: NOW.wall,
        version: 1,
    }
}

fn api() -> Result<Api> {
    let scope = |name: &str| ScopeDraft {
        name: name.to_owned(),
        ..ScopeDraft::default()
    };
    let draft = ApiDraft {
        name: Some("Demo".to_owned()),
        audience: Some(issued::AUDIENCE.to_owned()),
        accepts: Some(vec!["api_key".to_owned(), "access_token".to_owned()]),
        scopes: Some(vec![scope("read:leads"), scope("write:leads")]),
        routes: Some(vec![RouteDraft {
            method: "GET".to_owned(),
            path: "/v1/leads".to_owned(),
            scopes: vec!["read:leads".to_owned()],
        }]),
        ..ApiDraft::default()
    };
    let spec = ApiSpec::create(draft)?;
    Ok(Api {
        id: ApiId(1),
        spec,
        is_default: true,
        created_at: NOW.wall,
        version: 1,
    })
}

/// A secret from a counter: spread like a random one, the same in every run.
pub(crate) fn minted(number: u64) -> Option<Plaintext> {
    let mut random = [0; MINT_RANDOM_BYTES];
    let mut state = number;
    for chunk in random.chunks_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
    }
    Plaintext::mint("ck_live_", &random)
}
