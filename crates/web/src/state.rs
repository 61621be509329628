//! What every handler works with.

use std::sync::Arc;

use claviger_model::apis::BaseUrl;
use claviger_service::App;
use claviger_service::branding::Logo;
use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::demo::Demo;
use crate::metrics::Metrics;
use crate::pages::brand::BrandAssets;

/// The web layer's state. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    inner: Arc<Inner>,
}

struct Inner {
    app: App,
    options: Options,
    metrics: Metrics,
    brand: BrandAssets,
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
    /// The picture beside the name of the instance; none is the server's own.
    pub logo: Option<Logo>,
    /// Proxies whose `X-Forwarded-For` is believed on the public listener.
    pub trusted_proxies: Vec<IpNet>,
    /// The demo API, in `claviger dev`.
    pub demo: Option<Demo>,
}

impl Web {
    /// The web layer of an application.
    pub fn new(app: App, options: Options) -> Self {
        let metrics = Metrics::new(&app);
        let settings = app.settings();
        let issuer = BaseUrl::new(&settings.public_url).ok();
        let brand = BrandAssets::new(&settings.portal.brand, options.logo.as_ref());
        Self {
            inner: Arc::new(Inner {
                app,
                options,
                metrics,
                brand,
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

    /// What pages load for the brand of the instance.
    pub(crate) fn brand(&self) -> &BrandAssets {
        &self.inner.brand
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}
