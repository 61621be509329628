//! The APIs that the configuration names.

use claviger_model::Reason;
use claviger_model::apis::{Api, ApiDraft};
use claviger_store::apis;

use super::{create, edit};
use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// How often an API is looked for again that another node made or changed at the same time.
const ATTEMPTS: usize = 5;

/// What became of an API that was declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Declared {
    /// It was made.
    Created,
    /// It differed and was changed.
    Changed,
    /// It was so already; nothing was written.
    Unchanged,
}

/// Makes the API of the draft's audience, or changes it to what the draft says. Members that the
/// draft lacks stay as they are. Several nodes may do so at once.
///
/// # Errors
/// A draft that is not acceptable.
pub async fn declare(
    app: &App,
    access: &OperatorAccess,
    draft: &ApiDraft,
) -> Result<(Api, Declared), Error> {
    let mut attempt = 1;
    loop {
        match once(app, access, draft).await {
            // Another node was faster: what it made is there to be read now.
            Err(error) if error.reason() == Reason::Conflict && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn once(
    app: &App,
    access: &OperatorAccess,
    draft: &ApiDraft,
) -> Result<(Api, Declared), Error> {
    let audience = draft.audience.as_deref().unwrap_or_default();
    let Some(api) = apis::get_by_audience(&mut *app.read().await?, audience).await? else {
        let made = create(app, access, draft.clone(), None).await?;
        return Ok((made, Declared::Created));
    };
    if api.spec.clone().edit(draft.clone())? == api.spec {
        return Ok((api, Declared::Unchanged));
    }
    let edited = edit(app, access, api.id, draft.clone(), None).await?;
    // The other node may have made the same change meanwhile.
    let declared = if edited.version == api.version {
        Declared::Unchanged
    } else {
        Declared::Changed
    };
    Ok((edited, declared))
}
