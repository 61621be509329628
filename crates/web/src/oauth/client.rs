//! Who asks at an OAuth endpoint (RFC 6749 section 2.3): one extractor for all of them, which reads
//! the request strictly and finds exactly one way in which the client proves who it is.

use axum::body::Body;
use axum::extract::FromRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use claviger_model::clients::ClientAuthMethod;
use claviger_model::secret;
use claviger_service::oauth::{
    self, Client, ClientCredentials, ClientProof, ErrorCode, SentProof, Source,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Uri};
use zeroize::Zeroizing;

use super::cors::Asker;
use super::request::{Parameters, Unreadable, decode, parse};
use crate::error::{Failure, OAuthFailure};
use crate::extract::Origin;
use crate::server::read_body;
use crate::state::Web;

/// How a client sends a JWT that it signed (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Parameters that belong into the body, by which people send credentials where they get logged.
const BODY_NAMES: [&str; 10] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "token",
    "access_token",
    "refresh_token",
    "code",
    "assertion",
    "username",
    "password",
];

/// A request to an endpoint that asks clients who they are.
pub struct ClientRequest {
    /// Its parameters.
    pub parameters: Parameters,
    source: Source,
    header: Header,
    path: String,
    /// The `DPoP` headers, of which there has to be one at most.
    proofs: Vec<HeaderValue>,
}

/// The `Authorization` header.
enum Header {
    Absent,
    Basic {
        client_id: String,
        secret: Zeroizing<String>,
    },
    /// Something else, with what to say about it.
    Unusable(&'static str),
}

impl FromRequest<Web> for ClientRequest {
    type Rejection = OAuthFailure;

    async fn from_request(request: Request<Body>, web: &Web) -> Result<Self, OAuthFailure> {
        let (parts, body) = request.into_parts();
        let origin = Origin::of(&parts.extensions, &parts.headers, web);
        refuse_in_query(&parts.uri)?;
        let header = Header::of(&parts.headers)?;
        let bytes = read_body(body)
            .await
            .map_err(|error| OAuthFailure::from(&Failure::from(error)))?;
        let parameters = parse(content_type(&parts.headers)?, &bytes)?;
        if let (Some(asker), Some(id)) =
            (parts.extensions.get::<Asker>(), parameters.get("client_id"))
        {
            asker.note(id);
        }
        let user_agent = parts.headers.get(USER_AGENT);
        let source = Source {
            ip: origin.ip,
            request_id: Some(origin.request_id),
            user_agent: user_agent.and_then(|value| value.to_str().ok().map(str::to_owned)),
        };
        Ok(Self {
            parameters,
            source,
            header,
            path: parts.uri.path().to_owned(),
            proofs: parts.headers.get_all("dpop").iter().cloned().collect(),
        })
    }
}

impl ClientRequest {
    /// The client, once it has proved who it is.
    pub async fn client(&self, web: &Web) -> Result<Client, OAuthFailure> {
        let has = |name: &str| self.parameters.get(name).is_some();
        let is_in_body =
            matches!(self.header, Header::Absent) && (has("client_id") || has("client_assertion"));
        self.authenticated(web).await.map_err(|failure| {
            if is_in_body {
                failure.without_challenge()
            } else {
                failure
            }
        })
    }

    /// The thumbprint of the key that the client proved to hold (RFC 9449 section 5), if it sent a
    /// proof of that.
    pub async fn key(&self, web: &Web, client: &Client) -> Result<Option<String>, OAuthFailure> {
        let proof = match &*self.proofs {
            [] => SentProof::None,
            // What is no text is no proof either, and is told so.
            [proof] => SentProof::One(proof.to_str().unwrap_or_default()),
            _ => SentProof::Several,
        };
        Ok(oauth::prove(web.app(), client, proof, &self.path).await?)
    }

    /// A parameter that has to be there.
    pub fn required(&self, name: &str) -> Result<&str, OAuthFailure> {
        self.parameters.get(name).ok_or_else(|| {
            OAuthFailure::invalid_request(format!("The parameter {name} is missing."))
        })
    }

    async fn authenticated(&self, web: &Web) -> Result<Client, OAuthFailure> {
        let credentials = self.credentials()?;
        let source = self.source.clone();
        Ok(oauth::authenticate(web.app(), &credentials, source).await?)
    }

