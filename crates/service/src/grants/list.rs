//! Looking at grants.

use std::collections::{BTreeSet, HashMap};

use claviger_model::UnixMillis;
use claviger_model::grants::Grant;
use claviger_model::ids::{AccountId, ClientId, GrantId, UserId};
use claviger_model::scopes::ScopeName;
use claviger_store::grants::{Filter, Whose};
use claviger_store::{Reader, accounts, clients, grants, token_families, token_family_uses, users};

use crate::access::GrantAccess;
use crate::app::App;
use crate::error::Error;
use crate::scopes::{self, OfferedScope};

/// Which grants to list, of those that one may look at.
#[derive(Clone, Copy, Debug)]
pub struct GrantFilter {
    /// In this account.
    pub account_id: Option<AccountId>,
    /// Of this user.
    pub user_id: Option<UserId>,
    /// Of this app.
    pub client_id: Option<ClientId>,
    /// After this one of the page before.
    pub after: Option<GrantId>,
    /// At most so many.
    pub limit: u32,
}

/// A page of grants that are not ended, in the order of their ids, which is that of their creation.
#[derive(Clone, Debug)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<NamedGrant>,
    /// Where the next page starts; none on the last one.
    pub next: Option<GrantId>,
}

/// A grant as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedGrant {
    /// The grant.
    pub grant: Grant,
    /// What the app is called.
    pub client_name: String,
    /// What the account is called.
    pub account_name: String,
    /// The address of the user.
    pub user_email: String,
    /// What the user agreed to, in words.
    pub scopes: Vec<GrantedScope>,
    /// When the last access token that was used was used for the first time, to the second; none
    /// when none was lately.
    pub last_used_at: Option<UnixMillis>,
}

/// A scope that a user agreed to, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantedScope {
    /// Its name.
    pub name: ScopeName,
    /// The sentence of the first API that has one for it; empty when none has.
    pub description: String,
    /// Whether an API calls it sensitive.
    pub sensitive: bool,
}

/// Lists the grants that `access` reaches. Those of apps that were deleted are not among them.
///
/// # Errors
/// The store's.
pub async fn list(
    app: &App,
    access: &GrantAccess,
    filter: GrantFilter,
) -> Result<GrantPage, Error> {
    let nothing = GrantPage {
        grants: Vec::new(),
        next: None,
    };
    let Some(whose) = narrowed(access, &filter) else {
        return Ok(nothing);
    };
    let stored = Filter {
        whose,
        client_id: filter.client_id,
        with_deleted_clients: false,
    };
    let mut reader = app.read().await?;
    // One more than asked for tells whether there is a next page.
    let limit = filter.limit.saturating_add(1);
    let mut found = grants::live_page(&mut reader, stored, filter.after, limit).await?;
    let more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.id);
    Ok(GrantPage {
        grants: named(app, reader, found).await?,
        next,
    })
}

/// One grant that is not ended.
///
/// # Errors
/// An unknown grant; one that the caller may not see is as unknown as one that never was.
pub async fn show(app: &App, access: &GrantAccess, id: GrantId) -> Result<NamedGrant, Error> {
    let mut reader = app.read().await?;
    let found = grants::get(&mut reader, id).await?;
    let found = found.filter(|grant| grant.ended.is_none() && access.reaches(grant));
    let grant = found.ok_or_else(|| Error::not_found("grant"))?;
    let client = clients::get(&mut reader, None, grant.client_id).await?;
    if client.is_none_or(|client| client.is_deleted()) {
        return Err(Error::not_found("grant"));
    }
    let named = named(app, reader, vec![grant]).await?;
    named
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("grant"))
}

