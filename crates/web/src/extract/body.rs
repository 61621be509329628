//! JSON bodies: strict, and with the member named when something is wrong.

use axum::body::{Body, Bytes};
use axum::extract::FromRequest;
use claviger_model::Reason;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::Failure;
use crate::server::read_body;
use crate::state::Web;

/// A JSON body, with the bytes that it was read from.
pub struct Json<T> {
    /// The members.
    pub value: T,
    /// The body as it was sent.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Web> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _web: &Web) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        // An absent body is an empty object: required members are then named one by one.
        let bytes = read_body(body).await?;
        if !bytes.is_empty() {
            check_content_type(&parts.headers)?;
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value = parse(text)?;
        Ok(Self { value, bytes })
    }
}

/// Reads JSON; what is wrong is told by member.
pub fn parse<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        failure(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| failure(".", &error))?;
    Ok(value)
}

fn failure(path: &str, error: &serde_json::Error) -> Failure {
    if error.classify() != Category::Data {
        let message = format!(
            "The body is not JSON: line {}, column {}: {}.",
            error.line(),
            error.column(),
            sentence(error)
        );
        return Failure::because(Reason::Malformed, message);
    }
    let sentence = sentence(error);
    for (start, told) in [
        ("unknown field `", "is not a member of this request"),
        ("missing field `", "is required"),
        ("duplicate field `", "stands twice"),
    ] {
        let rest = sentence
            .strip_prefix(start)
            .and_then(|rest| rest.split_once('`'));
        if let Some((name, rest)) = rest {
            let member = join(path, name);
            let expected = rest
                .strip_prefix(", expected ")
                .filter(|_| start.starts_with('u'));
            let told = expected.map_or_else(
                || told.to_owned(),
                |expected| format!("{told}; it takes {}", expected.replace('`', "")),
            );
            return Failure::field(&member, told);
        }
    }
    let member = if path == "." { "body" } else { path };
    Failure::field(member, format!("has a wrong type: {sentence}"))
}

/// The member `name` of what is at `path`, which may name the member itself already.
fn join(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// serde's sentence without its position.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = value
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        Ok(())
    } else {
        Err(Failure::new(Reason::UnsupportedMediaType))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::keys::shapes::NewKey;

    fn wrong(text: &str) -> (Reason, Vec<(String, String)>) {
        let failure = parse::<NewKey>(text.as_bytes()).err().unwrap();
        (failure.reason, failure.fields.into_iter().collect())
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(wrong("{").0, Reason::Malformed);
        assert_eq!(wrong("{\"name\":\"x\"} x").0, Reason::Malformed);
        for (text, member) in [
            ("{\"name\":1}", "name"),
            ("{\"name\":\"x\",\"colour\":1}", "colour"),
            ("{\"name\":\"x\",\"name\":\"y\"}", "name"),
            (
                "{\"name\":\"x\",\"rate_limit\":{\"limit\":-1}}",
                "rate_limit.limit",
            ),
            ("{\"name\":\"x\",\"rate_limit\":{}}", "rate_limit.limit"),
            (
                "{\"name\":\"x\",\"rate_limit\":{\"limit\":1,\"x\":1}}",
                "rate_limit.x",
            ),
            ("[]", "body"),
        ] {
            let (reason, fields) = wrong(text);
            assert_eq!(
                (reason, fields[0].0.as_str()),
                (Reason::Validation, member),
                "{text}"
            );
        }
    }
}
