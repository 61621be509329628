//! What the first start makes, through the use cases that everybody else uses.

use claviger_model::Environment;
use claviger_model::clients::{AppDraft, ClientDraft, ClientKind, ScopesDraft};
use claviger_model::ids::AccountId;
use claviger_model::keys::KeyDraft;
use claviger_model::secret::Plaintext;
use claviger_service::clients::{self, CreateInput};
use claviger_service::keys::{self, IssueInput};
use claviger_service::members::{self, NewMember};
use claviger_service::operators::{self, NewOperator};
use claviger_service::sessions::{self, Origin, SignIn};
use claviger_service::{App, Caller, accounts, apis, demo};
use zeroize::Zeroizing;

use super::directory::Facts;
use super::{Urls, demo_apis};
use crate::exit::{Exit, Failure};
use crate::{passwords, store};

const ACCOUNT: &str = "Acme";
const EMAIL: &str = "admin@acme.test";
const ROLE: &str = "admin";
/// Where the app's browser returns to: a program on this machine.
pub(super) const REDIRECT_URI: &str = "http://127.0.0.1:9999/callback";

/// What was made, with the secrets that are shown now and never again.
pub(super) struct Made {
    /// What the marker keeps.
    pub(super) facts: Facts,
    /// The user's password.
    pub(super) password: Zeroizing<String>,
    /// A session of the user.
    pub(super) session_token: Plaintext,
    /// The live key.
    pub(super) live_key: Plaintext,
    /// The test key.
    pub(super) test_key: Plaintext,
    /// The client's secret.
    pub(super) client_secret: Plaintext,
    /// The app's secret.
    pub(super) app_secret: Plaintext,
}

/// Makes everything.
///
/// # Errors
/// The store does not take it.
pub(super) async fn first_start(app: &App, urls: &Urls) -> Result<Made, Failure> {
    let caller = store::at_the_machine();
    let operator = caller.operator()?;
    let account = accounts::create(app, &operator, ACCOUNT, None).await?;
    let password = passwords::generate(app.sources())?;
    make_user(app, &caller, account.id, password.clone()).await?;
    for draft in demo_apis::drafts(&urls.public) {
        apis::create(app, &operator, draft, None).await?;
    }
    demo::seed(app).await?;
    let (live_key_id, live_key) = make_key(
        app,
        &caller,
        account.id,
        ("Demo live key", Environment::Live),
    )
    .await?;
    let (test_key_id, test_key) = make_key(
        app,
        &caller,
        account.id,
        ("Demo test key", Environment::Test),
    )
    .await?;
    let (client_id, client_secret) = make_client(app, &caller, account.id, client()).await?;
    let (app_id, app_secret) = make_client(app, &caller, account.id, demo_app()).await?;
    let sign_in = SignIn {
        email: EMAIL.to_owned(),
        password: password.clone(),
        account_id: Some(account.id),
        user_agent: None,
    };
    let session = sessions::start(app, sign_in, Origin::default()).await?;
    let facts = Facts {
        account_id: account.id.to_string(),
        email: EMAIL.to_owned(),
        audience: demo_apis::AUDIENCE.to_owned(),
        live_key_id,
        test_key_id,
        client_id: Some(client_id),
        app_id: Some(app_id),
    };
    Ok(Made {
        facts,
        password,
        session_token: session.token,
        live_key,
        test_key,
        client_secret,
        app_secret,
    })
}

/// An Admin of the account who also runs the instance.
async fn make_user(
    app: &App,
    caller: &Caller,
    account_id: AccountId,
    password: Zeroizing<String>,
) -> Result<(), Failure> {
    let (team, operator) = (caller.team_of(account_id)?, caller.operator()?);
    let member = NewMember {
        email: EMAIL.to_owned(),
        role: ROLE.to_owned(),
        password: Some(password),
    };
    members::add(app, &team, Some(&operator), member, None).await?;
    let new = NewOperator {
        email: EMAIL.to_owned(),
        password: None,
    };
    operators::add(app, &operator, new, None).await?;
    Ok(())
}

async fn make_key(
    app: &App,
    caller: &Caller,
    account_id: AccountId,
    (name, environment): (&str, Environment),
) -> Result<(String, Plaintext), Failure> {
    let draft = KeyDraft {
        name: Some(name.to_owned()),
        scopes: Some(demo_apis::KEY_SCOPES.map(str::to_owned).to_vec()),
        ..KeyDraft::default()
    };
    let access = caller.key_access_to(account_id)?;
    let issued = keys::issue(app, &access, IssueInput { draft, environment }, None).await?;
    let plaintext = issued
        .plaintext
        .ok_or_else(|| Failure::new(Exit::Failed, "a new key came without its secret"))?;
    Ok((issued.key.key.id.to_string(), plaintext))
}

/// A client that acts for the account.
fn client() -> ClientDraft {
    let scopes = demo_apis::KEY_SCOPES.map(str::to_owned).to_vec();
    ClientDraft {
        name: Some("Demo client".to_owned()),
        scopes: Some(ScopesDraft::Named(scopes)),
        ..ClientDraft::default()
    }
}

/// A client that acts for the users who allow it to.
fn demo_app() -> ClientDraft {
    ClientDraft {
        kind: Some(ClientKind::App),
        name: Some("Demo app".to_owned()),
        app: AppDraft {
            redirect_uris: Some(Some(vec![REDIRECT_URI.to_owned()])),
            ..AppDraft::default()
        },
        ..client()
    }
}

async fn make_client(
    app: &App,
    caller: &Caller,
    account_id: AccountId,
    draft: ClientDraft,
) -> Result<(String, Plaintext), Failure> {
    let input = CreateInput {
        draft,
        audience: None,
        environment: Environment::Live,
    };
    let access = caller.key_access_to(account_id)?;
    let created = clients::create(app, &access, input, None).await?;
    let plaintext = created
        .plaintext
        .ok_or_else(|| Failure::new(Exit::Failed, "a new client came without its secret"))?;
    Ok((created.client.client.id.to_string(), plaintext))
}
