//! `claviger serve`: the server.

use std::path::{Path, PathBuf};

use claviger_service::apis::{self, Declared};
use claviger_service::config::{Config, Server};
use claviger_service::propagation::Role;
use claviger_service::{Actor, App, Caller};
use claviger_web::Options;
use claviger_web::server::{Settings, Tls, TlsFiles, log_panics, raise_open_files};
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::listeners::Listeners;
use crate::screen::Screen;
use crate::{files, hardening, log, store};

/// Open files beside connections: databases, listeners, the lock.
const OTHER_FILES: u64 = 200;

/// Run the server
#[derive(clap::Args, Debug)]
pub(crate) struct ServeArguments {
    /// The configuration file; `claviger init` writes one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(arguments: ServeArguments, screen: Screen) -> Result<Exit, Failure> {
    let config = Config::read(&arguments.config)?;
    log::start(&config.log);
    prepare(config.server.connections_max);
    let ServerParts { listeners, options } = parts(&config).await?;
    refuse_shared_key(&config)?;
    let app = store::open(&config, Role::Server).await?;
    if app.is_sealed() {
        tracing::warn!("the APIs of the configuration are compared at the next start");
    } else if let Err(failure) = declare(&app, &config).await {
        app.close().await;
        return Err(failure);
    }
    let public_url = config.server.public_url.clone();
    let public = listeners.public.local_address();
    let internal = listeners.internal.local_address();
    let announce = || {
        // Of the addresses, because a port 0 in the file says nothing.
        let line = if config.log.is_json {
            json!({
                "ready": true,
                "public_url": public_url,
                "public_listen": public,
                "internal_listen": internal,
            })
            .to_string()
        } else {
            format!(
                "ready public_url={public_url} public_listen={public} internal_listen={internal}"
            )
        };
        screen.note(&line);
        Ok(())
    };
    listeners
        .serve(app, options, settings(&config.server), announce)
        .await
}

/// What every server does first. `connections_max` is what one of its two listeners takes.
pub(crate) fn prepare(connections_max: usize) {
    hardening::harden();
    log_panics();
    let needed = connections_max as u64;
    let open_files = raise_open_files(2 * needed + OTHER_FILES);
    if open_files < needed {
        tracing::warn!(
            open_files,
            needed,
            "fewer files may be open than connections are taken"
        );
    }
}

/// Makes or changes the APIs that stand in the configuration.
async fn declare(app: &App, config: &Config) -> Result<(), Failure> {
    let caller = Caller {
        actor: Actor::Configuration,
        ip: None,
        request_id: None,
    };
    let access = caller.operator()?;
    for draft in &config.apis {
        let (api, declared) = apis::declare(app, &access, draft).await?;
        match declared {
            Declared::Created => tracing::info!(audience = api.spec.audience, "API made"),
            Declared::Changed => tracing::info!(audience = api.spec.audience, "API changed"),
            Declared::Unchanged => {}
        }
    }
    Ok(())
}

struct ServerParts {
    listeners: Listeners,
    options: Options,
}

async fn parts(config: &Config) -> Result<ServerParts, Failure> {
    let server = &config.server;
    let mut listeners = Listeners::bind(
        &server.public_listen.to_string(),
        &server.internal_listen.to_string(),
        ("server.public_listen", "server.internal_listen"),
    )
    .await?;
    if let Some(tls) = &server.tls {
        let files = TlsFiles {
            certificates: tls.certificates.clone(),
            key: tls.key.clone(),
            client_authorities: None,
        };
        let tls = Tls::from_files(&files)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        listeners.public = listeners.public.with_tls(tls);
    }
    let options = Options {
        internal_token: config.internal_token()?.map(Into::into),
        registration_token: config.registration_token()?,
        logo: config.logo()?,
        trusted_proxies: server.trusted_proxies.clone(),
        demo: None,
    };
    Ok(ServerParts { listeners, options })
}

fn settings(server: &Server) -> Settings {
    Settings {
        connections_max: server.connections_max,
        header_timeout: server.header_timeout,
        drain_timeout: server.drain_timeout,
        ..Settings::default()
    }
}

/// A master key that others can read protects nothing.
fn refuse_shared_key(config: &Config) -> Result<(), Failure> {
    match config.master_key_file() {
        Some(file) if files::is_shared(&file) => Err(shared_key(&file)),
        _ => Ok(()),
    }
}

/// What is said of a master key file that others can read.
pub(crate) fn shared_key(file: &Path) -> Failure {
    shared("the master key file", file)
}

/// A file with a secret that is not its owner's alone.
pub(crate) fn shared(what: &str, file: &Path) -> Failure {
    let message = format!("others can read or write {what} {}", file.display());
    Failure::new(Exit::Permission, message).hint(format!("chmod 600 {}", file.display()))
}
