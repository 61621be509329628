//! Changing a client. What it may no longer do, its tokens may not do from the next request on.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{Client, ClientDescription, ClientDraft, ClientMetadata};
use claviger_model::ids::ClientId;
use claviger_store::{Tx, clients};

use super::{ClientWithSecrets, api_of, audited, find, rules};
use crate::access::{KeyAccess, Signature};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// A merge patch of a client.
#[derive(Clone, Debug)]
pub struct EditInput {
    /// What it is described as.
    pub draft: ClientDraft,
    /// The audience of the only API that it may ask tokens for; the inner `None` is any.
    pub audience: Option<Option<String>>,
    /// The version that the caller read.
    pub expected_version: Option<i64>,
}

/// A client and what it is beside its settings.
type Described<'a> = (&'a Client, &'a ClientMetadata);

/// Applies a merge patch (RFC 7396) to a client of the caller's account.
///
/// # Errors
/// Unknown client, stale version, deleted client, settings that are not acceptable. Then nothing
/// was changed.
pub async fn edit(
    app: &App,
    access: &KeyAccess,
    id: ClientId,
    mut input: EditInput,
) -> Result<ClientWithSecrets, Error> {
    access.for_writing()?;
    if let Some(audience) = &input.audience {
        let api_id = audience.as_deref().map(|text| api_of(app, text));
        input.draft.api_id = Some(api_id.transpose()?);
    }
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, input) = (app_inside.clone(), access.clone(), input.clone());
        Box::pin(async move {
            clients::lock(tx, id).await?;
            let found = find(tx, access.account_id(), id).await?;
            let expected = input.expected_version;
            if expected.is_some_and(|expected| expected != found.client.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let before = found.description();
            let mut after = before.clone().edit(&input.draft)?;
            let environment = found.client.environment;
            rules::check(&app, &access, environment, Some(&before), &after)?;
            after.ceilings = rules::ceilings(&app, &access, &input.draft, Some(&before), &after);
            apply(tx, &app, access.signature(), found, after).await
        })
    })
    .await
}

/// Writes what a client is from now on; the caller has locked it and may do that.
pub(crate) async fn apply(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    found: ClientWithSecrets,
    after: ClientDescription,
) -> Result<ClientWithSecrets, Error> {
    let old = found.client.clone();
    let edited = found
        .client
        .edit(&found.metadata, &after)
        .map_err(|deleted| Error::conflict(deleted.to_string()))?;
    if edited.version != old.version {
        clients::update(tx, &edited).await?;
        let (id, kind, metadata) = (edited.id, edited.kind, &after.metadata);
        match (found.metadata.is_kept(kind), metadata.is_kept(kind)) {
            (true, true) => clients::update_metadata(tx, id, metadata, edited.version).await?,
            (false, true) => clients::insert_metadata(tx, id, metadata, edited.version).await?,
            (true, false) => clients::delete_metadata(tx, id).await?,
            (false, false) => {}
        }
        let changed = ((&old, &found.metadata), (&edited, metadata));
        announce(tx, app, signature, changed, Action::ClientChanged)?;
    }
    Ok(ClientWithSecrets {
        client: edited,
        metadata: after.metadata,
        secrets: found.secrets,
        rotation: found.rotation,
    })
}

/// Writes down that a client changed.
pub(crate) fn announce(
    tx: &mut Tx,
    app: &App,
    signature: &Signature,
    (old, new): (Described<'_>, Described<'_>),
    action: Action,
) -> Result<(), Error> {
    let (client, metadata) = new;
    tx.change(Change::new(ChangeKind::Client, client.id));
    let now = audited(client, metadata);
    let changes = difference(&audited(old.0, old.1), &now);
    let account_id = Some(client.account_id);
    let event = signature.event(app.sources(), account_id, action, client.id, changes)?;
    tx.outbox(&event.action, account_id, now);
    tx.audit(event);
    Ok(())
}
