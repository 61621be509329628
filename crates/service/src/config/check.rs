//! The values of a file against the table, each by itself, all problems at once.

use std::collections::HashMap;
use std::net::SocketAddr;

use claviger_model::apis::BaseUrl;
use claviger_model::colours::Colour;
use claviger_model::time::UnixMillis;
use claviger_model::{secret, text as plain_text};
use ipnet::IpNet;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::error::{ConfigProblem, place};
use super::keys::{APIS, Default, Key, Kind, LABEL_LENGTH_MAX, SECTIONS, Section};
use crate::branding::{Accent, Theme};
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
        let name = name.get_ref();
        if name == APIS.name {
            if let Some(tables) = checked.tables(text, name, APIS.keys, value, at) {
                checked.values.insert(APIS.name.to_owned(), tables);
            }
            continue;
        }
        match SECTIONS.iter().find(|section| section.name == name) {
            Some(section) => checked.section(text, section, value, at),
            None => checked.unknown_section(name, value, at),
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
        let read = self.members(text, section.name, section.keys, table);
        if let Some(values) = section_of(&mut self.values, section.name) {
            values.extend(read);
        }
    }

    /// The good members of a table.
    fn members(&mut self, text: &str, path: &str, keys: &[Key], table: &DeTable<'_>) -> Table {
        let mut read = Table::new();
        for (name, value) in table {
            let at = place(text, name.span().start);
            let name = name.get_ref();
            let member = format!("{path}.{name}");
            if let Some(inner) = SECTIONS.iter().find(|inner| inner.name == member) {
                self.section(text, inner, value, at);
                continue;
            }
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let near = nearest_member(path, keys, name);
                let hint = near.map(|near| format!("{near} is the nearest key"));
                self.problem(at, member, "is no key of this file", hint);
                continue;
            };
            self.places.insert(member.clone(), at);
            let value = if let Kind::Tables(keys) = key.kind {
                self.tables(text, &member, keys, value, at)
            } else {
                let value = read_value(&key.kind, value);
                value
                    .map_err(|sentence| self.problem(at, member, sentence, None))
                    .ok()
            };
            read.extend(value.map(|value| (key.name.to_owned(), value)));
        }
        read
    }

    /// A list of tables.
    fn tables(
        &mut self,
        text: &str,
        path: &str,
        keys: &[Key],
        value: &Spanned<DeValue<'_>>,
        at: (usize, usize),
    ) -> Option<Value> {
        let Some(list) = value.get_ref().as_array() else {
            let hint = "write the name in double brackets on a line of its own".to_owned();
            self.problem(at, path.to_owned(), "must be a list of tables", Some(hint));
            return None;
        };
        let mut read = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let at = place(text, item.span().start);
            let Some(table) = item.get_ref().as_table() else {
                self.problem(at, path, "must be a table", None);
                continue;
            };
            self.places.insert(path.clone(), at);
            let is_missing = |key: &&Key| key.is_needed() && !table.contains_key(key.name);
            for key in keys.iter().filter(is_missing) {
                self.problem(at, format!("{path}.{}", key.name), "is required", None);
            }
            read.push(Value::Table(self.members(text, &path, keys, table)));
        }
        Some(Value::Array(read))
    }

    fn unknown_section(&mut self, name: &str, value: &Spanned<DeValue<'_>>, at: (usize, usize)) {
        let is_key = !value.get_ref().is_table() && !value.get_ref().is_array();
        let of_key = SECTIONS
            .iter()
            .find(|s| is_key && s.keys.iter().any(|key| key.name == name));
        let hint = match of_key {
            Some(section) => Some(format!("{name} stands under [{}]", section.name)),
            None => nearest_section(name),
        };
        self.problem(at, name.to_owned(), "is no section of this file", hint);
    }
}

