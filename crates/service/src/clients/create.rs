//! Making a client: the one moment at which its first secret is known.

use std::sync::Arc;

use claviger_model::Environment;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{Client, ClientDescription, ClientDraft, ClientSecret, ClientState};
use claviger_model::credentials::StoredSecret;
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, clients};

use super::{ClientWithSecrets, api_of, audited, find, rules};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// What a new client is asked to be.
#[derive(Clone, Debug)]
pub struct CreateInput {
    /// What it is described as.
    pub draft: ClientDraft,
    /// The audience of the only API that it may ask tokens for.
    pub audience: Option<String>,
    /// Which data its tokens reach.
    pub environment: Environment,
}

/// A client that was made, or made before under the same `Idempotency-Key`.
pub struct Created {
    /// The client.
    pub client: ClientWithSecrets,
    /// Its first secret; none in a replay after ten minutes, and none of a client that gets no
    /// secrets.
    pub plaintext: Option<Plaintext>,
}

/// Makes a client of the caller's account, with its first secret unless it proves who it is in
/// another way, or not at all.
///
/// # Errors
/// Settings that are not acceptable, scopes that nobody offers or that the caller may not hand on,
/// an `Idempotency-Key` used for something else. Then nothing was made.
pub async fn create(
    app: &App,
    access: &KeyAccess,
    mut input: CreateInput,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Created, Error> {
    access.for_writing()?;
    let now = app.sources().now();
    let api_id = input.audience.as_deref().map(|text| api_of(app, text));
    input.draft.api_id = Some(api_id.transpose()?);
    let described = ClientDescription::create(&input.draft)?;
    rules::check(app, access, input.environment, None, &described)?;
    let ceilings = rules::ceilings(app, access, &input.draft, None, &described);

    let client = Client {
        id: ClientId::new(now, &app.sources().id()?),
        account_id: access.account_id(),
        kind: described.kind,
        environment: input.environment,
        settings: described.settings,
        ceilings,
        state: ClientState::Active,
        created_by: access.signature().actor().to_owned(),
        created_at: now,
        version: 1,
    };
    let (secrets, plaintext) = match first_secret(app, &client)? {
        Some((secret, plaintext)) => (vec![secret], Some(plaintext)),
        None => (Vec::new(), None),
    };
    let fresh = ClientWithSecrets {
        client,
        metadata: described.metadata,
        secrets,
        rotation: None,
    };
    write(app, access, fresh, plaintext, idempotency).await
}

/// The first secret of a client that gets some.
pub(crate) fn first_secret(
    app: &App,
    client: &Client,
) -> Result<Option<(ClientSecret, Plaintext)>, Error> {
    if !client.settings.takes_secrets() {
        return Ok(None);
    }
    let prefixes = &app.settings().prefixes;
    let plaintext = app
        .sources()
        .mint(prefixes.client_secret(client.environment))?;
    let secret = ClientSecret {
        id: SecretId::new(client.created_at, &app.sources().id()?),
        client_id: client.id,
        stored: StoredSecret::of(&plaintext, app.keyring()),
        description: String::new(),
        created_at: client.created_at,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    };
    Ok(Some((secret, plaintext)))
}

async fn write(
    app: &App,
    access: &KeyAccess,
    fresh: ClientWithSecrets,
    plaintext: Option<Plaintext>,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Created, Error> {
    let client = &fresh.client;
    let event = access.signature().event(
        app.sources(),
        Some(client.account_id),
        Action::ClientCreated,
        client.id,
        (None, Some(audited(client, &fresh.metadata))),
    )?;
    let seal = |(key, plaintext): (&IdempotencyKey, &Plaintext)| {
        key.seal_secret(app.keyring(), app.sources(), plaintext)
    };
    let sealed_secret = idempotency.zip(plaintext.as_ref()).map(seal).transpose()?;
    let (keyring, row, key) = (
        Arc::clone(app.keyring()),
        fresh.clone(),
        idempotency.cloned(),
    );
    let before = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (keyring, row, event) = (keyring.clone(), row.clone(), event.clone());
            let (key, sealed_secret) = (key.clone(), sealed_secret.clone());
            Box::pin(async move {
                let client = &row.client;
                let claim = (client.id, sealed_secret.as_deref());
                let made = replay(key.as_ref(), tx, &keyring, claim, client.created_at).await?;
                if made.is_some() {
                    return Ok(made);
                }
                insert(tx, &row).await?;
                let told = audited(client, &row.metadata);
                tx.outbox(&event.action, Some(client.account_id), told);
                tx.audit(event);
                Ok::<_, Error>(None)
            })
        })
        .await?;
    let Some(before) = before else {
        return Ok(Created {
            client: fresh,
            plaintext,
        });
    };
    let id = replayed_id(&before)?;
    let client = find(&mut *app.read().await?, access.account_id(), id).await?;
    Ok(Created {
        client,
        plaintext: before.secret,
    })
}

/// Writes a new client with all that belongs to it.
pub(crate) async fn insert(tx: &mut Tx, fresh: &ClientWithSecrets) -> Result<(), Error> {
    let (client, metadata) = (&fresh.client, &fresh.metadata);
    clients::insert(tx, client).await?;
    if metadata.is_kept(client.kind) {
        clients::insert_metadata(tx, client.id, metadata, client.version).await?;
    }
    for secret in &fresh.secrets {
        clients::insert_secret(tx, secret).await?;
    }
    tx.change(Change::new(ChangeKind::Client, client.id));
    Ok(())
}
