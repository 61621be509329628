//! `POST /oauth/authorize/consent`: what the user says. Everything is checked again.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use claviger_model::Reason;
use claviger_model::ids::AccountId;
use claviger_model::scopes::ScopeName;
use claviger_service::oauth::authorize::{
    self, Agreement, AuthorizationParameters, AuthorizationRequest, AuthorizeError, Way,
};

use super::{parameters, step_path, told};
use crate::error::Failure;
use crate::extract::Origin;
use crate::pages::{MaybeSession, PageForm, PageSession, see_other, sign_in};
use crate::state::Web;

/// Takes the answer to the consent page, or the refusal to choose an account.
pub(super) async fn answer(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
    origin: Origin,
    MaybeSession(session): MaybeSession,
    form: PageForm,
) -> Result<Response, Failure> {
    let sent = parameters::read(query.unwrap_or_default().as_bytes());
    let again = format!("{}{}", web.issuer_path(), step_path(&sent));
    let Some(session) = session else {
        // Signing in there leads back to the page.
        return Ok(see_other(&again));
    };
    if !session.is_own_form(&web, form.token()) {
        return Ok(sign_in::out_of_date(&web, again));
    }
    let result = carry_out(&web, &sent, &session, &form, again).await;
    told(&web, result, origin, Some(&session)).await
}

async fn carry_out(
    web: &Web,
    sent: &AuthorizationParameters,
    session: &PageSession,
    form: &PageForm,
    again: String,
) -> Result<Response, AuthorizeError> {
    let request = authorize::read(web.app(), sent, Way::Browser).await?;
    if form.get("decision") != Some("allow") {
        return Err(authorize::deny(&request).into());
    }
    let account = form.get("account").and_then(|text| text.parse().ok());
    let Some(account) = account.filter(|_| !request.prompt.login && !request.prompt.none) else {
        return Ok(see_other(&again));
    };
    let location = allow(web, &request, session, account, form).await?;
    Ok(see_other(&location.unwrap_or(again)))
}

/// The address with the code; none when the user has to be asked again.
async fn allow(
    web: &Web,
    request: &AuthorizationRequest,
    session: &PageSession,
    account: AccountId,
    form: &PageForm,
) -> Result<Option<String>, AuthorizeError> {
    let shown = form.get("scopes").unwrap_or_default().split(' ');
    let shown = shown.filter_map(|word| ScopeName::new(word).ok()).collect();
    let agreement = Agreement::Shown(shown);
    let given = authorize::allow(web.app(), request, &session.caller, account, &agreement).await;
    match given {
        Ok(location) => Ok(location),
        // What the user could do when the page was shown is over: the next page says so.
        Err(error)
            if matches!(
                error.reason(),
                Reason::Inactive | Reason::AccountInactive | Reason::UserLacksAccess
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
