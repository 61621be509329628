//! What an account may decide about its clients, and what only the operator may.

use claviger_model::Environment;
use claviger_model::Problems;
use claviger_model::clients::{
    ClientAuthMethod, ClientCeilings, ClientDescription, ClientDraft, ClientKeys, ClientScopes,
    ClientSettings, GrantType, QuotaMode,
};
use claviger_model::ids::ApiId;
use claviger_verify::jose::KeySet;

use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;
use crate::outbound;
use crate::scopes::check_offered;

/// Refuses scopes that are not offered or not the caller's to give, what the instance has not
/// switched on, and lifetimes, quotas and exemptions to anybody but an operator. `before` is what
/// the client is already: what was valid once may stay.
pub(super) fn check(
    app: &App,
    access: &KeyAccess,
    environment: Environment,
    before: Option<&ClientDescription>,
    after: &ClientDescription,
) -> Result<(), Error> {
    let (old, new) = (before.map(|before| &before.settings), &after.settings);
    if old.is_none_or(|old| old.scopes != new.scopes) {
        check_scopes(app, access, environment, old, &new.scopes)?;
    }
    // Whoever says where codes go, or which key proves who a client is, has what it has.
    let is_redirected = |before: &ClientDescription| {
        before.metadata.keys != after.metadata.keys
            || before.metadata.redirect_uris != after.metadata.redirect_uris
    };
    if before.is_some_and(is_redirected) {
        may_add_secret(access, new)?;
    }
    let mut problems = Problems::default();
    check_offers(app, before, after, &mut problems);
    if !access.is_operator() {
        let ceilings = after.ceilings;
        let lifetime = ceilings.token_lifetime_seconds;
        check_lifetime(app, lifetime, old, new, &mut problems);
        check_quota(app, ceilings, old, new, &mut problems);
        let was_exempt = before.is_some_and(|before| !before.metadata.require_pkce);
        if !after.metadata.require_pkce && !was_exempt {
            let sentence = "can be set to false by an operator only: without a code challenge a \
                            stolen code is worth more";
            problems.add("require_pkce", sentence);
        }
    }
    Ok(problems.into_result()?)
}

/// Refuses what this instance does not have.
pub(crate) fn check_offers(
    app: &App,
    before: Option<&ClientDescription>,
    after: &ClientDescription,
    problems: &mut Problems,
) {
    let oauth = &app.settings().oauth;
    let signs = |client: &ClientDescription| {
        client.settings.auth_method == Some(ClientAuthMethod::PrivateKeyJwt)
    };
    if signs(after) && !before.is_some_and(signs) && !oauth.private_key_jwt {
        let sentence = "must not be private_key_jwt: this instance has it switched off";
        problems.add("token_endpoint_auth_method", sentence);
    }
    let is_device =
        |client: &ClientDescription| client.metadata.grant_types.contains(&GrantType::DeviceCode);
    if is_device(after) && !before.is_some_and(is_device) && !oauth.device_grant {
        let sentence = "must not have the device grant: this instance has it switched off";
        problems.add("grant_types", sentence);
    }
    if let Some(ClientKeys::Inline(set)) = &after.metadata.keys
        && let Err(why) = KeySet::parse(set)
    {
        problems.add("jwks", why.to_string());
    }
    if let Some(ClientKeys::At(url)) = &after.metadata.keys
        && !outbound::may_ask(app, url)
    {
        problems.add("jwks_uri", "must start with https://");
    }
}

fn check_scopes(
    app: &App,
    access: &KeyAccess,
    environment: Environment,
    before: Option<&ClientSettings>,
    after: &ClientScopes,
) -> Result<(), Error> {
    let ClientScopes::Named(names) = after else {
        return access.may_hand_on_all();
    };
    let kept = match before.map(|before| &before.scopes) {
        Some(ClientScopes::Named(names)) => &names[..],
        Some(ClientScopes::All) | None => &[],
    };
    check_offered(app, names, kept, environment, true)?;
    access.may_hand_on(names)
}

/// A secret is as good as all that its client holds: whoever holds less may not have one more made.
pub(super) fn may_add_secret(access: &KeyAccess, client: &ClientSettings) -> Result<(), Error> {
    match &client.scopes {
        ClientScopes::All => access.may_hand_on_all(),
        ClientScopes::Named(names) => access.may_hand_on(names),
    }
}

