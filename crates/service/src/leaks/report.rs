//! A report, and what is done about it.

use std::net::IpAddr;
use std::time::Duration;

use claviger_model::audit::Action;
use claviger_model::ids::RequestId;
use claviger_model::keys::KeyDraft;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{Tx, spent_identifiers};
use claviger_verify::entries::{Credential, EntryState, Identity};
use serde_json::json;
use zeroize::Zeroizing;

use super::found::{Found, find};
use crate::access::{KeyAccess, Signature};
use crate::app::App;
use crate::error::Error;
use crate::settings::LeakPolicy;
use crate::tokens::RevokedToken;
use crate::{clients, keys, legacy_keys, oauth, sessions, tokens};

/// How long the answer to a report takes, whatever it was.
pub const REPORT_TIME: Duration = Duration::from_millis(500);
/// Bytes of what is told of the place where it was found.
const PLACE_LENGTH_MAX: usize = 500;

/// Who reports a credential, and where it was found.
#[derive(Clone, Debug)]
pub struct Reporter {
    /// How the audit log names them: `leak-report` or `github`.
    pub actor: &'static str,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<RequestId>,
    /// The address of the place, where it is known.
    pub url: Option<String>,
    /// What kind of place it is, in the words of whoever reports.
    pub source: Option<String>,
}

/// What a reported text was. For whoever is trusted with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A credential of this instance, live or not.
    Ours,
    /// None.
    Unknown,
}

impl Reporter {
    /// Somebody who holds the credential.
    pub fn by_possession(ip: Option<IpAddr>, request_id: Option<RequestId>) -> Self {
        Self {
            actor: "leak-report",
            ip,
            request_id,
            url: None,
            source: None,
        }
    }

    fn signature(&self) -> Signature {
        Signature::of(self.actor, self.ip, self.request_id)
    }
}

/// Takes a report of which nobody may learn what it was: the answer takes [`REPORT_TIME`] whatever
/// was done, and what takes longer goes on behind it.
///
/// # Errors
/// `rate_limited`, or what keeps this node from doing anything: nothing that depends on the text.
pub async fn report_silently(
    app: &App,
    credential: Zeroizing<String>,
    reporter: Reporter,
) -> Result<(), Error> {
    let now = app.sources().both();
    let leaks = app.leaks();
    if let Err(seconds) = leaks.networks.take(reporter.ip, now.boot_nanos) {
        let message = "Too many reports came from this address.";
        return Err(Error::too_many(message, seconds));
    }
    let Ok(_place) = leaks.places.try_acquire() else {
        return Err(Error::too_many("Too many reports come at the moment.", 2));
    };
    // Nothing could be done now, whatever it is.
    app.readiness().await?;
    let time = tokio::time::sleep(REPORT_TIME);
    let app = app.clone();
    let task = tokio::spawn(async move {
        if let Err(error) = report(&app, &credential, &reporter).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "a leaked credential could not be ended");
        }
    });
    time.await;
    drop(task);
    Ok(())
}

/// Takes a report and says what it was. When this returns, the policy was carried out.
///
/// # Errors
/// Nobody can say now, or the store's. A repetition goes on where this one ended.
pub async fn report(app: &App, credential: &str, reporter: &Reporter) -> Result<Verdict, Error> {
    let Some(found) = find(app, credential, reporter.ip).await? else {
        return Ok(Verdict::Unknown);
    };
    if !found.is_over(app.sources().now()) {
        let policy = app.settings().leaks.policy;
        tell(app, &found, reporter, policy).await?;
        act(app, &found, reporter, policy).await?;
    }
    Ok(Verdict::Ours)
}

/// Writes down that it was reported, unless that was done within a day.
async fn tell(
    app: &App,
    found: &Found,
    reporter: &Reporter,
    policy: LeakPolicy,
) -> Result<(), Error> {
    let (account_id, target) = (found.account_id(), found.target());
    let once = format!("leak {} {}", policy.as_str(), found.exactly());
    let told = json!({
        "kind": found.kind(),
        "id": found.exactly(),
        "policy": policy.as_str(),
        "found_by": reporter.actor,
        "url": reporter.url.as_deref().map(shortened),
        "source": reporter.source.as_deref().map(shortened),
    });
    let (app_inside, signature) = (app.clone(), reporter.signature());
    // With what it tells of: also on a full disk.
    let written = app.db().write_removal(move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        let (once, target, told) = (once.clone(), target.clone(), told.clone());
        Box::pin(async move {
            let until = app.sources().now().plus_millis(DAY_MILLIS);
            if !spent_identifiers::spend(tx, &once, until).await? {
                return Ok(());
            }
            let changes = (None, Some(told.clone()));
            let action = Action::CredentialLeaked;
            let event = signature.event(app.sources(), account_id, action, &target, changes)?;
            let mut payload = told;
            payload["credential_id"] = json!(target);
            tx.outbox(&event.action, account_id, payload);
            tx.audit(event);
            Ok::<_, Error>(())
        })
    });
    written.await.map(|_| ())
}

/// Carries the policy out. What cannot be switched off is ended, unless people are only told.
async fn act(
    app: &App,
    found: &Found,
    reporter: &Reporter,
    policy: LeakPolicy,
) -> Result<(), Error> {
    let signature = reporter.signature();
    match (found, policy) {
        (_, LeakPolicy::Notify) => Ok(()),
        (Found::Refresh { family_id, .. }, _) => {
            oauth::end_family(app, *family_id, &signature).await
        }
        (Found::Known(entry), _) => end(app, entry, &signature, policy).await,
    }
}

async fn end(
    app: &App,
    entry: &Credential,
    signature: &Signature,
    policy: LeakPolicy,
) -> Result<(), Error> {
    match entry.identity() {
        Identity::Session(id, _) => {
            return sessions::end_by_possession(app, id, signature).await;
        }
        Identity::Token(token) => {
            let (Some(account_id), Some(expires_at)) = (entry.account_id(), entry.expires_at())
            else {
                return Ok(());
            };
            let revoked = RevokedToken {
                id: token.id,
                client_id: token.client_id,
                account_id,
                expires_at,
            };
            return tokens::revoke(app, revoked, signature).await;
        }
        Identity::Key(..) | Identity::Client(..) | Identity::LegacyKey(_) => {}
    }
    let Some(access) = KeyAccess::by_possession(entry, signature.clone()) else {
        return Ok(());
    };
    match entry.identity() {
        Identity::Key(id, _) if policy == LeakPolicy::Quarantine => {
            if entry.state() != EntryState::Active {
                return Ok(());
            }
            let draft = KeyDraft {
                active: Some(false),
                ..KeyDraft::default()
            };
            keys::edit(app, &access, id, draft, None).await.map(drop)
        }
        Identity::Key(id, _) => {
            let reason = Some("reported as leaked".to_owned());
            keys::revoke(app, &access, id, reason).await.map(drop)
        }
        Identity::Client(id, secret_id) => {
            clients::revoke_secret(app, &access, id, secret_id).await
        }
        Identity::LegacyKey(id) => legacy_keys::revert_only(app, &access, id).await,
        Identity::Session(..) | Identity::Token(_) => Ok(()),
    }
}

fn shortened(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control());
    letters.take(PLACE_LENGTH_MAX).collect()
}
