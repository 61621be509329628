//! Both listeners of a server, from the address to the end of the last connection.

use std::future::ready;
use std::pin::pin;

use claviger_service::{App, jobs};
use claviger_web::server::{Bound, Drain, Edge, Lanes, Settings, bind, shutdown_signal};
use claviger_web::{Options, Web, router};

use crate::exit::{Exit, Failure};

/// Listeners that have their addresses and do not accept yet.
pub(crate) struct Listeners {
    /// Portal and API.
    pub(crate) public: Bound,
    /// Verification, health and metrics.
    pub(crate) internal: Bound,
}

/// Where each address was given, for the hint of an error.
pub(crate) type Origins = (&'static str, &'static str);

impl Listeners {
    /// Takes both addresses.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub(crate) async fn bind(
        public: &str,
        internal: &str,
        origins: Origins,
    ) -> Result<Self, Failure> {
        Ok(Self {
            public: bind(public, origins.0).await?,
            internal: bind(internal, origins.1).await?,
        })
    }

    /// Serves until a signal asks for the end, drains, and closes the application. `announce` is
    /// called when connections are taken and a signal would be heard.
    ///
    /// # Errors
    /// Signals cannot be heard, a listener ended by itself, or what `announce` says.
    pub(crate) async fn serve(
        self,
        app: App,
        options: Options,
        settings: Settings,
        announce: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        let mut signal = pin!(shutdown_signal());
        // Installs the handlers before anybody is told that the server is ready.
        tokio::select! {
            biased;
            early = &mut signal => return closed(&app, early.map(drop)).await,
            () = ready(()) => {}
        }
        let jobs = jobs::start(app.clone());
        let web = Web::new(app.clone(), options);
        let edge = Edge {
            settings,
            body_limits: router::body_limits().below(web.issuer_path()),
            on_panic: router::panic_answer(web.clone()),
            drain: Drain::new(),
        };
        let drain = edge.drain.clone();
        let routes = router::public(web.clone());
        let public = self.public.serve(move || routes.clone(), edge.clone());
        let lanes = Lanes::start("verify").map_err(|error| {
            Failure::new(Exit::Failed, format!("no threads can be started: {error}"))
        })?;
        let front = router::internal(web);
        let internal = self.internal.on(lanes);
        let internal = internal.serve(move || front.for_connection(), edge);
        let (mut public, mut internal) = (tokio::spawn(public), tokio::spawn(internal));
        let announced = announce();
        if announced.is_err() {
            drain.start();
        }
        let ended = tokio::select! {
            signal = &mut signal, if announced.is_ok() => signal.map(|signal| {
                tracing::info!(signal = signal.name(), "stopping");
            }),
            _ = &mut public, if !drain.is_started() => Err(std::io::Error::other("the public listener ended")),
            _ = &mut internal, if !drain.is_started() => Err(std::io::Error::other("the internal listener ended")),
            () = ready(()), if announced.is_err() => Ok(()),
        };
        drain.start();
        if ended.is_ok() {
            // Only a panic of the listener's own task is an error here, and it is logged.
            let _ = tokio::join!(public, internal);
        }
        jobs.stop().await;
        announced?;
        closed(&app, ended).await
    }
}

async fn closed(app: &App, ended: std::io::Result<()>) -> Result<Exit, Failure> {
    app.close().await;
    match ended {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::new(Exit::Failed, error.to_string())),
    }
}
