//! `/account`: one's own settings, in every account alike.

mod browsers;
pub mod password;
pub mod sessions;
pub mod show;
pub mod switch;

use super::Portal;

/// The path of the page, without the issuer's.
pub(super) const PATH: &str = "/account";

/// The page: where the others lead back to.
fn back(portal: &Portal) -> (String, String) {
    let labels = &portal.web.app().settings().portal.labels;
    (portal.href(PATH), labels.account_settings.clone())
}
