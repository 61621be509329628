//! `claviger check`: what is fine and what is not, without starting a server.

use claviger_service::config::Config;
use claviger_service::propagation::Role;
use claviger_web::server::{Tls, TlsFiles};
use serde_json::{Value, json};

use super::serve::shared_key;
use crate::exit::{Exit, Failure};
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
    let token = config.internal_token();
    found.push((
        "internal token",
        token.map_err(Failure::from).map(|token| match token {
            Some(_) => "asked for".to_owned(),
            None => "none; only this machine can connect".to_owned(),
        }),
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
    app.close().await;
    loaded?;
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
