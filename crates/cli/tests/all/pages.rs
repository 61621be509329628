//! A tab of a browser that is nothing but HTTP: pages, forms and cookies, so that a test can see
//! each answer on the way. What a real browser makes of the pages, [`crate::person`] shows.

use crate::http::{Answer, exchange};

/// A tab with its cookies.
pub(crate) struct Tab {
    authority: String,
    cookies: Vec<(String, String)>,
}

/// A form as a page has it.
struct Form {
    action: String,
    hidden: Vec<(String, String)>,
}

impl Tab {
    /// A tab that was never anywhere, for the server at this authority.
    pub(crate) fn new(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            cookies: Vec::new(),
        }
    }

    /// Goes to a path of the server.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Sends the form of the page that has a field or a button called `with`, filled in.
    pub(crate) async fn submit(
        &mut self,
        page: &Answer,
        with: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let form = form(&page.body, with);
        let hidden = form.hidden.iter();
        let hidden = hidden.map(|(name, value)| (name.as_str(), value.as_str()));
        let body: Vec<String> = hidden
            .chain(fields.iter().copied())
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        self.ask("POST", &form.action, &body.join("&")).await
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: text/html\r\n\
             cookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.authority,
            cookies.join("; "),
            body.len()
        );
        let answer = exchange(&self.authority, &request).await.unwrap();
        for line in answer.head.lines() {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.retain(|(known, _)| known != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// A parameter of the query of an address.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(known, _)| *known == name);
    named.next().map(|(_, value)| value.to_owned())
}

fn form(page: &str, with: &str) -> Form {
    let mut forms = page.split("<form ").skip(1);
    let form = forms.find(|form| {
        let form = form.split("</form>").next().unwrap();
        form.contains(&format!("name=\"{with}\""))
    });
    let form = form.unwrap_or_else(|| panic!("no form with {with} in {page}"));
    let form = form.split("</form>").next().unwrap();
    let hidden = form.split("<input ").skip(1).filter_map(|input| {
        let input = input.split('>').next().unwrap();
        let is_hidden = attribute(input, "type").as_deref() == Some("hidden");
        is_hidden.then(|| Some((attribute(input, "name")?, attribute(input, "value")?)))?
    });
    Form {
        action: attribute(form, "action").unwrap(),
        hidden: hidden.collect(),
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next().unwrap();
    let plain = value
        .replace("&#38;", "&")
        .replace("&amp;", "&")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    Some(plain)
}

/// Text as forms send it.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
