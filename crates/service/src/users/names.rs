//! What people are called where pages show who did something.

use std::collections::HashMap;

use claviger_model::ids::UserId;
use claviger_store::users;

use crate::app::App;
use crate::error::Error;

/// The names of users, by id. Users that are gone are left out.
pub async fn names(app: &App, ids: &[UserId]) -> Result<HashMap<UserId, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = users::by_ids(&mut *app.read().await?, ids).await?;
    Ok(found
        .into_iter()
        .map(|user| (user.id, user.email))
        .collect())
}

/// The names of those of the actors that are users, by the word that the audit log has for them.
pub async fn actor_names<'a>(
    app: &App,
    actors: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>, Error> {
    let ids: Vec<UserId> = actors
        .into_iter()
        .filter_map(|actor| actor.parse().ok())
        .collect();
    let names = names(app, &ids).await?;
    let named = names.into_iter().map(|(id, name)| (id.to_string(), name));
    Ok(named.collect())
}

/// What an actor is called: by its name, or where none is known by the word of the audit log.
pub fn told(names: &HashMap<String, String>, actor: &str) -> String {
    match (names.get(actor), actor.split_once(':')) {
        (Some(name), _) => name.clone(),
        (None, Some(("cli", user))) => format!("{user}, at the command line"),
        (None, _) if actor == "config" => "the configuration".to_owned(),
        (None, _) if actor.starts_with("usr_") => "somebody who left".to_owned(),
        (None, _) => actor.to_owned(),
    }
}
