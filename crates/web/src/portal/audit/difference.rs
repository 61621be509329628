//! What a change changed, member by member, as people read it.

use claviger_model::UnixMillis;
use serde_json::Value;

use crate::pages::dates;

/// The longest value that is shown whole, in characters.
const LENGTH_MAX: usize = 300;

/// A member that a change changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changed {
    /// Its name.
    pub member: String,
    /// What it was; none when it was not there.
    pub before: Option<String>,
    /// What it is; none when it is not there any more.
    pub after: Option<String>,
}

/// The members that differ. Of what was made all that has a value, of what is gone likewise.
pub(super) fn difference(before: Option<&Value>, after: Option<&Value>) -> Vec<Changed> {
    let empty = serde_json::Map::new();
    let members = |value: Option<&Value>| match value {
        Some(Value::Object(members)) => members.clone(),
        Some(Value::Null) | None => empty.clone(),
        Some(other) => [("value".to_owned(), other.clone())].into_iter().collect(),
    };
    let (before, after) = (members(before), members(after));
    let new = after.keys().filter(|name| !before.contains_key(*name));
    let names: Vec<&String> = before.keys().chain(new).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (before.get(name), after.get(name));
            if old == new {
                return None;
            }
            let changed = Changed {
                member: name.clone(),
                before: old.and_then(|value| told(name, value)),
                after: new.and_then(|value| told(name, value)),
            };
            (changed.before.is_some() || changed.after.is_some()).then_some(changed)
        })
        .collect()
}

/// The value of a member in words; none for nothing.
fn told(member: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) if member.ends_with("_at") => match number.as_i64() {
            Some(millis) => moment(UnixMillis(millis)),
            None => number.to_string(),
        },
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::Array(items) if items.is_empty() => return None,
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items = items.iter().filter_map(Value::as_str);
            items.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    if text.chars().count() <= LENGTH_MAX {
        return Some(text);
    }
    let cut: String = text.chars().take(LENGTH_MAX).collect();
    Some(format!("{cut}\u{2026}"))
}

fn moment(at: UnixMillis) -> String {
    format!("{}, {} UTC", dates::day(at), dates::clock(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(before: &Value, after: &Value) -> Vec<(String, Option<String>, Option<String>)> {
        difference(Some(before), Some(after))
            .into_iter()
            .map(|one| (one.member, one.before, one.after))
            .collect()
    }

    #[test]
    fn only_what_differs_is_shown() {
        let before = json!({"name": "A", "scopes": ["x"], "active": true, "note": null});
        let after = json!({"name": "A", "scopes": ["x", "y"], "active": false, "note": ""});
        let expected = [
            (
                "active".to_owned(),
                Some("yes".to_owned()),
                Some("no".to_owned()),
            ),
            (
                "scopes".to_owned(),
                Some("x".to_owned()),
                Some("x, y".to_owned()),
            ),
        ];
        assert_eq!(shown(&before, &after), expected);
    }

    #[test]
    fn of_what_is_new_all_is_shown_that_has_a_value() {
        let at = 1_795_347_605_000_i64;
        let after = json!({"name": "A", "expires_at": null, "limit": {"n": 1}, "scopes": [],
            "revoked_at": at});
        let shown = shown(&Value::Null, &after);
        let names: Vec<_> = shown.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["limit", "name", "revoked_at"]);
        assert_eq!(
            shown[2].2.as_deref(),
            Some("22 November 2026, 11:40:05 UTC")
        );
        assert_eq!(shown[0].2.as_deref(), Some(r#"{"n":1}"#));
        let long = difference(None, Some(&json!("\u{e9}".repeat(400))));
        let length = long[0].after.as_ref().map(|text| text.chars().count());
        assert_eq!(length, Some(LENGTH_MAX + 1));
    }
}
