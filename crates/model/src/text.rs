//! Text that people type: names, descriptions, addresses.

/// Why a text is not accepted; reads after the member's name ("name must …").
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than the member takes.
    #[error("must have at most {most} characters, not {found}")]
    TooLong {
        /// The limit, in characters.
        most: usize,
        /// What was sent.
        found: usize,
    },
    /// A character that no text may hold.
    #[error("must not contain control characters")]
    Control,
    /// Not an e-mail address.
    #[error("must be an e-mail address such as ana@example.com")]
    Email,
}

/// A name: 1 to 200 characters on one line, trimmed.
pub fn name(text: &str) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    bounded(text, 200)?;
    if text.chars().any(is_unsafe) {
        return Err(InvalidText::Control);
    }
    Ok(text.to_owned())
}

/// A description: up to 1,000 characters, several lines allowed, trimmed.
pub fn description(text: &str) -> Result<String, InvalidText> {
    let text = text.trim();
    bounded(text, 1_000)?;
    if text
        .chars()
        .any(|c| is_unsafe(c) && c != '\n' && c != '\r' && c != '\t')
    {
        return Err(InvalidText::Control);
    }
    Ok(text.to_owned())
}

/// An e-mail address, trimmed and in lower case: one account holder, however it is typed.
pub fn email(text: &str) -> Result<String, InvalidText> {
    let text = text.trim().to_lowercase();
    bounded(&text, 254)?;
    let (local, domain) = text.rsplit_once('@').ok_or(InvalidText::Email)?;
    let plain = |c: char| !c.is_whitespace() && !is_unsafe(c) && !"<>()[],;:\\\"@".contains(c);
    let labels = domain
        .split('.')
        .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    if local.is_empty() || local.len() > 64 || !local.chars().all(plain) || !labels {
        return Err(InvalidText::Email);
    }
    Ok(text)
}

fn bounded(text: &str, most: usize) -> Result<(), InvalidText> {
    let found = text.chars().count();
    if found > most {
        Err(InvalidText::TooLong { most, found })
    } else {
        Ok(())
    }
}

/// Control characters, and the direction overrides that make a name look like another one.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(
            name("  Reporting Script "),
            Ok("Reporting Script".to_owned())
        );
        assert_eq!(name(" \t"), Err(InvalidText::Empty));
        assert_eq!(name("a\nb"), Err(InvalidText::Control));
        assert_eq!(name(&"é".repeat(200)).map(|n| n.chars().count()), Ok(200));
        assert!(matches!(
            name(&"x".repeat(201)),
            Err(InvalidText::TooLong { .. })
        ));
        assert_eq!(name("evil\u{202e}txt"), Err(InvalidText::Control));
    }

    #[test]
    fn email_addresses() {
        assert_eq!(email(" Ana@Acme.Test "), Ok("ana@acme.test".to_owned()));
        for wrong in [
            "ana",
            "@acme.test",
            "ana@",
            "a b@acme.test",
            "ana@acme..test",
            "a@b@c",
        ] {
            assert_eq!(email(wrong), Err(InvalidText::Email), "{wrong}");
        }
    }
}
