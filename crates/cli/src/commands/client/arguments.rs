//! What `claviger client` takes.

use claviger_model::clients::{AppDraft, ClientDraft, ClientKind, ScopesDraft};
use claviger_model::rotations::RotationDraft;
use claviger_model::{Environment, UnixMillis};
use claviger_service::clients::{CreateInput, EditInput, SecretInput};

use crate::commands::scope_use::ScopeUseArguments;
use crate::exit::{Exit, Failure};
use crate::store::StoreArguments;
use crate::when;

/// Clients, which exchange an id and a secret for access tokens
#[derive(clap::Args, Debug)]
pub(crate) struct ClientArguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    pub(super) account: Option<String>,
    #[command(subcommand)]
    pub(super) command: ClientCommand,
}

#[derive(clap::Subcommand, Debug)]
pub(super) enum ClientCommand {
    /// List clients, the newest first
    List {
        /// Also deleted ones
        #[arg(long)]
        all: bool,
    },
    /// Show a client and what is public of its secrets
    Show {
        /// Its id or exact name
        client: String,
    },
    /// Make a client; its first secret alone is printed on standard output, the id of one that
    /// gets no secret
    Create(Box<CreateArguments>),
    /// Change a client; in force for the next request, of tokens that it has too
    Edit(Box<EditArguments>),
    /// Compare a client's scopes with what its tokens did with them
    Scopes(ScopeUseArguments),
    /// Add a secret; it alone is printed on standard output
    AddSecret(SecretArguments),
    /// Add a secret and plan the end of the older ones; the new one alone is printed on standard
    /// output
    Rotate(RotateArguments),
    /// Change when the older secrets of a rotation end
    Rotation(RotationArguments),
    /// Take a rotation back: the older secrets stay, the new one is revoked
    CancelRotation {
        /// The client's id or exact name
        client: String,
    },
    /// Revoke one secret: when this ends, no node accepts a token that it got
    RevokeSecret {
        /// The client's id or exact name
        client: String,
        /// The secret's id or last four characters
        secret: String,
    },
    /// End every access token of a client: when this ends, no node accepts one from before. An
    /// app's refresh tokens go on; end its grants to end those
    RevokeTokens {
        /// Its id or exact name
        client: String,
    },
    /// Delete a client with all its secrets: when this ends, no node accepts a token of it
    Delete {
        /// Its id or exact name
        client: String,
    },
}

#[derive(clap::Args, Debug)]
pub(super) struct CreateArguments {
    /// What people call it
    #[arg(long)]
    name: String,
    /// For whom it acts: machine (for its account) or app (for the users who allow it to)
    #[arg(long, default_value = "machine")]
    kind: String,
    /// What it may do, an app: ask users for; or all. `claviger scope list` shows what there is
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Which data its tokens reach: live or test
    #[arg(long, default_value = "live")]
    environment: String,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    app: AppArguments,
}

#[derive(clap::Args, Debug)]
pub(super) struct EditArguments {
    /// Its id or exact name
    pub(super) client: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// What it may do from now on, instead of what it may do; or all
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    app: AppArguments,
}

#[derive(clap::Args, Debug)]
struct LimitArguments {
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// The only API that it may ask tokens for, by its audience; or any
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// How long its tokens live, in seconds; or default
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<String>,
    /// Tokens a day in UTC; or default
    #[arg(long, value_name = "COUNT")]
    tokens_per_day: Option<String>,
    /// What happens when they are used up: enforce, observe, or default
    #[arg(long, value_name = "MODE")]
    quota_mode: Option<String>,
    /// The only way to prove who it is: `client_secret_basic`, `client_secret_post`,
    /// `private_key_jwt`, `none`; or any that takes a secret
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
}

