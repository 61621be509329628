//! The authorization endpoint (RFC 6749 section 4.1, RFC 9700, RFC 9207): what an app asks for,
//! what a user allows, and the code that comes of it.
//!
//! 1. [`read`] checks the request. It is read again in each step: nothing is kept between them.
//! 2. [`next`] says what the user is to be asked, or that nothing is.
//! 3. [`allow`] and [`deny`] carry out what the user says.

mod allow;
mod error;
mod failures;
mod parameters;
mod pushed;
mod request;
mod step;

pub(super) use allow::allow_device;
pub use allow::{Agreement, allow, deny};
pub use error::{AuthorizeError, PageProblem, RedirectError};
pub use failures::note_failure;
pub(crate) use failures::{FailureLimits, purge};
pub use parameters::AuthorizationParameters;
pub use request::{AuthorizationRequest, Prompt, Way, read};
pub use step::{AccountChoice, ConsentQuestion, Maker, Step, next};
