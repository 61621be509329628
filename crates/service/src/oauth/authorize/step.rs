//! What comes next in an authorization: signing in, choosing an account, agreeing, or the code.

use claviger_model::accounts::AccountStatus;
use claviger_model::clients::ClientOrigin;
use claviger_model::grants::Grant;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::roles::Powers;
use claviger_model::scopes::ScopeName;
use claviger_store::{Conn, StoreError, accounts, grants, members};

use super::allow::{Agreement, allow};
use super::error::AuthorizeError;
use super::request::AuthorizationRequest;
use crate::actor::{Actor, Caller, SignedIn};
use crate::app::App;
use crate::oauth::ErrorCode;
use crate::scopes::{self, OfferedScope};
use crate::sessions::place;

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// The user has to sign in.
    SignIn,
    /// The user has to choose where the app is to act; at least one account.
    ChooseAccount(Vec<AccountChoice>),
    /// The user has to agree.
    Consent(Box<ConsentQuestion>),
    /// The browser goes to this address, with a code.
    Done(String),
}

/// An account in which the user can let the app act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountChoice {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Whether the app acts there for the user already.
    pub is_connected: bool,
}

/// What a user is asked.
#[derive(Clone, Debug)]
pub struct ConsentQuestion {
    /// The user's address.
    pub email: String,
    /// Who is behind the app.
    pub maker: Maker,
    /// Where the app is to act; none when the user is in no account that works.
    pub account: Option<AccountChoice>,
    /// Whether there is another account to choose.
    pub has_other_accounts: bool,
    /// What the user has not agreed to yet, the sensitive first.
    pub new: Vec<OfferedScope>,
    /// What the user has agreed to before.
    pub known: Vec<OfferedScope>,
    /// What the user's role does not hold, so that the user cannot give it.
    pub not_held: Vec<OfferedScope>,
}

/// Who is behind an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Maker {
    /// The account of this name, which the operator knows.
    Account(String),
    /// Whoever answers at this host: a document there describes the app.
    Host(String),
    /// Nobody knows: the app registered itself.
    Unknown,
}

impl ConsentQuestion {
    /// What the app gets when the user agrees.
    pub fn given(&self) -> impl Iterator<Item = &ScopeName> {
        self.new.iter().chain(&self.known).map(|scope| &scope.name)
    }
}

/// Finds out what comes next. Where nothing has to be asked, the code is issued.
///
/// # Errors
/// [`AuthorizeError::Redirect`] when something would have to be asked and `prompt` is `none`.
pub async fn next(
    app: &App,
    request: &AuthorizationRequest,
    caller: Option<&Caller>,
) -> Result<Step, AuthorizeError> {
    let signed_in = caller.and_then(|caller| match &caller.actor {
        Actor::User(user) => Some((caller, user)),
        _ => None,
    });
    let Some((caller, user)) = signed_in.filter(|_| !request.prompt.login) else {
        let told = "Nobody is signed in, and nobody may be asked to.";
        return step(request, ErrorCode::LoginRequired, told, Step::SignIn);
    };
    let mut reader = app.read().await?;
    let places = places(&mut reader, request, user.user_id).await?;
    let maker = maker(&mut reader, request).await?;
    drop(reader);
    let Some(chosen) = choose(request, user, &places) else {
        if places.is_empty() {
            let question = in_no_account(app, request, user, maker);
            let told = "The user is in no account in which the app could act.";
            let step_ = Step::Consent(Box::new(question));
            return step(request, ErrorCode::InteractionRequired, told, step_);
        }
        let told = "The user has to choose an account, and may not be asked.";
        let choices = places.into_iter().map(|place| place.choice()).collect();
        let step_ = Step::ChooseAccount(choices);
        return step(request, ErrorCode::AccountSelectionRequired, told, step_);
    };
    if chosen.covers(request) && !always_asks(request) {
        let account = chosen.account_id;
        if let Some(done) = allow(app, request, caller, account, &Agreement::Remembered).await? {
            return Ok(Step::Done(done));
        }
    }
    let question = question(app, request, user, (chosen, places.len() > 1), maker);
    let told = "The user has to agree, and may not be asked.";
    let step_ = Step::Consent(Box::new(question));
    step(request, ErrorCode::ConsentRequired, told, step_)
}

/// A step that asks the user, unless nothing may be asked.
fn step(
    request: &AuthorizationRequest,
    error: ErrorCode,
    told: &str,
    step: Step,
) -> Result<Step, AuthorizeError> {
    if request.prompt.none {
        return Err(request.refuse(error, told).into());
    }
    Ok(step)
}

/// Whether consent is asked for whatever is remembered: another program on the user's machine can
/// pass itself off as an app that keeps no secret and is answered there (RFC 8252 section 8.6).
fn always_asks(request: &AuthorizationRequest) -> bool {
    let scheme = request.redirect_uri.split(':').next().unwrap_or_default();
    let is_on_the_web = scheme.eq_ignore_ascii_case("https");
    request.prompt.consent || (request.client.is_public() && !is_on_the_web)
}

