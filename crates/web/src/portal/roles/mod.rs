//! Roles: the built-in ones and those that the account makes.

pub mod delete;
pub mod fields;
pub mod list;
pub mod one;

use super::Portal;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/roles";

/// The list: where the pages of a role lead back to.
fn back(portal: &Portal) -> (String, String) {
    (portal.href(PATH), "Roles".to_owned())
}
