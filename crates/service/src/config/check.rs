//! The values of a file against the table, each by itself, all problems at once.

use std::collections::HashMap;
use std::net::SocketAddr;

use claviger_model::apis::BaseUrl;
use claviger_model::time::UnixMillis;
use claviger_model::{secret, text as plain_text};
use ipnet::IpNet;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::error::{ConfigProblem, place};
use super::keys::{Default, Kind, LABEL_LENGTH_MAX, SECTIONS, Section};
use crate::settings::{INVITATION_PREFIX, SESSION_PREFIX};

/// Prefixes of other credentials, which nobody chooses.
const RESERVED_PREFIXES: [&str; 4] = [SESSION_PREFIX, INVITATION_PREFIX, "crt_", "cac_"];

/// A file whose values were looked at one by one.
pub(super) struct Checked {
    /// The good values, and the defaults of all others.
    pub(super) values: Table,
    /// Where the file says what, by `section.key`.
    pub(super) places: HashMap<String, (usize, usize)>,
    /// What is wrong.
    pub(super) problems: Vec<ConfigProblem>,
}

/// Looks at every value of the file; what is wrong with one does not keep it from the next.
pub(super) fn check(text: &str) -> Checked {
    let mut checked = Checked {
        values: defaults(),
        places: HashMap::new(),
        problems: Vec::new(),
    };
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().map(|span| place(text, span.start));
            checked.problems.push(ConfigProblem {
                place: at,
                key: None,
                sentence: format!("this is not TOML: {}", error.message()),
                hint: None,
            });
            return checked;
        }
    };
    for (name, value) in root.get_ref() {
        let at = place(text, name.span().start);
        match SECTIONS
            .iter()
            .find(|section| section.name == name.get_ref())
        {
            Some(section) => checked.section(text, section, value, at),
            None => checked.unknown_section(name.get_ref(), at),
        }
    }
    checked.problems.sort_by_key(|problem| problem.place);
    checked
}

/// Every section with its defaults.
pub(super) fn defaults() -> Table {
    let mut root = Table::new();
    for section in SECTIONS {
        let Some(values) = section_of(&mut root, section.name) else {
            continue;
        };
        for key in section.keys {
            if let Default::Value(text) = key.default
                && let Some(value) = toml_value(text)
            {
                values.insert(key.name.to_owned(), value);
            }
        }
    }
    root
}

/// The section of that name, made where it is missing.
pub(super) fn section_of<'root>(root: &'root mut Table, name: &str) -> Option<&'root mut Table> {
    name.split('.').try_fold(root, |table, part| {
        let inner = table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        inner.as_table_mut()
    })
}

/// The value that `text` is in TOML.
pub(super) fn toml_value(text: &str) -> Option<Value> {
    let mut table: Table = toml::from_str(&format!("value = {text}")).ok()?;
    table.remove("value")
}

impl Checked {
    fn problem(
        &mut self,
        place: (usize, usize),
        key: String,
        sentence: impl Into<String>,
        hint: Option<String>,
    ) {
        let problem = ConfigProblem {
            place: Some(place),
            key: Some(key),
            sentence: sentence.into(),
            hint,
        };
        self.problems.push(problem);
    }

    fn section(
        &mut self,
        text: &str,
        section: &Section,
        value: &Spanned<DeValue<'_>>,
        at: (usize, usize),
    ) {
        let Some(table) = value.get_ref().as_table() else {
            let hint = format!("write [{}] on a line of its own", section.name);
            let name = section.name.to_owned();
            return self.problem(at, name, "is a section, not a key", Some(hint));
        };
        for (name, value) in table {
            let at = place(text, name.span().start);
            let path = format!("{}.{}", section.name, name.get_ref());
            if let Some(inner) = SECTIONS.iter().find(|inner| inner.name == path) {
                self.section(text, inner, value, at);
                continue;
            }
            let Some(key) = section.keys.iter().find(|key| key.name == name.get_ref()) else {
                let hint = nearest_key(section.name, name.get_ref())
                    .map(|near| format!("{near} is the nearest key"));
                self.problem(at, path, "is no key of this file", hint);
                continue;
            };
            self.places.insert(path.clone(), at);
            match read(&key.kind, value) {
                Ok(value) => {
                    if let Some(values) = section_of(&mut self.values, section.name) {
                        values.insert(key.name.to_owned(), value);
                    }
                }
                Err(sentence) => self.problem(at, path, sentence, None),
            }
        }
    }

    fn unknown_section(&mut self, name: &str, at: (usize, usize)) {
        let of_key = SECTIONS
            .iter()
            .find(|s| s.keys.iter().any(|key| key.name == name));
        let hint = match of_key {
            Some(section) => Some(format!("{name} stands under [{}]", section.name)),
            None => nearest(name, SECTIONS.iter().map(|section| section.name))
                .map(|near| format!("[{near}] is the nearest section")),
        };
        self.problem(at, name.to_owned(), "is no section of this file", hint);
    }
}

