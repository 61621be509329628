//! `claviger verify`: may this request pass? The credential comes by standard input.

use std::net::IpAddr;

use claviger_model::Reason;
use serde_json::{Map, Value, json};

use crate::decider;
use crate::exit::{Exit, Failure};
use crate::screen::Screen;
use crate::secret_input;
use crate::server_client::{Question, Server};
use crate::store::{Store, StoreArguments};
use crate::variables::variable;

/// Decide about a credential from standard input
///
/// Ends with 0 when it is allowed, 10 when it is refused and 11 when nobody can say.
#[derive(clap::Args, Debug)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The internal listener of a server, instead of the store [env: `CLAVIGER_URL`]
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    url: Option<String>,
    /// The audience of the API; the default API when left out
    #[arg(long)]
    api: Option<String>,
    /// live or test; live when left out
    #[arg(long)]
    environment: Option<String>,
    /// The request's method
    #[arg(long)]
    method: Option<String>,
    /// The request's path below the API's base URL; routes are not checked when left out
    #[arg(long)]
    path: Option<String>,
    /// A scope that is needed beside the route's
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Where the request came from
    #[arg(long)]
    ip: Option<IpAddr>,
}

/// Runs the command.
pub(crate) async fn run(arguments: VerifyArguments, screen: Screen) -> Result<Exit, Failure> {
    let url = arguments
        .url
        .clone()
        .or_else(|| variable("CLAVIGER_URL").filter(|_| arguments.store.is_default()));
    let credential = secret_input::read(screen, "credential")?;
    let question = arguments.question(&credential);
    let Some(url) = url else {
        let decide = async |store: &Store| {
            store.load().await?;
            show(&decider::in_store(store, &question).await?, screen)
        };
        return arguments.store.with(decide).await;
    };
    let token = variable("CLAVIGER_TOKEN");
    let decision = Server::parse(&url)?
        .ask(&Question {
            method: "POST",
            target: "/v1/verify",
            secret: token.as_deref().map(|token| ("claviger-token", token)),
            body: Some(&question),
        })
        .await?;
    show(&decision, screen)
}

impl VerifyArguments {
    fn question(&self, credential: &str) -> Value {
        let mut question = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            question.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("credential", Some(json!(credential)));
        put("api", self.api.as_ref().map(|api| json!(api)));
        put(
            "environment",
            self.environment.as_ref().map(|word| json!(word)),
        );
        put("method", self.method.as_ref().map(|method| json!(method)));
        put("path", self.path.as_ref().map(|path| json!(path)));
        put(
            "scopes",
            (!self.scopes.is_empty()).then(|| json!(self.scopes)),
        );
        put("ip", self.ip.map(|ip| json!(ip)));
        Value::Object(question)
    }
}

fn show(decision: &Value, screen: Screen) -> Result<Exit, Failure> {
    let text = |pointer: &str| decision.pointer(pointer).and_then(Value::as_str);
    let reason = text("/reason")
        .and_then(Reason::parse)
        .unwrap_or(Reason::Internal);
    let (word, exit) = outcome(reason);
    if screen.is_json {
        screen.data(&decision.to_string())?;
        return Ok(exit);
    }
    let request_id = text("/request_id").unwrap_or("-");
    if exit == Exit::Done {
        let name = text("/credential/name").unwrap_or("-");
        let id = text("/credential/id").unwrap_or("-");
        screen.data(&format!("{word}  {name} ({id})  {request_id}"))?;
    } else {
        let message = text("/message").unwrap_or(reason.refusal().message);
        screen.data(&format!("{word}  {}  {request_id}", reason.as_str()))?;
        screen.note(message);
        screen.note(&format!("hint: {}", reason.refusal().remedy));
    }
    Ok(exit)
}

/// The verdict in a word, and how the command ends.
fn outcome(reason: Reason) -> (&'static str, Exit) {
    match reason {
        Reason::Allowed => ("allowed", Exit::Done),
        Reason::Stale | Reason::Storage | Reason::Sealed | Reason::Clock | Reason::Internal => {
            ("undecidable", Exit::Undecidable)
        }
        _ => ("refused", Exit::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_mistakes_an_open_question_for_a_verdict() {
        assert_eq!(outcome(Reason::Allowed).1 as u8, 0);
        assert_eq!(outcome(Reason::RateLimited).1 as u8, 10);
        assert_eq!(outcome(Reason::Stale).1 as u8, 11);
    }
}
