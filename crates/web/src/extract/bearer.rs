//! The credential of a request (RFC 6750 section 2.1): one `Authorization: Bearer` header, and
//! nothing in the query string.

use claviger_model::{Reason, secret};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use crate::error::Failure;

/// Parameters by which people send credentials where they get logged.
const QUERY_NAMES: [&str; 6] = [
    "access_token",
    "api_key",
    "apikey",
    "token",
    "session_token",
    "authorization",
];

/// The credential; none when there is no `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        let message = "Two Authorization headers were sent. Send one.";
        return Err(Failure::ambiguous(message));
    }
    let unusable = || {
        let message = "The Authorization header must be: Bearer <credential>.";
        Failure::because(Reason::CredentialMissing, message)
    };
    let text = value.to_str().map_err(|_| unusable())?;
    let (scheme, credential) = text.split_once(' ').ok_or_else(unusable)?;
    let credential = credential.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || credential.is_empty() {
        return Err(unusable());
    }
    if credential.contains([' ', ',']) {
        let message = "The Authorization header holds more than one credential. Send one.";
        return Err(Failure::ambiguous(message));
    }
    Ok(Some(credential))
}

/// Refuses a credential in the query string, where servers and proxies log it.
pub fn refuse_in_query(uri: &Uri) -> Result<(), Failure> {
    let Some(query) = uri.query() else {
        return Ok(());
    };
    let mut pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let found = pairs.any(|(name, value)| {
        let named = QUERY_NAMES
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        named || secret::parse(value).is_ok() || secret::parse(name).is_ok()
    });
    if !found {
        return Ok(());
    }
    let message = "Credentials in the query string are refused, because addresses get logged. \
                   Treat this one as leaked, and send credentials in the header \
                   Authorization: Bearer <credential>.";
    Err(Failure::because(Reason::CredentialMissing, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let pairs = values
            .iter()
            .map(|v| (AUTHORIZATION, HeaderValue::from_static(v)));
        pairs.collect()
    }

    #[test]
    fn one_bearer_header_is_taken_and_all_else_refused() {
        assert_eq!(bearer(&headers(&["bearer  ck_x"])).unwrap(), Some("ck_x"));
        assert_eq!(bearer(&headers(&[])).unwrap(), None);
        for (values, reason) in [
            (&["Bearer a", "Bearer b"][..], Reason::Malformed),
            (&["Bearer a, Bearer b"], Reason::Malformed),
            (&["Bearer "], Reason::CredentialMissing),
            (&["Basic dTpw"], Reason::CredentialMissing),
            (&["ck_live_x"], Reason::CredentialMissing),
        ] {
            assert_eq!(
                bearer(&headers(values)).unwrap_err().reason,
                reason,
                "{values:?}"
            );
        }
    }

    #[test]
    fn credentials_in_the_query_are_refused() {
        let random = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let secret = claviger_model::secret::Plaintext::mint("ck_live_", &random).unwrap();
        let refused = |uri: String| refuse_in_query(&uri.parse().unwrap()).is_err();
        assert!(refused("/v1/leads?access_token=x".into()));
        assert!(refused(format!("/v1/leads?page=2&k={}", secret.expose())));
        assert!(!refused("/v1/leads?page=2&name=token".into()));
        assert!(!refused("/v1/leads".into()));
    }
}
