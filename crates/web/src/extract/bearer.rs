//! The credential of a request (RFC 6750 section 2.1, RFC 9449 section 7.1): one `Authorization`
//! header with `Bearer` or `DPoP`, and nothing in the query string.

use claviger_model::{Reason, secret};
use claviger_verify::possession::{RequestUrl, Scheme, Sent};
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

/// A credential and how it was sent.
#[derive(Clone, Copy)]
pub struct SentCredential<'a> {
    /// The credential.
    pub text: &'a str,
    scheme: Scheme,
    proof: Option<&'a str>,
}

impl<'a> SentCredential<'a> {
    /// How it was sent, in a request to this address.
    pub fn sent_to(self, url: RequestUrl<'a>) -> Sent<'a> {
        Sent {
            scheme: self.scheme,
            proof: self.proof,
            url,
        }
    }
}

/// The credential; none when there is no `Authorization` header.
pub fn credential(headers: &HeaderMap) -> Result<Option<SentCredential<'_>>, Failure> {
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
    let (word, credential) = text.split_once(' ').ok_or_else(unusable)?;
    let credential = credential.trim_matches(' ');
    let scheme = Scheme::parse(word).filter(|_| !credential.is_empty());
    let scheme = scheme.ok_or_else(unusable)?;
    if credential.contains([' ', ',']) {
        let message = "The Authorization header holds more than one credential. Send one.";
        return Err(Failure::ambiguous(message));
    }
    Ok(Some(SentCredential {
        text: credential,
        scheme,
        proof: match scheme {
            Scheme::Bearer => None,
            Scheme::Dpop => proof(headers).map_err(|Several| Failure::several_proofs())?,
        },
    }))
}

/// More than one `DPoP` header.
#[derive(Clone, Copy, Debug)]
pub struct Several;

/// The proof of possession of a request (RFC 9449 section 4.1): its one `DPoP` header.
pub fn proof(headers: &HeaderMap) -> Result<Option<&str>, Several> {
    let mut values = headers.get_all("dpop").iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Several);
    }
    // What is no text is no proof either, and is told so.
    Ok(value.map(|value| value.to_str().unwrap_or_default()))
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
        for (value, text, scheme) in [
            ("bearer  ck_x", "ck_x", Scheme::Bearer),
            ("dpop a.b.c", "a.b.c", Scheme::Dpop),
        ] {
            let headers = headers(&[value]);
            let found = credential(&headers).unwrap().unwrap();
            assert_eq!((found.text, found.scheme), (text, scheme));
        }
        assert!(credential(&headers(&[])).unwrap().is_none());
        for (values, reason) in [
            (&["Bearer a", "Bearer b"][..], Reason::Malformed),
            (&["Bearer a, Bearer b"], Reason::Malformed),
            (&["Bearer "], Reason::CredentialMissing),
            (&["Basic dTpw"], Reason::CredentialMissing),
            (&["ck_live_x"], Reason::CredentialMissing),
        ] {
            let refused = credential(&headers(values)).err();
            let found = refused.map(|failure| failure.reason);
            assert_eq!(found, Some(reason), "{values:?}");
        }
    }

    #[test]
    fn one_proof_is_taken_beside_a_bound_token_alone() {
        let with = |scheme: &'static str, proofs: &[&'static str]| {
            let mut headers = headers(&[scheme]);
            for proof in proofs {
                headers.append("dpop", HeaderValue::from_static(proof));
            }
            credential(&headers).map(|found| found.and_then(|found| found.proof.map(str::to_owned)))
        };
        assert_eq!(with("DPoP t", &["p"]).unwrap().as_deref(), Some("p"));
        assert_eq!(with("DPoP t", &[]).unwrap(), None);
        assert_eq!(with("Bearer t", &["p", "q"]).unwrap(), None);
        let refused = with("DPoP t", &["p", "q"]).unwrap_err();
        assert_eq!(refused.proof.unwrap().error, "invalid_dpop_proof");
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
