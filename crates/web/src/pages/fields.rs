//! The fields of a form, sent by a browser or filled in by a link: in order, some of them repeated.

use claviger_model::Reason;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::oauth::parameters::escape;
use crate::oauth::request::{Undecodable, decode};

/// The most fields of one form.
const FIELDS_MAX: usize = 2_000;
/// A field by which a link says that all fields of the form are in it, also those that are empty.
pub(crate) const AGAIN: &str = "again";

/// Fields. They may hold passwords: no `Debug`, wiped when dropped.
#[derive(Default)]
pub struct Fields {
    pairs: Vec<(String, Zeroizing<String>)>,
    is_sent: bool,
}

impl Fields {
    /// Those that a link fills in; what cannot be read is left out.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs(query.as_bytes()).flatten().take(FIELDS_MAX) {
            fields.pairs.push((name.to_string(), value));
        }
        fields.is_sent = fields.has(AGAIN);
        fields
    }

    /// Those of a form that was sent.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, Failure> {
        let mut fields = Self {
            is_sent: true,
            ..Self::default()
        };
        for pair in pairs(body) {
            let (name, value) = pair.map_err(|why| {
                let told = match why {
                    Undecodable::Percent => "The form is not percent-encoded.",
                    Undecodable::Utf8 => "The form is not UTF-8.",
                };
                Failure::because(Reason::Malformed, told)
            })?;
            if fields.pairs.len() == FIELDS_MAX {
                let told = format!("The form has more than {FIELDS_MAX} fields.");
                return Err(Failure::because(Reason::Malformed, told));
            }
            fields.pairs.push((name.to_string(), value));
        }
        Ok(fields)
    }

    /// Those of a form with files that was sent.
    pub(super) fn of_parts(parts: Vec<(String, &[u8])>) -> Result<Self, Failure> {
        if parts.len() > FIELDS_MAX {
            let told = format!("The form has more than {FIELDS_MAX} fields.");
            return Err(Failure::because(Reason::Malformed, told));
        }
        let mut pairs = Vec::with_capacity(parts.len());
        for (name, content) in parts {
            let text = std::str::from_utf8(content);
            let text = text.map_err(|_| {
                Failure::because(Reason::Malformed, "The form or its file is not UTF-8.")
            })?;
            pairs.push((name, Zeroizing::new(text.replace("\r\n", "\n"))));
        }
        Ok(Self {
            pairs,
            is_sent: true,
        })
    }

    /// The value of a field; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.pairs.iter().filter(|(known, _)| known == name);
        let value = named.find(|(_, value)| !value.is_empty());
        value.map(|(_, value)| value.as_str())
    }

    /// The values of a field that may be repeated, without empty ones.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |(known, _)| known == name);
        let values = named.map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty())
    }

    /// Whether the field is there, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// Whether these are all fields of the form, so that an absent one is empty.
    pub fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// What a text field shows: what was typed, or else `otherwise`.
    pub fn text(&self, name: &str, otherwise: &str) -> String {
        if self.is_sent || self.has(name) {
            self.get(name).unwrap_or_default().to_owned()
        } else {
            otherwise.to_owned()
        }
    }

    /// What a field with several values shows: what was chosen, or else `otherwise`.
    pub fn several(&self, name: &str, otherwise: &[String]) -> Vec<String> {
        if self.is_sent || self.has(name) {
            self.all(name).map(str::to_owned).collect()
        } else {
            otherwise.to_vec()
        }
    }

    /// All of them, in the order in which they were sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query of a link that fills in what was typed, but for the fields that `leaves_out`.
    pub(crate) fn as_query(&self, leaves_out: impl Fn(&str, &str) -> bool) -> String {
        let mut query = format!("{AGAIN}=1");
        for (name, value) in self
            .pairs()
            .filter(|(name, value)| !leaves_out(name, value))
        {
            if name == AGAIN {
                continue;
            }
            query.push('&');
            query.push_str(&escape(name));
            query.push('=');
            query.push_str(&escape(value));
        }
        query
    }
}

type Pair = (Zeroizing<String>, Zeroizing<String>);

fn pairs(text: &[u8]) -> impl Iterator<Item = Result<Pair, Undecodable>> {
    let pairs = text.split(|byte| *byte == b'&');
    pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        // Browsers end the lines of a text area with CR and LF (HTML section 4.10.22.4).
        let value = if value.contains('\r') {
            Zeroizing::new(value.replace("\r\n", "\n"))
        } else {
            value
        };
        Ok((name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_told_again() {
        let sent = Fields::of_body(b"name=A+b&scopes=x%3Ay&scopes=z&note=&form_token=t");
        let sent = sent.unwrap_or_default();
        assert_eq!(sent.get("name"), Some("A b"));
        assert_eq!(sent.all("scopes").collect::<Vec<_>>(), ["x:y", "z"]);
        assert_eq!((sent.get("note"), sent.has("note")), (None, true));
        let query = sent.as_query(|name, _| name == "form_token");
        let again = Fields::of_query(&query);
        assert!(again.is_sent() && !again.has("form_token"));
        assert_eq!(again.several("scopes", &[]), ["x:y", "z"]);
        assert_eq!(again.text("expires_at", "tomorrow"), "");
    }

    #[test]
    fn a_link_fills_in_some_fields_and_leaves_the_others() {
        let link = Fields::of_query("name=Nightly&x=%GG");
        assert_eq!(link.text("name", ""), "Nightly");
        assert_eq!(link.text("expires_at", "tomorrow"), "tomorrow");
        assert!(!link.is_sent() && !link.has("x"));
    }
}
