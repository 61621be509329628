//! Requests that browsers bring by the name of a pushed one (RFC 9126 section 4).

use claviger_model::secret::Lookup;

use super::error::{AuthorizeError, PageProblem};
use super::parameters::AuthorizationParameters;
use super::request::client;
use crate::app::App;
use crate::oauth::par;

const OVER: &str = "This link was used before, or its time is over. Go back to the app and begin \
                    again.";
/// What our own steps add to the address, and what counts of it beside the request itself.
const OF_STEPS: [&str; 2] = ["account", "prompted"];

/// A pushed request.
pub(super) struct Pushed {
    /// Its parameters, with what our own steps added.
    pub(super) parameters: AuthorizationParameters,
    /// By what it is used up.
    pub(super) lookup: Lookup,
}

/// The pushed request that a browser names, if it names one: then nothing else of what it brings
/// counts (RFC 9126 section 4, RFC 9101 section 5).
pub(super) async fn resolve(
    app: &App,
    sent: &AuthorizationParameters,
) -> Result<Option<Pushed>, AuthorizeError> {
    let is_on = app.settings().oauth.pushed_authorization_requests;
    let Some(request_uri) = sent.get("request_uri").filter(|_| is_on) else {
        return Ok(None);
    };
    let client = client(app, sent).await?;
    let over = |told: &str| PageProblem::new(Some(&client), OVER, told);
    if let Some(told) = sent.problem_of("request_uri") {
        return Err(over(&told).into());
    }
    let found = par::open(app, client.id, request_uri).await?;
    let request = found.ok_or_else(|| {
        over(
            "The request_uri is unknown, of another client, used or over. A browser has to bring \
             it within 90 seconds, and the user to decide within ten minutes from then.",
        )
    })?;
    let mut parameters = AuthorizationParameters::new(request.parameters);
    for name in OF_STEPS {
        parameters = parameters.with(name, sent.get(name));
    }
    if sent.chooses_account() {
        parameters = parameters.with("prompt", Some("select_account"));
    }
    Ok(Some(Pushed {
        parameters,
        lookup: request.stored.lookup,
    }))
}
