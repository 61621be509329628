//! Looking at management tokens. A secret is never among what is shown.

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, ManagementTokenId};
use claviger_model::tokens::ManagementToken;
use claviger_store::management_tokens;

use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// A page of management tokens, the newest first.
#[derive(Clone, Debug)]
pub struct ManagementTokenPage {
    /// The tokens, ended ones too.
    pub tokens: Vec<ManagementToken>,
    /// Where the next page starts; none on the last one.
    pub next: Option<(UnixMillis, ManagementTokenId)>,
}

/// Lists the management tokens of an account, `limit` of them at most, after the last one of the
/// page before.
pub async fn list(
    app: &App,
    _access: &OperatorAccess,
    account_id: AccountId,
    after: Option<(UnixMillis, ManagementTokenId)>,
    limit: u32,
) -> Result<ManagementTokenPage, Error> {
    let mut reader = app.read().await?;
    // One more than asked for tells whether there is a next page.
    let wanted = limit.saturating_add(1);
    let mut tokens = management_tokens::page(&mut reader, account_id, after, wanted).await?;
    let has_more = tokens.len() > limit as usize;
    tokens.truncate(limit as usize);
    let next = tokens
        .last()
        .filter(|_| has_more)
        .map(|last| (last.created_at, last.id));
    Ok(ManagementTokenPage { tokens, next })
}
