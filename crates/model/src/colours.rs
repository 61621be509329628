//! Colours as CSS writes them, and how well one can be read on another.

use std::fmt;

use thiserror::Error;

/// What text needs on what is behind it, as a ratio (WCAG 2.2, success criterion 1.4.3, AA).
pub const READABLE_CONTRAST: f64 = 4.5;

/// A colour of the sRGB space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text that is no colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a colour such as #2a4bd0")]
pub struct NotAColour;

impl Colour {
    /// White.
    pub const WHITE: Self = Self::rgb(0xff_ff_ff);

    /// The colour with these three bytes.
    pub const fn rgb(bytes: u32) -> Self {
        let [_, red, green, blue] = bytes.to_be_bytes();
        Self { red, green, blue }
    }

    /// The colour of `#rrggbb` or `#rgb`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, NotAColour> {
        let digits = text.strip_prefix('#').ok_or(NotAColour)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NotAColour)?;
        match digits.len() {
            6 => Ok(Self::rgb(number)),
            3 => {
                let spread = (number & 0xf00) << 8 | (number & 0xf0) << 4 | number & 0xf;
                Ok(Self::rgb(spread * 0x11))
            }
            _ => Err(NotAColour),
        }
    }

    /// This colour with `percent` of another one in it.
    #[must_use]
    pub fn mixed(self, other: Self, percent: u8) -> Self {
        let mix = |own: u8, other: u8| {
            let percent = u32::from(percent.min(100));
            let sum = u32::from(own) * (100 - percent) + u32::from(other) * percent;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// The contrast of two colours, from 1 to 21, whichever is the text (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (own, other) = (self.luminance(), other.luminance());
        (own.max(other) + 0.05) / (own.min(other) + 0.05)
    }

    /// Whether text of one colour on the other can be read.
    pub fn is_readable_on(self, other: Self) -> bool {
        self.contrast(other) >= READABLE_CONTRAST
    }

    /// The relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }

    #[test]
    fn short_and_long_ways_to_write_are_the_same_colour() {
        assert_eq!(colour("#2af"), colour("#22AAFF"));
        assert_eq!(colour("#2a4bd0").to_string(), "#2a4bd0");
        for wrong in [
            "", "#", "2a4bd0", "#2a4bd", "#2a4bd00", "#+a4bd0", "#ggg", "red",
        ] {
            assert_eq!(Colour::parse(wrong), Err(NotAColour), "{wrong}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let near = |left: f64, right: f64| (left - right).abs() < 0.005;
        assert!(near(colour("#000").contrast(Colour::WHITE), 21.0));
        assert!(near(Colour::WHITE.contrast(Colour::WHITE), 1.0));
        // The greys on both sides of the line, which every table of examples has.
        assert!(near(Colour::WHITE.contrast(colour("#767676")), 4.54));
        assert!(colour("#767676").is_readable_on(Colour::WHITE));
        assert!(near(colour("#777777").contrast(Colour::WHITE), 4.48));
        assert!(!colour("#777777").is_readable_on(Colour::WHITE));
    }

    #[test]
    fn a_mix_lies_between_both() {
        let (black, white) = (colour("#000"), Colour::WHITE);
        assert_eq!(black.mixed(white, 0), black);
        assert_eq!(black.mixed(white, 100), white);
        assert_eq!(black.mixed(white, 50), colour("#808080"));
    }
}
