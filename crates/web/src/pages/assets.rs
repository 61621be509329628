//! What pages load: a stylesheet, an icon and scripts, in the binary. Their paths carry a hash of
//! their content, so that browsers may keep them for ever.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::squeeze::{squeezed, squeezed_length};
use crate::error::Failure;
use crate::state::Web;

/// For ever: another content has another path (RFC 8246).
pub(super) const FOR_EVER: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// The stylesheet of every page, as it is written.
const WRITTEN: &str = concat!(
    include_str!("look.css"),
    include_str!("sheets.css"),
    include_str!("portal.css"),
    include_str!("evidence.css")
);
const SQUEEZED: &[u8] = &squeezed::<{ squeezed_length(WRITTEN) }>(WRITTEN);
/// The stylesheet of every page.
pub(super) const STYLESHEET: Asset = Asset::new(
    match str::from_utf8(SQUEEZED) {
        Ok(text) => text,
        Err(_) => WRITTEN,
    },
    "css",
    "text/css",
);
/// The icon of every page.
pub(super) const ICON: Asset = Asset::new(include_str!("icon.svg"), "svg", "image/svg+xml");

/// What pages do more than they would without a script: ES modules.
const SCRIPTS: [Asset; 4] = [
    script(include_str!("../../assets/copy.js")),
    script(include_str!("../../assets/choose.js")),
    script(include_str!("../../assets/filter.js")),
    script(include_str!("../../assets/guard.js")),
];

/// The paths of the scripts of every page of the portal, with the issuer's.
pub(crate) fn scripts(web: &Web) -> Vec<String> {
    let prefix = web.issuer_path();
    let paths = SCRIPTS
        .iter()
        .map(|script| format!("{prefix}{}", script.path()));
    paths.collect()
}

const fn script(content: &'static str) -> Asset {
    Asset::new(content, "js", "text/javascript")
}

/// A file in the binary.
pub(super) struct Asset {
    content: &'static str,
    hash: u64,
    extension: &'static str,
    content_type: &'static str,
}

impl Asset {
    const fn new(
        content: &'static str,
        extension: &'static str,
        content_type: &'static str,
    ) -> Self {
        Self {
            content,
            hash: fnv1a(content.as_bytes()),
            extension,
            content_type,
        }
    }

    /// Where it is served, without the issuer's path.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.name())
    }

    fn name(&self) -> String {
        format!("{:016x}.{}", self.hash, self.extension)
    }
}

/// Serves a file by the name that [`Asset::path`] gives it.
pub async fn show(State(web): State<Web>, Path(name): Path<String>) -> Result<Response, Failure> {
    if let Some(response) = web.brand().answer(&name) {
        return Ok(response);
    }
    let mut assets = [STYLESHEET, ICON].into_iter().chain(SCRIPTS);
    let asset = assets.find(|asset| asset.name() == name);
    let asset = asset.ok_or_else(|| Failure::new(Reason::NotFound))?;
    let mut response = asset.content.into_response();
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(asset.content_type);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, FOR_EVER);
    Ok(response)
}

/// The FNV-1a hash. It tells versions of our own files apart, and nobody else's.
pub(super) const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash ^= bytes[at] as u64;
        hash = hash.wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
