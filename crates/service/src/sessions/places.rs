//! Where many users act at once, for the index.

use std::collections::{BTreeSet, HashMap, HashSet};

use claviger_model::ids::{AccountId, RoleId, UserId};
use claviger_model::members::Member;
use claviger_model::roles::{BuiltInRole, Powers, Role, RoleRef};
use claviger_store::{Conn, StoreError, members, operators, roles};

/// A user in an account.
pub(crate) type Pair = (AccountId, UserId);

/// What each of the users may do in the account beside it, as [`super::place`] has it; those who
/// have no part in it are left out. Three statements, however many there are.
pub(crate) async fn places(
    conn: &mut Conn,
    pairs: &BTreeSet<Pair>,
) -> Result<HashMap<Pair, Powers>, StoreError> {
    let Memberships { found, mut powers } = memberships(conn, pairs).await?;
    let outsiders = pairs.iter().filter(|pair| !found.contains(*pair));
    let outsiders: Vec<Pair> = outsiders.copied().collect();
    if outsiders.is_empty() {
        return Ok(powers);
    }
    let users: BTreeSet<UserId> = outsiders.iter().map(|(_, user)| *user).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let operators = operators::by_ids(conn, &users).await?;
    let operators: HashSet<UserId> = operators.into_iter().map(|one| one.user_id).collect();
    let entered = outsiders.into_iter();
    let entered = entered.filter(|(_, user)| operators.contains(user));
    powers.extend(entered.map(|pair| (pair, BuiltInRole::Owner.powers())));
    Ok(powers)
}

/// What each of the users may do as a member of the account beside it. An operator who is none can
/// let nobody act there. Two statements, however many there are.
pub(crate) async fn member_powers(
    conn: &mut Conn,
    pairs: &BTreeSet<Pair>,
) -> Result<HashMap<Pair, Powers>, StoreError> {
    Ok(memberships(conn, pairs).await?.powers)
}

/// Those who are members.
#[derive(Default)]
struct Memberships {
    found: HashSet<Pair>,
    /// Of those whose role is there.
    powers: HashMap<Pair, Powers>,
}

async fn memberships(conn: &mut Conn, pairs: &BTreeSet<Pair>) -> Result<Memberships, StoreError> {
    if pairs.is_empty() {
        return Ok(Memberships::default());
    }
    let asked: Vec<Pair> = pairs.iter().copied().collect();
    let members = members::of_pairs(conn, &asked).await?;
    let role_ids: BTreeSet<RoleId> = members.iter().filter_map(custom_role).collect();
    let mut made: HashMap<RoleId, Role> = HashMap::new();
    if !role_ids.is_empty() {
        let role_ids: Vec<RoleId> = role_ids.into_iter().collect();
        let found = roles::by_ids(conn, &role_ids).await?;
        made.extend(found.into_iter().map(|role| (role.id, role)));
    }
    let powers_of = |member: &Member| match member.role {
        RoleRef::BuiltIn(role) => Some(role.powers()),
        RoleRef::Custom(id) => made.get(&id).map(|role| role.powers.clone()),
    };
    let powers = members.iter();
    let powers = powers.filter_map(|member| Some((pair_of(member), powers_of(member)?)));
    Ok(Memberships {
        found: members.iter().map(pair_of).collect(),
        powers: powers.collect(),
    })
}

fn pair_of(member: &Member) -> Pair {
    (member.account_id, member.user_id)
}

fn custom_role(member: &Member) -> Option<RoleId> {
    match member.role {
        RoleRef::BuiltIn(_) => None,
        RoleRef::Custom(id) => Some(id),
    }
}
