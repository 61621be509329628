//! `decide`: the checks, in order.

use std::hint::black_box;
use std::sync::Arc;

use arc_swap::ArcSwap;
use claviger_model::apis::Unmatched;
use claviger_model::keyring::{Keyring, macs_equal};
use claviger_model::routes::is_canonical;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::{self, Malformed};
use claviger_model::{Environment, Reason};

use crate::apis::{ApiEntry, Apis};
use crate::checks::{Check, Checks, Outcome};
use crate::decision::{Decision, Note};
use crate::entries::{Credential, EntryState};
use crate::freshness::{Freshness, Now};
use crate::index::Index;
use crate::possession::{Nonce, Proofs, Sent, Unproven};
use crate::request::{Request, Target};
use crate::routes::RouteEntry;
use crate::tokens::verified::VerifiedToken;

/// Decides.
#[derive(Debug)]
pub struct Verifier {
    keyring: Arc<Keyring>,
    /// Who issues the access tokens that it takes.
    issuer: Box<str>,
    index: ArcSwap<Index>,
    freshness: Freshness,
    proofs: Proofs,
}

/// The credential of a request, known to be genuine.
pub(crate) struct Presented {
    pub(crate) entry: Credential,
    /// Whether it works, apart from its expiry.
    pub(crate) state: EntryState,
    pub(crate) token: Option<Arc<VerifiedToken>>,
}

/// What is looked at once the secret is known to be right.
struct Subject<'a> {
    entry: &'a Credential,
    /// The token that it is, if it is one.
    token: Option<&'a VerifiedToken>,
    issuer: &'a str,
    api: Option<&'a Arc<ApiEntry>>,
    environment: Environment,
    path: Option<&'a str>,
}

impl Verifier {
    /// A verifier that knows nothing yet and answers `stale`. It takes the access tokens of
    /// `issuer`.
    pub fn new(keyring: Arc<Keyring>, issuer: &str, lease_millis: u64) -> Self {
        Self {
            keyring,
            issuer: issuer.into(),
            index: ArcSwap::from_pointee(Index::default()),
            freshness: Freshness::new(lease_millis),
            proofs: Proofs::new(false),
        }
    }

    /// The same, which asks for its nonces in proofs of possession or not (RFC 9449 section 9).
    #[must_use]
    pub fn asking_for_nonces(self, asks: bool) -> Self {
        Self {
            proofs: Proofs::new(asks),
            ..self
        }
    }

    /// The nonce that proofs of possession are to carry now.
    pub fn proof_nonce(&self, now: Now) -> Option<Nonce> {
        Nonce::at(&self.keyring, now.wall)
    }

    /// Whether a proof of possession carries a nonce that was given out lately.
    pub fn is_proof_nonce(&self, nonce: &str, now: Now) -> bool {
        Nonce::is_recent(&self.keyring, nonce, now.wall)
    }

    /// Who issues the access tokens that it takes: the only issuer in their `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The index, as it is now.
    pub fn index(&self) -> Arc<Index> {
        self.index.load_full()
    }

    /// Replaces the whole index, after a reload. Which families of tokens were used goes on.
    pub fn replace_index(&self, mut index: Index) {
        index.share_family_uses(&self.index.load());
        self.index.store(Arc::new(index));
    }