/// What an operator said that the client has at most, after this change. An account does not move
/// it, but for one thing: a long life that is right at one API is not right at another.
pub(super) fn ceilings(
    app: &App,
    access: &KeyAccess,
    draft: &ClientDraft,
    before: Option<&ClientDescription>,
    after: &ClientDescription,
) -> ClientCeilings {
    let said = after.ceilings;
    if access.is_operator() {
        return said.said(draft, &after.settings);
    }
    let api_id = after.settings.api_id;
    if before.is_none_or(|before| before.settings.api_id == api_id) {
        return said;
    }
    let (least, _) = lifetimes(app, api_id);
    ClientCeilings {
        token_lifetime_seconds: said.token_lifetime_seconds.filter(|most| *most < least),
        ..said
    }
}

/// An account may make the life of its tokens shorter, not longer.
fn check_lifetime(
    app: &App,
    ceiling: Option<u32>,
    before: Option<&ClientSettings>,
    after: &ClientSettings,
    problems: &mut Problems,
) {
    let asked = after.token_lifetime_seconds;
    let is_at_same_api = before.is_some_and(|before| before.api_id == after.api_id);
    if is_at_same_api && before.is_some_and(|before| before.token_lifetime_seconds == asked) {
        return;
    }
    let (least, longest) = lifetimes(app, after.api_id);
    let most = match ceiling {
        Some(ceiling) if is_at_same_api => ceiling,
        // A long life that is right at one API is not right at all of them.
        Some(ceiling) => ceiling.min(least),
        None => least,
    };
    match (asked, ceiling) {
        (Some(asked), None) if asked > most => {
            let sentence = format!("must be at most {most}; only an operator can give tokens more");
            problems.add("token_lifetime_seconds", sentence);
        }
        (Some(asked), Some(_)) if asked > most => {
            problems.add("token_lifetime_seconds", beyond_ceiling(most));
        }
        (None, Some(_)) if longest > most => {
            problems.add("token_lifetime_seconds", beyond_ceiling(most));
        }
        _ => {}
    }
}

/// How long tokens live that say nothing themselves, at the API, or at each without one: where it
/// is shortest, and where it is longest. In seconds.
fn lifetimes(app: &App, api_id: Option<ApiId>) -> (u32, u32) {
    let index = app.verifier().index();
    let apis = index.apis();
    let instance = app.settings().tokens.lifetime_seconds;
    let all = apis.all().iter();
    let concerned = all.filter(|api| api_id.is_none_or(|id| id == api.id));
    let lifetimes = concerned.map(|api| api.token_lifetime_seconds.unwrap_or(instance));
    let least = lifetimes.clone().min().unwrap_or(instance);
    (least, lifetimes.max().unwrap_or(instance))
}

/// An account may make the quota of its clients smaller, not larger, and not switch it off.
fn check_quota(
    app: &App,
    ceilings: ClientCeilings,
    before: Option<&ClientSettings>,
    after: &ClientSettings,
    problems: &mut Problems,
) {
    let tokens = &app.settings().tokens;
    let most = ceilings.tokens_per_day.or(tokens.per_day);
    let quota = after.tokens_per_day;
    if let Some(most) = most
        && before.is_none_or(|before| before.tokens_per_day != quota)
        && quota.or(tokens.per_day).is_none_or(|asked| asked > most)
    {
        let sentence = if ceilings.tokens_per_day.is_some() {
            beyond_ceiling(most)
        } else {
            format!("must be at most {most}; only an operator can give a client more")
        };
        problems.add("tokens_per_day", sentence);
    }
    let of_instance = tokens.quota_mode;
    let is_enforced = ceilings.quota_mode.unwrap_or(of_instance) == QuotaMode::Enforce;
    let is_operators = most.is_some() || ceilings.quota_mode.is_some();
    let is_observed = after.quota_mode.unwrap_or(of_instance) == QuotaMode::Observe;
    if is_operators
        && is_enforced
        && is_observed
        && before.is_none_or(|before| before.quota_mode != after.quota_mode)
    {
        problems.add("quota_mode", "can be set to observe by an operator only");
    }
}

fn beyond_ceiling(most: u32) -> String {
    format!(
        "must be given and at most {most}, which an operator set; only an operator can raise it"
    )
}
