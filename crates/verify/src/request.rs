//! What is asked of `decide`.

use std::fmt;
use std::net::IpAddr;

use claviger_model::Environment;

use crate::possession::Sent;

/// Which API a request is for.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The default one.
    Default,
    /// The one with this audience.
    Audience(&'a str),
    /// The one whose base URL this `Host` and the path are under.
    Host(&'a str),
}

/// One request, as the caller describes it. Its `Debug` says whether there is a credential, never
/// which.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The credential; none when none was sent.
    pub credential: Option<&'a str>,
    /// The API.
    pub target: Target<'a>,
    /// Which data; absent: by the host where it is known, else live.
    pub environment: Option<Environment>,
    /// The HTTP method; absent: only routes for every method match.
    pub method: Option<&'a str>,
    /// The path without query; absent: routes are not checked.
    pub path: Option<&'a str>,
    /// Scopes that the caller asks for beside the route's.
    pub scopes: &'a [&'a str],
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// How the credential was sent.
    pub sent: Sent<'a>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("has_credential", &self.credential.is_some())
            .field("target", &self.target)
            .field("environment", &self.environment)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("scopes", &self.scopes)
            .field("ip", &self.ip)
            .field("sent", &self.sent)
            .finish()
    }
}
