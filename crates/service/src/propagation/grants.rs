//! What users allowed apps to do, in the index: the grants with what they depend on, and the
//! families of refresh tokens that were ended.

use std::collections::{BTreeSet, HashMap};

use claviger_model::clients::TOKEN_LIFETIME_SECONDS_MAX;
use claviger_model::grants::{Grant, GrantEnd};
use claviger_model::ids::{FamilyId, GrantId, UserId};
use claviger_model::members::User;
use claviger_model::refresh::TokenFamily;
use claviger_model::roles::Powers;
use claviger_model::scopes::ScopePatterns;
use claviger_model::{Reason, UnixMillis};
use claviger_store::{Conn, StoreError, Walk, grants, token_families, users};
use claviger_verify::Index;
use claviger_verify::entries::ResidentGrant;

use super::loader::without;
use crate::sessions::member_powers;

/// Rows read at once.
const PAGE: u32 = 5_000;

/// Holds every grant, also those that ended so lately that an access token of them can still say
/// so, and the families that ended so lately.
pub(super) async fn load(
    conn: &mut Conn,
    index: &Index,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let since = now.plus_seconds(-i64::from(TOKEN_LIFETIME_SECONDS_MAX));
    let mut walk = Walk::of("grants");
    loop {
        let page = grants::resident_page(conn, since, walk.after(), PAGE).await?;
        let Some(last) = page.last() else { break };
        walk.on_to(last.id)?;
        put(conn, index, page).await?;
    }
    let mut walk = Walk::of("token_families");
    loop {
        let page = token_families::ended_page(conn, since, walk.after(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        end_families(index, &page);
    }
}

/// Reads grants again.
pub(super) async fn apply(
    conn: &mut Conn,
    index: &Index,
    ids: &[GrantId],
) -> Result<(), StoreError> {
    let found = grants::by_ids(conn, ids).await?;
    let gone = without(ids, found.iter().map(|grant| grant.id));
    gone.for_each(|id| index.remove_grant(id));
    put(conn, index, found).await
}

/// Reads families again.
pub(super) async fn apply_families(
    conn: &mut Conn,
    index: &Index,
    ids: &[FamilyId],
) -> Result<(), StoreError> {
    end_families(index, &token_families::by_ids(conn, ids).await?);
    Ok(())
}

/// Holds grants with what they depend on: the user, the membership and the role.
pub(super) async fn put(
    conn: &mut Conn,
    index: &Index,
    found: Vec<Grant>,
) -> Result<(), StoreError> {
    let user_ids: BTreeSet<UserId> = found.iter().map(|grant| grant.user_id).collect();
    let user_ids: Vec<UserId> = user_ids.into_iter().collect();
    let users = users::by_ids(conn, &user_ids).await?;
    let users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
    let pair = |grant: &Grant| (grant.account_id, grant.user_id);
    let powers = member_powers(conn, &found.iter().map(pair).collect()).await?;
    for grant in found {
        let powers = powers.get(&pair(&grant));
        index.put_grant(&resident(&grant, users.get(&grant.user_id), powers));
    }
    Ok(())
}

fn resident(grant: &Grant, user: Option<&User>, powers: Option<&Powers>) -> ResidentGrant {
    let refused = match (grant.ended, user, powers) {
        (Some((_, cause)), ..) => Some(GrantEnd::reason(cause)),
        (None, user, _) if user.is_none_or(|user| user.suspended_at.is_some()) => {
            Some(Reason::Revoked)
        }
        (None, _, None) => Some(Reason::UserLacksAccess),
        (None, _, Some(_)) => None,
    };
    ResidentGrant {
        id: grant.id,
        client_id: grant.client_id,
        user_id: grant.user_id,
        account_id: grant.account_id,
        refused,
        scopes: powers.map_or_else(|| ScopePatterns(Vec::new()), |powers| powers.scopes.clone()),
    }
}

fn end_families(index: &Index, found: &[TokenFamily]) {
    for family in found {
        if let Some(at) = family.ended_at {
            let until = at.plus_seconds(i64::from(TOKEN_LIFETIME_SECONDS_MAX));
            index.families().end(family.id, until);
        }
    }
}
