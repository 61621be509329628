//! Why something was not fetched.

use std::error::Error;

use super::resolver::NotPublic;

/// Why something was not fetched; a sentence for whoever named the address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is none that is asked.
    #[error("The address {0}.")]
    Address(&'static str),
    /// An address of the host is not public.
    #[error(
        "The address leads into a network from which nothing is fetched. It has to be public; the \
         operator can allow a network with oauth.fetch_networks."
    )]
    Forbidden,
    /// Nobody answered.
    #[error("The server cannot be reached, or its certificate is not trusted.")]
    Unreachable,
    /// It took too long.
    #[error("The server took too long to answer.")]
    TooLate,
    /// Another answer than 200; a redirect too.
    #[error("The server answered {0}; it has to answer 200, without a redirect.")]
    Status(u16),
    /// The body is of another type.
    #[error("The server answered with another content type than application/json.")]
    NotJson,
    /// The body is too large.
    #[error("The server answered with more than {0} bytes.")]
    TooLarge(usize),
    /// Too many are being fetched.
    #[error("Too many addresses are being fetched just now. Try again in a moment.")]
    Busy,
    /// This node cannot fetch anything.
    #[error("This instance cannot fetch anything. Ask its operator to look at the log.")]
    Unavailable,
}

impl FetchError {
    /// What became of a request.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(inner) = cause {
            if inner.is::<NotPublic>() {
                return Self::Forbidden;
            }
            cause = inner.source();
        }
        tracing::debug!(%error, "an address could not be fetched");
        Self::Unreachable
    }
}
