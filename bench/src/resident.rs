//! The index in this process: keys of known numbers, filled as a server that starts fills it.

use std::ops::Range;
use std::sync::Arc;

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

pub(crate) const NOW: Now = Now {
    wall: UnixMillis(1_763_769_600_000),
    boot_nanos: 5_000_000_000,
};
/// Rows that are in memory beside the index, as a page of them is when a server starts.
const PAGE: u64 = 5_000;

/// The keyring of everything in this process.
pub(crate) fn keyring() -> Result<Arc<Keyring>> {
    Ok(Arc::new(Keyring::parse(&master_key_line(1, &[7; 32]))?))
}

/// An index with as many keys, evenly in as many accounts.
pub(crate) fn filled(keys: u64, accounts: u64, keyring: &Keyring) -> Result<Index> {
    let index = Index::default();
    index.set_apis(&[api()?]);
    for number in 1..=accounts {
        index.put_account(&account(AccountId(number.into())));
    }
    let mut filling = index.fill_keys();
    let mut first = 1;
    while first <= keys {
        let numbers = first..(first + PAGE).min(keys + 1);
        first = numbers.end;
        let page: Vec<_> = numbers
            .map(|number| {
                let account = AccountId((number % accounts + 1).into());
                let at = (NOW.wall, u128::from(number));
                row(number, at, account, keyring)
            })
            .collect::<Result<_>>()?;
        for (key, secret) in page {
            filling.put(&key, &[secret]);
        }
    }
    filling.finish();
    Ok(index)
}

/// The texts of up to `count` of the keys, spread over all of them.
pub(crate) fn spread(keys: u64, count: u64) -> Result<Vec<Plaintext>> {
    let step = (keys / count).max(1);
    let numbers = (0..count.min(keys)).map(|at| at * step + 1);
    numbers
        .map(|number| minted(number).context("enough digits"))
        .collect()
}

/// A key and its secret, as they are stored.
pub(crate) fn row(
    number: u64,
    (at, id): (UnixMillis, u128),
    account_id: AccountId,
    keyring: &Keyring,
) -> Result<(ApiKey, KeySecret)> {
    let draft = KeyDraft {
        name: Some(format!("Reporting Script {number}")),
        scopes: Some(vec!["read:leads".to_owned(), "write:leads".to_owned()]),
        ..KeyDraft::default()
    };
    let secret = minted(number).context("enough digits")?;
    let key = ApiKey {
        id: KeyId(id),
        account_id,
        environment: Environment::Live,
        settings: KeySettings::create(&draft, at)?,
        rate_ceiling: None,
        state: KeyState::Active,
        created_by: "bench".to_owned(),
        created_at: at,
        version: 1,
    };
    let row = KeySecret {
        id: SecretId(id),
        key_id: key.id,
        stored: StoredSecret::of(&secret, keyring),
        created_at: at,
        version: 1,
    };
    Ok((key, row))
}

/// A verifier that may decide.
pub(crate) fn started(keyring: Arc<Keyring>, index: Index) -> Verifier {
    let verifier = Verifier::new(keyring, issued::ISSUER, 10_000);
    verifier.replace_index(index);
    verifier.freshness().applied(1);
    verifier.freshness().extend(NOW);
    verifier
}

/// What is asked of each credential.
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

/// An account that is active.
pub(crate) fn account(id: AccountId) -> Account {
    Account {
        id,
        name: "Acme".to_owned(),
        status: AccountStatus::Active,
        created_at: NOW.wall,
        version: 1,
    }
}

/// The API that everything is for.
pub(crate) fn api() -> Result<Api> {
    Ok(Api {
        id: ApiId(1),
        spec: ApiSpec::create(api_draft())?,
        is_default: true,
        created_at: NOW.wall,
        version: 1,
    })
}

/// What it is to be.
pub(crate) fn api_draft() -> ApiDraft {
    let scope = |name: &str| ScopeDraft {
        name: name.to_owned(),
        ..ScopeDraft::default()
    };
    ApiDraft {
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
    }
}

/// The numbers of keys that there are when there are so many.
pub(crate) const fn numbers(keys: u64) -> Range<u64> {
    1..keys + 1
}

/// Numbers of well-formed keys that nobody has.
pub(crate) const STRANGERS: Range<u64> = 1 << 40..1 << 41;

/// A secret from a number: spread like a random one, the same in every run.
pub(crate) fn minted(number: u64) -> Option<Plaintext> {
    Plaintext::mint("ck_live_", &random(number))
}

/// What a secret is made of.
pub(crate) fn random(number: u64) -> [u8; MINT_RANDOM_BYTES] {
    let mut random = [0; MINT_RANDOM_BYTES];
    let mut state = number;
    for chunk in random.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        chunk.copy_from_slice(&mixed(state).to_le_bytes()[..chunk.len()]);
    }
    random
}

/// The end of `SplitMix64`.
pub(crate) const fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