#[derive(clap::Args, Debug)]
struct AppArguments {
    /// Of an app: where browsers may be sent with a code; again for each address
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// How it obtains tokens, when not as others of its kind; again for each way
    #[arg(long = "grant-type", value_name = "GRANT")]
    grant_types: Vec<String>,
    /// Of an app: whether it runs where its users can read it, and so keeps no secret
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    public: Option<bool>,
    /// Of an app: its home page; or none
    #[arg(long, value_name = "URL")]
    client_uri: Option<String>,
    /// Of an app: its logo; or none
    #[arg(long, value_name = "URL")]
    logo_uri: Option<String>,
    /// Of an app: what it does with data; or none
    #[arg(long, value_name = "URL")]
    policy_uri: Option<String>,
    /// Of an app: its terms; or none
    #[arg(long, value_name = "URL")]
    tos_uri: Option<String>,
    /// For `private_key_jwt`: where its public keys are; or none
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Of an app with secrets: whether it has to send a code challenge
    #[arg(long, value_name = "BOOL")]
    require_pkce: Option<bool>,
    /// Of an app: whether its authorization requests have to be pushed
    #[arg(long = "require-par", value_name = "BOOL")]
    require_pushed_authorization_requests: Option<bool>,
    /// Whether its tokens have to be bound to a key
    #[arg(long = "require-dpop", value_name = "BOOL")]
    dpop_bound_access_tokens: Option<bool>,
}

#[derive(clap::Args, Debug)]
pub(super) struct SecretArguments {
    /// The client's id or exact name
    pub(super) client: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// From when it gets no more tokens: 90d, 2026-12-31T00:00:00Z, Unix milliseconds
    #[arg(long, value_name = "WHEN")]
    expires_at: Option<String>,
}

#[derive(clap::Args, Debug)]
pub(super) struct RotateArguments {
    /// The client's id or exact name
    pub(super) client: String,
    /// What the new secret is for
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    end: EndArguments,
}

#[derive(clap::Args, Debug)]
pub(super) struct RotationArguments {
    /// The client's id or exact name
    pub(super) client: String,
    #[command(flatten)]
    end: EndArguments,
}

#[derive(clap::Args, Debug)]
#[group(multiple = false)]
struct EndArguments {
    /// The older secrets end now, and every token that they got
    #[arg(long)]
    old_ends_now: bool,
    /// They end so long after the new one's first use: 90s, 30m, 24h (when nothing is said), 7d
    #[arg(long, value_name = "HOW LONG")]
    grace: Option<String>,
    /// They end at this time: 7d, 2026-12-31T00:00:00Z, Unix milliseconds
    #[arg(long, value_name = "WHEN")]
    old_ends_at: Option<String>,
}

impl RotateArguments {
    pub(super) fn draft(self, now: UnixMillis) -> Result<RotationDraft, Failure> {
        Ok(RotationDraft {
            description: self.description,
            ..self.end.draft(now)?
        })
    }
}

impl RotationArguments {
    pub(super) fn draft(self, now: UnixMillis) -> Result<RotationDraft, Failure> {
        self.end.draft(now)
    }
}

impl EndArguments {
    fn draft(self, now: UnixMillis) -> Result<RotationDraft, Failure> {
        let at = self.old_ends_at.map(|text| when::parse(&text, now));
        let grace = self.grace.map(|text| when::seconds(&text));
        let (at, grace_seconds) = (at.transpose()?, grace.transpose()?);
        let word = if self.old_ends_now {
            "now"
        } else if at.is_some() {
            "at"
        } else {
            "after_first_use"
        };
        Ok(RotationDraft {
            description: None,
            old_ends: Some(word.to_owned()),
            grace_seconds,
            at,
        })
    }
}

impl CreateArguments {
    pub(super) fn input(self) -> Result<CreateInput, Failure> {
        let environment = Environment::parse(&self.environment)
            .ok_or_else(|| Failure::new(Exit::Usage, "--environment must be live or test"))?;
        let kind = ClientKind::parse(&self.kind)
            .ok_or_else(|| Failure::new(Exit::Usage, "--kind must be machine or app"))?;
        let (draft, audience) = self.limits.draft()?;
        Ok(CreateInput {
            draft: ClientDraft {
                kind: Some(kind),
                name: Some(self.name),
                app: self.app.draft(),
                scopes: scopes(self.scopes),
                ..draft
            },
            audience: audience.flatten(),
            environment,
        })
    }
}

