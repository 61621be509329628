//! Looking at accounts.

use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_model::members::Member;
use claviger_store::{accounts, members};

use crate::access::OperatorAccess;
use crate::actor::{Caller, Place};
use crate::app::App;
use crate::error::Error;

/// A page of accounts, in the order of their ids, which is that of their creation.
#[derive(Clone, Debug)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Where the next page starts; none on the last one.
    pub next: Option<AccountId>,
}

/// An account that somebody is a member of.
#[derive(Clone, Debug)]
pub struct Mine {
    /// The account.
    pub account: Account,
    /// The membership.
    pub member: Member,
}

impl AccountPage {
    /// The page that begins what was found, which may be one account more.
    fn of(mut accounts: Vec<Account>, limit: u32) -> Self {
        let more = accounts.len() > limit as usize;
        accounts.truncate(limit as usize);
        let next = accounts.last().filter(|_| more).map(|last| last.id);
        Self { accounts, next }
    }
}

/// Lists all accounts: at most `limit` after the one called `after`.
pub async fn list(
    app: &App,
    _access: &OperatorAccess,
    after: Option<AccountId>,
    limit: u32,
) -> Result<AccountPage, Error> {
    // One more than asked for tells whether there is a next page.
    let found = accounts::list(&mut *app.read().await?, after, limit.saturating_add(1)).await?;
    Ok(AccountPage::of(found, limit))
}

/// Lists the accounts with `text` in their name, or the one with this id: at most `limit` after
/// the one called `after`.
pub async fn find(
    app: &App,
    access: &OperatorAccess,
    text: &str,
    after: Option<AccountId>,
    limit: u32,
) -> Result<AccountPage, Error> {
    let text = text.trim();
    if text.is_empty() {
        return list(app, access, after, limit).await;
    }
    let mut reader = app.read().await?;
    if let Ok(id) = text.parse::<AccountId>() {
        let found = accounts::get(&mut reader, id).await?;
        return Ok(AccountPage {
            accounts: found.into_iter().collect(),
            next: None,
        });
    }
    let found = accounts::find(&mut reader, text, after, limit.saturating_add(1)).await?;
    Ok(AccountPage::of(found, limit))
}

/// One account.
pub async fn show(app: &App, _access: &OperatorAccess, id: AccountId) -> Result<Account, Error> {
    let found = accounts::get(&mut *app.read().await?, id).await?;
    found.ok_or_else(|| Error::not_found("account"))
}

/// The account in which somebody acts.
pub async fn own(app: &App, place: &Place) -> Result<Account, Error> {
    let found = accounts::get(&mut *app.read().await?, place.account_id).await?;
    found.ok_or_else(|| Error::not_found("account"))
}

/// The accounts of the caller, the oldest membership first.
///
/// # Errors
/// `session_required` for somebody who is no user.
pub async fn mine(app: &App, caller: &Caller) -> Result<Vec<Mine>, Error> {
    let signed_in = caller.signed_in()?;
    let mut reader = app.read().await?;
    let mut memberships = members::of_user(&mut reader, signed_in.user_id).await?;
    memberships.sort_by_key(|member| (member.created_at, member.account_id));
    let ids: Vec<AccountId> = memberships.iter().map(|member| member.account_id).collect();
    let found = accounts::by_ids(&mut reader, &ids).await?;
    let joined = memberships.into_iter().filter_map(|member| {
        let account = found
            .iter()
            .find(|account| account.id == member.account_id)?;
        Some(Mine {
            account: account.clone(),
            member,
        })
    });
    Ok(joined.collect())
}

/// Whether the caller is a member of more than one account.
///
/// # Errors
/// `session_required` for somebody who is no user.
pub async fn has_several(app: &App, caller: &Caller) -> Result<bool, Error> {
    let user_id = caller.signed_in()?.user_id;
    let memberships = members::of_user(&mut *app.read().await?, user_id).await?;
    Ok(memberships.len() > 1)
}
