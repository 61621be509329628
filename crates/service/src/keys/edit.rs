//! Changing a key. What it may no longer do, it may not do from the next request on.

use claviger_model::Reason;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::KeyId;
use claviger_model::keys::KeyDraft;
use claviger_store::{Tx, keys};

use super::{KeyWithSecrets, audited, difference, find, rate};
use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::scopes::check_offered;

/// Applies a merge patch (RFC 7396) to a key of the caller's account.
///
/// # Errors
/// Unknown key, stale `expected_version`, revoked key, settings that are not acceptable. Then
/// nothing was changed.
pub async fn edit(
    app: &App,
    access: &KeyAccess,
    id: KeyId,
    draft: KeyDraft,
    expected_version: Option<i64>,
) -> Result<KeyWithSecrets, Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, draft) = (app_inside.clone(), access.clone(), draft.clone());
        Box::pin(async move {
            keys::lock(tx, id).await?;
            let KeyWithSecrets { key, secrets } = find(tx, access.account_id(), id).await?;
            if expected_version.is_some_and(|expected| expected != key.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let now = app.sources().now();
            let settings = key.settings.clone().edit(&draft, now)?;
            check_offered(
                &app,
                &settings.scopes,
                &key.settings.scopes,
                key.environment,
                false,
            )?;
            if draft.scopes.is_some() {
                access.may_hand_on(&settings.scopes)?;
            }
            rate::check(&access, &key, &settings)?;
            let ceiling = rate::ceiling(&access, &draft, &settings, key.rate_ceiling);
            let before = (key.version, audited(&key));
            let edited = key
                .edit(settings, ceiling, draft.active, now)
                .map_err(|revoked| Error::conflict(revoked.to_string()))?;
            if edited.version != before.0 {
                keys::update(tx, &edited).await?;
                tx.change(Change::new(ChangeKind::Key, id));
                let changes = difference(&before.1, &audited(&edited));
                let account_id = Some(edited.account_id);
                let event = access.signature().event(
                    app.sources(),
                    account_id,
                    Action::KeyChanged,
                    id,
                    changes,
                )?;
                tx.outbox(&event.action, account_id, audited(&edited));
                tx.audit(event);
            }
            Ok(KeyWithSecrets {
                key: edited,
                secrets,
            })
        })
    })
    .await
}
