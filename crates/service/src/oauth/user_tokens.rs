//! Access tokens that act for users, however the user's consent came here.
//!
//! A token never does more than the user agreed to, the app may do and the user may do at the
//! moment. That is looked at here, and again at each use of the token.

use std::sync::Arc;

use claviger_model::apis::SigningAlgorithm;
use claviger_model::credentials::{CredentialKind, StoredSecret};
use claviger_model::grants::{Authorized, Grant};
use claviger_model::ids::{FamilyId, GrantId, TokenId};
use claviger_model::refresh::{REFRESH_PREFIX, RefreshToken, TokenFamily};
use claviger_model::roles::Powers;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Plaintext;
use claviger_model::time::DAY_MILLIS;
use claviger_model::tokens::{Claims, TokenGrant};
use claviger_model::{UnixMillis, accounts::AccountStatus};
use claviger_store::{Tx, accounts, grants, refresh_tokens, token_families, users};
use claviger_verify::apis::ApiEntry;
use claviger_verify::entries::ClientEntry;
use futures_core::future::BoxFuture;
use zeroize::Zeroizing;

use super::access_tokens::{
    algorithm, audience, confirmation, lifetime_seconds, sign, sign_with_held_key, token_type,
};
use super::targets::{self, Target, named};
use super::{Client, ErrorCode, GrantType, IssuedToken, Refusal, TokenRequest, quota, scopes};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::sessions::place;

/// What a user allowed an app, with what the user may do.
pub(super) struct Standing {
    /// What the user allowed.
    pub(super) grant: Grant,
    /// What the user may do in the account of the grant.
    pub(super) powers: Powers,
}

/// What one authorization allows.
pub(super) struct Authorization {
    /// What the user allowed, all in all.
    pub(super) grant_id: GrantId,
    /// What this authorization is for.
    pub(super) authorized: Authorized,
    /// How it came here.
    pub(super) gty: TokenGrant,
}

/// An access token that lacks its signature.
pub(super) struct UserToken {
    claims: Claims,
    algorithm: SigningAlgorithm,
    lifetime_seconds: u32,
}

/// A refresh token that is not written yet.
pub(super) struct NewRefreshToken {
    /// The token itself.
    pub(super) plaintext: Plaintext,
    /// What is stored of it.
    pub(super) row: RefreshToken,
}

/// What the user allowed and may do, as the database has it now.
///
/// # Errors
/// `invalid_grant` when the grant has ended, or the user or the account lost its power.
pub(super) async fn standing(app: &App, grant_id: GrantId) -> Result<Standing, Refusal> {
    let mut reader = app.read().await.map_err(Error::from)?;
    let grant = grants::get(&mut reader, grant_id)
        .await
        .map_err(Error::from)?;
    let grant = grant.filter(|grant| grant.ended.is_none()).ok_or_else(|| {
        Refusal::invalid_grant(
            "What the user allowed this app has ended. Ask the user for access again.",
        )
    })?;
    let user = users::get(&mut reader, grant.user_id).await;
    let account = accounts::get(&mut reader, grant.account_id).await;
    let is_user_active = user
        .map_err(Error::from)?
        .is_some_and(|user| user.suspended_at.is_none());
    let is_account_active = account
        .map_err(Error::from)?
        .is_some_and(|account| account.status == AccountStatus::Active);
    let place = place(&mut reader, grant.account_id, grant.user_id)
        .await
        .map_err(Error::from)?
        // An operator who entered is no member, and can let nobody act there.
        .filter(|place| place.role.is_some() && is_user_active && is_account_active);
    let powers = place.map(|place| place.powers).ok_or_else(|| {
        Refusal::invalid_grant(
            "The user who allowed this app has no access to the account any more.",
        )
    })?;
    Ok(Standing { grant, powers })
}

