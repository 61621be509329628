//! A decision as the contract shows it: the answer of `/v1/verify`, and what is kept of it.

use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{AccountId, GrantId, RequestId, SecretId, TokenId, UserId};
use claviger_model::scopes::ScopeName;
use claviger_model::{Environment, UnixMillis};
use claviger_verify::Decision;
use claviger_verify::apis::ApiEntry;
use claviger_verify::checks::{Checks, Outcome};
use claviger_verify::entries::{self, Grant, Identity};
use claviger_verify::limits::RateState;
use serde::{Serialize, Serializer};

/// A decision with the id of its request, ready to be written. Borrows: writing an allowed one
/// allocates nothing but what the writer needs.
#[derive(Serialize)]
pub struct DecisionView<'a> {
    allowed: bool,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    request_id: RequestId,
    account_id: Option<AccountId>,
    subject: Option<Subject>,
    credential: Option<Credential<'a>>,
    environment: Environment,
    api: Option<&'a str>,
    scopes: Scopes<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    required_scopes: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing_scopes: &'a [String],
    expires_at: Option<UnixMillis>,
    #[serde(serialize_with = "checks")]
    checks: &'a Checks,
    epoch: i64,
    staleness_ms: u64,
    rate_limit: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofView>,
}

/// What a challenge says to whoever did not prove to hold a token's key (RFC 9449 section 7.1).
#[derive(Serialize)]
struct ProofView {
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

#[derive(Serialize)]
struct Credential<'a> {
    kind: &'static str,
    id: CredentialId,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<SecretId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<TokenId>,
    /// What allowed the app to act for a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<GrantId>,
    /// For whom the app acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    name: &'a str,
    /// Its kind is deprecated; its holder should move to another one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
}

#[derive(Serialize)]
struct Rate {
    limit: u32,
    remaining: u32,
    reset_ms: u64,
}

#[derive(Serialize)]
struct CheckView {
    check: &'static str,
    ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// For whom a credential acts: the user of a session, the `sub` of a token, else the credential
/// itself.
struct Subject(Identity);

/// The id of a credential.
struct CredentialId(Identity);

/// The scopes that a credential holds, written without collecting them.
struct Scopes<'a> {
    entry: Option<&'a entries::Credential>,
    api: Option<&'a ApiEntry>,
}

impl<'a> DecisionView<'a> {
    /// The view of `decision` about the request called `request_id`.
    pub fn new(decision: &'a Decision, request_id: RequestId) -> Self {
        let entry = decision.credential.as_ref();
        let api = decision.api.as_deref();
        Self {
            allowed: decision.is_allowed(),
            reason: decision.reason.as_str(),
            message: (!decision.is_allowed()).then(|| decision.message()),
            request_id,
            account_id: entry.and_then(entries::Credential::account_id),
            subject: entry.map(|entry| Subject(entry.identity())),
            credential: entry.map(|entry| Credential {
                kind: entry.identity().kind().as_str(),
                id: CredentialId(entry.identity()),
                secret_id: entry.identity().secret_id(),
                token_id: entry.identity().token_id(),
                grant_id: entry.consent().as_ref().map(|consent| consent.id),
                user_id: entry.consent().as_ref().map(|consent| consent.user_id),
                deprecated: entry.identity().kind() == CredentialKind::LegacyKey,
                name: entry.name(),
            }),
            environment: decision.environment,
            api: api.map(|api| &*api.audience),
            scopes: Scopes { entry, api },
            required_scopes: &decision.required_scopes,
            missing_scopes: &decision.missing_scopes,
            expires_at: entry.and_then(entries::Credential::expires_at),
            checks: &decision.checks,
            epoch: decision.epoch,
            staleness_ms: decision.staleness_millis,
            rate_limit: decision.rate_limit.map(Rate::from),
            proof: decision.unproven().map(|unproven| ProofView {
                error: unproven.error(),
                nonce: decision.proof_nonce.map(|nonce| nonce.to_string()),
            }),
        }
    }
}

/// A decision as JSON.
pub fn decision_json(decision: &Decision, request_id: RequestId) -> serde_json::Value {
    // Nothing in a view can fail to be written: its keys are text and it has no floats.
    serde_json::to_value(DecisionView::new(decision, request_id)).unwrap_or_default()
}

