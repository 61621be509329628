//! What pages load for the brand of the instance: a stylesheet with its accents, and its logo. They
//! are made once, at start, and served like the [`super::assets`] of the binary.

use axum::response::{IntoResponse, Response};
use claviger_service::branding::{Accents, Brand, Logo, LogoFormat};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::assets::{FOR_EVER, fnv1a};

/// A picture that is opened by itself is a document: this one may do nothing at all.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// What is loaded for the brand.
pub(crate) struct BrandAssets {
    stylesheet: Option<Made>,
    logo: Option<Made>,
}

/// A file that was made at start.
struct Made {
    name: String,
    content: Vec<u8>,
    content_type: &'static str,
    is_picture: bool,
}

impl BrandAssets {
    /// The files of a brand.
    pub(crate) fn new(brand: &Brand, logo: Option<&Logo>) -> Self {
        let stylesheet = brand.accents.as_ref().map(|accents| {
            let content = stylesheet(accents).into_bytes();
            Made::new(content, "css", "text/css", false)
        });
        let logo = logo.map(|logo| {
            let (extension, content_type) = match logo.format() {
                LogoFormat::Svg => ("svg", "image/svg+xml"),
                LogoFormat::Png => ("png", "image/png"),
            };
            Made::new(logo.content().to_vec(), extension, content_type, true)
        });
        Self { stylesheet, logo }
    }

    /// Where the stylesheet is, without the issuer's path.
    pub(super) fn stylesheet(&self) -> Option<String> {
        self.stylesheet.as_ref().map(Made::path)
    }

    /// Where the logo is, without the issuer's path, and its type.
    pub(super) fn logo(&self) -> Option<(String, &'static str)> {
        let logo = self.logo.as_ref();
        logo.map(|logo| (logo.path(), logo.content_type))
    }

    /// The file of this name.
    pub(super) fn answer(&self, name: &str) -> Option<Response> {
        let files = self.stylesheet.iter().chain(&self.logo);
        let made = { files }.find(|made| made.name == name)?;
        let mut response = made.content.clone().into_response();
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static(made.content_type);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, FOR_EVER);
        if made.is_picture {
            let policy = HeaderValue::from_static(PICTURE_POLICY);
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        Some(response)
    }
}

impl Made {
    fn new(
        content: Vec<u8>,
        extension: &str,
        content_type: &'static str,
        is_picture: bool,
    ) -> Self {
        Self {
            name: format!("{:016x}.{extension}", fnv1a(&content)),
            content,
            content_type,
            is_picture,
        }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// The variables of `look.css` that an accent sets, for both themes.
fn stylesheet(Accents { light, dark }: &Accents) -> String {
    format!(
        ":root {{\n  --accent: light-dark({}, {});\n  --accent-ink: light-dark({}, {});\n  \
         --accent-soft: light-dark({}, {});\n}}\n",
        light.colour, dark.colour, light.ink, dark.ink, light.soft, dark.soft
    )
}

#[cfg(test)]
mod tests {
    use claviger_service::branding::Theme;

    #[test]
    fn accents_are_checked_against_the_surfaces_of_the_stylesheet() {
        let look = include_str!("look.css");
        let (light, dark) = (Theme::Light.surfaces(), Theme::Dark.surfaces());
        for ((name, light), (_, dark)) in light.into_iter().zip(dark) {
            let line = format!("--{name}: light-dark({light}, {dark});");
            assert!(look.contains(&line), "{line}");
        }
    }
}
