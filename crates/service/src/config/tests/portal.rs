use super::*;
use crate::branding::{LogoFormat, Support};

#[test]
fn accents_that_cannot_be_read_are_refused_with_what_to_do() {
    assert_eq!(
        error("[portal]\naccent = \"#ff7a00\"\naccent_dark = \"navy\"\n"),
        "claviger.toml:2:1: portal.accent has a contrast of 2.28:1 on #fdecea of the light theme, \
         and text needs 4.5:1 (WCAG AA); choose a darker colour\n\
         claviger.toml:3:1: portal.accent_dark must be a colour such as #2a4bd0"
    );
    let brand = parse("[portal]\naccent = \"#0b6b3a\"\n").expect("valid");
    let accents = brand.settings().portal.brand.accents.expect("accents");
    assert_eq!(accents.light.colour.to_string(), "#0b6b3a");
    let none = parse("").expect("valid").settings().portal.brand;
    assert_eq!((none.accents, none.support), (None, None));
}

#[test]
fn help_is_a_page_or_an_address() {
    let brand = |text: &str| parse(text).expect("valid").settings().portal.brand;
    let page = brand("[portal]\nsupport_url = \"https://example.com/help\"\n");
    let url = "https://example.com/help".to_owned();
    assert_eq!(page.support, Some(Support::Page(url)));
    let mail = brand("[portal]\nsupport_email = \"Help@example.com\"\n");
    let mail = mail.support.expect("an address");
    assert_eq!(mail.href(), "mailto:help@example.com");
    assert_eq!(
        error("[portal]\nsupport_url = \"https://a.test\"\nsupport_email = \"a@a.test\"\n"),
        "claviger.toml:3:1: portal.support_email cannot stand beside portal.support_url: pages \
         have one link to help"
    );
}

#[test]
fn a_logo_is_read_from_beside_the_file() {
    let name = format!("claviger-logo-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).expect("a directory");
    let origin = directory.join("claviger.toml");
    let config = Config::parse("[portal]\nlogo = \"logo.svg\"\n", &origin.to_string_lossy());
    let config = config.expect("valid");
    let missing = config.logo().expect_err("missing").to_string();
    assert!(missing.contains("portal.logo names "), "{missing}");
    assert!(missing.contains("which cannot be read"), "{missing}");
    let logo = directory.join("logo.svg");
    std::fs::write(&logo, "GIF89a").expect("written");
    let wrong = config.logo().expect_err("no picture").to_string();
    assert!(
        wrong.ends_with("which is neither a PNG nor an SVG"),
        "{wrong}"
    );
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>"#;
    std::fs::write(&logo, svg).expect("written");
    let found = config.logo().expect("read").expect("a logo");
    assert_eq!(found.format(), LogoFormat::Svg);
    std::fs::remove_dir_all(&directory).expect("removed");
    assert!(parse("").expect("valid").logo().expect("none").is_none());
}
