//! What a credential did with its scopes, for `claviger key` and `claviger client`.

use claviger_service::usage::ScopeUse;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::screen::{Column, Screen, Shown, time};
use crate::store::object;

const COLUMNS: [Column; 2] = [
    ("scope", "scope", Shown::Plain),
    ("requests", "requests", Shown::Plain),
];

/// What `--narrow` needs.
#[derive(clap::Args, Debug)]
pub(crate) struct ScopeUseArguments {
    /// Its id or exact name
    pub(crate) credential: String,
    /// Keep only the scopes that it used; in force for the next request
    #[arg(long)]
    pub(crate) narrow: bool,
}

/// Shows the scopes with how often each was asked for. `whose` is a command that narrows them.
pub(crate) fn show(used: &ScopeUse, whose: &str, screen: Screen) -> Result<(), Failure> {
    if screen.is_json {
        return screen.data(&object(used)?.to_string());
    }
    let exercised = used.exercised.iter();
    let exercised = exercised.map(|one| json!({"scope": one.scope, "requests": one.requests}));
    let unused = used.unused.iter();
    let unused = unused.map(|name| json!({"scope": name, "requests": "not used"}));
    let rows: Vec<Value> = exercised.chain(unused).collect();
    screen.list(&COLUMNS, &rows, "it has no scopes")?;
    let since = time(used.since);
    screen.note(&match &used.narrower {
        Some(_) => format!(
            "It held more than it used since {since}. `{whose} --narrow` keeps what it used."
        ),
        None if used.allowed == 0 => format!("No request with it was allowed since {since}."),
        None => format!("It used all of its scopes since {since}."),
    });
    Ok(())
}

/// The scopes to keep, as a change has them; none when there is nothing to take away.
pub(crate) fn kept(used: &ScopeUse) -> Option<Vec<String>> {
    let names = used.narrower.as_ref()?;
    Some(names.iter().map(ToString::to_string).collect())
}