/// The first tokens of an authorization: an access token, and a refresh token for a client that may
/// use such. They begin a family.
///
/// `spend` is what can be used only once and is used up by this, such as a code: it runs in the
/// transaction that writes the family, is told the family's id, and says whether it was still
/// there. It may run more than once, as a transaction does. Everything that can be refused is
/// refused before.
///
/// `None` when `spend` said no: then nothing was written.
///
/// # Errors
/// `invalid_grant` when the user's consent does not stand or the request is not by the key that the
/// authorization is bound to; `invalid_target`, `invalid_scope`; `quota_exhausted` where the client
/// has a quota of its own.
pub(super) async fn first_tokens<S>(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
    authorization: Authorization,
    spend: S,
) -> Result<Option<IssuedToken>, Refusal>
where
    S: for<'t> Fn(&'t mut Tx, FamilyId) -> BoxFuture<'t, Result<bool, Error>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let standing = standing(app, authorization.grant_id).await?;
    let now = app.sources().now();
    let id = FamilyId::new(now, &app.sources().id().map_err(Error::from)?);
    let mut token = UserToken::new(app, client, request, (&standing, &authorization), None)?;
    let access_token = token.sign(app, (id, 1)).await?;
    let family = TokenFamily {
        id,
        grant_id: standing.grant.id,
        client_id: client.entry.id,
        authorized: of_family(client, authorization.authorized, request.jkt),
        generation: 1,
        used_generation: 0,
        created_at: now,
        expires_at: refresh_expiry(app, now),
        ended_at: None,
        version: 1,
    };
    let refresh = if client.entry.may_use(GrantType::RefreshToken) {
        Some(NewRefreshToken::of(app, &family, now)?)
    } else {
        None
    };
    let quota = quota::take_own(app, &client.entry, now).await?;
    let row = refresh.as_ref().map(|refresh| refresh.row.clone());
    let is_spent = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (family, row, spend) = (family.clone(), row.clone(), spend.clone());
            Box::pin(async move {
                if !spend(tx, family.id).await? {
                    return Ok(false);
                }
                token_families::insert(tx, &family).await?;
                if let Some(row) = &row {
                    refresh_tokens::insert(tx, row).await?;
                }
                Ok::<_, Error>(true)
            })
        })
        .await?;
    let refresh = refresh.map(|refresh| refresh.plaintext);
    Ok(is_spent.then(|| IssuedToken {
        quota,
        ..token.issued(access_token, refresh)
    }))
}

/// When a refresh token that is made now ends.
pub(super) fn refresh_expiry(app: &App, now: UnixMillis) -> UnixMillis {
    now.plus_millis(i64::from(app.settings().oauth.refresh_token_days) * DAY_MILLIS)
}

/// A client that keeps no secret can use its refresh tokens by the same key alone (RFC 9449 section
/// 5); others prove who they are.
fn of_family(client: &Client, authorized: Authorized, jkt: Option<&str>) -> Authorized {
    Authorized {
        jkt: jkt.filter(|_| client.entry.is_public()).map(str::to_owned),
        ..authorized
    }
}

impl NewRefreshToken {
    /// One for the generation that the family has.
    pub(super) fn of(app: &App, family: &TokenFamily, now: UnixMillis) -> Result<Self, Error> {
        let plaintext = app.sources().mint(REFRESH_PREFIX)?;
        let row = RefreshToken {
            stored: StoredSecret::of(&plaintext, app.keyring()),
            family_id: family.id,
            generation: family.generation,
            created_at: now,
            expires_at: family.expires_at,
            used_at: None,
            superseded_at: None,
            version: 1,
        };
        Ok(Self { plaintext, row })
    }
}

impl UserToken {
    /// A token for what was authorized, as far as `request` wants it. `scope` is the parameter,
    /// where it counts.
    pub(super) fn new(
        app: &App,
        client: &Client,
        request: &TokenRequest<'_>,
        (standing, authorization): (&Standing, &Authorization),
        scope: Option<&str>,
    ) -> Result<Self, Refusal> {
        let authorized = &authorization.authorized;
        if authorized.jkt.is_some() && authorized.jkt.as_deref() != request.jkt {
            return Err(Refusal::invalid_grant(
                "This authorization is bound to another key. Send a DPoP proof by that key.",
            ));
        }
        let entry = &client.entry;
        let wanted = Wanted {
            client: entry,
            standing,
            authorized,
        };
        let (target, names) = wanted.select(app, request, scope)?;
        let now = app.sources().now();
        let issued_at = now.0.div_euclid(1_000);
        let lifetime_seconds = lifetime_seconds(app, entry, &target);
        let claims = Claims {
            iss: app.settings().public_url.clone(),
            sub: standing.grant.user_id.to_string(),
            aud: audience(app, &target),
            iat: issued_at,
            exp: issued_at.saturating_add(i64::from(lifetime_seconds)),
            nbf: None,
            jti: TokenId::new(now, &app.sources().id().map_err(Error::from)?),
            client_id: entry.public_id.to_string(),
            azp: entry.id,
            scope: scopes::Granted::Named(names).text(),
            gty: authorization.gty,
            env: entry.environment,
            account: standing.grant.account_id,
            epoch: client.epoch,
            secret: client.secret_id,
            all_scopes: false,
            grant: Some(standing.grant.id),
            family: None,
            generation: None,
            cnf: confirmation(request.jkt),
        };
        Ok(Self {
            claims,
            algorithm: algorithm(app, &target),
            lifetime_seconds,
        })
    }

    /// Signs it as the one of a generation of a family.
    pub(super) async fn sign(
        &mut self,
        app: &App,
        (family, generation): (FamilyId, u32),
    ) -> Result<Zeroizing<String>, Refusal> {
        self.claims.family = Some(family);
        self.claims.generation = Some(generation);
        sign(app, self.algorithm, &self.claims).await
    }