/// The value, when it is one that the key takes.
fn read(kind: &Kind, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    let value = value.get_ref();
    match kind {
        Kind::Flag => value
            .as_bool()
            .map(Value::Boolean)
            .ok_or_else(|| mismatch(kind, value)),
        Kind::Number { least, most } => {
            let number = value.as_integer().ok_or_else(|| mismatch(kind, value))?;
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
            number
                .filter(|number| (least..=most).contains(&number))
                .map(Value::Integer)
                .ok_or_else(|| format!("must be a number from {least} to {most}"))
        }
        Kind::Networks => {
            let list = value.as_array().ok_or_else(|| mismatch(kind, value))?;
            let texts = list.iter().map(|item| {
                let text = item
                    .get_ref()
                    .as_str()
                    .filter(|text| network(text).is_some());
                text.map(|text| Value::String(text.to_owned()))
                    .ok_or_else(|| "must hold addresses and networks such as 10.0.0.0/8".to_owned())
            });
            texts
                .collect::<Result<Vec<Value>, String>>()
                .map(Value::Array)
        }
        _ => {
            let text = value.as_str().ok_or_else(|| mismatch(kind, value))?;
            read_text(kind, text).map(Value::String)
        }
    }
}

fn read_text(kind: &Kind, text: &str) -> Result<String, String> {
    let sentence = match kind {
        _ if text.is_empty() => "must not be empty".to_owned(),
        Kind::Address if text.parse::<SocketAddr>().is_err() => {
            "must be an IP address and a port such as 127.0.0.1:8080".to_owned()
        }
        Kind::Url => match BaseUrl::new(text) {
            Ok(url) => return Ok(url.to_string()),
            Err(error) => error.to_string(),
        },
        Kind::Date if date(text).is_none() => "must be a date such as 2025-01-01".to_owned(),
        Kind::Label if text.chars().count() > LABEL_LENGTH_MAX => {
            format!("must have at most {LABEL_LENGTH_MAX} characters")
        }
        Kind::Label => match plain_text::name(text) {
            Ok(text) => return Ok(text),
            Err(error) => error.to_string(),
        },
        Kind::Prefix if !secret::is_prefix(text) => {
            "must be 2 to 32 of a-z, 0-9 and _, a letter first and _ last, such as ck_live_"
                .to_owned()
        }
        Kind::Prefix if RESERVED_PREFIXES.contains(&text) => {
            "is the prefix of another kind of credential".to_owned()
        }
        Kind::Word(words) if !words.contains(&text) => {
            format!("must be one of {}", words.join(", "))
        }
        _ => return Ok(text.to_owned()),
    };
    Err(sentence)
}

/// The beginning of the day that `text` names, in UTC.
pub(super) fn date(text: &str) -> Option<UnixMillis> {
    let is_plain = text.len() == "2025-01-01".len() && text.is_ascii();
    let midnight = is_plain.then(|| format!("{text}T00:00:00Z"))?;
    let timestamp = midnight.parse::<jiff::Timestamp>().ok()?;
    Some(UnixMillis(timestamp.as_millisecond()))
}

/// The network, or the one address, that `text` is.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    network.or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

fn mismatch(kind: &Kind, value: &DeValue<'_>) -> String {
    let wanted = match kind {
        Kind::Flag => "true or false",
        Kind::Number { .. } => "a number without quotes",
        Kind::Networks => "a list such as [\"10.0.0.0/8\"]",
        _ => "a text in quotes",
    };
    format!("must be {wanted}, not a TOML {}", value.type_str())
}

/// The key that was probably meant, rather of the same section than of another.
fn nearest_key(section: &str, name: &str) -> Option<String> {
    let keys = SECTIONS
        .iter()
        .flat_map(|of| of.keys.iter().map(move |key| (of.name, key.name)));
    let rated = keys.map(|(of, key)| ((distance(name, key), of != section), of, key));
    let ((distance, _), of, near) = rated.min_by_key(|(rank, ..)| *rank)?;
    is_near(name, distance).then(|| format!("{of}.{near}"))
}

/// The candidate that was probably meant.
fn nearest(name: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let rated = candidates.map(|candidate| (distance(name, candidate), candidate));
    let (distance, near) = rated.min_by_key(|(distance, _)| *distance)?;
    is_near(name, distance).then_some(near)
}

/// How many typos lie between what was written and what might be meant; a part of it is near.
fn distance(written: &str, meant: &str) -> usize {
    let is_part = written != meant && written.len() >= 4 && meant.contains(written);
    if is_part { 1 } else { typos(written, meant) }
}

fn is_near(written: &str, distance: usize) -> bool {
    distance <= 2.max(written.len() / 3)
}

/// The Levenshtein distance.
fn typos(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (at, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}
