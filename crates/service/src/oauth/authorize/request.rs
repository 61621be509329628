//! Reading an authorization request (RFC 6749 section 4.1.1, OAuth 2.1 section 4.1.1): first the
//! client and where the answer goes, on which no error may go back, then all else.

use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::clients::GrantType;
use claviger_model::ids::AccountId;
use claviger_model::redirect_uris::difference;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Lookup;
use claviger_verify::entries::ClientEntry;

use super::error::{AuthorizeError, PageProblem, RedirectError};
use super::parameters::AuthorizationParameters;
use super::pushed;
use crate::app::App;
use crate::error::Error;
use crate::oauth::scopes::{self, Granted};
use crate::oauth::targets::{self, Target};
use crate::oauth::{ErrorCode, Refusal, TokenRequest};

/// The longest `state`, in bytes.
const STATE_BYTES_MAX: usize = 4_000;
/// The longest `login_hint` that is shown, in bytes.
const LOGIN_HINT_BYTES_MAX: usize = 254;
/// Characters of a SHA-256 in base64url: a code challenge (RFC 7636 section 4.2), a thumbprint.
const DIGEST_CHARACTERS: usize = 43;
/// How much of what somebody sent is kept for the app's owner, in characters.
const TOLD_LENGTH_MAX: usize = 300;

const UNKNOWN_APP: &str = "This link is of an app that does not exist here, or not any more.";
const WRONG_ADDRESS: &str =
    "The app asked to be answered at an address that it has not registered here.";

/// An authorization request in which everything is right.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<ClientEntry>,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// Whether the request named it: then the exchange of the code has to name it too.
    pub is_redirect_uri_named: bool,
    /// What is asked for; at least one.
    pub scopes: Vec<ScopeName>,
    /// The audiences of the APIs that it named; empty when it named none.
    pub audiences: Vec<String>,
    /// The code challenge, by S256; none for a client that need not send one.
    pub challenge: Option<String>,
    /// What goes back as it came.
    pub state: Option<String>,
    /// What the user is to be asked whatever is remembered.
    pub prompt: Prompt,
    /// Who is expected to sign in.
    pub login_hint: Option<String>,
    /// The account that was chosen.
    pub account: Option<AccountId>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 section 10).
    pub jkt: Option<String>,
    /// The pushed request that it is, to be used up by the code (RFC 9126 section 7.3).
    pub(in crate::oauth) pushed: Option<Lookup>,
}

/// The words of `prompt` (names of OpenID Connect Core 3.1.2.1) that are still to be obeyed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub struct Prompt {
    /// The user may not be asked anything.
    pub none: bool,
    /// The user signs in again.
    pub login: bool,
    /// The user agrees again.
    pub consent: bool,
    /// The user chooses the account again.
    pub select_account: bool,
}

/// On which way a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// By the browser.
    Browser,
    /// By the client itself, ahead (RFC 9126).
    Pushed,
}

/// Reads a request. Nothing is remembered between the steps of a flow: each reads it again.
///
/// The client is looked up, but does not authenticate here: at the pushed authorization request
/// endpoint it has done so before, and `parameters` name the same client.
///
/// # Errors
/// [`AuthorizeError::Page`] for whatever is wrong with the client or the redirect URI,
/// [`AuthorizeError::Redirect`] for all else, [`AuthorizeError::Failed`] when nobody can tell.
pub async fn read(
    app: &App,
    parameters: &AuthorizationParameters,
    way: Way,
) -> Result<AuthorizationRequest, AuthorizeError> {
    let pushed = match way {
        Way::Browser => pushed::resolve(app, parameters).await?,
        Way::Pushed => None,
    };
    let (parameters, way) = match &pushed {
        Some(pushed) => (&pushed.parameters, Way::Pushed),
        None => (parameters, way),
    };
    let client = client(app, parameters).await?;
    let redirect_uri = redirect_uri(&client, parameters)?;
    let reader = Reader {
        app,
        client: &client,
        parameters,
        redirect_uri: &redirect_uri,
    };
    reader.check_kind(way)?;
    let challenge = reader.challenge()?;
    let (audiences, target) = reader.target()?;
    let scopes = reader.scopes(&target)?;
    let prompt = reader.prompt()?;
    let jkt = reader.jkt()?;
    let login_hint = parameters.get("login_hint");
    let login_hint = login_hint.filter(|hint| hint.len() <= LOGIN_HINT_BYTES_MAX);
    Ok(AuthorizationRequest {
        scopes,
        audiences,
        challenge,
        state: parameters.get("state").map(str::to_owned),
        prompt,
        login_hint: login_hint.map(str::to_owned),
        account: parameters.get("account").and_then(|text| text.parse().ok()),
        jkt,
        is_redirect_uri_named: parameters.get("redirect_uri").is_some(),
        pushed: pushed.as_ref().map(|pushed| pushed.lookup),
        redirect_uri,
        client,
    })
}