    /// Signs it once more, for another generation.
    pub(super) fn sign_again(
        &mut self,
        app: &App,
        generation: u32,
    ) -> Result<Zeroizing<String>, Refusal> {
        self.claims.generation = Some(generation);
        sign_with_held_key(app, self.algorithm, &self.claims)
    }

    /// The answer.
    pub(super) fn issued(
        self,
        access_token: Zeroizing<String>,
        refresh_token: Option<Plaintext>,
    ) -> IssuedToken {
        IssuedToken {
            access_token,
            token_type: token_type(self.claims.cnf.as_ref()),
            expires_in: self.lifetime_seconds,
            refresh_token,
            scope: self.claims.scope,
            quota: None,
        }
    }
}

/// What a token can be for.
struct Wanted<'a> {
    client: &'a ClientEntry,
    standing: &'a Standing,
    authorized: &'a Authorized,
}

impl Wanted<'_> {
    /// The APIs and the scopes of a token: those that are authorized and still can be given, as far
    /// as they are asked for.
    fn select(
        &self,
        app: &App,
        request: &TokenRequest<'_>,
        scope: Option<&str>,
    ) -> Result<(Target, Vec<ScopeName>), Refusal> {
        let issuer = &app.settings().public_url;
        let index = app.verifier().index();
        let apis = index.apis();
        let asked = named(request)?;
        let mut names = self.names(scope)?;
        let allowed: Vec<&Arc<ApiEntry>> = apis
            .all()
            .iter()
            .filter(|api| *api.audience != **issuer && self.allows(api))
            .collect();
        let mut chosen: Vec<Arc<ApiEntry>> = Vec::new();
        for name in &asked {
            let found = apis.by_audience(name).or_else(|| apis.by_base_url(name));
            let found = found.filter(|api| allowed.iter().any(|known| known.id == api.id));
            let api = found.ok_or_else(|| beyond(name))?;
            if !chosen.iter().any(|known| known.id == api.id) {
                chosen.push(Arc::clone(api));
            }
        }
        if asked.is_empty() {
            let is_named = !self.authorized.audiences.is_empty();
            let has_scope = |api: &Arc<ApiEntry>| names.iter().any(|name| self.gives(name, api));
            let of_scopes = allowed.into_iter().filter(|api| is_named || has_scope(api));
            chosen.extend(of_scopes.cloned());
        }
        names.retain(|name| chosen.iter().any(|api| self.gives(name, api)));
        if !names.is_empty() {
            return Ok((Target::Apis(chosen), names));
        }
        if scope.is_some() || !asked.is_empty() {
            return Err(Refusal::because(
                ErrorCode::InvalidScope,
                "Of these scopes none can be given for what the token is to be for.",
            ));
        }
        Err(Refusal::invalid_grant(
            "Nothing of what the user allowed this app can be done any more: the user or the app \
             lost those scopes.",
        ))
    }

    /// The names that are asked for, which are among the authorized ones.
    fn names(&self, scope: Option<&str>) -> Result<Vec<ScopeName>, Refusal> {
        let Some(scope) = scope else {
            return Ok(self.authorized.scopes.clone());
        };
        let names = scopes::parse(scope)?;
        let authorized = &self.authorized.scopes;
        let wider: Vec<&str> = names
            .iter()
            .filter(|name| !authorized.contains(name))
            .map(ScopeName::as_str)
            .collect();
        if wider.is_empty() {
            return Ok(names);
        }
        let told = format!(
            "The user did not allow {} here. Ask for what was allowed, leave scope out, or ask \
             the user for more.",
            wider.join(" ")
        );
        Err(Refusal::because(ErrorCode::InvalidScope, told))
    }

    /// Whether a token can be for `api`.
    fn allows(&self, api: &ApiEntry) -> bool {
        let audiences = &self.authorized.audiences;
        let is_authorized = audiences.is_empty()
            || audiences
                .iter()
                .any(|audience| targets::is_called(api, audience));
        is_authorized && api.accepts(CredentialKind::AccessToken) && self.client.may_ask_for(api)
    }

    /// Whether a token for `api` can have a scope: the app holds it, and the user may do it.
    fn gives(&self, name: &ScopeName, api: &ApiEntry) -> bool {
        let client = self.client;
        self.standing.powers.scopes.cover(name)
            && client.grant.may_hand_on(name, api, client.environment)
    }
}

fn beyond(name: &str) -> Refusal {
    let told = format!(
        "{} is not an API that the user allowed this app to use.",
        targets::shown(name)
    );
    Refusal::because(ErrorCode::InvalidTarget, told)
}
