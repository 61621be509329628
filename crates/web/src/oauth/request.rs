//! The strict reader of bodies at the OAuth endpoints: forms (RFC 6749 appendix B) and JSON objects
//! of strings. What can be understood in two ways is refused, never guessed.

use std::fmt;
use std::str::Utf8Error;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// The most parameters of one request.
pub const PARAMETERS_MAX: usize = 64;
/// The only parameter that a form may repeat (RFC 8707 section 2).
const REPEATABLE: &str = "resource";
/// Names beyond this are not shown: somebody sent a credential where a name belongs.
const SHOWN_LENGTH_MAX: usize = 40;

/// The parameters of a request. They hold secrets: no `Debug`, wiped when dropped.
#[derive(Default)]
pub struct Parameters {
    pairs: Vec<(String, Zeroizing<String>)>,
}

/// Why a body cannot be read. The sentences say what to change and show no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// 415: neither a form nor JSON.
    #[error(
        "This Content-Type is not understood. Send application/x-www-form-urlencoded or \
         application/json."
    )]
    MediaType,
    /// `invalid_request`.
    #[error("{0}")]
    Invalid(String),
}

/// Reads a body of this content type.
pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Parameters, Unreadable> {
    let Some(content_type) = content_type else {
        return Err(invalid(
            "The header Content-Type is missing. Send application/x-www-form-urlencoded or \
             application/json.",
        ));
    };
    // A charset changes nothing: both types are UTF-8 here.
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        form(body)
    } else if essence.eq_ignore_ascii_case("application/json") {
        json(body)
    } else {
        Err(Unreadable::MediaType)
    }
}

impl Parameters {
    /// The value of a parameter. An empty one counts as absent (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        let named =
            |(known, value): &&(String, Zeroizing<String>)| known == name && !value.is_empty();
        self.pairs
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// All of them, in the order in which they were sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |(known, _)| known == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn add(
        &mut self,
        name: String,
        value: Zeroizing<String>,
        may_repeat: bool,
    ) -> Result<(), Unreadable> {
        let is_known = self.pairs.iter().any(|(known, _)| *known == name);
        if is_known && !(may_repeat && name == REPEATABLE) {
            let shown = shown(&name);
            return Err(invalid(format!(
                "{shown} is sent more than once. Send it once."
            )));
        }
        if self.pairs.len() == PARAMETERS_MAX {
            return Err(invalid(format!(
                "The request has more than {PARAMETERS_MAX} parameters."
            )));
        }
        self.pairs.push((name, value));
        Ok(())
    }
}

/// Why a text is not percent-encoded UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Undecodable {
    Percent,
    Utf8,
}

/// Decodes a name or a value of a form: `+` is a space, `%HH` a byte, the bytes are UTF-8.
pub(crate) fn decode(text: &[u8]) -> Result<Zeroizing<String>, Undecodable> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                let (high, low) = (digit(), digit());
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or(Undecodable::Percent)?
            }
            byte => *byte,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|Utf8Error { .. }| Undecodable::Utf8)?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn form(body: &[u8]) -> Result<Parameters, Unreadable> {
    let mut parameters = Parameters::default();
    for pair in body.split(|byte| *byte == b'&') {
        if pair.is_empty() {
            continue;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default());
        let name = name.map_err(|why| undecodable("The name of a parameter", why))?;
        let value = decode(halves.next().unwrap_or_default());
        let value = value.map_err(|why| undecodable(&shown(&name), why))?;
        parameters.add(name.to_string(), value, true)?;
    }
    Ok(parameters)
}

fn undecodable(what: &str, why: Undecodable) -> Unreadable {
    match why {
        Undecodable::Percent => invalid(format!(
            "{what} has a % that two hexadecimal digits do not follow. Write % as %25."
        )),
        Undecodable::Utf8 => invalid(format!("{what} is not UTF-8.")),
    }
}

fn json(body: &[u8]) -> Result<Parameters, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("The body is not UTF-8."))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members);
    let members = members.and_then(|members| reader.end().map(|()| members));
    // serde's own sentences quote what they found, which may be a secret.
    let members = members.map_err(|error| {
        if error.is_data() {
            return invalid("The body is JSON, but not an object with strings.");
        }
        let (line, column) = (error.line(), error.column());
        invalid(format!(
            "The body is not JSON: see line {line}, column {column}."
        ))
    })?;
    let mut parameters = Parameters::default();
    for (name, value) in members {
        let value = match value {
            Member::Text(value) => value,
            Member::Other(kind) => {
                let shown = shown(&name);
                return Err(invalid(format!("{shown} is {kind}. Send a string.")));
            }
        };
        parameters.add(name, value, false)?;
    }
    Ok(parameters)
}

/// The visitor of an object, which keeps what stands twice.
struct Members;

/// The value of a member.
enum Member {
    Text(Zeroizing<String>),
    /// Something that is no string, by what it is.
    Other(&'static str),
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Member)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, value: &str) -> Result<Member, E> {
        Ok(Member::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
        Ok(Member::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other("a number"))
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Member, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Member, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other("an object"))
    }
}

fn invalid(sentence: impl Into<String>) -> Unreadable {
    Unreadable::Invalid(sentence.into())
}

