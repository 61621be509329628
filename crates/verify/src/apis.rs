//! The APIs as a decision sees them, and how a request finds its own.

use std::collections::HashMap;
use std::sync::Arc;

use claviger_model::Environment;
use claviger_model::apis::{Api, BaseUrl, SigningAlgorithm, Unmatched};
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::ApiId;
use claviger_model::scopes::{Scope, ScopeName};

use crate::routes::RouteTable;
use crate::scopes::{Bits, Scopes};

/// One API.
#[derive(Debug)]
pub struct ApiEntry {
    /// Its id.
    pub id: ApiId,
    /// Its audience; tokens for it share the text.
    pub audience: Arc<str>,
    /// Its name, for showing.
    pub name: Box<str>,
    /// Its scopes, with their sentences.
    pub scopes: Box<[Scope]>,
    accepts: Box<[CredentialKind]>,
    /// Its routes.
    pub routes: RouteTable,
    /// What happens beside them.
    pub unmatched: Unmatched,
    /// How its access tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// How long they live, in seconds, when not as long as the instance's.
    pub token_lifetime_seconds: Option<u32>,
    /// The base URL of live data.
    pub live_url: Option<BaseUrl>,
    /// The base URL of test data.
    pub sandbox_url: Option<BaseUrl>,
    implying: Bits,
    excluded_live: Bits,
    excluded_test: Bits,
}

/// All APIs. Replaced whole when one changes.
#[derive(Debug, Default)]
pub struct Apis {
    all: Vec<Arc<ApiEntry>>,
    by_audience: HashMap<Arc<str>, Arc<ApiEntry>>,
    by_host: HashMap<Box<str>, Vec<Base>>,
    default: Option<Arc<ApiEntry>>,
}

#[derive(Debug)]
struct Base {
    path: Box<str>,
    environment: Environment,
    api: Arc<ApiEntry>,
}

/// Where a request arrived: the API that its host and path name, and what is left of the path.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// The API.
    pub api: &'a Arc<ApiEntry>,
    /// Which environment's base URL matched; none when the host is unknown.
    pub environment: Option<Environment>,
    /// The path below the base URL.
    pub path: &'a str,
}

impl ApiEntry {
    fn new(api: &Api, scopes: &Scopes) -> Self {
        let spec = &api.spec;
        let names = |keep: &dyn Fn(&Scope) -> bool| -> Bits {
            let kept: Vec<&ScopeName> = spec
                .scopes
                .iter()
                .filter(|scope| keep(scope))
                .map(|scope| &scope.name)
                .collect();
            scopes.bits(kept)
        };
        Self {
            id: api.id,
            audience: spec.audience.as_str().into(),
            name: spec.name.as_str().into(),
            scopes: spec.scopes.clone().into(),
            accepts: spec.accepts.clone().into(),
            routes: RouteTable::new(&spec.routes, scopes),
            unmatched: spec.unmatched,
            signing_algorithm: spec.signing_algorithm,
            token_lifetime_seconds: spec.token_lifetime_seconds,
            live_url: spec.live_url.clone(),
            sandbox_url: spec.sandbox_url.clone(),
            implying: names(&|scope| scope.implies_all),
            excluded_live: names(&|scope| !scope.is_for(Environment::Live)),
            excluded_test: names(&|scope| !scope.is_for(Environment::Test)),
        }
    }

    /// Whether it takes this kind of credential.
    pub fn accepts(&self, kind: CredentialKind) -> bool {
        self.accepts.contains(&kind)
    }

    /// The kinds that it takes.
    pub fn accepted_kinds(&self) -> &[CredentialKind] {
        &self.accepts
    }

    /// The scopes that do not count in `environment`.
    pub fn excluded(&self, environment: Environment) -> &Bits {
        match environment {
            Environment::Live => &self.excluded_live,
            Environment::Test => &self.excluded_test,
        }
    }

    /// The scopes that stand for every scope.
    pub fn implying(&self) -> &Bits {
        &self.implying
    }
}

