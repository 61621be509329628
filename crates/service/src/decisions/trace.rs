//! A kept decision in words: every question with its answer, the one that decided, and what to do.

use claviger_model::ids::RequestId;
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_verify::checks::Check;
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

/// A kept decision, read again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The request that it is about.
    pub request_id: RequestId,
    /// When it was made.
    pub at: UnixMillis,
    /// Why; none for a word of a later version.
    pub reason: Option<Reason>,
    /// The same as a word.
    pub word: String,
    /// What was said to the caller, or that nothing was against it.
    pub message: String,
    /// What can be done about it; none when it was allowed.
    pub remedy: Option<&'static str>,
    /// Which credential it was, when that is known.
    pub credential: Option<TracedCredential>,
    /// Whose data was asked for: live or test.
    pub environment: Option<Environment>,
    /// The audience of the API, when there was one.
    pub api: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// The path, without query and secrets.
    pub path: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The scopes that the credential held there.
    pub held_scopes: Vec<String>,
    /// The scopes that were asked for, where some were missing.
    pub required_scopes: Vec<String>,
    /// Those of them that were missing.
    pub missing_scopes: Vec<String>,
    /// When the credential ends.
    pub expires_at: Option<UnixMillis>,
    /// Every question, in the order in which they decide.
    pub checks: Vec<TracedCheck>,
}

/// The credential of a decision.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct TracedCredential {
    /// `api_key`, `client`, `access_token`, `session` or `legacy_key`.
    pub kind: String,
    /// Its id; of an access token the id of its client.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// For whom it acted.
    #[serde(default)]
    pub user_id: Option<String>,
}

/// A question that a decision asks, and its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracedCheck {
    /// Which one.
    pub check: Check,
    /// The question.
    pub question: &'static str,
    /// Whether it holds; none when it was not asked.
    pub holds: Option<bool>,
    /// The answer, in a sentence.
    pub answer: String,
    /// Whether it is the one that decided.
    pub has_decided: bool,
}

/// What is read of a kept decision.
#[derive(Deserialize)]
struct Kept {
    request_id: RequestId,
    at: i64,
    allowed: bool,
    reason: String,
    message: Option<String>,
    credential: Option<TracedCredential>,
    environment: Option<String>,
    api: Option<String>,
    method: Option<String>,
    path: Option<String>,
    ip: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    required_scopes: Vec<String>,
    #[serde(default)]
    missing_scopes: Vec<String>,
    expires_at: Option<i64>,
    #[serde(default)]
    checks: Vec<KeptCheck>,
}

#[derive(Deserialize)]
struct KeptCheck {
    check: String,
    ok: Option<bool>,
    reason: Option<String>,
}

impl Trace {
    /// Reads a decision as [`super::find`] and [`super::page`] give it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(decision: Value) -> Result<Self, Error> {
        let kept: Kept =
            serde_json::from_value(decision).map_err(|error| Error::Internal(Box::new(error)))?;
        let reason = Reason::parse(&kept.reason);
        let remedy = reason
            .filter(|_| !kept.allowed)
            .map(|reason| reason.refusal().remedy);
        let message = kept.message.clone().unwrap_or_else(|| match reason {
            Some(reason) if !kept.allowed => reason.refusal().message.to_owned(),
            _ => "Nothing was against it.".to_owned(),
        });
        let checks = checks(&kept, &message);
        Ok(Self {
            request_id: kept.request_id,
            at: UnixMillis(kept.at),
            reason,
            word: kept.reason,
            message,
            remedy,
            credential: kept.credential,
            environment: kept.environment.as_deref().and_then(Environment::parse),
            api: kept.api,
            method: kept.method,
            path: kept.path,
            ip: kept.ip,
            held_scopes: kept.scopes,
            required_scopes: kept.required_scopes,
            missing_scopes: kept.missing_scopes,
            expires_at: kept.expires_at.map(UnixMillis),
            checks,
        })
    }

    /// Whether the request was allowed.
    pub fn is_allowed(&self) -> bool {
        self.reason == Some(Reason::Allowed)
    }

    /// The question that decided, unless none did.
    pub fn decisive(&self) -> Option<&TracedCheck> {
        self.checks.iter().find(|check| check.has_decided)
    }
}

fn checks(kept: &Kept, message: &str) -> Vec<TracedCheck> {
    let first = kept.checks.iter().position(|one| one.ok == Some(false));
    let known = Check::ALL.into_iter().filter_map(|check| {
        let found = |one: &KeptCheck| one.check == check.as_str();
        let position = kept.checks.iter().position(found)?;
        Some((check, position, kept.checks.get(position)?))
    });
    known
        .map(|(check, position, one)| {
            let has_decided = first == Some(position);
            let answer = match one.ok {
                None => not_asked(check, first.is_some()).to_owned(),
                Some(true) => passed(check, kept),
                Some(false) if has_decided => message.to_owned(),
                Some(false) => failed(one.reason.as_deref()),
            };
            TracedCheck {
                check,
                question: question(check),
                holds: one.ok,
                answer,
                has_decided,
            }
        })
        .collect()
}

