//! Looking at members.

use std::collections::HashMap;

use claviger_model::ids::UserId;
use claviger_model::members::{Member, User};
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_store::{members, user_profiles};

use super::{NamedMember, find};
use crate::access::TeamAccess;
use crate::actor::Place;
use crate::app::App;
use crate::error::Error;
use crate::roles::RoleNames;

/// Among how many members those who manage the account are looked for.
const MANAGERS_AMONG: u32 = 200;
/// How many of them are told.
const MANAGERS_TOLD: usize = 3;

/// A page of members, in the order of their ids.
#[derive(Clone, Debug)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<NamedMember>,
    /// Where the next page starts; none on the last one.
    pub next: Option<UserId>,
}

/// Lists the members of an account: at most `limit` after the one called `after`.
pub async fn list(
    app: &App,
    access: &TeamAccess,
    after: Option<UserId>,
    limit: u32,
) -> Result<MemberPage, Error> {
    let account_id = access.account_id();
    let mut reader = app.read().await?;
    let names = RoleNames::load(&mut reader, account_id).await?;
    // One more than asked for tells whether there is a next page.
    let mut rows =
        members::of_account(&mut reader, account_id, after, limit.saturating_add(1)).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|(member, _)| member.user_id);
    let ids: Vec<UserId> = rows.iter().map(|(member, _)| member.user_id).collect();
    let called = user_profiles::names(&mut reader, &ids).await?;
    let mut called: HashMap<UserId, String> = called.into_iter().collect();
    let shown = |(member, user): &(Member, User)| {
        let name = called.remove(&user.id);
        NamedMember::new(member, user, names.of(member.role), name)
    };
    Ok(MemberPage {
        members: rows.iter().map(shown).collect(),
        next,
    })
}

/// Some of those who manage the account in which somebody acts: owners and admins. For everybody
/// in it, so that they know whom to ask.
pub async fn who_manages(app: &App, place: &Place) -> Result<Vec<String>, Error> {
    let mut reader = app.read().await?;
    let rows = members::of_account(&mut reader, place.account_id, None, MANAGERS_AMONG).await?;
    let manages = |member: &Member| {
        [BuiltInRole::Owner, BuiltInRole::Admin]
            .into_iter()
            .any(|role| member.role == RoleRef::BuiltIn(role))
    };
    let found = rows.into_iter().filter(|(member, _)| manages(member));
    Ok(found
        .map(|(_, user)| user.email)
        .take(MANAGERS_TOLD)
        .collect())
}

/// One member.
pub async fn show(app: &App, access: &TeamAccess, user_id: UserId) -> Result<NamedMember, Error> {
    let mut reader = app.read().await?;
    let (member, user, role) = find(&mut reader, access.account_id(), user_id).await?;
    let name = user_profiles::name(&mut reader, user_id).await?;
    let role_name = role.map_or_else(|| member.role.to_string(), |role| role.name);
    Ok(NamedMember::new(&member, &user, role_name, name))
}