impl From<RateState> for Rate {
    fn from(state: RateState) -> Self {
        Self {
            limit: state.limit,
            remaining: state.remaining,
            reset_ms: state.reset_millis,
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Identity::Session(_, user) => user.serialize(serializer),
            Identity::Client(..) | Identity::Token(..) => {
                serializer.serialize_str(&self.0.subject())
            }
            credential => CredentialId(credential).serialize(serializer),
        }
    }
}

impl Serialize for CredentialId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Identity::Key(id, _) => id.serialize(serializer),
            Identity::Session(id, _) => id.serialize(serializer),
            Identity::Client(id, _) => id.serialize(serializer),
            Identity::Token(token) => token.client_id.serialize(serializer),
            Identity::LegacyKey(id) => id.serialize(serializer),
        }
    }
}

impl Serialize for Scopes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(entry) = self.entry.filter(|entry| entry.client().is_some()) {
            return serializer.collect_seq(entry.scopes_at(self.api));
        }
        match (self.entry.map(entries::Credential::grant), self.api) {
            (Some(Grant::All), Some(api)) => {
                serializer.collect_seq(api.scopes.iter().map(|scope| &scope.name))
            }
            (Some(Grant::All), None) | (None, _) => serializer.collect_seq(None::<&ScopeName>),
            (Some(Grant::Named(set)), _) => serializer.collect_seq(set.names.iter()),
            (Some(Grant::Patterns(patterns)), Some(api)) => {
                let names = api.scopes.iter().map(|scope| &scope.name);
                serializer.collect_seq(names.filter(|name| patterns.cover(name)))
            }
            (Some(Grant::Patterns(patterns)), None) => serializer.collect_seq(patterns.0.iter()),
        }
    }
}

