//! API keys: the list, a new one, one of them, its end.

pub mod fields;
pub mod list;
pub mod new;
pub mod revoke;
pub mod show;

use claviger_service::settings::Labels;

use super::Portal;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/keys";

/// What people call things.
fn labels(portal: &Portal) -> &Labels {
    &portal.web.app().settings().portal.labels
}

/// The list of the environment, and what it is called: where the pages of a key lead back to.
fn back(portal: &Portal) -> (String, String) {
    (portal.href(PATH), labels(portal).api_keys.clone())
}
