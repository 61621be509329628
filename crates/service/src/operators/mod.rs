//! Operators: the users who run the instance.

mod add;
mod list;

use claviger_model::UnixMillis;
use claviger_model::ids::UserId;

pub use add::{NewOperator, add};
pub use list::list;

/// An operator as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedOperator {
    /// The user.
    pub user_id: UserId,
    /// The user's address.
    pub email: String,
    /// Since when the user may sign in nowhere.
    pub suspended_at: Option<UnixMillis>,
    /// Since when an operator.
    pub created_at: UnixMillis,
}
