//! Addresses with what a page is narrowed down to.

use claviger_model::UnixMillis;

use crate::oauth::parameters::escape;
use crate::pages::{Fields, dates};

/// What is said of a time that cannot be read.
pub(super) const BAD_TIME: &str = "Times are like 2026-11-22T11:40, in UTC.";

/// A path with those of the pairs that have a value as its query.
pub(super) fn with_query(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let mut address = path.to_owned();
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        address.push(mark);
        address.push_str(name);
        address.push('=');
        address.push_str(&escape(value));
        mark = '&';
    }
    address
}

/// The times in the fields `from` and `to`; the name of the first that cannot be read.
pub(super) fn times(fields: &Fields) -> Result<[Option<UnixMillis>; 2], &'static str> {
    let time = |name: &'static str| match fields.get(name) {
        None => Ok(None),
        Some(text) => dates::parse_minute(text).map(Some).ok_or(name),
    };
    Ok([time("from")?, time("to")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_value_is_escaped_and_appended() {
        let pairs = [
            ("a", Some("x&y=z \u{e9}".to_owned())),
            ("b", None),
            ("c", Some("1".into())),
        ];
        assert_eq!(with_query("/p", &pairs), "/p?a=x%26y%3Dz%20%C3%A9&c=1");
        assert_eq!(with_query("/p?q=1", &pairs[2..]), "/p?q=1&c=1");
        assert_eq!(with_query("/p", &[]), "/p");
    }
}