/// What of `access` the filter leaves; none when it leaves nothing.
fn narrowed(access: &GrantAccess, filter: &GrantFilter) -> Option<Whose> {
    let (account_id, user_id) = match access.whose()? {
        Whose::Everybody => (None, None),
        Whose::Account(account_id) => (Some(account_id), None),
        Whose::User(user_id) => (None, Some(user_id)),
        Whose::Member(account_id, user_id) => (Some(account_id), Some(user_id)),
    };
    let is_other_account = filter
        .account_id
        .zip(account_id)
        .is_some_and(|(a, b)| a != b);
    let is_other_user = filter.user_id.zip(user_id).is_some_and(|(a, b)| a != b);
    if is_other_account || is_other_user {
        return None;
    }
    Some(
        match (account_id.or(filter.account_id), user_id.or(filter.user_id)) {
            (Some(account_id), Some(user_id)) => Whose::Member(account_id, user_id),
            (Some(account_id), None) => Whose::Account(account_id),
            (None, Some(user_id)) => Whose::User(user_id),
            (None, None) => Whose::Everybody,
        },
    )
}

/// The grants with the names of all that they refer to.
async fn named(app: &App, mut reader: Reader, found: Vec<Grant>) -> Result<Vec<NamedGrant>, Error> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let client_ids = distinct(found.iter().map(|grant| grant.client_id));
    let clients = clients::by_ids(&mut reader, &client_ids).await?;
    let account_ids = distinct(found.iter().map(|grant| grant.account_id));
    let accounts = accounts::by_ids(&mut reader, &account_ids).await?;
    let user_ids = distinct(found.iter().map(|grant| grant.user_id));
    let users = users::by_ids(&mut reader, &user_ids).await?;
    let ids: Vec<GrantId> = found.iter().map(|grant| grant.id).collect();
    let families = token_families::ids_of_grants(&mut reader, &ids).await?;
    drop(reader);
    let last_uses = last_uses(app, &families).await?;

    let clients: HashMap<_, _> = clients
        .into_iter()
        .map(|c| (c.id, c.settings.name))
        .collect();
    let accounts: HashMap<_, _> = accounts.into_iter().map(|a| (a.id, a.name)).collect();
    let users: HashMap<_, _> = users.into_iter().map(|u| (u.id, u.email)).collect();
    let offered = scopes::list(app);
    let offered: HashMap<&ScopeName, &OfferedScope> =
        offered.iter().map(|scope| (&scope.name, scope)).collect();
    let granted = |name: &ScopeName| {
        let offered = offered.get(name);
        GrantedScope {
            name: name.clone(),
            description: offered
                .map(|one| one.description.clone())
                .unwrap_or_default(),
            sensitive: offered.is_some_and(|one| one.sensitive),
        }
    };
    let named = found.into_iter().map(|grant| NamedGrant {
        client_name: clients.get(&grant.client_id).cloned().unwrap_or_default(),
        account_name: accounts.get(&grant.account_id).cloned().unwrap_or_default(),
        user_email: users.get(&grant.user_id).cloned().unwrap_or_default(),
        scopes: grant.scopes.iter().map(granted).collect(),
        last_used_at: last_uses.get(&grant.id).copied(),
        grant,
    });
    Ok(named.collect())
}

async fn last_uses(
    app: &App,
    families: &[(GrantId, claviger_model::ids::FamilyId)],
) -> Result<HashMap<GrantId, UnixMillis>, Error> {
    let mut newest: HashMap<GrantId, UnixMillis> = HashMap::new();
    if families.is_empty() {
        return Ok(newest);
    }
    let ids: Vec<_> = families.iter().map(|(_, family)| *family).collect();
    let mut reader = app.usage_db().read().await?;
    let uses = token_family_uses::last_used(&mut reader, &ids).await?;
    let uses: HashMap<_, _> = uses.into_iter().collect();
    for (grant, family) in families {
        if let Some(at) = uses.get(family) {
            let known = newest.entry(*grant).or_insert(*at);
            *known = (*known).max(*at);
        }
    }
    Ok(newest)
}

fn distinct<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    ids.collect::<BTreeSet<T>>().into_iter().collect()
}