impl Apis {
    /// The table of these APIs.
    pub fn new(apis: &[Api], scopes: &Scopes) -> Self {
        let mut table = Self::default();
        for api in apis {
            let entry = Arc::new(ApiEntry::new(api, scopes));
            table.add_base(api.spec.live_url.as_ref(), Environment::Live, &entry);
            table.add_base(api.spec.sandbox_url.as_ref(), Environment::Test, &entry);
            if api.is_default || table.default.is_none() {
                table.default = Some(Arc::clone(&entry));
            }
            table
                .by_audience
                .insert(entry.audience.clone(), Arc::clone(&entry));
            table.all.push(entry);
        }
        for bases in table.by_host.values_mut() {
            // The longest base path is the most exact one.
            bases.sort_by_key(|base| std::cmp::Reverse(base.path.len()));
        }
        table
    }

    /// Every API.
    pub fn all(&self) -> &[Arc<ApiEntry>] {
        &self.all
    }

    /// The API that is meant when none is named.
    pub fn default_api(&self) -> Option<&Arc<ApiEntry>> {
        self.default.as_ref()
    }

    /// The API with this audience.
    pub fn by_audience(&self, audience: &str) -> Option<&Arc<ApiEntry>> {
        self.by_audience.get(audience)
    }

    /// The API with this base URL, in either environment.
    pub fn by_base_url(&self, url: &str) -> Option<&Arc<ApiEntry>> {
        let url = BaseUrl::new(url).ok()?;
        let has = |own: &Option<BaseUrl>| own.as_ref() == Some(&url);
        let mut all = self.all.iter();
        all.find(|api| has(&api.live_url) || has(&api.sandbox_url))
    }

    /// The API whose base URL `host` and `path` are under; beside every base URL, see
    /// [`Apis::beside_bases`].
    pub fn by_host<'a>(&'a self, host: &str, path: &'a str) -> Option<Arrival<'a>> {
        let lower;
        let host = if host.bytes().any(|b| b.is_ascii_uppercase()) {
            lower = host.to_ascii_lowercase();
            lower.as_str()
        } else {
            host
        };
        let without_port = || {
            let (name, port) = host.rsplit_once(':')?;
            matches!(port, "80" | "443").then_some(name)
        };
        let bases = self
            .by_host
            .get(host)
            .or_else(|| self.by_host.get(without_port()?));
        let matching = bases.into_iter().flatten().find_map(|base| {
            let rest = path.strip_prefix(&*base.path)?;
            let path = match rest.as_bytes().first() {
                None => "/",
                Some(b'/') => rest,
                Some(_) => return None,
            };
            Some(Arrival {
                api: &base.api,
                environment: Some(base.environment),
                path,
            })
        });
        matching.or_else(|| self.beside_bases(bases.map_or(&[], Vec::as_slice), path))
    }

    /// Where a request arrives that is under no base URL: at the default API, or at the one that
    /// its host is of. A host of one environment alone says which data is meant on every path, so
    /// that nothing on a sandbox's host is ever taken for live data.
    fn beside_bases<'a>(&'a self, bases: &'a [Base], path: &'a str) -> Option<Arrival<'a>> {
        let first = bases.first();
        let agreed = first.filter(|first| {
            bases
                .iter()
                .all(|base| base.environment == first.environment)
        });
        let only = first.filter(|first| bases.iter().all(|base| base.api.id == first.api.id));
        Some(Arrival {
            api: only.map(|base| &base.api).or(self.default.as_ref())?,
            environment: agreed.map(|base| base.environment),
            path,
        })
    }

    fn add_base(&mut self, url: Option<&BaseUrl>, environment: Environment, api: &Arc<ApiEntry>) {
        let Some(url) = url else { return };
        let base = Base {
            path: url.path().into(),
            environment,
            api: Arc::clone(api),
        };
        self.by_host
            .entry(url.host_key().into())
            .or_default()
            .push(base);
    }
}
