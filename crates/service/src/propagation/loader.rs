//! Filling the index: all of it at the start, what changed afterwards.

use std::collections::{BTreeSet, HashMap};

use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::Client;
use claviger_model::ids::{
    AccountId, ClientId, KeyId, LegacyKeyId, RoleId, SessionId, TokenId, UserId,
};
use claviger_model::members::User;
use claviger_model::scopes::ScopePatterns;
use claviger_model::sessions::Session;
use claviger_model::tokens::TokenOwner;
use claviger_model::{Reason, UnixMillis};
use claviger_store::{
    BadRow, Conn, Db, StoreError, Walk, accounts, apis, clients, grants as grant_rows, keys,
    ledger, legacy_keys, revoked_tokens, sessions, signing_keys, token_floors, users,
};
use claviger_verify::Index;
use claviger_verify::entries::ResidentSession;

use super::{all_keys, grants, imports};
use crate::sessions::places;
use crate::signing_keys::Signer;

/// Rows read at once.
const PAGE: u32 = 5_000;

/// A new index with everything, and the epoch that it surely includes. The signer has its keys
/// then too.
pub(super) async fn load(
    db: &Db,
    signer: &Signer,
    now: UnixMillis,
) -> Result<(Index, i64), StoreError> {
    let mut reader = db.read().await?;
    let conn: &mut Conn = &mut reader;
    // The epoch first: what commits during the load is applied again afterwards.
    let epoch = ledger::epoch(conn).await?;
    let index = Index::default();
    index.set_apis(&apis::list(conn).await?);
    load_accounts(conn, &index).await?;
    // Keys are read by several connections, and there may be no more than one.
    drop(reader);
    all_keys::load(db, &index).await?;
    let mut reader = db.read().await?;
    let conn: &mut Conn = &mut reader;
    load_clients(conn, &index).await?;
    load_legacy_keys(conn, &index).await?;
    load_sessions(conn, &index, now).await?;
    load_token_ends(conn, &index, now).await?;
    grants::load(conn, &index, now).await?;
    imports::load(conn, &index).await?;
    put_signing_keys(conn, (&index, signer), now).await?;
    Ok((index, epoch))
}

/// Applies changes by re-reading what they name. What is gone is forgotten; what cannot be trusted
/// is forgotten too, and reported.
pub(super) async fn apply(
    db: &Db,
    (index, signer): (&Index, &Signer),
    changes: &[(i64, Change)],
    now: UnixMillis,
) -> Result<(), StoreError> {
    let mut by_kind: HashMap<ChangeKind, BTreeSet<&str>> = HashMap::new();
    for (_, change) in changes {
        by_kind.entry(change.kind).or_default().insert(&change.id);
    }
    let mut reader = db.read_urgent().await?;
    let conn: &mut Conn = &mut reader;
    for kind in ChangeKind::ALL {
        let Some(ids) = by_kind.remove(&kind) else {
            continue;
        };
        match kind {
            ChangeKind::Api => index.set_apis(&apis::list(conn).await?),
            ChangeKind::Account => apply_accounts(conn, index, &parsed(&ids)).await?,
            ChangeKind::Key => apply_keys(conn, index, &parsed(&ids)).await?,
            ChangeKind::Session => apply_sessions(conn, index, &parsed(&ids)).await?,
            ChangeKind::User => {
                let ids: Vec<UserId> = parsed(&ids);
                let found = sessions::live_of_users(conn, now, &ids).await?;
                put_sessions(conn, index, found).await?;
                let found = grant_rows::live_of_users(conn, &ids).await?;
                grants::put(conn, index, found).await?;
            }
            ChangeKind::Role => {
                for id in parsed::<RoleId>(&ids) {
                    let found = sessions::live_of_role(conn, now, id).await?;
                    put_sessions(conn, index, found).await?;
                    let found = grant_rows::live_of_role(conn, id).await?;
                    grants::put(conn, index, found).await?;
                }
            }
            ChangeKind::Client => apply_clients(conn, index, &parsed(&ids)).await?,
            ChangeKind::LegacyKey => apply_legacy_keys(conn, index, &parsed(&ids)).await?,
            ChangeKind::SigningKey => put_signing_keys(conn, (index, signer), now).await?,
            ChangeKind::RevokedToken => {
                let ids: Vec<TokenId> = parsed(&ids);
                let found = revoked_tokens::by_ids(conn, &ids).await?;
                found
                    .into_iter()
                    .for_each(|(id, end)| index.revoke_token(id, end));
            }
            ChangeKind::TokenFloor => {
                let owners = ids.iter().filter_map(|id| TokenOwner::parse(id));
                let found = token_floors::by_owners(conn, &owners.collect::<Vec<_>>()).await?;
                put_floors(index, found);
            }
            ChangeKind::Grant => grants::apply(conn, index, &parsed(&ids)).await?,
            ChangeKind::TokenFamily => {
                grants::apply_families(conn, index, &parsed(&ids)).await?;
            }
            ChangeKind::ImportedHash => imports::apply(conn, index, &parsed(&ids)).await?,
        }
    }
    Ok(())
}

