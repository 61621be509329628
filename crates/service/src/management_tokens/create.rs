//! Making a management token: the one moment at which its secret is known.

use std::sync::Arc;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{AccountId, ManagementTokenId};
use claviger_model::keys::expiry;
use claviger_model::scopes::{ScopeName, parse_names};
use claviger_model::secret::Plaintext;
use claviger_model::tokens::{
    MANAGEMENT_TOKEN_LIFETIME_MILLIS, MANAGEMENT_TOKEN_LIFETIME_MILLIS_MAX, ManagementScope,
    ManagementToken,
};
use claviger_model::{Problems, UnixMillis, text};
use claviger_store::{Tx, accounts, management_tokens};

use super::audited;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};
use crate::scopes;
use crate::settings::MANAGEMENT_PREFIX;

/// What a management token is asked to be.
#[derive(Clone, Debug)]
pub struct ManagementTokenDraft {
    /// Whose keys it manages.
    pub account_id: AccountId,
    /// What it is for.
    pub name: String,
    /// Management scopes, and the API scopes that it may hand on.
    pub scopes: Vec<String>,
    /// When it ends, in Unix milliseconds; absent: in a day.
    pub expires_at: Option<i64>,
}

/// Makes a management token of an account; its secret is missing from a replay after ten minutes.
///
/// # Errors
/// Management is off, there is no such account, the draft is not acceptable.
pub async fn create(
    app: &App,
    access: &OperatorAccess,
    draft: &ManagementTokenDraft,
    idempotency: Option<&IdempotencyKey>,
) -> Result<(ManagementToken, Option<Plaintext>), Error> {
    if !app.settings().management_enabled {
        let message = "Management tokens are switched off. Set enabled = true under [management] \
                       in the configuration file.";
        return Err(Error::conflict(message));
    }
    let now = app.sources().now();
    let (name, scopes, expires_at) = checked(app, draft, now)?;
    let plaintext = app.sources().mint(MANAGEMENT_PREFIX)?;
    let token = ManagementToken {
        id: ManagementTokenId::new(now, &app.sources().id()?),
        account_id: draft.account_id,
        name,
        scopes,
        stored: StoredSecret::of(&plaintext, app.keyring()),
        created_at: now,
        expires_at,
        revoked_at: None,
        version: 1,
    };
    write(app, access, (token, plaintext), idempotency).await
}

async fn write(
    app: &App,
    access: &OperatorAccess,
    (token, plaintext): (ManagementToken, Plaintext),
    idempotency: Option<&IdempotencyKey>,
) -> Result<(ManagementToken, Option<Plaintext>), Error> {
    let event = access.signature().event(
        app.sources(),
        Some(token.account_id),
        Action::ManagementTokenCreated,
        token.id,
        (None, Some(audited(&token))),
    )?;
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &plaintext);
    let sealed_secret = idempotency.map(seal).transpose()?;
    let (keyring, row, key) = (
        Arc::clone(app.keyring()),
        token.clone(),
        idempotency.cloned(),
    );
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, token, event) = (keyring.clone(), row.clone(), event.clone());
            let (key, sealed_secret) = (key.clone(), sealed_secret.clone());
            Box::pin(async move {
                let claim = (token.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, &keyring, claim, token.created_at).await?;
                if made.is_some() {
                    return Ok(made);
                }
                let account = accounts::get(tx, token.account_id).await?;
                account.ok_or_else(|| Error::not_found("account"))?;
                management_tokens::insert(tx, &token).await?;
                tx.change(Change::new(ChangeKind::ManagementToken, token.id));
                tx.outbox(&event.action, Some(token.account_id), audited(&token));
                tx.audit(event);
                Ok::<_, Error>(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok((token, Some(plaintext)));
    };
    let id = replayed_id(&before)?;
    let found = management_tokens::get(&mut *app.read().await?, None, id).await?;
    let token = found.ok_or_else(|| Error::not_found("management token"))?;
    Ok((token, before.secret))
}

fn checked(
    app: &App,
    draft: &ManagementTokenDraft,
    now: UnixMillis,
) -> Result<(String, Vec<ScopeName>, UnixMillis), Problems> {
    let mut problems = Problems::default();
    let name = problems.check("name", text::name(&draft.name));
    let names = parse_names("scopes", &draft.scopes, &mut problems);
    let offered = scopes::list(app);
    for (index, text) in draft.scopes.iter().enumerate() {
        let is_offered = || offered.iter().any(|scope| scope.name.as_str() == text);
        if ManagementScope::parse(text).is_none() && !is_offered() {
            problems.add(
                format!("scopes[{index}]"),
                format!("is no scope of this instance: {text}"),
            );
        }
    }
    if !names
        .iter()
        .any(|name| ManagementScope::parse(name.as_str()).is_some())
    {
        let words = ManagementScope::ALL
            .map(ManagementScope::as_str)
            .join(" or ");
        problems.add("scopes", format!("must have {words}"));
    }
    let expires_at = match draft.expires_at {
        None => Some(now.plus_millis(MANAGEMENT_TOKEN_LIFETIME_MILLIS)),
        Some(at) => problems.check("expires_at", expiry(at, now)),
    };
    let latest = now.plus_millis(MANAGEMENT_TOKEN_LIFETIME_MILLIS_MAX);
    if expires_at.is_some_and(|at| at > latest) {
        problems.add("expires_at", "must be within a year");
    }
    problems.into_result()?;
    Ok((name.unwrap_or_default(), names, expires_at.unwrap_or(now)))
}
