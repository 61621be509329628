//! What people call the program that a session was started with.

/// Browsers by a word in what they call themselves, those first that others pretend to be.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Systems, in the same order.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];
/// How much is told of a program that is none of them, in characters.
const TOLD_MAX: usize = 40;

/// Such as "Firefox on Linux"; of anything else its own first words.
pub(super) fn told(user_agent: &str) -> String {
    let one_of = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(word, _)| user_agent.contains(word));
        found.map(|(_, name)| *name)
    };
    match (one_of(&BROWSERS), one_of(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => user_agent.chars().take(TOLD_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn browsers_are_told_from_those_that_they_pretend_to_be() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                    Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        for (sent, expected) in [
            (edge, "Edge on Windows"),
            (phone, "Safari on iPhone"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            ("curl/8.14.1", "curl/8.14.1"),
            (&"x".repeat(300), &"x".repeat(40)),
        ] {
            assert_eq!(told(sent), expected);
        }
    }
}
