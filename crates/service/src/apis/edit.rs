//! Changing an API. A route that asks for more does so from the next request on.

use claviger_model::Reason;
use claviger_model::apis::{Api, ApiDraft};
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::ApiId;
use claviger_store::{Tx, apis};

use super::{audited, find, write_error};
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Applies a merge patch (RFC 7396) to an API.
///
/// # Errors
/// Unknown API, stale `expected_version`, a draft that is not acceptable, an audience that another
/// API has. Then nothing was changed.
pub async fn edit(
    app: &App,
    access: &OperatorAccess,
    id: ApiId,
    draft: ApiDraft,
    expected_version: Option<i64>,
) -> Result<Api, Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, draft) = (app_inside.clone(), access.clone(), draft.clone());
        Box::pin(async move {
            let api = current(tx, id, expected_version).await?;
            let spec = api.spec.clone().edit(draft)?;
            write(&app, &access, tx, &api, spec).await
        })
    })
    .await
}

/// The API as it is, when the caller has seen its last change.
pub(super) async fn current(
    tx: &mut Tx,
    id: ApiId,
    expected_version: Option<i64>,
) -> Result<Api, Error> {
    let api = find(tx, id).await?;
    if expected_version.is_some_and(|expected| expected != api.version) {
        return Err(Error::refused(Reason::PreconditionFailed));
    }
    Ok(api)
}

/// Writes `spec` over `api`; nothing when they are the same.
pub(super) async fn write(
    app: &App,
    access: &OperatorAccess,
    tx: &mut Tx,
    api: &Api,
    spec: claviger_model::apis::ApiSpec,
) -> Result<Api, Error> {
    // A repeated call waits for the change too: the first caller may have gone away.
    tx.change(Change::new(ChangeKind::Api, api.id));
    if spec == api.spec {
        return Ok(api.clone());
    }
    let edited = Api {
        spec,
        version: api.version + 1,
        ..api.clone()
    };
    let updated = apis::update(tx, &edited).await;
    updated.map_err(|error| write_error(error, &edited.spec.audience))?;
    let changes = difference(&audited(api), &audited(&edited));
    let signature = access.signature();
    tx.audit(signature.event(app.sources(), None, Action::ApiChanged, api.id, changes)?);
    Ok(edited)
}
