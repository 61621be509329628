//! What a client may use once: the `jti` of an assertion or of a proof. The database decides, so
//! that it is once for all nodes together.

use claviger_model::UnixMillis;
use claviger_store::{Tx, spent_identifiers};
use claviger_verify::jose::hash_text;

use super::Refusal;
use crate::app::{App, Effect};

/// Notes that `owner` used `id`, which is refused anyway from `expires_at`; whether it is the first
/// time. `kind` keeps the names of different things apart.
pub(super) async fn spend(
    app: &App,
    kind: &str,
    (owner, id): (&str, &str),
    expires_at: UnixMillis,
) -> Result<bool, Refusal> {
    // No owner has a space: ids, thumbprints and addresses have none.
    let name = hash_text(&format!("{kind} {owner} {id}"));
    let spent = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let name = name.clone();
            Box::pin(async move { Ok(spent_identifiers::spend(tx, &name, expires_at).await?) })
        })
        .await?;
    Ok(spent)
}
