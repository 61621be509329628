//! Forms with files: `multipart/form-data` (RFC 7578), whose files are texts.

/// The type of a form with files.
pub(super) const MULTIPART: &str = "multipart/form-data";
const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The names and contents of the parts, in their order; none of what is not such a form.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<(String, &'a [u8])>> {
    let delimiter = format!("--{}", boundary(content_type)?).into_bytes();
    let mut rest = body.strip_prefix(&*delimiter)?;
    let between = [LINE_END, &delimiter].concat();
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let (head, content) = split(rest.strip_prefix(LINE_END)?, HEAD_END)?;
        let (content, after) = split(content, &between)?;
        parts.push((name(head)?, content));
        rest = after;
    }
    Some(parts)
}

/// What stands between the parts (RFC 2046 section 5.1.1).
fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1);
    let text = parameters.find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    (1..=70).contains(&text.len()).then_some(text)
}

/// The field that a part is of, as browsers write it (HTML section 4.10.22.8).
fn name(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let (_, rest) = disposition.split_once("; name=\"")?;
    let (name, _) = rest.split_once('"')?;
    Some(name.to_owned())
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x-1\"";

    #[test]
    fn parts_are_read_as_browsers_send_them() {
        let body = "--x-1\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\nt\r\n\
                    --x-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\
                    Content-Type: application/json\r\n\r\n{\r\n--x}\r\n--x-1--\r\n";
        let parts = parts(TYPE, body.as_bytes()).expect("parts");
        let expected = [("form_token", "t"), ("file", "{\r\n--x}")];
        assert_eq!(parts.len(), expected.len());
        for ((name, content), (told, text)) in parts.iter().zip(expected) {
            assert_eq!((name.as_str(), *content), (told, text.as_bytes()));
        }
    }

    #[test]
    fn what_breaks_off_is_none() {
        let whole = "--x-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x-1--";
        assert!(parts(TYPE, whole.as_bytes()).is_some());
        for length in 0..whole.len() - 2 {
            assert!(
                parts(TYPE, &whole.as_bytes()[..length]).is_none(),
                "{length}"
            );
        }
        assert!(parts("multipart/form-data", whole.as_bytes()).is_none());
        assert!(parts("multipart/form-data; boundary=", whole.as_bytes()).is_none());
    }
}