impl EditArguments {
    pub(super) fn input(self) -> Result<EditInput, Failure> {
        let is_of_app = self.app.is_given();
        let (draft, audience) = self.limits.draft()?;
        let draft = ClientDraft {
            name: self.name,
            scopes: scopes(self.scopes),
            app: self.app.draft(),
            ..draft
        };
        let is_empty = !is_of_app
            && draft.name.is_none()
            && draft.description.is_none()
            && draft.scopes.is_none()
            && draft.token_lifetime_seconds.is_none()
            && draft.tokens_per_day.is_none()
            && draft.quota_mode.is_none()
            && draft.auth_method.is_none()
            && audience.is_none();
        if is_empty {
            return Err(Failure::new(Exit::Usage, "nothing is to be changed")
                .hint("`claviger client edit --help` shows what can be"));
        }
        Ok(EditInput {
            draft,
            audience,
            expected_version: None,
        })
    }
}

impl SecretArguments {
    pub(super) fn input(self, now: UnixMillis) -> Result<SecretInput, Failure> {
        let expires_at = self.expires_at.map(|text| when::parse(&text, now));
        Ok(SecretInput {
            description: self.description,
            expires_at: expires_at.transpose()?,
        })
    }
}

impl LimitArguments {
    /// The draft, and the audience beside it.
    fn draft(self) -> Result<(ClientDraft, Option<Option<String>>), Failure> {
        let draft = ClientDraft {
            description: self.description.map(Some),
            token_lifetime_seconds: number("--token-lifetime", self.token_lifetime)?,
            tokens_per_day: number("--tokens-per-day", self.tokens_per_day)?,
            quota_mode: unless(self.quota_mode, "default"),
            auth_method: unless(self.auth_method, "any"),
            ..ClientDraft::default()
        };
        Ok((draft, unless(self.audience, "any")))
    }
}

impl AppArguments {
    fn is_given(&self) -> bool {
        let links = [
            &self.client_uri,
            &self.logo_uri,
            &self.policy_uri,
            &self.tos_uri,
            &self.jwks_uri,
        ];
        let flags = [
            self.public,
            self.require_pkce,
            self.require_pushed_authorization_requests,
            self.dpop_bound_access_tokens,
        ];
        !self.redirect_uris.is_empty()
            || !self.grant_types.is_empty()
            || links.into_iter().any(Option::is_some)
            || flags.into_iter().any(|flag| flag.is_some())
    }

    fn draft(self) -> AppDraft {
        let list = |texts: Vec<String>| Some(texts).filter(|texts| !texts.is_empty()).map(Some);
        AppDraft {
            public: self.public,
            redirect_uris: list(self.redirect_uris),
            grant_types: list(self.grant_types),
            client_uri: unless(self.client_uri, "none"),
            logo_uri: unless(self.logo_uri, "none"),
            policy_uri: unless(self.policy_uri, "none"),
            tos_uri: unless(self.tos_uri, "none"),
            jwks: None,
            jwks_uri: unless(self.jwks_uri, "none"),
            require_pkce: self.require_pkce.map(Some),
            require_pushed_authorization_requests: self
                .require_pushed_authorization_requests
                .map(Some),
            dpop_bound_access_tokens: self.dpop_bound_access_tokens.map(Some),
        }
    }
}

/// The value; none inside when it is the word for none.
fn unless(text: Option<String>, word: &str) -> Option<Option<String>> {
    text.map(|text| Some(text).filter(|text| text != word))
}

fn number(option: &str, text: Option<String>) -> Result<Option<Option<u32>>, Failure> {
    let Some(text) = unless(text, "default") else {
        return Ok(None);
    };
    let number = text.map(|text| {
        text.parse().map_err(|_| {
            Failure::new(
                Exit::Usage,
                format!("{option} must be a number, or default"),
            )
        })
    });
    Ok(Some(number.transpose()?))
}

fn scopes(texts: Vec<String>) -> Option<ScopesDraft> {
    match texts.as_slice() {
        [] => None,
        [all] if all == "all" => Some(ScopesDraft::All),
        _ => Some(ScopesDraft::Named(texts)),
    }
}
