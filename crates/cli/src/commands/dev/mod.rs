//! `claviger dev`: everything at once, from an empty directory to a working instance.
//!
//! 1. Both addresses are taken, so that the URLs are known.
//! 2. The directory is made, or found to be ours.
//! 3. At the first start an operator, an account, APIs, keys and records are made; the directory's
//!    marker says "finished" only then. What a killed start left unfinished nobody has seen a
//!    secret of: it is removed and made anew.
//! 4. The server starts, and what there is to know is printed.

mod demo_apis;
mod directory;
mod report;
mod setup;

use std::path::PathBuf;

use claviger_model::apis::ApiDraft;
use claviger_service::config::{Config, Log};
use claviger_service::propagation::Role;
use claviger_service::{App, apis};
use claviger_web::Options;
use claviger_web::demo::Demo;
use claviger_web::server::Settings;

use crate::exit::{Exit, Failure};
use crate::listeners::Listeners;
use crate::screen::Screen;
use crate::store::{self, DEFAULT_DIRECTORY};
use crate::{files, log};
use directory::{Directory, State};
use report::Report;

/// Start an instance with a demo API, from nothing
#[derive(clap::Args, Debug)]
pub(crate) struct DevArguments {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
    data: PathBuf,
    /// The address of the public listener; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// The address of the internal listener; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    internal_listen: String,
    /// Begin anew: remove what an earlier start made in the directory
    #[arg(long)]
    reset: bool,
}

/// Where the instance is reached.
pub(super) struct Urls {
    /// The public listener.
    pub(super) public: String,
    /// The internal listener.
    pub(super) internal: String,
}

/// Runs the command.
pub(crate) async fn run(arguments: DevArguments, screen: Screen) -> Result<Exit, Failure> {
    log::start(&Log {
        is_json: false,
        level: "info".to_owned(),
    });
    super::serve::prepare(Settings::default().connections_max);
    let origins = ("--listen", "--internal-listen");
    let listeners = Listeners::bind(&arguments.listen, &arguments.internal_listen, origins).await?;
    let urls = urls(&listeners)?;
    let directory = Directory::new(arguments.data);
    let state = prepare(&directory, arguments.reset)?;
    let config = store::of_directory(directory.path(), &[("public_url", urls.public.clone())])?;
    let app = store::open(&config, Role::Server).await?;
    let report = match set_up(&app, &directory, state, &urls).await {
        Ok(report) => report,
        Err(failure) => {
            app.close().await;
            return Err(failure);
        }
    };
    let options = Options {
        demo: Some(Demo {
            apis: demo_apis::paths(),
        }),
        ..options(&config)?
    };
    let announce = || report.show(&urls, screen);
    listeners
        .serve(app, options, Settings::default(), announce)
        .await
}

fn options(config: &Config) -> Result<Options, Failure> {
    let internal_token = config.internal_token()?.map(Into::into);
    Ok(Options {
        internal_token,
        ..Options::default()
    })
}

/// The directory with a master key; what was there that must go is gone.
fn prepare(directory: &Directory, reset: bool) -> Result<State, Failure> {
    let state = directory.state()?;
    if reset || matches!(state, State::Unfinished) {
        directory.clear()?;
    }
    let state = directory.state()?;
    if matches!(state, State::Absent) {
        directory.begin()?;
        files::create_master_key(&directory.master_key(), &store::system_sources()?)?;
    }
    Ok(state)
}

async fn set_up(
    app: &App,
    directory: &Directory,
    state: State,
    urls: &Urls,
) -> Result<Report, Failure> {
    if let State::Finished(facts) = state {
        if !app.is_sealed() {
            follow_urls(app, urls).await?;
        }
        return Ok(Report::again(facts, directory.path()));
    }
    let made = setup::first_start(app, urls).await?;
    directory.finish(&made.facts)?;
    Ok(Report::first(made, directory.path()))
}

/// The APIs' URLs are those of this start, which may have another port.
async fn follow_urls(app: &App, urls: &Urls) -> Result<(), Failure> {
    let access = store::at_the_machine().operator()?;
    for api in apis::list(app, &access).await? {
        let Some((live, sandbox)) = demo_apis::urls(&api.spec.audience, &urls.public) else {
            continue;
        };
        let shown =
            |url: &Option<claviger_model::apis::BaseUrl>| url.as_ref().map(ToString::to_string);
        let is_same = shown(&api.spec.live_url).as_ref() == Some(&live)
            && shown(&api.spec.sandbox_url).as_ref() == Some(&sandbox);
        if !is_same {
            let draft = ApiDraft {
                live_url: Some(Some(live)),
                sandbox_url: Some(Some(sandbox)),
                ..ApiDraft::default()
            };
            apis::edit(app, &access, api.id, draft, None).await?;
        }
    }
    Ok(())
}

fn urls(listeners: &Listeners) -> Result<Urls, Failure> {
    let internal = listeners.internal.local_address();
    if !internal.ip().is_loopback() {
        let message = format!("the internal listener would be open to others at {internal}");
        return Err(Failure::new(Exit::Usage, message).hint(
            "choose 127.0.0.1 with --internal-listen; `claviger serve` takes a token for it",
        ));
    }
    let mut public = listeners.public.local_address();
    if public.ip().is_unspecified() {
        // No address to go to; this machine is one of those that it stands for.
        public.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(Urls {
        public: format!("http://{public}"),
        internal: format!("http://{internal}"),
    })
}
