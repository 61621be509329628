//! An instance with one API, and keys by data.

use std::sync::Arc;

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::apis::{Api, ApiDraft, ApiSpec, RouteDraft, ScopeDraft};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{AccountId, ApiId, KeyId, SecretId};
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_model::keys::{ApiKey, KeyDraft, KeySettings, KeyState};
use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
use claviger_model::{Environment, UnixMillis};
use claviger_verify::possession::Sent;
use claviger_verify::{Decision, Index, Now, Request, Target, Verifier};

pub(crate) const NOW: Now = Now {
    wall: UnixMillis(1_763_769_600_000),
    boot_nanos: 5_000_000_000,
};

pub(crate) const ISSUER: &str = "https://auth.acme.test";
/// The audience of the default API. It takes keys and tokens.
pub(crate) const API: &str = "https://api.acme.test";
/// The audience of another API that takes tokens.
pub(crate) const REPORTS: &str = "https://reports.acme.test";
/// The audience of an API that takes keys alone.
pub(crate) const KEYS_ONLY: &str = "https://keys.acme.test";

pub(crate) struct Instance {
    pub(crate) verifier: Verifier,
    pub(crate) keyring: Arc<Keyring>,
}

/// What a request asks, beside its credential.
pub(crate) const ASKED: Request<'static> = Request {
    credential: None,
    target: Target::Default,
    environment: None,
    method: Some("GET"),
    path: Some("/v1/leads"),
    scopes: &[],
    ip: None,
    sent: Sent::BEARER,
};

impl Instance {
    pub(crate) fn new() -> Self {
        let line = master_key_line(1, &[7; 32]);
        let keyring = Arc::new(Keyring::parse(&line).unwrap());
        let verifier = Verifier::new(Arc::clone(&keyring), ISSUER, 10_000);
        let index = Index::default();
        index.set_apis(&apis());
        index.put_account(&account(AccountStatus::Active));
        verifier.replace_index(index);
        verifier.freshness().applied(7);
        verifier.freshness().extend(NOW);
        Self { verifier, keyring }
    }

    /// Holds `key`, and gives its secret.
    pub(crate) fn put(&self, key: &ApiKey) -> Plaintext {
        let number = u8::try_from(key.id.0).unwrap();
        let mut random = [0; MINT_RANDOM_BYTES];
        random
            .iter_mut()
            .zip(0u8..)
            .for_each(|(slot, at)| *slot = number ^ at.wrapping_mul(7));
        let secret = Plaintext::mint("ck_live_", &random).unwrap();
        let row = KeySecret {
            id: SecretId(key.id.0),
            key_id: key.id,
            stored: StoredSecret::of(&secret, &self.keyring),
            created_at: NOW.wall,
            version: 1,
        };
        self.verifier.index().put_key(key, &[row]);
        secret
    }

    pub(crate) fn decide(&self, secret: &Plaintext, asked: &Request<'_>) -> Decision {
        self.decide_text(secret.expose(), asked)
    }

    pub(crate) fn decide_text(&self, credential: &str, asked: &Request<'_>) -> Decision {
        let request = Request {
            credential: Some(credential),
            ..*asked
        };
        self.verifier.decide(&request, NOW)
    }
}

pub(crate) fn key() -> ApiKey {
    let draft = KeyDraft {
        name: Some("Reporting Script".into()),
        scopes: Some(vec!["read:leads".into()]),
        ..KeyDraft::default()
    };
    ApiKey {
        id: KeyId(1),
        account_id: AccountId(1),
        environment: Environment::Live,
        settings: KeySettings::create(&draft, NOW.wall).unwrap(),
        rate_ceiling: None,
        state: KeyState::Active,
        created_by: "usr_x".into(),
        created_at: NOW.wall,
        version: 1,
    }
}

pub(crate) fn account(status: AccountStatus) -> Account {
    Account {
        id: AccountId(1),
        name: "Acme".into(),
        status,
        created_at: NOW.wall,
        version: 1,
    }
}

/// The default API, and two more with the same routes.
pub(crate) fn apis() -> Vec<Api> {
    vec![
        Api {
            is_default: true,
            ..api(1, API, &["api_key", "access_token"])
        },
        api(2, REPORTS, &["access_token"]),
        api(3, KEYS_ONLY, &["api_key"]),
    ]
}

fn api(number: u128, audience: &str, accepts: &[&str]) -> Api {
    let scope = |name: &str| ScopeDraft {
        name: name.into(),
        ..ScopeDraft::default()
    };
    let route = |method: &str, path: &str, scopes: &[&str]| RouteDraft {
        method: method.into(),
        path: path.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let has_hosts = number == 1;
    let url = |url: &str| Some(has_hosts.then(|| url.to_owned()));
    let draft = ApiDraft {
        name: Some(format!("Demo {number}")),
        audience: Some(audience.into()),
        scopes: Some(vec![
            scope("read:leads"),
            scope("write:leads"),
            scope("admin"),
        ]),
        routes: Some(vec![
            route("GET", "/v1/leads", &["read:leads"]),
            route("POST", "/v1/leads", &["write:leads"]),
        ]),
        accepts: Some(accepts.iter().map(|kind| (*kind).to_owned()).collect()),
        live_url: url("https://api.acme.test/base"),
        sandbox_url: url("https://sandbox.acme.test"),
        ..ApiDraft::default()
    };
    Api {
        id: ApiId(number),
        spec: ApiSpec::create(draft).unwrap(),
        is_default: false,
        created_at: NOW.wall,
        version: 1,
    }
}