impl AuthorizationRequest {
    /// An error that goes back to the client.
    pub fn refuse(&self, error: ErrorCode, description: &str) -> RedirectError {
        RedirectError {
            redirect_uri: self.redirect_uri.clone(),
            error,
            description: description.to_owned(),
            state: self.state.clone(),
        }
    }
}

pub(super) async fn client(
    app: &App,
    parameters: &AuthorizationParameters,
) -> Result<Arc<ClientEntry>, AuthorizeError> {
    let unknown = |told: &str| PageProblem::new(None, UNKNOWN_APP, told);
    if let Some(told) = parameters.problem_of("client_id") {
        return Err(unknown(&told).into());
    }
    let Some(client_id) = parameters.get("client_id") else {
        return Err(unknown("The parameter client_id is missing.").into());
    };
    match app.verifier().find_client(client_id, app.sources().both()) {
        Ok(client) => Ok(client),
        Err(refusal) if refusal.reason == Reason::Stale => Err(Error::stale().into()),
        Err(_) => Err(unknown("There is no such client.").into()),
    }
}

/// Where the answer goes: a registered address, compared as text (RFC 9700 section 4.1.3).
fn redirect_uri(
    client: &Arc<ClientEntry>,
    parameters: &AuthorizationParameters,
) -> Result<String, PageProblem> {
    let wrong = |told: String| PageProblem::new(Some(client), WRONG_ADDRESS, told);
    if let Some(told) = parameters.problem_of("redirect_uri") {
        return Err(wrong(told));
    }
    let registered = &client.metadata.redirect_uris;
    match (parameters.get("redirect_uri"), registered.as_slice()) {
        (Some(asked), registered) if registered.iter().any(|uri| uri.matches(asked)) => {
            Ok(asked.to_owned())
        }
        (Some(asked), registered) => Err(wrong(difference(registered, asked))),
        // The port of a loopback address is only known to the app that listens there.
        (None, [only]) if !only.is_loopback() => Ok(only.as_str().to_owned()),
        (None, []) => Err(wrong("The app has no redirect URI registered.".to_owned())),
        (None, _) => Err(wrong(
            "The parameter redirect_uri is missing; it may be left out only where exactly one is \
             registered, and not for a loopback address."
                .to_owned(),
        )),
    }
}

/// What reads the rest of a request, once it is known where errors go.
struct Reader<'a> {
    app: &'a App,
    client: &'a Arc<ClientEntry>,
    parameters: &'a AuthorizationParameters,
    redirect_uri: &'a str,
}

