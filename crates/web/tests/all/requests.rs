//! Requests and answers of the tests.

use std::net::IpAddr;

use axum::body::Body;
use claviger_model::Reason;
use claviger_web::server::Peer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request};
use serde_json::Value;

/// A request about to be sent.
pub(crate) struct Call {
    pub(crate) request: http::request::Builder,
    pub(crate) body: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn get(path: &str) -> Call {
    call(Method::GET, path)
}

pub(crate) fn delete(path: &str) -> Call {
    call(Method::DELETE, path)
}

pub(crate) fn post(path: &str, body: &Value) -> Call {
    call(Method::POST, path).json(body)
}

pub(crate) fn patch(path: &str, body: &Value) -> Call {
    call(Method::PATCH, path).json(body)
}

pub(crate) fn call(method: Method, path: &str) -> Call {
    Call {
        request: Request::builder().method(method).uri(path),
        body: Vec::new(),
    }
}

impl Call {
    pub(crate) fn by(self, credential: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {credential}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// A header that is no text.
    pub(crate) fn bytes_header(mut self, name: &str, value: &[u8]) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// From this address instead of the one that all of them share.
    pub(crate) fn at_address(mut self, address: IpAddr) -> Self {
        self.request = self.request.extension(Peer((address, 4711).into()));
        self
    }

    /// A body as it is, without a content type.
    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json")
            .raw(body.to_string())
    }

    pub(crate) fn into_request(self) -> Request<Body> {
        self.request.body(Body::from(self.body)).expect("a request")
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The error of a refusal for this reason, in the envelope and with the headers of the
    /// contract.
    #[track_caller]
    pub(crate) fn refused(&self, reason: Reason) -> Value {
        let row = reason.refusal();
        let error = self.json()["error"].clone();
        let found = (self.status, error["reason"].as_str().unwrap_or_default());
        assert_eq!(found, (row.status, row.name), "{self:?}");
        assert_eq!(error["code"], row.code, "{self:?}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert_eq!(error["request_id"], self.header("request-id"), "{self:?}");
        let docs_url = error["docs_url"].as_str().unwrap_or_default();
        assert!(
            docs_url.ends_with(&format!("/docs/errors/{}", row.name)),
            "{docs_url}"
        );
        if row.status == 401 {
            let challenge = self.header(WWW_AUTHENTICATE.as_str());
            assert!(challenge.starts_with("Bearer"), "{challenge}");
        }
        if matches!(row.status, 429 | 503) {
            let seconds: u32 = self.header("retry-after").parse().expect("seconds");
            assert!(seconds > 0, "{self:?}");
        }
        error
    }

    /// A refusal of members of the body or the query: exactly these.
    #[track_caller]
    pub(crate) fn refused_members(&self, members: &[&str]) {
        let error = self.refused(Reason::Validation);
        let fields = error["fields"].as_object().expect("fields");
        let found: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(found, members, "{self:?}");
    }
}
