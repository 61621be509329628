//! Making an API.

use std::sync::Arc;

use claviger_model::apis::{Api, ApiDraft, ApiSpec};
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::ApiId;
use claviger_store::{Tx, apis};

use super::{audited, find, write_error};
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::idempotency::{IdempotencyKey, replay, replayed_id};

/// Makes an API. The first one is the default: it is meant where none is named.
///
/// # Errors
/// A draft that is not acceptable, an audience that another API has.
pub async fn create(
    app: &App,
    access: &OperatorAccess,
    draft: ApiDraft,
    idempotency: Option<&IdempotencyKey>,
) -> Result<Api, Error> {
    let spec = ApiSpec::create(draft)?;
    let now = app.sources().now();
    let id = ApiId::new(now, &app.sources().id()?);
    let api = Api {
        id,
        spec,
        is_default: false,
        created_at: now,
        version: 1,
    };
    let event = access.signature().event(
        app.sources(),
        None,
        Action::ApiCreated,
        id,
        (None, Some(audited(&api))),
    )?;
    let (keyring, key) = (Arc::clone(app.keyring()), idempotency.cloned());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (keyring, key) = (Arc::clone(&keyring), key.clone());
        let (mut api, event) = (api.clone(), event.clone());
        Box::pin(async move {
            let before = replay(key.as_ref(), tx, &keyring, (id, None), now).await?;
            if let Some(before) = before {
                return find(tx, replayed_id(&before)?).await;
            }
            api.is_default = apis::count(tx).await? == 0;
            let inserted = apis::insert(tx, &api).await;
            inserted.map_err(|error| write_error(error, &api.spec.audience))?;
            tx.change(Change::new(ChangeKind::Api, id));
            tx.audit(event);
            Ok::<_, Error>(api)
        })
    })
    .await
}