    /// What the node knows, and until when.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// Whether the sender of a credential that is known to be genuine holds the key that it is
    /// bound to.
    pub(crate) fn possession(
        &self,
        credential: &str,
        presented: &Presented,
        sent: (&Sent<'_>, Option<&str>),
        now: Now,
    ) -> Result<(), Unproven> {
        let token = presented.token.as_ref();
        let jkt = token.and_then(|token| token.jkt.as_deref());
        let keyring = &self.keyring;
        self.proofs
            .check(keyring, (credential, jkt), sent, now.wall)
    }

    /// Decides one request.
    pub fn decide(&self, request: &Request<'_>, now: Now) -> Decision {
        // Read before anything else: what is decided is at least as new as the epoch it names.
        let epoch = self.freshness.epoch();
        let mut decision = Decision {
            reason: Reason::Stale,
            credential: None,
            api: None,
            route: None,
            environment: request.environment.unwrap_or(Environment::Live),
            checks: Checks::default(),
            required_scopes: Vec::new(),
            missing_scopes: Vec::new(),
            meant_for: Vec::new(),
            epoch,
            staleness_millis: 0,
            rate_limit: None,
            note: None,
            proof_nonce: None,
        };
        let Some(staleness_millis) = self.freshness.staleness_millis(now) else {
            return decision;
        };
        decision.staleness_millis = staleness_millis;
        let index = self.index.load();
        let apis = index.apis();
        let (api, host_environment, path) = arrive(&apis, request);
        decision.environment = request
            .environment
            .or(host_environment)
            .unwrap_or(Environment::Live);
        decision.api = api.cloned();
        let Some(credential) = request.credential else {
            return decision.refuse_secret(Reason::CredentialMissing);
        };
        let presented = match self.recognise(&index, credential, now) {
            Ok(presented) => presented,
            Err(note) => {
                decision.note = note;
                return decision.refuse_secret(Reason::InvalidCredential);
            }
        };
        let sent = (&request.sent, request.method);
        if let Err(unproven) = self.possession(credential, &presented, sent, now) {
            return decision.refuse_unproven(unproven, self.proof_nonce(now));
        }
        let entry = presented.entry;
        decision.checks.note(Check::Secret, Outcome::Passed);
        check_credential(&mut decision.checks, &entry, presented.state, now);
        if let Some(token) = &presented.token
            && decision.checks.first_failure().is_none()
        {
            token.note_use(index.families());
        }
        let subject = Subject {
            entry: &entry,
            token: presented.token.as_deref(),
            issuer: &self.issuer,
            api,
            environment: decision.environment,
            path,
        };
        check_request(&mut decision, &subject, request);
        if decision.checks.first_failure().is_none() {
            check_limit(&mut decision, &entry, now);
        }
        decision.reason = decision.checks.first_failure().unwrap_or(Reason::Allowed);
        decision.credential = Some(entry);
        decision
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// What a credential is. Whatever is none of ours may have been made elsewhere.
    pub(crate) fn recognise(
        &self,
        index: &Index,
        credential: &str,
        now: Now,
    ) -> Result<Presented, Option<Note>> {
        self.recognise_own(index, credential, now).or_else(|note| {
            let entry = self.imported_entry(index, credential).ok_or(note)?;
            Ok(Presented {
                state: entry.state(),
                entry,
                token: None,
            })
        })
    }

    /// What a credential of ours is. No secret of ours has a dot, every token has two.
    fn recognise_own(
        &self,
        index: &Index,
        credential: &str,
        now: Now,
    ) -> Result<Presented, Option<Note>> {
        if !credential.as_bytes().contains(&b'.') {
            let entry = self.matching_entry(index, credential)?;
            return Ok(Presented {
                state: entry.state(),
                entry,
                token: None,
            });
        }
        let found = self.recognise_token(index, credential, now.wall)?;
        Ok(Presented {
            entry: found.token.entry.clone(),
            state: found.state,
            token: Some(found.token),
        })
    }

    /// The entry whose secret this is. Whatever is refused costs the same, whether its identifier
    /// is a key's, another credential's or nobody's: a search and a hash among the keys, then a
    /// search and a hash among the others, for another key where there is none to compare with.
    /// Only the right secret of a key is done after the first.
    pub(crate) fn matching_entry(
        &self,
        index: &Index,
        credential: &str,
    ) -> Result<Credential, Option<Note>> {
        let lookup = secret::parse(credential).map_err(|malformed| match malformed {
            Malformed::Checksum => Some(Note::Typo),
            Malformed::Shape => None,
        })?;
        let matches = |entry: Option<&Credential>| {
            let version = entry.map_or(self.keyring.current_version(), Credential::pepper_version);
            let hash = self.keyring.hash_secret(version, credential);
            let pair = hash.as_ref().zip(entry.map(Credential::hash));
            pair.is_some_and(|(hash, stored)| macs_equal(hash, stored))
        };
        let (key, is_own) = match index.find_key(lookup) {
            Ok(key) => (Some(Credential::Key(key)), true),
            Err(stand_in) => (stand_in.map(Credential::Key), false),
        };
        // Compared even if the answer is known, which the compiler must not know.
        let is_right = black_box(matches(key.as_ref()));
        if is_own && is_right {
            return key.ok_or(None);
        }
        let other = index.find_other(lookup);
        let is_right = black_box(matches(other.as_ref().or(key.as_ref())));
        other.filter(|_| is_right).ok_or(None)
    }
}

impl Decision {
    fn refuse_unproven(mut self, unproven: Unproven, nonce: Option<Nonce>) -> Self {
        self.note = Some(Note::Unproven(unproven));
        self.proof_nonce = nonce.filter(|_| unproven == Unproven::Nonce);
        self.refuse_secret(Reason::InvalidCredential)
    }

    fn refuse_secret(mut self, reason: Reason) -> Self {
        self.checks.note(Check::Secret, Outcome::Failed(reason));
        self.reason = reason;
        self
    }
}

/// Finds the API, the environment that its host says, and the path below its base.
fn arrive<'a>(
    apis: &'a Apis,
    request: &Request<'a>,
) -> (
    Option<&'a Arc<ApiEntry>>,
    Option<Environment>,
    Option<&'a str>,
) {
    match request.target {
        Target::Default => (apis.default_api(), None, request.path),
        Target::Audience(audience) => (apis.by_audience(audience), None, request.path),
        Target::Host(host) => match apis.by_host(host, request.path.unwrap_or("/")) {
            Some(arrival) => (
                Some(arrival.api),
                arrival.environment,
                request.path.map(|_| arrival.path),
            ),
            None => (None, None, request.path),
        },
    }
}

/// State, expiry and account.
pub(crate) fn check_credential(
    checks: &mut Checks,
    entry: &Credential,
    state: EntryState,
    now: Now,
) {
    let state = match state {
        EntryState::Active => Outcome::Passed,
        EntryState::Refused(reason) => Outcome::Failed(reason),
    };
    checks.note(Check::State, state);
    let is_over = entry.expires_at().is_some_and(|end| end <= now.wall);
    checks.note(Check::Expiry, outcome(!is_over, Reason::Expired));
    if let Some(account) = entry.account() {
        checks.note(
            Check::Account,
            outcome(account.is_active(), Reason::AccountInactive),
        );
    }
}

/// Environment, API, route, scopes and network.
fn check_request(decision: &mut Decision, subject: &Subject<'_>, request: &Request<'_>) {
    let Subject {
        entry, environment, ..
    } = *subject;
    let is_for = entry.environment().is_none_or(|own| own == environment);
    decision.checks.note(
        Check::Environment,
        outcome(is_for, Reason::EnvironmentMismatch),
    );
    decision.checks.note(
        Check::Network,
        outcome(entry.allows_address(request.ip), Reason::IpNotAllowed),
    );
    let Some(api) = subject.api else {
        decision
            .checks
            .note(Check::Api, Outcome::Failed(Reason::UnknownApi));
        return;
    };
    check_api(decision, subject, api);
    let mut route = None;
    if let Some(path) = subject.path {
        let method = request.method.unwrap_or_default();
        decision.route = api.routes.find(method, path);
        route = decision.route.and_then(|at| api.routes.get(at));
        let passes = route.is_some() || (api.unmatched == Unmatched::Allow && is_canonical(path));
        decision
            .checks
            .note(Check::Route, outcome(passes, Reason::RouteUnknown));
        if !passes {
            return;
        }
    }
    check_scopes(decision, subject, api, route, request.scopes);
}

/// Does the API take this kind, and is this one for it?
fn check_api(decision: &mut Decision, subject: &Subject<'_>, api: &ApiEntry) {
    let accepts = api.accepts(subject.entry.identity().kind());
    let found = match subject.token {
        _ if !accepts => Outcome::Failed(Reason::KindNotAccepted),
        Some(token) if !token.is_for(api, subject.issuer) => {
            // It may be named and still be no longer for it: its client is kept to another one.
            if !token.audiences.contain(&api.audience) {
                let audiences = token.audiences.all().iter();
                decision.meant_for = audiences.map(ToString::to_string).collect();
            }
            Outcome::Failed(Reason::InvalidCredential)
        }
        _ => Outcome::Passed,
    };
    decision.checks.note(Check::Api, found);
}

fn check_scopes(
    decision: &mut Decision,
    subject: &Subject<'_>,
    api: &ApiEntry,
    route: Option<&RouteEntry>,
    asked: &[&str],
) {
    let Subject {
        entry, environment, ..
    } = *subject;
    let holds_route =
        route.is_none_or(|route| entry.holds(&route.bits, &route.scopes, api, environment));
    let holds_asked = asked
        .iter()
        .all(|name| entry.holds_name(name, api, environment));
    let is_held = holds_route && holds_asked;
    let user_may = entry.consent().is_none() || user_may(entry, route, asked);
    let outcome = match (is_held, user_may) {
        (true, true) => Outcome::Passed,
        (true, false) => Outcome::Failed(Reason::UserLacksAccess),
        (false, _) => Outcome::Failed(Reason::InsufficientScope),
    };
    decision.checks.note(Check::Scopes, outcome);
    if outcome == Outcome::Passed {
        return;
    }
    let of_route = route
        .into_iter()
        .flat_map(|route| route.scopes.iter().map(ScopeName::as_str));
    for name in of_route.chain(asked.iter().copied()) {
        if !decision.required_scopes.iter().any(|known| known == name) {
            decision.required_scopes.push(name.to_owned());
            let is_missing = if is_held {
                !user_may_name(entry, name)
            } else {
                !entry.holds_name(name, api, environment)
            };
            if is_missing {
                decision.missing_scopes.push(name.to_owned());
            }
        }
    }
}

/// Whether the user for whom a token acts may do what is needed.
fn user_may(entry: &Credential, route: Option<&RouteEntry>, asked: &[&str]) -> bool {
    route.is_none_or(|route| entry.user_may(&route.scopes))
        && asked.iter().all(|name| user_may_name(entry, name))
}

fn user_may_name(entry: &Credential, name: &str) -> bool {
    ScopeName::new(name).is_ok_and(|name| entry.user_may(std::slice::from_ref(&name)))
}

/// The limit is taken from only by a request that passes everything else.
fn check_limit(decision: &mut Decision, entry: &Credential, now: Now) {
    let Some(limiter) = entry.limiter() else {
        decision.checks.note(Check::Limits, Outcome::Passed);
        return;
    };
    let taken = limiter.take(now.boot_nanos);
    decision
        .checks
        .note(Check::Limits, outcome(taken.is_ok(), Reason::RateLimited));
    decision.rate_limit = Some(taken.unwrap_or_else(|state| state));
}

const fn outcome(passed: bool, reason: Reason) -> Outcome {
    if passed {
        Outcome::Passed
    } else {
        Outcome::Failed(reason)
    }
}
