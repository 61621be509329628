//! Reading the parameters of an authorization request: like the strict reader of bodies, but what
//! is wrong is kept beside the rest, because where an error goes depends on other parameters.

use claviger_service::oauth::authorize::AuthorizationParameters;

use super::request::{PARAMETERS_MAX, Undecodable, decode};

/// Reads a query, or the body of a form.
pub(crate) fn read(text: &[u8]) -> AuthorizationParameters {
    let mut pairs = Vec::new();
    let mut unreadable = Vec::new();
    for pair in text
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        if pairs.len() == PARAMETERS_MAX {
            let told = format!("The request has more than {PARAMETERS_MAX} parameters.");
            unreadable.push((String::new(), told));
            break;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default());
        let value = decode(halves.next().unwrap_or_default());
        match (name, value) {
            (Ok(name), Ok(value)) => pairs.push((name.to_string(), value.to_string())),
            (Ok(name), Err(why)) => unreadable.push((name.to_string(), told(why))),
            (Err(why), _) => unreadable.push((String::new(), told(why))),
        }
    }
    let read = AuthorizationParameters::new(pairs);
    let add = |read: AuthorizationParameters, (name, told)| read.with_unreadable(name, told);
    unreadable.into_iter().fold(read, add)
}

/// A text as the value of a parameter.
pub(crate) fn escape(text: &str) -> String {
    let pair = [("x".to_owned(), text.to_owned())];
    AuthorizationParameters::new(pair).query().split_off(2)
}

fn told(why: Undecodable) -> String {
    let told = match why {
        Undecodable::Percent => "A parameter has a % that two hexadecimal digits do not follow.",
        Undecodable::Utf8 => "A parameter is not UTF-8.",
    };
    told.to_owned()
}
