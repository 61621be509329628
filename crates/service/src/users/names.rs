//! What people are called where pages show who did something.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use claviger_model::ids::{AccountId, UserId};
use claviger_store::{members, user_profiles, users};

use crate::app::App;
use crate::error::Error;

/// The names of users, by id: what they want to be called, else their address. Users that are
/// gone are left out.
pub async fn names(app: &App, ids: &[UserId]) -> Result<HashMap<UserId, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut reader = app.read().await?;
    let found = users::by_ids(&mut reader, ids).await?;
    let addresses = found.into_iter().map(|user| (user.id, user.email));
    let mut names: HashMap<UserId, String> = addresses.collect();
    names.extend(user_profiles::names(&mut reader, ids).await?);
    Ok(names)
}

/// The names of those of the actors that are users, by the word that the audit log has for them.
pub async fn actor_names<'a>(
    app: &App,
    actors: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>, Error> {
    let names = names(app, &users_among(actors)).await?;
    let by_word = names.into_iter().map(|(id, name)| (id.to_string(), name));
    Ok(by_word.collect())
}

/// What an actor is called: by its name, or where none is known by the word of the audit log.
pub fn told<S: BuildHasher>(names: &HashMap<String, String, S>, actor: &str) -> String {
    match (names.get(actor), actor.split_once(':')) {
        (Some(name), _) => name.clone(),
        (None, Some(("cli", user))) => format!("{user}, at the command line"),
        (None, _) if actor == "config" => "the configuration".to_owned(),
        (None, _) if actor.starts_with("usr_") => "somebody who left".to_owned(),
        (None, _) => actor.to_owned(),
    }
}

/// The same of those who made what belongs to an account, with a word behind the names of those
/// who are no members of it any more: what they made stays, and others look after it.
pub async fn makers<'a>(
    app: &App,
    account_id: AccountId,
    actors: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>, Error> {
    let ids = users_among(actors);
    let names = names(app, &ids).await?;
    let pairs: Vec<(AccountId, UserId)> = ids.into_iter().map(|id| (account_id, id)).collect();
    let present = members::of_pairs(&mut *app.read().await?, &pairs).await?;
    let present: HashSet<UserId> = present.into_iter().map(|member| member.user_id).collect();
    let by_word = names.into_iter().map(|(id, name)| {
        let told = if present.contains(&id) {
            name
        } else {
            format!("{name} (not a member)")
        };
        (id.to_string(), told)
    });
    Ok(by_word.collect())
}

fn users_among<'a>(actors: impl IntoIterator<Item = &'a str>) -> Vec<UserId> {
    let ids = actors.into_iter().filter_map(|actor| actor.parse().ok());
    let ids: HashSet<UserId> = ids.collect();
    ids.into_iter().collect()
}