    fn credentials(&self) -> Result<ClientCredentials, OAuthFailure> {
        let id = self.parameters.get("client_id");
        let secret = self.parameters.get("client_secret");
        let assertion = self.parameters.get("client_assertion");
        let has_header = !matches!(self.header, Header::Absent);
        if [has_header, secret.is_some(), assertion.is_some()]
            .into_iter()
            .filter(|has| *has)
            .count()
            > 1
        {
            return Err(OAuthFailure::invalid_request(
                "The client authenticates in more than one way. Send its id and secret in the \
                 Authorization header or in the body, not both.",
            ));
        }
        match (&self.header, id, secret) {
            (Header::Unusable(told), ..) => Err(invalid_client(told)),
            (
                Header::Basic {
                    client_id,
                    secret: sent,
                },
                id,
                _,
            ) => {
                if id.is_some_and(|id| id != client_id) {
                    return Err(OAuthFailure::invalid_request(
                        "The client_id of the body is not the one of the Authorization header.",
                    ));
                }
                Ok(ClientCredentials {
                    client_id: Some(client_id.clone()),
                    proof: ClientProof::Secret {
                        secret: sent.clone(),
                        method: ClientAuthMethod::Basic,
                    },
                })
            }
            (Header::Absent, Some(id), Some(secret)) => Ok(ClientCredentials {
                client_id: Some(id.to_owned()),
                proof: ClientProof::Secret {
                    secret: Zeroizing::new(secret.to_owned()),
                    method: ClientAuthMethod::Post,
                },
            }),
            (Header::Absent, id, None) if let Some(assertion) = assertion => {
                let assertion_type = self.parameters.get("client_assertion_type");
                if assertion_type != Some(ASSERTION_TYPE) {
                    return Err(invalid_client(
                        "client_assertion_type is missing or not supported. Send \
                         urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
                    ));
                }
                Ok(ClientCredentials {
                    client_id: id.map(str::to_owned),
                    proof: ClientProof::Assertion(Zeroizing::new(assertion.to_owned())),
                })
            }
            (Header::Absent, Some(id), None) => Ok(ClientCredentials {
                client_id: Some(id.to_owned()),
                proof: ClientProof::None,
            }),
            (Header::Absent, None, _) => Err(invalid_client(
                "The client does not authenticate. Send its id and secret as client_id and \
                 client_secret in the body, or in the header Authorization: Basic.",
            )),
        }
    }
}

impl Header {
    fn of(headers: &HeaderMap) -> Result<Self, OAuthFailure> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Absent);
        };
        if values.next().is_some() {
            return Err(OAuthFailure::invalid_request(
                "Two Authorization headers were sent. Send one.",
            ));
        }
        let (scheme, rest) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("basic") {
            return Ok(Self::Unusable(
                "The client does not authenticate: the Authorization header has to be Basic.",
            ));
        }
        let pair = basic(rest.trim_matches(' '));
        let basic = pair.map(|(client_id, secret)| Self::Basic { client_id, secret });
        Ok(basic.unwrap_or(Self::Unusable(
            "The Authorization header is not Basic with the base64 of client_id:client_secret.",
        )))
    }
}

/// Id and secret, each encoded as in a form, with a colon between (RFC 6749 section 2.3.1).
pub fn basic(encoded: &str) -> Option<(String, Zeroizing<String>)> {
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (id, secret) = (&bytes[..colon], &bytes[colon + 1..]);
    Some((decode(id).ok()?.to_string(), decode(secret).ok()?))
}

fn content_type(headers: &HeaderMap) -> Result<Option<&str>, OAuthFailure> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(OAuthFailure::invalid_request(
            "Two Content-Type headers were sent. Send one.",
        ));
    }
    Ok(first.map(|value| value.to_str().unwrap_or_default()))
}

/// Refuses what belongs into the body (RFC 6749 section 2.3.1); other queries are ignored.
fn refuse_in_query(uri: &Uri) -> Result<(), OAuthFailure> {
    let query = uri.query().unwrap_or_default();
    let belongs_elsewhere = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(name.as_bytes());
        let named = decoded.is_ok_and(|name| BODY_NAMES.contains(&name.as_str()));
        named || secret::parse(value).is_ok() || secret::parse(name).is_ok()
    };
    if !query.split('&').any(belongs_elsewhere) {
        return Ok(());
    }
    Err(OAuthFailure::invalid_request(
        "Parameters belong into the body, because addresses get logged. Treat a secret that was \
         in the query string as leaked.",
    ))
}

fn invalid_client(description: &str) -> OAuthFailure {
    OAuthFailure::because(ErrorCode::InvalidClient, description)
}

impl From<Unreadable> for OAuthFailure {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::MediaType => Self::media_type(why.to_string()),
            Unreadable::Invalid(sentence) => Self::invalid_request(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_decoded_as_a_form_is() {
        // "a%3Ab:c%2Bd+e"
        let Some((client_id, secret)) = basic("YSUzQWI6YyUyQmQrZQ==") else {
            panic!("not read");
        };
        assert_eq!((client_id.as_str(), secret.as_str()), ("a:b", "c+d e"));
        // No colon, a bare %, no UTF-8, no padding, bits that are left over, no base64.
        for broken in [
            "bm9jb2xvbg==",
            "YTol",
            "Ov8=",
            "OmI",
            "OmJ=",
            "!",
            "OmI=OmI=",
        ] {
            assert!(basic(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn what_belongs_into_the_body_is_refused_in_the_query() {
        let refused = |query: &str| {
            let uri: Uri = format!("/oauth/token?{query}").parse().unwrap();
            refuse_in_query(&uri).is_err()
        };
        let random = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let secret = secret::Plaintext::mint("cs_live_", &random).unwrap();
        assert!(refused("client_secret=x"));
        assert!(refused("a=b&client%5Fid=x"));
        assert!(refused("token"));
        assert!(refused(&format!("x={}", secret.expose())));
        assert!(!refused("utm=1&grant_type=client_credentials"));
        assert!(!refused(""));
    }
}
