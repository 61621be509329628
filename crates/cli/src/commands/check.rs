//! `claviger check`: what is fine and what is not, without starting a server.

use std::path::{Path, PathBuf};

use claviger_service::backup;
use claviger_service::config::{Config, ConfigError};
use claviger_service::propagation::Role;
use claviger_web::server::{Tls, TlsFiles};
use serde_json::{Value, json};

use super::serve::{shared, shared_key};
use crate::exit::{Exit, Failure, UNSEAL};
use crate::screen::{Column, Screen, Shown};
use crate::store::StoreArguments;
use crate::variables::variable;
use crate::{files, store};

const COLUMNS: [Column; 3] = [
    ("check", "check", Shown::Plain),
    ("result", "result", Shown::Plain),
    ("message", "message", Shown::Plain),
];

/// Look at configuration, master key and database without starting
#[derive(clap::Args, Debug)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    store: StoreArguments,
}

/// What was looked at, and what is wrong with it.
type Finding = (&'static str, Result<String, Failure>);

/// Runs the command.
pub(crate) async fn run(arguments: CheckArguments, screen: Screen) -> Result<Exit, Failure> {
    let findings = match arguments.store.configuration() {
        Ok(config) => findings(&config).await,
        Err(failure) => vec![("configuration", Err(failure))],
    };
    let rows: Vec<Value> = findings.iter().map(shown).collect();
    screen.list(&COLUMNS, &rows, "")?;
    match findings.into_iter().find_map(|(_, result)| result.err()) {
        None => Ok(Exit::Done),
        Some(first) => {
            let message = "not everything is fine";
            let failure = Failure::new(Exit::Failed, message);
            Err(match first.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

async fn findings(config: &Config) -> Vec<Finding> {
    let mut found: Vec<Finding> = vec![("configuration", Ok("every key is known".to_owned()))];
    found.push(("master key", master_key(config)));
    found.push(("database", database(config).await));
    if let Some(tls) = &config.server.tls {
        let files = TlsFiles {
            certificates: tls.certificates.clone(),
            key: tls.key.clone(),
            client_authorities: None,
        };
        let read = Tls::from_files(&files);
        let read = read.map_err(|error| Failure::new(Exit::Usage, error.to_string()));
        found.push((
            "tls",
            read.map(|_| "certificate and key belong together".to_owned()),
        ));
    }
    found.push((
        "internal token",
        secret(
            config.internal_token(),
            config.internal_token_file(),
            "the internal listener\u{2019}s token file",
            "none; only this machine can connect",
        ),
    ));
    found.push((
        "registration token",
        secret(
            config.registration_token(),
            config.registration_token_file(),
            "the registration token file",
            "none is asked for",
        ),
    ));
    found.push((
        "mail password",
        secret(
            config.mail_password(),
            config.mail_password_file(),
            "the mail server\u{2019}s password file",
            "none; nobody signs in to a mail server",
        ),
    ));
    let logo = config.logo().map_err(Failure::from);
    found.push((
        "logo",
        logo.map(|logo| match logo {
            Some(logo) => format!("{} bytes", logo.content().len()),
            None => "none; pages show a key".to_owned(),
        }),
    ));
    found
}

/// A secret in a file of its own, which has to be there, hold what it should, and be its owner's
/// alone.
fn secret<T>(
    read: Result<Option<T>, ConfigError>,
    file: Option<PathBuf>,
    what: &str,
    without: &str,
) -> Result<String, Failure> {
    let hint = |file: &Path| {
        let file = file.display();
        format!("put the secret into {file}, on one line, and let its owner alone read it")
    };
    match (read, file) {
        (Err(error), Some(file)) => Err(Failure::from(error).hint(hint(&file))),
        (Err(error), None) => Err(Failure::from(error)),
        (Ok(Some(_)), Some(file)) if files::is_shared(&file) => Err(shared(what, &file)),
        (Ok(Some(_)), Some(file)) => Ok(format!("in {}", file.display())),
        (Ok(_), _) => Ok(without.to_owned()),
    }
}

fn master_key(config: &Config) -> Result<String, Failure> {
    let keyring = config.keyring(&variable)?;
    let version = keyring.current_version();
    match config.master_key_file() {
        Some(file) if files::is_shared(&file) => Err(shared_key(&file)),
        Some(file) => Ok(format!("version {version} in {}", file.display())),
        None => Ok(format!("version {version} in the environment")),
    }
}

async fn database(config: &Config) -> Result<String, Failure> {
    let app = store::open(config, Role::Command).await?;
    let loaded = app.propagation().load_once(app.verifier()).await;
    let epoch = app.verifier().freshness().epoch();
    let seal = backup::state(&app).await;
    app.close().await;
    loaded?;
    if let Some(seal) = seal? {
        let message = format!("sealed, nothing is decided: {}", seal.sentence());
        return Err(Failure::new(Exit::Conflict, message).hint(UNSEAL));
    }
    Ok(format!("made with this master key; epoch {epoch}"))
}

fn shown((check, result): &Finding) -> Value {
    let (word, message, hint) = match result {
        Ok(message) => ("ok", message, None),
        Err(failure) => ("wrong", &failure.message, failure.hint.as_deref()),
    };
    json!({
        "check": check,
        "ok": result.is_ok(),
        "result": word,
        "message": message,
        "hint": hint,
    })
}