async fn load_accounts(conn: &mut Conn, index: &Index) -> Result<(), StoreError> {
    let mut walk = Walk::of("accounts");
    loop {
        let page = accounts::list(conn, walk.after(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        page.iter().for_each(|account| index.put_account(account));
    }
}

async fn load_clients(conn: &mut Conn, index: &Index) -> Result<(), StoreError> {
    let mut walk = Walk::of("clients");
    loop {
        let page = clients::resident_page(conn, walk.after(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        put_clients(conn, index, &page).await?;
    }
}

async fn load_legacy_keys(conn: &mut Conn, index: &Index) -> Result<(), StoreError> {
    let mut walk = Walk::of("legacy_keys");
    loop {
        let page = legacy_keys::resident_page(conn, walk.after(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        page.iter().for_each(|key| index.put_legacy_key(key));
    }
}

async fn load_sessions(conn: &mut Conn, index: &Index, now: UnixMillis) -> Result<(), StoreError> {
    let mut walk = Walk::of("sessions");
    loop {
        let page = sessions::live_page(conn, now, walk.after(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        walk.on_to(last.id)?;
        put_sessions(conn, index, page).await?;
    }
}

/// What ended access tokens before their time.
async fn load_token_ends(
    conn: &mut Conn,
    index: &Index,
    now: UnixMillis,
) -> Result<(), StoreError> {
    put_floors(index, token_floors::all(conn).await?);
    let mut walk = Walk::of("revoked_tokens");
    loop {
        let page = revoked_tokens::live_page(conn, now, walk.after(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        walk.on_to(*last)?;
        page.into_iter()
            .for_each(|(id, end)| index.revoke_token(id, end));
    }
}

fn put_floors(index: &Index, floors: Vec<token_floors::Floor>) {
    floors
        .into_iter()
        .for_each(|(owner, epoch)| index.put_token_floor(owner, epoch));
}

/// Holds the signing keys: there are a handful, so all are read again.
async fn put_signing_keys(
    conn: &mut Conn,
    (index, signer): (&Index, &Signer),
    now: UnixMillis,
) -> Result<(), StoreError> {
    let (found, bad_rows) = signing_keys::all(conn).await?;
    report(&bad_rows);
    signer.hold(found, index, now);
    Ok(())
}

/// The alarm about rows that were left out.
pub(super) fn report(bad_rows: &[BadRow]) {
    for bad in bad_rows {
        tracing::error!(
            table = bad.table,
            id = bad.id,
            why = bad.why,
            "a row is not trusted"
        );
    }
}

async fn apply_accounts(
    conn: &mut Conn,
    index: &Index,
    ids: &[AccountId],
) -> Result<(), StoreError> {
    let found = accounts::by_ids(conn, ids).await?;
    let gone = without(ids, found.iter().map(|account| account.id));
    gone.for_each(|id| index.distrust_account(id));
    found.iter().for_each(|account| index.put_account(account));
    Ok(())
}

async fn apply_keys(conn: &mut Conn, index: &Index, ids: &[KeyId]) -> Result<(), StoreError> {
    let (found, bad_rows) = keys::by_ids(conn, ids).await?;
    report(&bad_rows);
    let gone = without(ids, found.iter().map(|(key, _)| key.id));
    gone.for_each(|id| index.remove_key(id));
    found
        .iter()
        .for_each(|(key, secrets)| index.put_key(key, secrets));
    Ok(())
}

async fn apply_clients(conn: &mut Conn, index: &Index, ids: &[ClientId]) -> Result<(), StoreError> {
    let found = clients::by_ids(conn, ids).await?;
    let gone = without(ids, found.iter().map(|client| client.id));
    gone.for_each(|id| index.remove_client(id));
    put_clients(conn, index, &found).await
}

/// Holds clients by their secrets.
async fn put_clients(conn: &mut Conn, index: &Index, found: &[Client]) -> Result<(), StoreError> {
    let ids: Vec<ClientId> = found.iter().map(|client| client.id).collect();
    let secrets = clients::secrets_of(conn, &ids).await?;
    let metadata = clients::metadata_of(conn, &ids).await?;
    for client in found {
        let secrets = secrets.get(&client.id).map_or(&[][..], Vec::as_slice);
        index.put_client(client, secrets, metadata.get(&client.id));
    }
    Ok(())
}

async fn apply_legacy_keys(
    conn: &mut Conn,
    index: &Index,
    ids: &[LegacyKeyId],
) -> Result<(), StoreError> {
    let found = legacy_keys::by_ids(conn, ids).await?;
    let gone = without(ids, found.iter().map(|key| key.id));
    gone.for_each(|id| index.remove_legacy_key(id));
    found.iter().for_each(|key| index.put_legacy_key(key));
    Ok(())
}

async fn apply_sessions(
    conn: &mut Conn,
    index: &Index,
    ids: &[SessionId],
) -> Result<(), StoreError> {
    let found = sessions::by_ids(conn, ids).await?;
    let gone = without(ids, found.iter().map(|session| session.id));
    gone.for_each(|id| index.remove_session(id));
    put_sessions(conn, index, found).await
}

/// Those of `ids` that were not found.
pub(super) fn without<T: Copy + Ord>(
    ids: &[T],
    found: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let mut gone: BTreeSet<T> = ids.iter().copied().collect();
    found.for_each(|id| {
        gone.remove(&id);
    });
    gone.into_iter()
}

/// Holds sessions with what they depend on: the user, the membership and the role.
async fn put_sessions(
    conn: &mut Conn,
    index: &Index,
    sessions: Vec<Session>,
) -> Result<(), StoreError> {
    let user_ids: BTreeSet<UserId> = sessions.iter().map(|session| session.user_id).collect();
    let user_ids: Vec<UserId> = user_ids.into_iter().collect();
    let users = users::by_ids(conn, &user_ids).await?;
    let users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
    let pair = |session: &Session| Some((session.account_id?, session.user_id));
    let powers = places(conn, &sessions.iter().filter_map(pair).collect()).await?;
    for session in sessions {
        let scopes = match pair(&session) {
            Some(pair) => powers.get(&pair).map(|powers| powers.scopes.clone()),
            None => Some(ScopePatterns(Vec::new())),
        };
        let user = users.get(&session.user_id);
        index.put_session(&resident(session, user, scopes));
    }
    Ok(())
}

/// A session with what it depends on; `scopes` are none when the user has no part in its account.
fn resident(
    session: Session,
    user: Option<&User>,
    scopes: Option<ScopePatterns>,
) -> ResidentSession {
    let refused = if session.ended_at.is_some() {
        Some(Reason::Revoked)
    } else if user.is_none_or(|user| user.suspended_at.is_some()) {
        Some(Reason::Inactive)
    } else if scopes.is_none() {
        Some(Reason::UserLacksAccess)
    } else {
        None
    };
    ResidentSession {
        id: session.id,
        user_id: session.user_id,
        email: user.map(|user| user.email.clone()).unwrap_or_default(),
        account_id: session.account_id,
        stored: session.stored,
        expires_at: session.expires_at,
        refused,
        scopes: scopes.unwrap_or(ScopePatterns(Vec::new())),
    }
}

fn parsed<T: std::str::FromStr>(ids: &BTreeSet<&str>) -> Vec<T> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}