/// A parameter as sentences name it.
fn shown(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if (1..=SHOWN_LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain) {
        format!("The parameter {name}")
    } else {
        "A parameter".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    fn read(content_type: &str, body: &str) -> Parameters {
        parse(Some(content_type), body.as_bytes()).unwrap_or_else(|why| panic!("{body}: {why}"))
    }

    fn why(content_type: &str, body: &[u8]) -> String {
        match parse(Some(content_type), body) {
            Ok(_) => panic!("read: {}", String::from_utf8_lossy(body)),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn forms_are_decoded_as_appendix_b_says() {
        let body =
            "grant_type=client_credentials&scope=read%3Aleads+write%3aleads&&x&name=%C3%A9%2B=";
        let parameters = read(FORM, body);
        assert_eq!(parameters.get("grant_type"), Some("client_credentials"));
        assert_eq!(parameters.get("scope"), Some("read:leads write:leads"));
        assert_eq!(parameters.get("name"), Some("é+="));
        assert_eq!((parameters.get("x"), parameters.get("y")), (None, None));
    }

    #[test]
    fn json_is_an_object_of_strings() {
        let parameters = read(
            JSON,
            r#" {"grant_type": "client_credentials", "scope": ""} "#,
        );
        assert_eq!(parameters.get("grant_type"), Some("client_credentials"));
        // Empty is absent.
        assert_eq!(parameters.get("scope"), None);
    }

    #[test]
    fn a_content_type_may_carry_a_charset_and_capitals() {
        read("Application/JSON; charset=utf-8", "{}");
        read("application/x-www-form-urlencoded ;charset=UTF-8", "a=b");
        for other in ["text/plain", "multipart/form-data", "application/jsonp", ""] {
            assert_eq!(
                parse(Some(other), b"{}").err(),
                Some(Unreadable::MediaType),
                "{other}"
            );
        }
        let missing = parse(None, b"a=b").err().unwrap().to_string();
        assert!(missing.contains("Content-Type"), "{missing}");
    }

    #[test]
    fn what_stands_twice_is_named_but_for_resources() {
        assert_eq!(
            why(FORM, b"scope=a&scope=a"),
            "The parameter scope is sent more than once. Send it once."
        );
        assert!(why(FORM, b"scope=a&scope=").contains("The parameter scope"));
        assert!(why(FORM, b"scope=a&%73cope=b").contains("The parameter scope"));
        assert!(why(JSON, br#"{"code":"a","c\u006fde":"b"}"#).contains("The parameter code"));
        let both = read(FORM, "resource=a&resource=b");
        assert_eq!(both.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(why(JSON, br#"{"resource":"a","resource":"b"}"#).contains("resource"));
    }

    #[test]
    fn wrong_json_is_refused_by_member() {
        for (body, told) in [
            (
                r#"{"scope":1}"#,
                "The parameter scope is a number. Send a string.",
            ),
            (r#"{"scope":-1.5}"#, "is a number"),
            (r#"{"scope":null}"#, "is null"),
            (r#"{"scope":true}"#, "is true or false"),
            (r#"{"scope":["a",[{}]]}"#, "is an array"),
            (r#"{"scope":{"a":{"b":1}}}"#, "is an object"),
            ("[]", "not an object"),
            ("\"cs_live_secret\"", "not an object"),
            ("7", "not an object"),
            ("", "line 1, column 0"),
            ("{", "not JSON"),
            (r#"{"a":"b"} {"#, "not JSON"),
            (r#"{"a":"\ud800"}"#, "not JSON"),
            (r#"{"a":"b",}"#, "not JSON"),
        ] {
            let sentence = why(JSON, body.as_bytes());
            assert!(sentence.contains(told), "{body}: {sentence}");
            assert!(!sentence.contains("cs_live"), "{sentence}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!("{{\"a\":{}", "[".repeat(60_000));
        assert!(why(JSON, deep.as_bytes()).contains("not JSON"));
    }

    #[test]
    fn broken_encodings_are_refused() {
        for (body, told) in [
            (&b"scope=%"[..], "The parameter scope has a %"),
            (b"scope=%2", "The parameter scope has a %"),
            (b"scope=%+1", "has a %"),
            (b"scope=%zz", "has a %"),
            (b"%=1", "The name of a parameter has a %"),
            (b"scope=%ff", "The parameter scope is not UTF-8."),
            (b"scope=\xff", "The parameter scope is not UTF-8."),
            (b"\xff=1", "The name of a parameter is not UTF-8."),
        ] {
            let sentence = why(FORM, body);
            assert!(sentence.contains(told), "{body:?}: {sentence}");
        }
        assert_eq!(why(JSON, b"{\"a\":\"\xff\"}"), "The body is not UTF-8.");
    }

    #[test]
    fn a_secret_in_the_place_of_a_name_is_not_shown() {
        let secret = format!("cs_live_{}", "a".repeat(48));
        let sentence = why(FORM, format!("{secret}=1&{secret}=2").as_bytes());
        assert_eq!(
            sentence,
            "A parameter is sent more than once. Send it once."
        );
    }

    #[test]
    fn what_the_fuzzer_starts_from_and_found_is_read_as_before() {
        let corpus = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../fuzz/corpus/oauth_request"
        );
        let mut read = Vec::new();
        for file in std::fs::read_dir(corpus).unwrap() {
            let path = file.unwrap().path();
            let input = std::fs::read(&path).unwrap();
            let content_type = match input[0] {
                b'f' => Some(FORM),
                b'j' => Some(JSON),
                b'n' => None,
                _ => std::str::from_utf8(&input[1..]).ok(),
            };
            if parse(content_type, &input[1..]).is_ok() {
                read.push(path.file_name().unwrap().to_owned());
            }
        }
        read.sort();
        assert_eq!(read, ["form", "json", "resources"]);
    }

    #[test]
    fn parameters_are_bounded() {
        let body = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|n| format!("p{n}=1")).collect();
            pairs.join("&")
        };
        read(FORM, &body(PARAMETERS_MAX));
        assert!(why(FORM, body(PARAMETERS_MAX + 1).as_bytes()).contains("more than 64"));
        let resources = "resource=a&".repeat(PARAMETERS_MAX + 1);
        assert!(why(FORM, resources.as_bytes()).contains("more than 64"));
    }
}
