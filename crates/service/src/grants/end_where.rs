//! Ending many grants at once, because what they stood on is gone.

use std::collections::BTreeMap;

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::{Grant, GrantEnd};
use claviger_model::ids::{AccountId, ClientId, GrantId};
use claviger_store::grants::{Filter, Whose};
use claviger_store::{StoreError, Tx, grants};
use serde_json::json;

use crate::access::Signature;
use crate::app::App;
use crate::error::Error;

/// Grants that are ended by one statement.
const PAGE: u32 = 2_000;
/// How often a page is read again because somebody else changed one of its grants meanwhile.
const ATTEMPTS_MAX: u32 = 5;
/// Grants that the audit event names one by one.
const NAMED_MAX: usize = 100;

/// Ends every grant of `whose` in a transaction whose caller waits until it holds everywhere. Each
/// account in which some ended has one audit event that tells of all of them.
///
/// # Errors
/// The store's.
pub(crate) async fn end_where(
    tx: &mut Tx,
    app: &App,
    whose: Whose,
    cause: GrantEnd,
    signature: &Signature,
) -> Result<(), Error> {
    let filter = Filter {
        whose,
        client_id: None,
        with_deleted_clients: true,
    };
    let mut ended = BTreeMap::new();
    end_all(tx, app, filter, cause, &mut ended).await?;
    for (account_id, ids) in ended {
        let target = match whose {
            Whose::User(user_id) | Whose::Member(_, user_id) => user_id.to_string(),
            Whose::Account(_) | Whose::Everybody => account_id.to_string(),
        };
        tell(tx, app, account_id, (&ids, target), cause, signature)?;
    }
    Ok(())
}

/// Ends every grant of these apps in an account, with one audit event for all of them; how many.
///
/// # Errors
/// The store's.
pub(crate) async fn end_of_clients(
    tx: &mut Tx,
    app: &App,
    account_id: AccountId,
    clients: &[ClientId],
    cause: GrantEnd,
    signature: &Signature,
) -> Result<usize, Error> {
    let mut ended = BTreeMap::new();
    for client in clients {
        let filter = Filter {
            whose: Whose::Account(account_id),
            client_id: Some(*client),
            with_deleted_clients: true,
        };
        end_all(tx, app, filter, cause, &mut ended).await?;
    }
    let ids = ended.remove(&account_id).unwrap_or_default();
    if !ids.is_empty() {
        let target = account_id.to_string();
        tell(tx, app, account_id, (&ids, target), cause, signature)?;
    }
    Ok(ids.len())
}

async fn end_all(
    tx: &mut Tx,
    app: &App,
    filter: Filter,
    cause: GrantEnd,
    ended: &mut BTreeMap<AccountId, Vec<GrantId>>,
) -> Result<(), Error> {
    let mut after = None;
    while let Some(page) = end_page(tx, app, filter, after, cause).await? {
        after = page.last().map(|grant| grant.id);
        for grant in page {
            tx.change(Change::new(ChangeKind::Grant, grant.id));
            ended.entry(grant.account_id).or_default().push(grant.id);
        }
    }
    Ok(())
}

/// Tells of the grants that ended in an account.
fn tell(
    tx: &mut Tx,
    app: &App,
    account_id: AccountId,
    (ids, target): (&[GrantId], String),
    cause: GrantEnd,
    signature: &Signature,
) -> Result<(), Error> {
    let after = json!({
        "ended_by": cause.as_str(),
        "count": ids.len(),
        "grants": &ids[..ids.len().min(NAMED_MAX)],
    });
    let event = signature.event(
        app.sources(),
        Some(account_id),
        Action::GrantEnded,
        target,
        (None, Some(after.clone())),
    )?;
    tx.outbox(&event.action, Some(account_id), after);
    tx.audit(event);
    Ok(())
}

/// Ends the grants of the page after `after`; none when there is no such page.
async fn end_page(
    tx: &mut Tx,
    app: &App,
    filter: Filter,
    after: Option<GrantId>,
    cause: GrantEnd,
) -> Result<Option<Vec<Grant>>, Error> {
    let now = app.sources().now();
    let mut ended: Vec<Grant> = Vec::new();
    for _ in 0..ATTEMPTS_MAX {
        let page = grants::live_page(tx, filter, after, PAGE).await?;
        if page.is_empty() {
            return Ok((!ended.is_empty()).then_some(ended));
        }
        let end = |grant: Grant| grant.end(now, cause);
        let fresh: Vec<Grant> = page.into_iter().map(end).collect();
        let written = grants::update_ends(tx, &fresh).await?;
        if written == fresh.len() as u64 {
            ended.extend(fresh);
            return Ok(Some(ended));
        }
        // What was extended meanwhile is on the next page; what was ended is somebody else's end.
        let ids: Vec<GrantId> = fresh.iter().map(|grant| grant.id).collect();
        let stored = grants::by_ids(tx, &ids).await?;
        ended.extend(fresh.into_iter().filter(|grant| stored.contains(grant)));
    }
    Err(Error::from(StoreError::Busy))
}
