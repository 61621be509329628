//! `claviger init`: what a server needs before its first start.
//!
//! Nothing is overwritten, and what an interrupted run left behind is completed by the next one.

use std::path::{Path, PathBuf};

use claviger_model::{passwords as rules, text};
use claviger_service::config::{Config, example};
use claviger_service::operators::{self, NewOperator};
use claviger_service::propagation::Role;
use serde_json::json;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::screen::Screen;
use crate::store::{self, CONFIG_FILE, DEFAULT_DIRECTORY};
use crate::{files, hardening, passwords, secret_input};

/// Write a configuration file, a master key, a database and the first operator
///
/// The operator's password is the first line of standard input; without one it is made up and
/// printed once.
#[derive(clap::Args, Debug)]
pub(crate) struct InitArguments {
    /// The directory of everything [default: claviger-data]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The configuration file; one that exists is used as it is
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The first operator's e-mail address
    #[arg(long, value_name = "EMAIL")]
    operator_email: String,
}

/// Runs the command.
pub(crate) async fn run(arguments: InitArguments, screen: Screen) -> Result<Exit, Failure> {
    hardening::harden();
    let sources = store::system_sources()?;
    let piped = secret_input::read_piped()?;
    let is_made_up = piped.is_none();
    let password = match piped {
        Some(password) => password,
        None => passwords::generate(&sources)?,
    };
    check(&arguments.operator_email, &password)?;
    let file = arguments.configuration_file()?;
    let config = Config::read(&file)?;
    make_master_key(&config, &sources)?;

    let app = store::open(&config, Role::Server).await?;
    let added = add_operator(&app, arguments.operator_email, password.clone()).await;
    app.close().await;
    let email = added?;
    report(
        screen,
        &config,
        &file,
        &email,
        is_made_up.then_some(password),
    )?;
    Ok(Exit::Done)
}

impl InitArguments {
    /// The configuration file, which is written unless it is there.
    fn configuration_file(&self) -> Result<PathBuf, Failure> {
        let (file, text) = if let Some(file) = &self.config {
            (file.clone(), example())
        } else {
            let directory = self
                .data
                .clone()
                .unwrap_or_else(|| DEFAULT_DIRECTORY.into());
            files::make_directory(&directory)?;
            // Everything is in the directory of the file.
            let text = example().replace("# data_dir = \"claviger-data\"", "data_dir = \".\"");
            (directory.join(CONFIG_FILE), text)
        };
        if !file.exists() {
            files::create(&file, &text)?;
        }
        Ok(file)
    }
}

fn check(email: &str, password: &str) -> Result<(), Failure> {
    let email = text::email(email)
        .map_err(|error| Failure::new(Exit::Usage, format!("--operator-email {error}")))?;
    rules::check(password, &email)
        .map_err(|weak| Failure::new(Exit::Usage, format!("the password {weak}")))
}

/// Makes the master key file, unless there is one. A database without its key is no new instance.
fn make_master_key(
    config: &Config,
    sources: &claviger_service::sources::Sources,
) -> Result<(), Failure> {
    let Some(file) = config.master_key_file() else {
        return Ok(());
    };
    files::make_directory(&config.data_dir())?;
    if file.exists() {
        return Ok(());
    }
    let database = config.data_dir().join("claviger.db");
    if database.exists() {
        let message = format!(
            "there is a database {} and no master key for it",
            database.display()
        );
        let hint = format!("bring its master key back to {}", file.display());
        return Err(Failure::new(Exit::Conflict, message).hint(hint));
    }
    files::create_master_key(&file, sources)
}

async fn add_operator(
    app: &claviger_service::App,
    email: String,
    password: Zeroizing<String>,
) -> Result<String, Failure> {
    let access = store::at_the_machine().operator()?;
    if !operators::list(app, &access).await?.is_empty() {
        return Err(
            Failure::new(Exit::Conflict, "this instance has an operator already")
                .hint("`claviger operator add` makes another one; start with `claviger serve`"),
        );
    }
    let new = NewOperator {
        email,
        password: Some(password),
    };
    Ok(operators::add(app, &access, new, None).await?.email)
}

fn report(
    screen: Screen,
    config: &Config,
    file: &Path,
    email: &str,
    password: Option<Zeroizing<String>>,
) -> Result<(), Failure> {
    let master_key_file = config.master_key_file();
    if screen.is_json {
        let shape = json!({
            "config": file,
            "master_key_file": master_key_file,
            "operator": {"email": email, "password": password.as_deref()},
        });
        return screen.data(&shape.to_string());
    }
    screen.data(&format!("configuration  {}", file.display()))?;
    if let Some(key) = master_key_file {
        screen.data(&format!("master key     {}", key.display()))?;
        screen.note("Keep a copy of the master key apart from the backups of the data.");
    }
    screen.data(&format!("operator       {email}"))?;
    if let Some(password) = password {
        screen.data(&format!("password       {}", *password))?;
        screen.note("The password is not shown again.");
    }
    screen.note(&format!("hint: claviger serve --config {}", file.display()));
    Ok(())
}