fn question(check: Check) -> &'static str {
    match check {
        Check::Secret => "Is the secret right?",
        Check::State => "Is it switched on, and not revoked?",
        Check::Expiry => "Is it before its end?",
        Check::Account => "Is the account active?",
        Check::Environment => "Is it for this environment?",
        Check::Api => "Does the API take it?",
        Check::Route => "Has the API such a route?",
        Check::Scopes => "Does it hold the scopes?",
        Check::Network => "Does it come from an allowed address?",
        Check::Limits => "Is there anything left of its limit?",
    }
}

fn passed(check: Check, kept: &Kept) -> String {
    let told = match check {
        Check::Secret => "It is one of ours, and it matches.",
        Check::State => "It is active.",
        Check::Expiry if kept.expires_at.is_some() => "It had not ended yet.",
        Check::Expiry => "It has no end.",
        Check::Account => "It is.",
        Check::Environment => match kept.environment.as_deref() {
            Some("test") => "It is for test data, and test data was asked for.",
            _ => "It is for live data, and live data was asked for.",
        },
        Check::Api => match &kept.api {
            Some(api) => return format!("{api} takes credentials of this kind."),
            None => "It does.",
        },
        Check::Route => match (&kept.method, &kept.path) {
            (Some(method), Some(path)) => return format!("{method} {path} is one of its routes."),
            _ => "It has.",
        },
        Check::Scopes => "It holds all that the route asks for.",
        Check::Network => "The address is allowed.",
        Check::Limits => "It was within its limit.",
    };
    told.to_owned()
}

fn not_asked(check: Check, is_refused: bool) -> &'static str {
    match check {
        Check::Limits if is_refused => "Not asked: what is refused takes nothing from the limit.",
        Check::Limits => "Not asked: it has no limit.",
        Check::Route => "Not asked: no path was named, or the API declares no routes.",
        Check::Network => "Not asked: no address was known, or any is allowed.",
        _ if is_refused => "Not asked: what failed before makes it meaningless.",
        _ => "Not asked.",
    }
}

fn failed(reason: Option<&str>) -> String {
    let known = reason.and_then(Reason::parse);
    match (known, reason) {
        (Some(reason), _) => reason.refusal().message.to_owned(),
        (None, Some(word)) => word.to_owned(),
        (None, None) => "It does not hold.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused() -> Value {
        json!({
            "at": 5, "ip": "203.0.113.9", "method": "POST", "path": "/v1/leads",
            "allowed": false, "reason": "insufficient_scope",
            "message": "This key lacks write:leads.",
            "request_id": RequestId(7).to_string(), "account_id": null, "subject": null,
            "credential": {"kind": "api_key", "id": "key_1", "name": "Reporting"},
            "environment": "test", "api": "https://api.acme.test",
            "scopes": ["read:leads"], "required_scopes": ["write:leads"],
            "missing_scopes": ["write:leads"], "expires_at": null,
            "checks": [
                {"check": "secret", "ok": true},
                {"check": "scopes", "ok": false, "reason": "insufficient_scope"},
                {"check": "network", "ok": false, "reason": "ip_not_allowed"},
                {"check": "limits", "ok": null},
            ],
        })
    }

    #[test]
    fn a_refusal_is_told_check_by_check() {
        let trace = Trace::read(refused()).expect("a decision");
        assert!(!trace.is_allowed());
        let told: Vec<_> = trace
            .checks
            .iter()
            .map(|one| {
                (
                    one.check.as_str(),
                    one.holds,
                    one.answer.as_str(),
                    one.has_decided,
                )
            })
            .collect();
        let not_allowed = "This credential may not be used from this address.";
        let limit = "Not asked: what is refused takes nothing from the limit.";
        let expected = [
            (
                "secret",
                Some(true),
                "It is one of ours, and it matches.",
                false,
            ),
            ("scopes", Some(false), "This key lacks write:leads.", true),
            ("network", Some(false), not_allowed, false),
            ("limits", None, limit, false),
        ];
        assert_eq!(told, expected);
        assert_eq!(trace.decisive().map(|one| one.check), Some(Check::Scopes));
        assert_eq!(
            trace.remedy,
            Some(Reason::InsufficientScope.refusal().remedy)
        );
        assert_eq!(trace.environment, Some(Environment::Test));
    }

    #[test]
    fn words_of_a_later_version_are_shown_as_they_are() {
        let mut decision = refused();
        decision["reason"] = json!("too_old");
        decision["message"] = json!(null);
        decision["checks"][1]["check"] = json!("age");
        let trace = Trace::read(decision).expect("a decision");
        assert_eq!((trace.reason, trace.word.as_str()), (None, "too_old"));
        assert_eq!(trace.checks.len(), 3);
        assert!(Trace::read(json!({})).is_err());
    }
}
