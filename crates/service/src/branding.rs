//! What the instance looks like where it has a brand of its own: one accent for each theme, and a
//! logo.

use claviger_model::colours::{Colour, READABLE_CONTRAST};

/// How large a logo may be, in bytes: every page loads it once.
pub const LOGO_BYTES_MAX: usize = 24 * 1024;
/// How many pixels a PNG may be wide and high.
const LOGO_PIXELS_MAX: u32 = 1_024;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// How an instance shows whose it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Brand {
    /// The accents of both themes; none are the stylesheet's own.
    pub accents: Option<Accents>,
    /// Where people find help.
    pub support: Option<Support>,
}

/// Where people find help.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Support {
    /// A page.
    Page(String),
    /// An address for mail.
    Mail(String),
}

impl Support {
    /// The address of a link.
    pub fn href(&self) -> String {
        match self {
            Self::Page(url) => url.clone(),
            Self::Mail(address) => format!("mailto:{address}"),
        }
    }
}

/// The accents of both themes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accents {
    /// For the light theme.
    pub light: Accent,
    /// For the dark theme.
    pub dark: Accent,
}

/// An accent and the two colours that go with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accent {
    /// Links, what is chosen, the button that matters.
    pub colour: Colour,
    /// Text on the accent.
    pub ink: Colour,
    /// The surface of what is chosen, below text in the accent.
    pub soft: Colour,
}

/// The light and the dark theme of the stylesheet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// Dark text on light surfaces.
    Light,
    /// Light text on dark surfaces.
    Dark,
}

impl Theme {
    /// Every surface of the stylesheet on which text in the accent can stand, by its name there.
    pub const fn surfaces(self) -> [(&'static str, Colour); 6] {
        let [paper, surface, sunken, good, warn, bad] = match self {
            Self::Light => [
                0xfb_fb_fa, 0xff_ff_ff, 0xf4_f4_f2, 0xe7_f5_ec, 0xfd_f3_e1, 0xfd_ec_ea,
            ],
            Self::Dark => [
                0x10_11_13, 0x17_18_1b, 0x1d_1f_23, 0x12_29_1e, 0x2e_24_13, 0x33_1a_19,
            ],
        };
        [
            ("paper", Colour::rgb(paper)),
            ("surface", Colour::rgb(surface)),
            ("sunken", Colour::rgb(sunken)),
            ("good-soft", Colour::rgb(good)),
            ("warn-soft", Colour::rgb(warn)),
            ("bad-soft", Colour::rgb(bad)),
        ]
    }

    /// Text on the accent.
    pub const fn accent_ink(self) -> Colour {
        match self {
            Self::Light => Colour::WHITE,
            Self::Dark => Colour::rgb(0x0e_12_22),
        }
    }

    /// What soft surfaces are made from, and how much of the accent goes in, in percent.
    const fn softening(self) -> (Colour, u8) {
        match self {
            Self::Light => (Colour::WHITE, 8),
            Self::Dark => (Colour::rgb(0x17_18_1b), 12),
        }
    }

    /// The end of the scale towards which an accent can be read better.
    const fn extreme(self) -> Colour {
        match self {
            Self::Light => Colour::rgb(0),
            Self::Dark => Colour::WHITE,
        }
    }
}

impl Accents {
    /// Both accents, of which at least one is chosen: the other one is made from it.
    pub fn of(light: Option<Colour>, dark: Option<Colour>) -> Option<Self> {
        let chosen = light.or(dark)?;
        Some(Self {
            light: light.map_or_else(
                || Accent::near(chosen, Theme::Light),
                |light| Accent::of(light, Theme::Light),
            ),
            dark: dark.map_or_else(
                || Accent::near(chosen, Theme::Dark),
                |dark| Accent::of(dark, Theme::Dark),
            ),
        })
    }
}

impl Accent {
    /// The accent with what goes with it, whether or not it can be read.
    pub fn of(colour: Colour, theme: Theme) -> Self {
        let (ground, percent) = theme.softening();
        Self {
            colour,
            ink: theme.accent_ink(),
            soft: ground.mixed(colour, percent),
        }
    }

    /// The accent that is nearest to a colour and can be read in this theme.
    fn near(colour: Colour, theme: Theme) -> Self {
        let candidates = (0..=100).map(|percent| colour.mixed(theme.extreme(), percent));
        let mut candidates = candidates.map(|colour| Self::of(colour, theme));
        let readable = candidates.find(|accent| accent.check(theme).is_ok());
        readable.unwrap_or_else(|| Self::of(theme.extreme(), theme))
    }

    /// Whether it can be read as text on every surface of the theme, and its ink on it.
    ///
    /// # Errors
    /// Where it cannot, and what to do.
    pub fn check(&self, theme: Theme) -> Result<(), String> {
        let surfaces = theme.surfaces();
        let grounds = surfaces.iter().map(|(_, colour)| *colour);
        let rated = grounds
            .chain([self.soft, self.ink])
            .map(|ground| (self.colour.contrast(ground), ground));
        let worst = rated.min_by(|(left, _), (right, _)| left.total_cmp(right));
        let Some((ratio, ground)) = worst.filter(|(ratio, _)| *ratio < READABLE_CONTRAST) else {
            return Ok(());
        };
        let (theme, way) = match theme {
            Theme::Light => ("light", "darker"),
            Theme::Dark => ("dark", "lighter"),
        };
        // Rounded down: what is not enough must not look as if it were.
        let ratio = (ratio * 100.0).floor() / 100.0;
        Err(format!(
            "has a contrast of {ratio:.2}:1 on {ground} of the {theme} theme, and text needs \
             {READABLE_CONTRAST}:1 (WCAG AA); choose a {way} colour"
        ))
    }
}

/// A picture that stands beside the name of the instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    content: Vec<u8>,
    format: LogoFormat,
}

