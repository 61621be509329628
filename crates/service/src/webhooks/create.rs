//! Making a webhook.

use std::sync::Arc;

use claviger_model::Problems;
use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_model::secret::Plaintext;
use claviger_model::webhooks::{WEBHOOKS_MAX, Webhook, read_events};
use claviger_store::{Tx, accounts, outbox, webhooks};

use super::{announce, audited, check_url, find, new_secret};
use crate::access::WebhookAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// What a webhook is asked to be.
#[derive(Clone, Debug)]
pub struct CreateInput {
    /// Where events are sent.
    pub url: String,
    /// Which ones, or `*`.
    pub events: Vec<String>,
}

/// A webhook that was made, or made before under the same `Idempotency-Key`.
pub struct Created {
    /// The webhook.
    pub webhook: Webhook,
    /// What signs; none in a replay after ten minutes.
    pub secret: Option<Plaintext>,
}

/// Makes a webhook of the caller's account, or of the instance.
///
/// # Errors
/// A URL that leads into a private network or is none, an event that is not known, too many
/// webhooks.
pub async fn create(
    app: &App,
    access: &WebhookAccess,
    input: CreateInput,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Created, Error> {
    let mut problems = Problems::default();
    let events = problems.check("events", read_events(&input.events));
    if let Err(wrong) = check_url(app, &input.url).await {
        problems.merge(wrong);
    }
    problems.into_result()?;
    let now = app.sources().now();
    let id = WebhookId::new(now, &app.sources().id()?);
    let (secret, sealed) = new_secret(app, id)?;
    let webhook = Webhook {
        id,
        account_id: access.account_id(),
        url: input.url,
        events: events.unwrap_or_default(),
        off: None,
        secret: sealed,
        old_secret: None,
        after_place: 0,
        created_by: access.signature().actor().to_owned(),
        created_at: now,
        version: 1,
    };
    write(app, access, webhook, secret, idempotency).await
}

async fn write(
    app: &App,
    access: &WebhookAccess,
    webhook: Webhook,
    secret: Plaintext,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Created, Error> {
    let seal = |key: &IdempotencyKey| key.seal_secret(app.keyring(), app.sources(), &secret);
    let sealed_secret = idempotency.map(seal).transpose()?;
    let (inside, access_inside, row) = (app.clone(), access.clone(), webhook.clone());
    let key = idempotency.cloned();
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (app, access, mut row) = (inside.clone(), access_inside.clone(), row.clone());
            let (key, sealed_secret) = (key.clone(), sealed_secret.clone());
            Box::pin(async move {
                let keyring = Arc::clone(app.keyring());
                let claim = (row.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, &keyring, claim, row.created_at).await?;
                if made.is_some() {
                    return Ok(made);
                }
                if let Some(account_id) = row.account_id {
                    accounts::lock(tx, account_id).await?;
                }
                if webhooks::of(tx, row.account_id).await?.len() >= WEBHOOKS_MAX {
                    let message = format!(
                        "There are {WEBHOOKS_MAX} webhooks, which is the most. Delete one that is \
                         not needed any more."
                    );
                    return Err(Error::conflict(message));
                }
                row.after_place = outbox::last_place(tx).await?;
                webhooks::insert(tx, &row).await?;
                let changes = (None, Some(audited(&row)));
                let signature = access.signature();
                announce(tx, &app, signature, &row, Action::WebhookCreated, changes)?;
                Ok(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(Created {
            webhook,
            secret: Some(secret),
        });
    };
    let id: WebhookId = replayed_id(&before)?;
    Ok(Created {
        webhook: find(&mut *app.read().await?, access, id).await?,
        secret: before.secret,
    })
}