/// An account that works and of which the user is a member.
struct Place {
    account_id: AccountId,
    name: String,
    powers: Powers,
    grant: Option<Grant>,
}

impl Place {
    fn choice(&self) -> AccountChoice {
        AccountChoice {
            id: self.account_id,
            name: self.name.clone(),
            is_connected: self.grant.is_some(),
        }
    }

    /// Whether the user has agreed to all that is asked, and may still do it.
    fn covers(&self, request: &AuthorizationRequest) -> bool {
        let grant = self.grant.as_ref();
        grant.is_some_and(|grant| grant.missing(&request.scopes).is_empty())
            && request
                .scopes
                .iter()
                .all(|name| self.powers.scopes.cover(name))
    }
}

async fn places(
    conn: &mut Conn,
    request: &AuthorizationRequest,
    user_id: UserId,
) -> Result<Vec<Place>, StoreError> {
    let mut memberships = members::of_user(conn, user_id).await?;
    memberships.sort_by_key(|member| (member.created_at, member.account_id));
    let mut places = Vec::with_capacity(memberships.len());
    for member in memberships {
        let account_id = member.account_id;
        let Some(account) = accounts::get(conn, account_id).await? else {
            continue;
        };
        let Some(found) = place(conn, account_id, user_id).await? else {
            continue;
        };
        if account.status == AccountStatus::Active {
            places.push(Place {
                account_id,
                name: account.name,
                powers: found.powers,
                grant: grants::live(conn, request.client.id, user_id, account_id).await?,
            });
        }
    }
    Ok(places)
}

async fn maker(conn: &mut Conn, request: &AuthorizationRequest) -> Result<Maker, StoreError> {
    Ok(match &request.client.metadata.origin {
        ClientOrigin::Registration(_) => Maker::Unknown,
        ClientOrigin::Document(url) => {
            let host = url.split_once("://").map_or("", |(_, rest)| rest);
            let host = host.split(['/', '?']).next().unwrap_or_default();
            Maker::Host(host.to_owned())
        }
        ClientOrigin::Account => {
            let account = accounts::get(conn, request.client.account.id()).await?;
            account.map_or(Maker::Unknown, |account| Maker::Account(account.name))
        }
    })
}

/// The account that the app is to act in, when it is clear: chosen, the only one, or remembered.
fn choose<'a>(
    request: &AuthorizationRequest,
    user: &SignedIn,
    places: &'a [Place],
) -> Option<&'a Place> {
    let of = |id: Option<AccountId>| places.iter().find(|place| Some(place.account_id) == id);
    if request.prompt.select_account {
        return None;
    }
    if let Some(chosen) = of(request.account) {
        return Some(chosen);
    }
    if let [only] = places {
        return Some(only);
    }
    let mut connected = places.iter().filter(|place| place.grant.is_some());
    let own = of(user.place.as_ref().map(|place| place.account_id));
    match (connected.next(), connected.next()) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) => own.filter(|place| place.grant.is_some()),
        _ => None,
    }
}

fn question(
    app: &App,
    request: &AuthorizationRequest,
    user: &SignedIn,
    (chosen, has_other_accounts): (&Place, bool),
    maker: Maker,
) -> ConsentQuestion {
    let described = described(app, request);
    let is_held = |scope: &OfferedScope| chosen.powers.scopes.cover(&scope.name);
    let is_known = |scope: &OfferedScope| {
        let grant = chosen.grant.as_ref();
        grant.is_some_and(|grant| grant.scopes.contains(&scope.name))
    };
    let (held, not_held): (Vec<_>, Vec<_>) = described.into_iter().partition(is_held);
    let (known, new) = held.into_iter().partition(is_known);
    ConsentQuestion {
        email: user.email.clone(),
        maker,
        account: Some(chosen.choice()),
        has_other_accounts,
        new,
        known,
        not_held,
    }
}

fn in_no_account(
    app: &App,
    request: &AuthorizationRequest,
    user: &SignedIn,
    maker: Maker,
) -> ConsentQuestion {
    ConsentQuestion {
        email: user.email.clone(),
        maker,
        account: None,
        has_other_accounts: false,
        new: Vec::new(),
        known: Vec::new(),
        not_held: described(app, request),
    }
}

/// What is asked for, with the sentences of the APIs, the sensitive first.
fn described(app: &App, request: &AuthorizationRequest) -> Vec<OfferedScope> {
    let asked = |scope: &OfferedScope| request.scopes.contains(&scope.name);
    let mut described: Vec<OfferedScope> = scopes::list(app).into_iter().filter(asked).collect();
    described.sort_by_key(|scope| !scope.sensitive);
    described
}
