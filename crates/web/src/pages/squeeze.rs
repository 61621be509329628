//! Stylesheets without what only people need: comments, line ends and indents. Done while this is
//! compiled.

/// The length of a stylesheet without them.
pub(super) const fn squeezed_length(css: &str) -> usize {
    walk::<0>(css.as_bytes()).1
}

/// A stylesheet without them; `N` is its length.
pub(super) const fn squeezed<const N: usize>(css: &str) -> [u8; N] {
    walk(css.as_bytes()).0
}

/// What is left, as far as there is room for it, and its whole length.
///
/// A space goes where it stands at `{`, `}` or `;`, or after `,` or `:`. Before a colon it means
/// something in a selector, and in a string everything does.
const fn walk<const N: usize>(css: &[u8]) -> ([u8; N], usize) {
    let (mut left, mut length, mut at) = ([0; N], 0, 0);
    let (mut is_space, mut in_string, mut before) = (false, false, b'{');
    while at < css.len() {
        let byte = css[at];
        if !in_string && byte == b'/' && at + 1 < css.len() && css[at + 1] == b'*' {
            at += 2;
            while !(css[at - 1] == b'*' && css[at] == b'/') {
                at += 1;
            }
            at += 1;
            continue;
        }
        at += 1;
        if !in_string && byte.is_ascii_whitespace() {
            is_space = true;
            continue;
        }
        let is_needed = !matches!(before, b'{' | b'}' | b';' | b',' | b':')
            && !matches!(byte, b'{' | b'}' | b';');
        if is_space && is_needed {
            if length < N {
                left[length] = b' ';
            }
            length += 1;
        }
        is_space = false;
        if byte == b'"' {
            in_string = !in_string;
        }
        if length < N {
            left[length] = byte;
        }
        length += 1;
        before = byte;
    }
    (left, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = "/* of * all */\na:hover, b :focus {\n  content: \"a:  /* {b} */\";\n  \
                         margin: 0 auto;\n}\n\n@media (max-width: 760px) {\n  a > b { x: y }\n}\n";
    const EXPECTED: &str = "a:hover,b :focus{content:\"a:  /* {b} */\";margin:0 auto;}\
                            @media (max-width:760px){a > b{x:y}}";

    #[test]
    fn what_only_people_need_goes_and_the_rest_stays() {
        const LENGTH: usize = squeezed_length(SHEET);
        let left: [u8; LENGTH] = squeezed(SHEET);
        assert_eq!(std::str::from_utf8(&left), Ok(EXPECTED));
    }
}
