//! Asking for a decision: the internal listener of a server, or the store, through the same
//! routes.

use claviger_web::{Options, Web, router};
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::ServiceExt;

use crate::exit::{Exit, Failure};
use crate::store::Store;

const PATH: &str = "/v1/verify";

/// The decision about `question` by what is in the store, which has to be loaded before.
///
/// # Errors
/// The question is not acceptable.
pub(crate) async fn in_store(store: &Store, question: &Value) -> Result<Value, Failure> {
    let web = Web::new(store.app.clone(), Options::default());
    let body = Full::from(question.to_string());
    let request = Request::post(PATH)
        .header("content-type", "application/json")
        .body(body)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let Ok(response) = router::internal(web).oneshot(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    answered(status, &body.to_bytes())
}

/// The object that a server answered with, or what its refusal says.
///
/// # Errors
/// The refusal, or an answer that is none of ours.
pub(crate) fn answered(status: u16, body: &[u8]) -> Result<Value, Failure> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    // A node that cannot decide says so with 503, and with a decision.
    let is_decision = value
        .as_ref()
        .is_some_and(|value| value.get("allowed").is_some());
    if let Some(value) = &value
        && (is_decision || (200..300).contains(&status))
    {
        return Ok(value.clone());
    }
    let error = value.as_ref().and_then(|value| value.get("error"));
    let member = |name: &str| {
        error
            .and_then(|error| error.get(name))
            .and_then(Value::as_str)
    };
    let reason = member("reason").and_then(claviger_model::Reason::parse);
    let (Some(message), Some(reason)) = (member("message"), reason) else {
        let message = format!("the answer (status {status}) is not one of Claviger");
        return Err(Failure::new(Exit::Failed, message).hint("look at the URL"));
    };
    Err(Failure::new(Exit::from(reason), message).hint(reason.refusal().remedy))
}
