//! What `claviger dev` prints when it is ready.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Urls;
use super::directory::Facts;
use super::setup::{Made, REDIRECT_URI};
use crate::exit::Failure;
use crate::screen::Screen;

/// What there is to know: all of it at the first start, later all but what is shown once.
pub(super) struct Report {
    facts: Facts,
    data: PathBuf,
    secrets: Option<Secrets>,
}

struct Secrets {
    password: Zeroizing<String>,
    session_token: Zeroizing<String>,
    live_key: Zeroizing<String>,
    test_key: Zeroizing<String>,
    client_secret: Zeroizing<String>,
    app_secret: Zeroizing<String>,
}

impl Report {
    /// Of the start that made everything.
    pub(super) fn first(made: Made, data: &Path) -> Self {
        let shown =
            |secret: &claviger_model::secret::Plaintext| Zeroizing::new(secret.expose().to_owned());
        let secrets = Secrets {
            password: made.password,
            session_token: shown(&made.session_token),
            live_key: shown(&made.live_key),
            test_key: shown(&made.test_key),
            client_secret: shown(&made.client_secret),
            app_secret: shown(&made.app_secret),
        };
        Self {
            facts: made.facts,
            data: data.to_owned(),
            secrets: Some(secrets),
        }
    }

    /// Of a later start.
    pub(super) fn again(facts: Facts, data: &Path) -> Self {
        Self {
            facts,
            data: data.to_owned(),
            secrets: None,
        }
    }

    /// Prints it: one line of JSON, or text for people.
    ///
    /// # Errors
    /// Standard output takes nothing.
    pub(super) fn show(&self, urls: &Urls, screen: Screen) -> Result<(), Failure> {
        if screen.is_json {
            return screen.data(&self.json(urls).to_string());
        }
        self.lines(urls)
            .iter()
            .try_for_each(|line| screen.data(line))
    }

    /// The members that programs depend on.
    fn json(&self, urls: &Urls) -> Value {
        let Urls { public, internal } = urls;
        let secret = |pick: fn(&Secrets) -> &Zeroizing<String>| {
            self.secrets.as_ref().map(|secrets| pick(secrets).as_str())
        };
        json!({
            "ready": true,
            "public_url": public,
            "internal_url": internal,
            "account_id": self.facts.account_id,
            "user": {"email": self.facts.email, "password": secret(|s| &s.password)},
            "session_token": secret(|s| &s.session_token),
            "api": {
                "audience": self.facts.audience,
                "demo_url": format!("{public}/demo"),
                "sandbox_url": format!("{public}/sandbox"),
            },
            "live_key": secret(|s| &s.live_key),
            "live_key_id": self.facts.live_key_id,
            "test_key": secret(|s| &s.test_key),
            "test_key_id": self.facts.test_key_id,
            "client": self.facts.client_id.as_ref().map(|id| json!({
                "client_id": id,
                "client_secret": secret(|s| &s.client_secret),
            })),
            "app": self.facts.app_id.as_ref().map(|id| json!({
                "client_id": id,
                "client_secret": secret(|s| &s.app_secret),
                "redirect_uri": REDIRECT_URI,
            })),
            "data": self.data,
        })
    }

    fn lines(&self, urls: &Urls) -> Vec<String> {
        let Urls { public, internal } = urls;
        let mut lines = vec![
            "Claviger is ready.".to_owned(),
            String::new(),
            format!("  public    {public}  (documentation at {public}/docs/)"),
            format!("  internal  {internal}"),
            format!("  data      {}", self.data.display()),
            format!("  sign in   {public}/sign-in  as {}", self.facts.email),
        ];
        let email = &self.facts.email;
        match &self.secrets {
            Some(secrets) => {
                let id = |id: &Option<String>| id.clone().unwrap_or_default();
                let ids = (&*id(&self.facts.client_id), &*id(&self.facts.app_id));
                lines.extend(secrets.lines(email, ids, public));
            }
            None => lines.extend([
                String::new(),
                "Password and keys were shown at the first start and are not shown again."
                    .to_owned(),
                "`claviger key create` makes another key; --reset begins anew with everything."
                    .to_owned(),
            ]),
        }
        lines
    }
}

impl Secrets {
    /// The secrets, and what to try with them.
    fn lines(&self, email: &str, (client_id, app_id): (&str, &str), public: &str) -> Vec<String> {
        let Self {
            password,
            live_key,
            test_key,
            client_secret,
            app_secret,
            ..
        } = self;
        vec![
            format!("  password  {}", **password),
            format!("  live key  {}", **live_key),
            format!("  test key  {}", **test_key),
            format!("  client    {client_id}"),
            format!("  secret    {}", **client_secret),
            format!("  app       {app_id}  (returns to {REDIRECT_URI})"),
            format!("  secret    {}", **app_secret),
            String::new(),
            "These are not shown again. Live data with the live key:".to_owned(),
            String::new(),
            format!(
                "  curl -H 'Authorization: Bearer {}' {public}/demo/v1/leads",
                **live_key
            ),
            String::new(),
            "Test data with the test key:".to_owned(),
            String::new(),
            format!(
                "  curl -H 'Authorization: Bearer {}' {public}/sandbox/v1/leads",
                **test_key
            ),
            String::new(),
            "An access token for the client's programs:".to_owned(),
            String::new(),
            format!(
                "  curl -d grant_type=client_credentials -d client_id={client_id} \
                 -d client_secret={} {public}/oauth/token",
                **client_secret
            ),
            String::new(),
            "Sign in, for the routes under /api and /v1:".to_owned(),
            String::new(),
            format!(
                "  curl -H 'Content-Type: application/json' -d \
                 '{{\"email\":\"{email}\",\"password\":\"{}\"}}' {public}/v1/sessions",
                **password
            ),
        ]
    }
}