/// What a logo is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogoFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

impl Logo {
    /// The logo with the content of a file.
    ///
    /// # Errors
    /// What is too large, no SVG or PNG, or an SVG that is more than a picture; in a sentence.
    pub fn new(content: Vec<u8>) -> Result<Self, String> {
        if content.len() > LOGO_BYTES_MAX {
            return Err(format!(
                "is too large: every page loads it, so it may have at most {LOGO_BYTES_MAX} bytes"
            ));
        }
        let format = if content.starts_with(PNG_SIGNATURE) {
            check_png(&content)?;
            LogoFormat::Png
        } else {
            check_svg(&content)?;
            LogoFormat::Svg
        };
        Ok(Self { content, format })
    }

    /// Its bytes.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// What it is.
    pub fn format(&self) -> LogoFormat {
        self.format
    }
}

/// Looks at the first chunk, which tells the size (PNG specification, 11.2.1).
fn check_png(content: &[u8]) -> Result<(), String> {
    let number = |at: usize| {
        let bytes = content.get(at..at + 4)?;
        bytes.try_into().ok().map(u32::from_be_bytes)
    };
    let is_header = content.get(12..16) == Some(b"IHDR".as_slice());
    let size = is_header.then(|| number(16).zip(number(20))).flatten();
    let Some((width, height)) = size else {
        return Err("is a PNG that breaks off".to_owned());
    };
    if width == 0 || height == 0 || width.max(height) > LOGO_PIXELS_MAX {
        return Err(format!(
            "has {width} by {height} pixels; it may have at most {LOGO_PIXELS_MAX} each way"
        ));
    }
    Ok(())
}

/// Looks whether it is a picture and nothing else. Browsers run nothing in a picture, and it is
/// served into a sandbox: this finds what would silently not work there.
fn check_svg(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content);
    let text = text.map_err(|_| "is neither a PNG nor an SVG in UTF-8".to_owned())?;
    if !text.contains("<svg") || !text.trim_end().ends_with('>') {
        return Err("is neither a PNG nor an SVG".to_owned());
    }
    if !text.contains("http://www.w3.org/2000/svg") {
        let sentence = "is an SVG without xmlns=\"http://www.w3.org/2000/svg\", which browsers do \
                        not show as a picture";
        return Err(sentence.to_owned());
    }
    let lower = text.to_ascii_lowercase();
    let forbidden = ["<script", "<foreignobject", "<!entity", "javascript:"];
    match forbidden.into_iter().find(|part| lower.contains(part)) {
        Some(part) => Err(format!(
            "is an SVG with {part}, which a picture does not need"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }

    #[test]
    fn the_own_accents_can_be_read() {
        let (light, dark) = (colour("#2a4bd0"), colour("#93aaff"));
        assert_eq!(Accent::of(light, Theme::Light).check(Theme::Light), Ok(()));
        assert_eq!(Accent::of(dark, Theme::Dark).check(Theme::Dark), Ok(()));
    }

    #[test]
    fn an_accent_that_cannot_be_read_is_refused_with_its_ratio() {
        let light = Accent::of(colour("#ff7a00"), Theme::Light).check(Theme::Light);
        assert_eq!(
            light.expect_err("too light"),
            "has a contrast of 2.28:1 on #fdecea of the light theme, and text needs 4.5:1 \
             (WCAG AA); choose a darker colour"
        );
        let dark = Accent::of(colour("#2a4bd0"), Theme::Dark).check(Theme::Dark);
        let sentence = dark.expect_err("too dark");
        assert!(sentence.ends_with("choose a lighter colour"), "{sentence}");
    }

    #[test]
    fn of_one_accent_the_other_is_made() {
        for text in ["#2a4bd0", "#7a0019", "#0b6b3a", "#000000"] {
            let accents = Accents::of(Some(colour(text)), None).expect("accents");
            assert_eq!(accents.light.colour, colour(text));
            assert_eq!(accents.dark.check(Theme::Dark), Ok(()), "{text}");
        }
        let accents = Accents::of(None, Some(colour("#93aaff"))).expect("accents");
        assert_eq!(accents.light.check(Theme::Light), Ok(()));
        assert_eq!(Accents::of(None, None), None);
    }

    #[test]
    fn logos_are_small_pictures() {
        let svg =
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>"#;
        let logo = Logo::new(svg.into()).expect("an SVG");
        assert_eq!(logo.format(), LogoFormat::Svg);
        let png = |width: u32, height: u32| {
            let mut png = PNG_SIGNATURE.to_vec();
            png.extend_from_slice(b"\0\0\0\x0dIHDR");
            png.extend_from_slice(&width.to_be_bytes());
            png.extend_from_slice(&height.to_be_bytes());
            png
        };
        let logo = Logo::new(png(40, 1_024)).expect("a PNG");
        assert_eq!(logo.format(), LogoFormat::Png);
        for (wrong, sentence) in [
            (png(0, 1), "has 0 by 1 pixels"),
            (png(1, 1_025), "at most 1024 each way"),
            (PNG_SIGNATURE.to_vec(), "breaks off"),
            (vec![0; LOGO_BYTES_MAX + 1], "at most 24576 bytes"),
            (vec![0xff, 0xd8, 0xff], "neither a PNG nor an SVG in UTF-8"),
            (b"GIF89a".to_vec(), "neither a PNG nor an SVG"),
            (b"<svg></svg>".to_vec(), "without xmlns"),
            (svg.replace("<path", "<SCRIPT/><path").into(), "<script"),
        ] {
            let refused = Logo::new(wrong).expect_err("refused");
            assert!(refused.contains(sentence), "{refused}");
        }
    }
}
