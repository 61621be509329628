//! What every handler works with.

use std::sync::Arc;

use claviger_service::App;
use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::demo::Demo;
use crate::metrics::Metrics;

/// The web layer's state. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    inner: Arc<Inner>,
}

struct Inner {
    app: App,
    options: Options,
    metrics: Metrics,
}

/// What the web layer is told to be.
#[derive(Default)]
pub struct Options {
    /// The bearer token that the internal listener asks for; none on a loopback address.
    pub internal_token: Option<Zeroizing<String>>,
    /// Proxies whose `X-Forwarded-For` is believed on the public listener.
    pub trusted_proxies: Vec<IpNet>,
    /// The demo API, in `claviger dev`.
    pub demo: Option<Demo>,
}

impl Web {
    /// The web layer of an application.
    pub fn new(app: App, options: Options) -> Self {
        let metrics = Metrics::new(&app);
        Self {
            inner: Arc::new(Inner {
                app,
                options,
                metrics,
            }),
        }
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.inner.app
    }

    /// What the web layer is told to be.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}
