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
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<Pair> = pairs.iter().copied().collect();
    let found = members::of_pairs(conn, &asked).await?;
    let role_ids: BTreeSet<RoleId> = found.iter().filter_map(custom_role).collect();
    let made: HashMap<RoleId, Role> = if role_ids.is_empty() {
        HashMap::new()
    } else {
        let role_ids: Vec<RoleId> = role_ids.into_iter().collect();
        let made = roles::by_ids(conn, &role_ids).await?;
        made.into_iter().map(|role| (role.id, role)).collect()
    };
    let is_member: HashSet<Pair> = found.iter().map(pair_of).collect();
    let outsiders = asked.into_iter().filter(|pair| !is_member.contains(pair));
    let outsiders: Vec<Pair> = outsiders.collect();
    let mut places: HashMap<Pair, Powers> = HashMap::with_capacity(pairs.len());
    for member in &found {
        let powers = match member.role {
            RoleRef::BuiltIn(role) => Some(role.powers()),
            RoleRef::Custom(id) => made.get(&id).map(|role| role.powers.clone()),
        };
        if let Some(powers) = powers {
            places.insert(pair_of(member), powers);
        }
    }
    if !outsiders.is_empty() {
        let users: BTreeSet<UserId> = outsiders.iter().map(|(_, user)| *user).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let operators = operators::by_ids(conn, &users).await?;
        let operators: HashSet<UserId> = operators.into_iter().map(|one| one.user_id).collect();
        let entered = outsiders.into_iter();
        let entered = entered.filter(|(_, user)| operators.contains(user));
        places.extend(entered.map(|pair| (pair, BuiltInRole::Owner.powers())));
    }
    Ok(places)
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