fn checks<S: Serializer>(checks: &Checks, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(checks.iter().map(|(check, outcome)| CheckView {
        check: check.as_str(),
        ok: match outcome {
            Outcome::NotAsked => None,
            Outcome::Passed => Some(true),
            Outcome::Failed(_) => Some(false),
        },
        reason: match outcome {
            Outcome::Failed(reason) => Some(reason.as_str()),
            Outcome::NotAsked | Outcome::Passed => None,
        },
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use claviger_model::accounts::{Account, AccountStatus};
    use claviger_model::apis::{Api, ApiDraft, ApiSpec, RouteDraft, ScopeDraft};
    use claviger_model::credentials::{KeySecret, StoredSecret};
    use claviger_model::ids::{ApiId, KeyId};
    use claviger_model::keyring::{Keyring, master_key_line};
    use claviger_model::keys::{ApiKey, KeyDraft, KeySettings, KeyState};
    use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};
    use claviger_verify::possession::Sent;
    use claviger_verify::{Index, Now, Request, Target, Verifier};
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_741_564_800_000);
    const CLOCK: Now = Now {
        wall: NOW,
        boot_nanos: 5_000_000_000,
    };

    /// A verifier that knows one key with `read:people` and a limit of 100 a minute.
    fn verifier() -> (Verifier, Plaintext) {
        let line = master_key_line(1, &[7; 32]);
        let keyring = Arc::new(Keyring::parse(&line).expect("a key"));
        let verifier = Verifier::new(Arc::clone(&keyring), "http://127.0.0.1:8080", 10_000);
        let mut random = [0; MINT_RANDOM_BYTES];
        random
            .iter_mut()
            .zip(0u8..)
            .for_each(|(slot, step)| *slot = step);
        let secret = Plaintext::mint("ck_live_", &random).expect("enough digits");
        let index = Index::default();
        index.set_apis(&[api()]);
        index.put_account(&Account {
            id: AccountId(2),
            name: "Acme".into(),
            status: AccountStatus::Active,
            created_at: NOW,
            version: 1,
        });
        let stored = StoredSecret::of(&secret, &keyring);
        let id = SecretId(3);
        let row = KeySecret {
            id,
            key_id: KeyId(1),
            stored,
            created_at: NOW,
            version: 1,
        };
        index.put_key(&key(), &[row]);
        verifier.replace_index(index);
        verifier.freshness().applied(412);
        verifier.freshness().extend(Now {
            boot_nanos: CLOCK.boot_nanos - 3_000_000,
            ..CLOCK
        });
        (verifier, secret)
    }

    fn key() -> ApiKey {
        let draft = KeyDraft {
            name: Some("Reporting Script".into()),
            scopes: Some(vec!["read:people".into()]),
            rate_limit: Some(Some((100, 60))),
            ..KeyDraft::default()
        };
        ApiKey {
            id: KeyId(1),
            account_id: AccountId(2),
            environment: Environment::Live,
            settings: KeySettings::create(&draft, NOW).expect("valid"),
            rate_ceiling: None,
            state: KeyState::Active,
            created_by: "usr_x".into(),
            created_at: NOW,
            version: 1,
        }
    }

    fn api() -> Api {
        let scope = |name: &str| ScopeDraft {
            name: name.into(),
            ..ScopeDraft::default()
        };
        let route = |method: &str, scope: &str| RouteDraft {
            method: method.into(),
            path: "/v1/people".into(),
            scopes: vec![scope.into()],
        };
        let draft = ApiDraft {
            name: Some("Acme".into()),
            audience: Some("https://api.acme.test".into()),
            scopes: Some(vec![scope("read:people"), scope("write:people")]),
            routes: Some(vec![
                route("GET", "read:people"),
                route("POST", "write:people"),
            ]),
            ..ApiDraft::default()
        };
        let spec = ApiSpec::create(draft).expect("valid");
        Api {
            id: ApiId(4),
            spec,
            is_default: true,
            created_at: NOW,
            version: 1,
        }
    }

    fn answer(verifier: &Verifier, credential: Option<&str>, method: &str) -> serde_json::Value {
        let request = Request {
            credential,
            target: Target::Default,
            environment: None,
            method: Some(method),
            path: Some("/v1/people"),
            scopes: &[],
            ip: None,
            sent: Sent::BEARER,
        };
        decision_json(&verifier.decide(&request, CLOCK), RequestId(5))
    }

    #[test]
    fn an_allowed_decision_has_the_members_of_the_contract() {
        let (verifier, secret) = verifier();
        let passed = |check: &str| json!({"check": check, "ok": true});
        assert_eq!(
            answer(&verifier, Some(secret.expose()), "GET"),
            json!({
                "allowed": true,
                "reason": "allowed",
                "request_id": "req_00000000000000000000000005",
                "account_id": "acct_00000000000000000000000002",
                "subject": "key_00000000000000000000000001",
                "credential": {
                    "kind": "api_key",
                    "id": "key_00000000000000000000000001",
                    "secret_id": "sec_00000000000000000000000003",
                    "name": "Reporting Script",
                },
                "environment": "live",
                "api": "https://api.acme.test",
                "scopes": ["read:people"],
                "expires_at": null,
                "checks": [
                    passed("secret"), passed("state"), passed("expiry"), passed("account"),
                    passed("environment"), passed("api"), passed("route"), passed("scopes"),
                    passed("network"), passed("limits"),
                ],
                "epoch": 412,
                "staleness_ms": 3,
                "rate_limit": {"limit": 100, "remaining": 99, "reset_ms": 600},
            })
        );
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_which_check_failed() {
        let (verifier, secret) = verifier();
        let answer = answer(&verifier, Some(secret.expose()), "POST");
        assert_eq!(answer["reason"], "insufficient_scope");
        assert_eq!(answer["message"], "This key lacks write:people.");
        assert_eq!(answer["required_scopes"], json!(["write:people"]));
        assert_eq!(answer["missing_scopes"], json!(["write:people"]));
        assert_eq!(
            answer["checks"][7],
            json!({"check": "scopes", "ok": false, "reason": "insufficient_scope"})
        );
        assert_eq!(answer["checks"][9], json!({"check": "limits", "ok": null}));
        assert_eq!(answer["rate_limit"], json!(null));
    }

    #[test]
    fn who_does_not_hold_the_secret_learns_nothing_of_the_credential() {
        let (verifier, secret) = verifier();
        let mut wrong = secret.expose().to_owned();
        wrong.replace_range(20..21, if &wrong[20..21] == "x" { "y" } else { "x" });
        for credential in [None, Some("ck_live_nonsense"), Some(wrong.as_str())] {
            let answer = answer(&verifier, credential, "GET");
            for member in ["account_id", "subject", "credential", "expires_at"] {
                assert_eq!(answer[member], json!(null), "{member}");
            }
            assert_eq!(answer["scopes"], json!([]));
            assert!(!answer.to_string().contains(&wrong));
        }
    }
}