/// The value, when it is one that the key takes.
fn read_value(kind: &Kind, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
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
        Kind::Numbers { least, most } => read_numbers(kind, value, *least..=*most),
        Kind::Networks => {
            let sentence = || "must hold addresses and networks such as 10.0.0.0/8".to_owned();
            read_list(kind, value, |text| network(text).is_some(), sentence)
        }
        Kind::Texts => {
            let sentence = || "must hold texts in quotes only".to_owned();
            read_list(kind, value, |_| true, sentence)
        }
        Kind::Words(words) => {
            let sentence = || format!("must hold of {} only", words.join(", "));
            read_list(kind, value, |text| words.contains(&text), sentence)
        }
        _ => {
            let text = value.as_str().ok_or_else(|| mismatch(kind, value))?;
            read_text(kind, text).map(Value::String)
        }
    }
}

/// The list, when each of its texts is one that `is_good` takes.
fn read_list(
    kind: &Kind,
    value: &DeValue<'_>,
    is_good: impl Fn(&str) -> bool,
    sentence: impl Fn() -> String,
) -> Result<Value, String> {
    let list = value.as_array().ok_or_else(|| mismatch(kind, value))?;
    let texts = list.iter().map(|item| {
        let text = item.get_ref().as_str().filter(|text| is_good(text));
        text.map(|text| Value::String(text.to_owned()))
            .ok_or_else(&sentence)
    });
    texts
        .collect::<Result<Vec<Value>, String>>()
        .map(Value::Array)
}

/// The list, when each of its numbers is in the range.
fn read_numbers(
    kind: &Kind,
    value: &DeValue<'_>,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Value, String> {
    let list = value.as_array().ok_or_else(|| mismatch(kind, value))?;
    let number = |item: &Spanned<DeValue<'_>>| {
        let number = item.get_ref().as_integer()?;
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
        range.contains(&number).then_some(Value::Integer(number))
    };
    let numbers: Option<Vec<Value>> = list.iter().map(number).collect();
    let told = || {
        format!(
            "must hold numbers from {} to {}",
            range.start(),
            range.end()
        )
    };
    numbers.map(Value::Array).ok_or_else(told)
}

fn read_text(kind: &Kind, text: &str) -> Result<String, String> {
    let sentence = match kind {
        Kind::Sentence => return Ok(text.to_owned()),
        _ if text.is_empty() => "must not be empty".to_owned(),
        Kind::Address if text.parse::<SocketAddr>().is_err() => {
            "must be an IP address and a port such as 127.0.0.1:8080".to_owned()
        }
        Kind::Url => match BaseUrl::new(text) {
            Ok(url) => return Ok(url.to_string()),
            Err(error) => error.to_string(),
        },
        Kind::Accent(theme) => match accent(text, *theme) {
            Ok(()) => return Ok(text.to_owned()),
            Err(sentence) => sentence,
        },
        Kind::Email => match plain_text::email(text) {
            Ok(text) => return Ok(text),
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

/// Whether `text` is a colour in which text can be read.
fn accent(text: &str, theme: Theme) -> Result<(), String> {
    let colour = Colour::parse(text).map_err(|error| error.to_string())?;
    Accent::of(colour, theme).check(theme)
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
        Kind::Numbers { .. } => "a list such as [30, 7, 1]",
        Kind::Networks => "a list such as [\"10.0.0.0/8\"]",
        Kind::Texts | Kind::Words(_) => "a list of texts in quotes",
        _ => "a text in quotes",
    };
    format!("must be {wanted}, not a TOML {}", value.type_str())
}

/// The section that was probably meant, as it is written.
fn nearest_section(name: &str) -> Option<String> {
    let names = SECTIONS.iter().map(|section| section.name);
    let near = nearest(name, names.chain([APIS.name]))?;
    let written = if near == APIS.name {
        format!("[[{near}]]")
    } else {
        format!("[{near}]")
    };
    Some(format!("{written} is the nearest section"))
}

/// The member of a section or of a table in a list that was probably meant.
fn nearest_member(path: &str, keys: &[Key], name: &str) -> Option<String> {
    if SECTIONS.iter().any(|section| section.name == path) {
        return nearest_key(path, name);
    }
    let near = nearest(name, keys.iter().map(|key| key.name));
    near.map(|near| format!("{path}.{near}"))
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
