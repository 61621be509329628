//! `claviger why`: why was this request refused, or allowed?

use std::time::Duration;

use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_service::access::EvidenceAccess;
use claviger_service::clients::RequestFailure;
use claviger_service::{clients, decisions};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown, cell};
use crate::server_client::{Question, Server};
use crate::store::{Store, StoreArguments};
use crate::variables::variable;

const FACTS: [(&str, &str, Shown); 11] = [
    ("/at", "at", Shown::Time),
    ("/method", "method", Shown::Plain),
    ("/path", "path", Shown::Plain),
    ("/ip", "from", Shown::Plain),
    ("/api", "api", Shown::Plain),
    ("/environment", "environment", Shown::Plain),
    ("/credential/name", "credential", Shown::Plain),
    ("/credential/id", "its id", Shown::Plain),
    ("/credential/user_id", "for user", Shown::Plain),
    ("/credential/grant_id", "by grant", Shown::Plain),
    ("/account_id", "account", Shown::Plain),
];
const CHECKS: [Column; 3] = [
    ("check", "check", Shown::Plain),
    ("outcome", "outcome", Shown::Plain),
    ("reason", "reason", Shown::Plain),
];

const OF_FAILURES: [Column; 2] = [
    ("at", "at", Shown::Time),
    ("client_id", "app", Shown::Plain),
];

const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Why a request was allowed or refused: every check with its outcome
#[derive(clap::Args, Debug)]
pub(crate) struct WhyArguments {
    /// The Request-Id of the answer
    request_id: String,
    #[command(flatten)]
    store: StoreArguments,
    /// A server's public listener, instead of the store; signs in with `CLAVIGER_TOKEN`
    /// [env: `CLAVIGER_URL`]
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    url: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(arguments: WhyArguments, screen: Screen) -> Result<Exit, Failure> {
    let id: RequestId = arguments.request_id.trim().parse().map_err(|_| {
        Failure::new(
            Exit::Usage,
            format!("{} is no Request-Id", arguments.request_id),
        )
        .hint("it starts with req_ and stands in the answer's header Request-Id")
    })?;
    let url = arguments
        .url
        .or_else(|| variable("CLAVIGER_URL").filter(|_| arguments.store.is_default()));
    let Some(url) = url else {
        let find = async |store: &Store| {
            let access = store.caller.evidence()?;
            match soon(store, &access, id).await? {
                Found::Decision(decision) => show(&decision, screen),
                Found::Failure(failure) => show_failure(&failure, screen),
            }
        };
        return arguments.store.with(find).await;
    };
    show(&ask(&url, id).await?, screen)
}

/// What a request was.
enum Found {
    /// One with a credential, which was decided.
    Decision(Value),
    /// An authorization request that ended on an error page.
    Failure(RequestFailure),
}

/// Looks again for a while: a server on the same data writes down what it decided once a second.
async fn soon(store: &Store, access: &EvidenceAccess, id: RequestId) -> Result<Found, Failure> {
    for _ in 0..LOOKS {
        match decisions::find(&store.app, access, id).await {
            Err(error) if error.reason() == Reason::NotFound => {}
            outcome => return Ok(Found::Decision(outcome?)),
        }
        match clients::failure_of_request(&store.app, access, id).await {
            Err(error) if error.reason() == Reason::NotFound => {}
            outcome => return Ok(Found::Failure(outcome?)),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(Found::Decision(
        decisions::find(&store.app, access, id).await?,
    ))
}

fn show_failure(failure: &RequestFailure, screen: Screen) -> Result<Exit, Failure> {
    let shape = json!({
        "request_id": failure.request_id,
        "at": failure.at,
        "client_id": failure.client_id,
        "message": failure.told,
    });
    if screen.is_json {
        screen.data(&shape.to_string())?;
        return Ok(Exit::Done);
    }
    let id = failure.request_id;
    screen.data(&format!(
        "{id}  an authorization request that ended on an error page"
    ))?;
    screen.data(&failure.told)?;
    screen.data("")?;
    screen.object(&OF_FAILURES, &shape)?;
    Ok(Exit::Done)
}

async fn ask(url: &str, id: RequestId) -> Result<Value, Failure> {
    let token = variable("CLAVIGER_TOKEN").ok_or_else(|| {
        Failure::new(Exit::NotSignedIn, "CLAVIGER_TOKEN is not set")
            .hint("sign in at POST /v1/sessions and put the session token there")
    })?;
    let authorization = zeroize::Zeroizing::new(format!("Bearer {token}"));
    let question = Question {
        method: "GET",
        target: &format!("/v1/decisions?request_id={id}"),
        secret: Some(("authorization", &authorization)),
        body: None,
    };
    let found = Server::parse(url)?.ask(&question).await?;
    let decision = found.pointer("/data/0").cloned();
    decision.ok_or_else(|| Failure::new(Exit::NotFound, "There is no such decision."))
}

fn show(decision: &Value, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json {
        screen.data(&decision.to_string())?;
        return Ok(Exit::Done);
    }
    let text = |member: &str| decision.get(member).and_then(Value::as_str);
    let reason = text("reason")
        .and_then(Reason::parse)
        .unwrap_or(Reason::Internal);
    let id = text("request_id").unwrap_or_default();
    let word = if reason == Reason::Allowed {
        "allowed"
    } else {
        "refused"
    };
    screen.data(&format!("{id}  {word}  {}", reason.as_str()))?;
    if let Some(message) = text("message") {
        screen.data(message)?;
    }
    screen.data("")?;
    for (pointer, title, shown) in FACTS {
        screen.data(&format!(
            "{title:11}  {}",
            cell(decision.pointer(pointer), shown)
        ))?;
    }
    screen.data("")?;
    let checks = decision.get("checks").and_then(Value::as_array);
    let rows: Vec<Value> = checks.into_iter().flatten().map(checked).collect();
    screen.list(&CHECKS, &rows, "no check was recorded")?;
    if reason != Reason::Allowed {
        screen.note(&format!("hint: {}", reason.refusal().remedy));
    }
    Ok(Exit::Done)
}

/// A check in words. The one that failed is the rule that decided.
fn checked(check: &Value) -> Value {
    let outcome = match check.get("ok").and_then(Value::as_bool) {
        Some(true) => "passed",
        Some(false) => "failed: this decided",
        None => "not asked",
    };
    let mut row = check.clone();
    row["outcome"] = Value::from(outcome);
    row
}
