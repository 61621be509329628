//! Applications for tests: a fresh one on SQLite always, and on PostgreSQL when the environment
//! variable `CLAVIGER_TEST_POSTGRES` names a server.

mod codes;
mod connected_apps;

use std::fmt::Debug;
use std::path::PathBuf;

use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_model::keyring::{Keyring, master_key_line};
pub use claviger_store::Location;
pub use claviger_store::testing::{
    AuditDamage, Failing, RanStatements, Tables, TestDatabase, damage_audit, forge_imported_hashes,
    forge_signing_keys, messages_of_accounts, step_back, with_failing,
};
use zeroize::Zeroizing;

pub use codes::{Allowed, make_app, make_code};
pub use connected_apps::ConnectedApp;

use crate::actor::{Actor, Caller};
use crate::app::{App, Storage};
use crate::error::Error;
use crate::members::NewMember;
use crate::operators::NewOperator;
use crate::propagation::Role;
use crate::sessions::{Origin, SignIn, Started};
use crate::settings::Settings;
use crate::sources::Sources;
use crate::{accounts, members, operators, sessions};

/// The password of everybody.
pub const PASSWORD: &str = "a password for tests";

/// A serving application with an account, its people and an operator, gone when dropped.
pub struct TestApp {
    /// The application.
    pub app: App,
    /// The account "Acme".
    pub account: Account,
    /// Signed in as its owner, `owner@acme.test`.
    pub owner: Caller,
    /// Signed in as its admin, `admin@acme.test`.
    pub admin: Caller,
    /// Signed in as an operator, `operator@claviger.test`, to no account.
    pub operator: Caller,
    database: TestDatabase,
}

/// Somebody at the machine: an operator before there is one.
pub fn at_the_machine() -> Caller {
    let actor = Actor::CommandLine {
        user: "test".to_owned(),
    };
    Caller {
        actor,
        ip: None,
        request_id: None,
    }
}

/// Runs `test` on a fresh application on each kind of database.
pub async fn for_each_app(test: impl AsyncFn(&TestApp)) {
    for database in TestDatabase::all().await {
        let app = TestApp::on(database, Settings::default()).await;
        test(&app).await;
        app.close().await;
    }
}

/// An application on SQLite.
pub async fn app() -> TestApp {
    TestApp::on(TestDatabase::sqlite().await, Settings::default()).await
}

impl TestApp {
    /// An application with these settings on each kind of database.
    pub async fn on_each(settings: &Settings) -> Vec<Self> {
        let mut apps = Vec::new();
        for database in TestDatabase::all().await {
            apps.push(Self::on(database, settings.clone()).await);
        }
        apps
    }

    /// An application on this database.
    pub async fn on(database: TestDatabase, settings: Settings) -> Self {
        let lock_file = match &database.location {
            Location::Sqlite { file } => Some(file.with_extension("lock")),
            Location::Postgres { .. } => None,
        };
        let app = open(&database, settings, lock_file).await;
        let access = done(at_the_machine().operator());
        let account = done(accounts::create(&app, &access, "Acme", None).await);
        for role in ["owner", "admin"] {
            add_member(&app, account.id, &format!("{role}@acme.test"), role).await;
        }
        let email = "operator@claviger.test";
        let password = Some(Zeroizing::new(PASSWORD.to_owned()));
        let operator = NewOperator {
            email: email.to_owned(),
            password,
        };
        done(operators::add(&app, &access, operator, None).await);
        Self {
            owner: sign_in(&app, "owner@acme.test").await,
            admin: sign_in(&app, "admin@acme.test").await,
            operator: sign_in(&app, email).await,
            app,
            account,
            database,
        }
    }

    /// Closes it.
    pub async fn close(self) {
        self.app.close().await;
    }

    /// What it stands on.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Closes the application and opens its data again, as a restart does.
    pub async fn reopened(&self) -> App {
        self.app.close().await;
        // The closed one holds the lock until it is dropped.
        open(&self.database, self.app.settings().clone(), None).await
    }

    /// The same with other settings.
    pub async fn reopened_with(&self, settings: Settings) -> App {
        self.app.close().await;
        open(&self.database, settings, None).await
    }

    /// Makes somebody a member of the account, with the password of everybody.
    pub async fn member(&self, email: &str, role: &str) -> Caller {
        add_member(&self.app, self.account.id, email, role).await;
        sign_in(&self.app, email).await
    }

    /// Signs in with the password of everybody.
    pub async fn start(&self, email: &str, password: &str) -> Result<Started, Error> {
        sessions::start(&self.app, sign_in_input(email, password), Origin::default()).await
    }

    /// Who the bearer of a token is.
    pub async fn whoami(&self, token: &str) -> Result<Caller, Error> {
        sessions::authenticate_session(&self.app, token, Origin::default()).await
    }
}

/// What to sign in with.
pub fn sign_in_input(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.to_owned(),
        password: Zeroizing::new(password.to_owned()),
        account_id: None,
        user_agent: None,
    }
}

async fn open(database: &TestDatabase, settings: Settings, lock_file: Option<PathBuf>) -> App {
    let storage = Storage {
        main: database.location.clone(),
        usage: database.usage_location.clone(),
        lock_file,
        ballast_bytes: 0,
    };
    // The same one as the database's.
    let keyring = done(Keyring::parse(&master_key_line(1, &[7; 32])));
    let sources = done(Sources::system());
    done(App::open(&storage, keyring, settings, sources, Role::Server).await)
}

async fn add_member(app: &App, account_id: AccountId, email: &str, role: &str) {
    let caller = at_the_machine();
    let (team, operator) = (done(caller.team_of(account_id)), done(caller.operator()));
    let new = NewMember {
        email: email.to_owned(),
        role: role.to_owned(),
        password: Some(Zeroizing::new(PASSWORD.to_owned())),
    };
    done(
        members::add(app, &team, Some(&operator), new, None)
            .await
            .map(drop),
    );
}

async fn sign_in(app: &App, email: &str) -> Caller {
    let started = sessions::start(app, sign_in_input(email, PASSWORD), Origin::default()).await;
    let token = done(started.map(|started| started.token));
    done(sessions::authenticate(app, token.expose(), Origin::default()).await)
}

/// What a test cannot do without.
fn done<T, E: Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => unreachable!("{error:?}"),
    }
}