impl Reader<'_> {
    /// What is asked for, whether it can be read, and whether this client may ask for it.
    fn check_kind(&self, way: Way) -> Result<(), RedirectError> {
        if let Some(told) = self.parameters.first_problem() {
            return Err(self.invalid(told));
        }
        if self.has_long_state() {
            return Err(self.invalid(format!(
                "The parameter state is longer than {STATE_BYTES_MAX} bytes."
            )));
        }
        if self.parameters.get("request").is_some() {
            let told = "Request objects are not supported. Send the parameters themselves.";
            return Err(self.refuse(ErrorCode::RequestNotSupported, told));
        }
        if self.parameters.get("request_uri").is_some() {
            let told = "The parameter request_uri is not supported. Send the parameters \
                        themselves.";
            return Err(self.refuse(ErrorCode::RequestUriNotSupported, told));
        }
        match self.parameters.get("response_type") {
            Some("code") => {}
            None => return Err(self.invalid("The parameter response_type is missing. Send code.")),
            Some(_) => {
                let told = "This response_type is not supported. Send code.";
                return Err(self.refuse(ErrorCode::UnsupportedResponseType, told));
            }
        }
        let mode = self.parameters.get("response_mode").unwrap_or("query");
        if mode != "query" {
            return Err(self.invalid("This response_mode is not supported. Send query, or none."));
        }
        if !self.client.may_use(GrantType::AuthorizationCode) {
            let told = "This client may not ask users for authorization: the grant type \
                        authorization_code is not among its own.";
            return Err(self.refuse(ErrorCode::UnauthorizedClient, told));
        }
        if way == Way::Browser && self.client.metadata.require_pushed_authorization_requests {
            let told = "This client has to push its authorization requests (RFC 9126).";
            return Err(self.invalid(told));
        }
        Ok(())
    }

    fn challenge(&self) -> Result<Option<String>, RedirectError> {
        let challenge = self.parameters.get("code_challenge");
        let method = self.parameters.get("code_challenge_method");
        let Some(challenge) = challenge else {
            if method.is_some() {
                return Err(
                    self.invalid("There is a code_challenge_method, but no code_challenge.")
                );
            }
            if self.client.metadata.require_pkce || self.client.is_public() {
                let told = "The parameter code_challenge is missing. Send the SHA-256 of a \
                            code_verifier, and code_challenge_method=S256.";
                return Err(self.invalid(told));
            }
            return Ok(None);
        };
        if method != Some("S256") {
            let told = "The code_challenge_method has to be S256. Without it, plain is meant, \
                        which is not supported.";
            return Err(self.invalid(told));
        }
        if !is_digest(challenge) {
            let told = "The code_challenge has to be a SHA-256 in base64url without padding: 43 \
                        characters.";
            return Err(self.invalid(told));
        }
        Ok(Some(challenge.to_owned()))
    }

    /// The audiences that the request named, and what its scopes have to be of.
    fn target(&self) -> Result<(Vec<String>, Target), RedirectError> {
        let asked = TokenRequest {
            audience: self.parameters.get("audience"),
            resources: self.parameters.all("resource").collect(),
            ..TokenRequest::default()
        };
        let target = targets::of(self.app, self.client, &asked);
        let target = target.map_err(|refusal| self.refuse_by(&refusal))?;
        let Target::Apis(apis) = &target else {
            // Its tokens would act for the client's own account, not for the user's.
            let told = "Apps act at APIs for users, not at the management routes.";
            return Err(self.refuse(ErrorCode::InvalidTarget, told));
        };
        if asked.audience.is_none() && asked.resources.is_empty() {
            return Ok((Vec::new(), target));
        }
        let audiences = apis.iter().map(|api| api.audience.to_string()).collect();
        Ok((audiences, target))
    }

    fn scopes(&self, target: &Target) -> Result<Vec<ScopeName>, RedirectError> {
        let Some(asked) = self.parameters.get("scope") else {
            let told = "The parameter scope is missing. Name the scopes that the app needs.";
            return Err(self.refuse(ErrorCode::InvalidScope, told));
        };
        let granted = |text: &str| scopes::granted(self.client, target, Some(text));
        match granted(asked) {
            Ok(Granted::Named(names)) => Ok(names),
            Ok(Granted::All) => Err(self.refuse(ErrorCode::InvalidScope, "Name the scopes.")),
            Err(_) => {
                let wrong: Vec<&str> = asked
                    .split(' ')
                    .filter(|word| granted(word).is_err())
                    .collect();
                let wrong: String = wrong.join(" ").chars().take(TOLD_LENGTH_MAX).collect();
                let told = format!(
                    "Not a scope that this app may ask for here: {wrong}. Send scopes that exist \
                     and that the app holds, with one space between."
                );
                Err(self.refuse(ErrorCode::InvalidScope, told))
            }
        }
    }

    fn prompt(&self) -> Result<Prompt, RedirectError> {
        let mut prompt = Prompt::default();
        let words = self.parameters.get("prompt").unwrap_or_default();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {
                    let told = "The parameter prompt may have none, login, consent and \
                                select_account.";
                    return Err(self.invalid(told));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(self.invalid("In the parameter prompt, none has to stand alone."));
        }
        prompt.login &= !self.parameters.was_prompted("login");
        prompt.select_account &= !self.parameters.was_prompted("select_account");
        Ok(prompt)
    }

    fn jkt(&self) -> Result<Option<String>, RedirectError> {
        let jkt = self.parameters.get("dpop_jkt");
        let Some(jkt) = jkt.filter(|_| self.app.settings().oauth.dpop) else {
            return Ok(None);
        };
        if !is_digest(jkt) {
            let told = "The parameter dpop_jkt has to be a SHA-256 thumbprint in base64url.";
            return Err(self.invalid(told));
        }
        Ok(Some(jkt.to_owned()))
    }

    fn has_long_state(&self) -> bool {
        let state = self.parameters.get("state");
        state.is_some_and(|state| state.len() > STATE_BYTES_MAX)
    }

    fn invalid(&self, told: impl Into<String>) -> RedirectError {
        self.refuse(ErrorCode::InvalidRequest, told)
    }

    fn refuse_by(&self, refusal: &Refusal) -> RedirectError {
        self.refuse(refusal.code, refusal.description.clone())
    }

    fn refuse(&self, error: ErrorCode, told: impl Into<String>) -> RedirectError {
        let is_clear = !self.parameters.is_repeated("state") && !self.has_long_state();
        let state = self.parameters.get("state").filter(|_| is_clear);
        RedirectError {
            redirect_uri: self.redirect_uri.to_owned(),
            error,
            description: told.into(),
            state: state.map(str::to_owned),
        }
    }
}

/// Whether a text is a SHA-256 in base64url without padding.
fn is_digest(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == DIGEST_CHARACTERS && text.bytes().all(plain)
}
