//! Changing a client. What it may no longer do, its tokens may not do from the next request on.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::{Client, ClientDraft};
use claviger_model::ids::ClientId;
use claviger_store::{Tx, clients};

use super::{ClientWithSecrets, api_of, audited, find, rules};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// A merge patch of a client.
#[derive(Clone, Debug)]
pub struct EditInput {
    /// Its settings.
    pub draft: ClientDraft,
    /// The audience of the only API that it may ask tokens for; the inner `None` is any.
    pub audience: Option<Option<String>>,
    /// The version that the caller read.
    pub expected_version: Option<i64>,
}

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
            let ClientWithSecrets { client, secrets } = find(tx, access.account_id(), id).await?;
            let expected = input.expected_version;
            if expected.is_some_and(|expected| expected != client.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let before = client.settings.clone();
            let settings = before.clone().edit(&input.draft)?;
            rules::check(&app, &access, client.environment, Some(&before), &settings)?;
            let old = client.clone();
            let edited = client
                .edit(settings)
                .map_err(|deleted| Error::conflict(deleted.to_string()))?;
            if edited.version != old.version {
                clients::update(tx, &edited).await?;
                announce(tx, &app, &access, (&old, &edited), Action::ClientChanged)?;
            }
            Ok(ClientWithSecrets {
                client: edited,
                secrets,
            })
        })
    })
    .await
}

/// Writes down that a client changed.
pub(super) fn announce(
    tx: &mut Tx,
    app: &App,
    access: &KeyAccess,
    (old, new): (&Client, &Client),
    action: Action,
) -> Result<(), Error> {
    tx.change(Change::new(ChangeKind::Client, new.id));
    let changes = difference(&audited(old), &audited(new));
    let account_id = Some(new.account_id);
    let event = access
        .signature()
        .event(app.sources(), account_id, action, new.id, changes)?;
    tx.outbox(&event.action, account_id, audited(new));
    tx.audit(event);
    Ok(())
}
