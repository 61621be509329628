//! Where an answer ends: by its length, or chunk by chunk (RFC 9112 sections 6.2 and 7.1).

use anyhow::{Context, Result};

const LINE_END: &[u8] = b"\r\n";

/// Where the first answer in the buffer ends; none while it is not whole.
pub(crate) fn end_of_answer(buffer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = position(buffer, b"\r\n\r\n") else {
        return Ok(None);
    };
    let body = head + 4;
    let head = std::str::from_utf8(&buffer[..head])?;
    if let Some(length) = header(head, "content-length") {
        let end = body + length.parse::<usize>().context("Content-Length")?;
        return Ok((buffer.len() >= end).then_some(end));
    }
    let coding = header(head, "transfer-encoding");
    coding
        .filter(|coding| coding.eq_ignore_ascii_case("chunked"))
        .context("an answer without a length")?;
    end_of_chunks(buffer, body)
}

/// The end of the chunks that begin at `at`, none of which has a trailer.
fn end_of_chunks(buffer: &[u8], mut at: usize) -> Result<Option<usize>> {
    loop {
        let rest = buffer.get(at..).unwrap_or_default();
        let Some(line) = position(rest, LINE_END) else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[..line])?.trim();
        let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
        at += line + LINE_END.len() + size + LINE_END.len();
        if size == 0 {
            return Ok((buffer.len() >= at).then_some(at));
        }
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::end_of_answer;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP";
        assert_eq!(end_of_answer(whole).unwrap(), Some(whole.len() - 4));
        assert_eq!(end_of_answer(&whole[..whole.len() - 5]).unwrap(), None);
        let chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(end_of_answer(chunks).unwrap(), Some(chunks.len()));
        for end in 1..chunks.len() {
            assert_eq!(end_of_answer(&chunks[..end]).unwrap(), None, "{end}");
        }
    }
}
