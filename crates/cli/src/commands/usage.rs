//! `claviger usage`: how often what was asked for.

use claviger_model::{Environment, UnixMillis};
use claviger_service::usage::{self, By, UsageQuery};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::server_client::{Question, Server};
use crate::store::{Store, StoreArguments};
use crate::variables::variable;
use crate::when;

/// How many requests were allowed and refused, and how many tokens issued
#[derive(clap::Args, Debug)]
pub(crate) struct UsageArguments {
    /// By what: credential, secret, api, route, scope, outcome, environment, minute, hour or day
    #[arg(long, default_value = "credential")]
    by: String,
    /// The last so long, such as 60m, 24h or 30d; 30 days when there is no --from either
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    last: Option<String>,
    /// From this time on: 2026-12-31T00:00:00Z or Unix milliseconds
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Before this time; now when absent
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Of this credential: the id of a key, of the legacy key or of a client
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
    /// live or test; both when absent
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    store: StoreArguments,
    /// A server's public listener, instead of the store; signs in with `CLAVIGER_TOKEN`
    /// [env: `CLAVIGER_URL`]
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    url: Option<String>,
}

/// What is asked for, as the arguments say it.
struct Asked {
    by: By,
    from: Option<UnixMillis>,
    to: Option<UnixMillis>,
    credential: Option<String>,
    environment: Option<Environment>,
}

/// Runs the command.
pub(crate) async fn run(arguments: UsageArguments, screen: Screen) -> Result<Exit, Failure> {
    let url = arguments
        .url
        .clone()
        .or_else(|| variable("CLAVIGER_URL").filter(|_| arguments.store.is_default()));
    if let Some(url) = url {
        let now = crate::store::system_sources()?.now();
        let asked = arguments.asked(now)?;
        let counted = ask(&url, &asked).await?;
        return show(&counted, asked.by, screen);
    }
    let count = async |store: &Store| {
        let asked = arguments.asked(store.app.sources().now())?;
        let query = UsageQuery {
            credential_id: asked.credential,
            environment: asked.environment,
            ..UsageQuery::between(&store.app, asked.from, asked.to)
        };
        let access = store.caller.evidence()?;
        let counted = usage::count(&store.app, &access, &query, asked.by).await?;
        // Nothing in it can fail to be written.
        let counted = serde_json::to_value(counted).unwrap_or_default();
        show(&counted, asked.by, screen)
    };
    arguments.store.with(count).await
}

impl UsageArguments {
    fn asked(&self, now: UnixMillis) -> Result<Asked, Failure> {
        let by = By::parse(&self.by).ok_or_else(|| {
            let words: Vec<&str> = By::ALL.into_iter().map(By::as_str).collect();
            Failure::new(Exit::Usage, format!("{} is nothing to count by", self.by))
                .hint(format!("it is one of: {}", words.join(", ")))
        })?;
        let time = |text: &Option<String>| {
            let millis = text.as_deref().map(|text| when::parse(text, now));
            Ok::<_, Failure>(millis.transpose()?.map(UnixMillis))
        };
        let last = self.last.as_deref().map(when::seconds).transpose()?;
        let environment = self.environment.as_deref().map(|word| {
            Environment::parse(word).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("{word} is no environment"))
                    .hint("it is live or test")
            })
        });
        // Ids need no escaping in an address.
        let is_of_id = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let credential = self.credential.as_deref().map(str::trim);
        if let Some(text) = credential.filter(|text| !text.chars().all(is_of_id)) {
            return Err(Failure::new(Exit::Usage, format!("{text} is no id"))
                .hint("it starts with key_ or cli_, as `key list` and `client list` show it"));
        }
        Ok(Asked {
            by,
            from: time(&self.from)?.or(last.map(|seconds| now.plus_seconds(-seconds))),
            to: time(&self.to)?,
            credential: credential.map(str::to_owned),
            environment: environment.transpose()?,
        })
    }
}

async fn ask(url: &str, asked: &Asked) -> Result<Value, Failure> {
    let token = variable("CLAVIGER_TOKEN").ok_or_else(|| {
        Failure::new(Exit::NotSignedIn, "CLAVIGER_TOKEN is not set")
            .hint("sign in at POST /v1/sessions and put the session token there")
    })?;
    let authorization = zeroize::Zeroizing::new(format!("Bearer {token}"));
    let time = |at: Option<UnixMillis>| at.map(|at| at.0.to_string());
    let environment = asked.environment.map(|one| one.as_str().to_owned());
    let parameters = [
        ("from", time(asked.from)),
        ("to", time(asked.to)),
        ("credential", asked.credential.clone()),
        ("environment", environment),
    ];
    let mut target = format!("/v1/usage?by={}", asked.by.as_str());
    for (name, value) in parameters {
        if let Some(value) = value {
            target.extend(["&", name, "=", &value]);
        }
    }
    let question = Question {
        method: "GET",
        target: &target,
        secret: Some(("authorization", &authorization)),
        body: None,
    };
    Server::parse(url)?.ask(&question).await
}

fn show(counted: &Value, by: By, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json {
        screen.data(&counted.to_string())?;
        return Ok(Exit::Done);
    }
    let rows = counted.get("data").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    screen.list(&columns(by), rows, "nothing was asked for in this time")?;
    let total = |name: &str| counted.pointer(&format!("/total/{name}")).cloned();
    let told = [
        ("allowed", "allowed"),
        ("refused", "refused"),
        ("tokens", "tokens issued"),
    ]
    .map(|(name, told)| format!("{} {told}", total(name).unwrap_or(json!(0))));
    screen.note(&told.join(", "));
    Ok(Exit::Done)
}

fn columns(by: By) -> Vec<Column> {
    let own: &[Column] = match by {
        By::Credential => &[
            ("credential_id", "credential", Shown::Plain),
            ("kind", "kind", Shown::Plain),
        ],
        By::Secret => &[
            ("credential_id", "credential", Shown::Plain),
            ("secret_id", "secret", Shown::Plain),
        ],
        By::Api => &[("api_id", "api", Shown::Plain)],
        By::Route => &[
            ("api_id", "api", Shown::Plain),
            ("route", "route", Shown::Plain),
        ],
        By::Scope => &[("scope", "scope", Shown::Plain)],
        By::Outcome => &[("outcome", "outcome", Shown::Plain)],
        By::Environment => &[("environment", "environment", Shown::Plain)],
        By::Step(_) => &[("at", "from", Shown::Time)],
    };
    let counts = ["allowed", "refused", "tokens"].map(|name| (name, name, Shown::Plain));
    own.iter().copied().chain(counts).collect()
}
