//! What handlers take: the caller, the body, the query. Each refuses what is not acceptable, so
//! that a handler cannot forget.

pub mod bearer;
pub mod body;
pub mod caller;
pub mod conditional;
pub mod idempotency;
pub mod origin;
pub mod page;

pub use body::Json;
pub use caller::{KeyManager, Principal, Session};
pub use conditional::{IfMatch, etag};
pub use idempotency::Idempotent;
pub use origin::{Origin, user_agent};
pub use page::{Id, Ids, Paging, Query};
