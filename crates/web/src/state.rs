//! What every handler works with.

use std::sync::Arc;

use claviger_model::apis::BaseUrl;
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
    /// The issuer, taken apart.
    issuer: Option<BaseUrl>,
}

/// What the web layer is told to be.
#[derive(Default)]
pub struct Options {
    /// The bearer token that the internal listener asks for; none on a loopback address.
    pub internal_token: Option<Zeroizing<String>>,
    /// The initial access token that apps need to register themselves; none: they need none.
    pub registration_token: Option<Zeroizing<String>>,
    /// Proxies whose `X-Forwarded-For` is believed on the public listener.
    pub trusted_proxies: Vec<IpNet>,
    /// The demo API, in `claviger dev`.
    pub demo: Option<Demo>,
}

impl Web {
    /// The web layer of an application.
    pub fn new(app: App, options: Options) -> Self {
        let metrics = Metrics::new(&app);
        let issuer = BaseUrl::new(&app.settings().public_url).ok();
        Self {
            inner: Arc::new(Inner {
                app,
                options,
                metrics,
                issuer,
            }),
        }
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.inner.app
    }

    /// Whether a `Host` header is the issuer's.
    pub fn is_issuer_host(&self, host: &str) -> bool {
        let issuer = self.inner.issuer.as_ref();
        issuer.is_some_and(|issuer| issuer.is_of_host(host))
    }

    /// The host of the issuer, as a `Host` header has it.
    pub fn issuer_host(&self) -> &str {
        self.inner.issuer.as_ref().map_or("", BaseUrl::authority)
    }

    /// The path of the issuer, below which everything is served: empty or `/like/this`.
    pub fn issuer_path(&self) -> &str {
        self.inner.issuer.as_ref().map_or("", BaseUrl::path)
    }

    /// Where the management routes tell which tokens they take, if they take any.
    pub fn management_metadata_url(&self) -> Option<String> {
        let issuer = self.inner.issuer.as_ref();
        let issuer = issuer.filter(|_| self.inner.app.settings().management_enabled);
        issuer.map(BaseUrl::metadata_url)
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
