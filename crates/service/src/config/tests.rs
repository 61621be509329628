mod apis;
mod portal;

use std::collections::BTreeSet;

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::QuotaMode;
use claviger_model::keyring::master_key_line;

use super::check::{defaults, section_of, toml_value};
use super::keys::{APIS, Key, Kind, SECTIONS};
use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "claviger.toml")
}

fn error(text: &str) -> String {
    parse(text)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

const fn nothing_set(_: &str) -> Option<String> {
    None
}

/// The keys of a table with their sections.
fn paths(prefix: &str, table: &serde_json::Value) -> BTreeSet<String> {
    let members = table.as_object().expect("a table").iter();
    let of_member = |(name, value): (&String, &serde_json::Value)| {
        let path = format!("{prefix}{name}");
        let first = value.get(0).filter(|first| first.is_object());
        match first.unwrap_or(value) {
            table if table.is_object() => paths(&format!("{path}."), table),
            _ => BTreeSet::from([path]),
        }
    };
    members.flat_map(of_member).collect()
}

/// A table with every key, and their names.
fn filled(prefix: &str, keys: &[Key], names: &mut BTreeSet<String>) -> toml::Table {
    let mut table = toml::Table::new();
    for key in keys {
        let path = format!("{prefix}.{}", key.name);
        let value = if let Kind::Tables(keys) = key.kind {
            toml::Value::Array(vec![toml::Value::Table(filled(&path, keys, names))])
        } else {
            names.insert(path);
            toml_value(key.default.shown()).expect("a TOML value")
        };
        table.insert(key.name.to_owned(), value);
    }
    table
}

#[test]
fn every_key_of_the_table_is_in_the_struct_and_the_other_way_round() {
    let mut values = defaults();
    let mut in_table = BTreeSet::new();
    for section in SECTIONS {
        let table = section_of(&mut values, section.name).expect("a section");
        table.extend(filled(section.name, section.keys, &mut in_table));
    }
    let api = toml::Value::Table(filled(APIS.name, APIS.keys, &mut in_table));
    values.insert(APIS.name.to_owned(), toml::Value::Array(vec![api]));
    let file: File = values
        .try_into()
        .expect("the struct has every key of the table");
    let json = serde_json::to_value(&file).expect("JSON");
    assert_eq!(paths("", &json), in_table);
}

#[test]
fn every_shown_value_is_one_that_its_key_takes() {
    for section in SECTIONS {
        for key in section.keys {
            let text = format!(
                "[{}]\n{} = {}\n",
                section.name,
                key.name,
                key.default.shown()
            );
            let problems = super::check::check(&text).problems;
            assert_eq!(problems, [], "{}.{}", section.name, key.name);
        }
    }
}

#[test]
fn an_empty_file_and_the_example_are_the_defaults() {
    for text in [String::new(), example()] {
        let config = parse(&text).expect("valid");
        assert_eq!(config.settings(), Settings::default());
        assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
        let storage = config.storage(&nothing_set).expect("SQLite");
        let file = Path::new("claviger-data/claviger.db").to_owned();
        assert_eq!(storage.main, Location::Sqlite { file });
        assert_eq!(
            config.master_key_file(),
            Some("claviger-data/master.key".into())
        );
        assert!(config.internal_token().expect("none").is_none());
    }
}

#[test]
fn a_mistyped_key_is_named_with_its_place_and_the_nearest_one() {
    assert_eq!(
        error("# ours\n[server]\n  public_listne = \"127.0.0.1:1\"\n"),
        "claviger.toml:3:3: server.public_listne is no key of this file\n  \
         hint: server.public_listen is the nearest key"
    );
    assert_eq!(
        error("[servr]\n"),
        "claviger.toml:1:2: servr is no section of this file\n  \
         hint: [server] is the nearest section"
    );
    assert_eq!(
        error("public_url = \"https://a\"\n"),
        "claviger.toml:1:1: public_url is no section of this file\n  \
         hint: public_url stands under [server]"
    );
    assert_eq!(
        error("[server]\nlease_seconds = 3\n"),
        "claviger.toml:2:1: server.lease_seconds is no key of this file\n  \
         hint: node.lease_seconds is the nearest key"
    );
    assert_eq!(
        error("[server]\nnothing_like_it = 3\n"),
        "claviger.toml:2:1: server.nothing_like_it is no key of this file"
    );
}

#[test]
fn all_problems_are_reported_together_in_the_order_of_the_file() {
    let text = "\
[node]
lease_seconds = 2
[server]
public_listen = \"everywhere\"
internal_listen = \"0.0.0.0:8081\"
connections_max = \"many\"
trusted_proxies = [\"10.0.0.0/8\", \"proxy\"]
[credentials]
key_prefix_live = \"ses_\"
key_prefix_test = \"CK\"
[log]
level = \"loud\"
";
    assert_eq!(
        error(text),
        "\
claviger.toml:2:1: node.lease_seconds must be a number from 3 to 60
claviger.toml:4:1: server.public_listen must be an IP address and a port such as 127.0.0.1:8080
claviger.toml:6:1: server.connections_max must be a number without quotes, not a TOML string
claviger.toml:7:1: server.trusted_proxies must hold addresses and networks such as 10.0.0.0/8
claviger.toml:9:1: credentials.key_prefix_live is the prefix of another kind of credential
claviger.toml:10:1: credentials.key_prefix_test must be 2 to 32 of a-z, 0-9 and _, a letter first \
         and _ last, such as ck_live_
claviger.toml:12:1: log.level must be one of error, warn, info, debug, trace
claviger.toml: internal.token_file is needed, because server.internal_listen is not a loopback \
         address"
    );
}

#[test]
fn what_is_not_toml_is_reported_with_its_place() {
    let message = error("[server]\npublic_listen = \n");
    assert!(message.starts_with("claviger.toml:2:"), "{message}");
    assert!(message.contains("this is not TOML"), "{message}");
    assert!(error("[log]\nlevel = \"info\"\nlevel = \"warn\"\n").starts_with("claviger.toml:3:1:"));
}

#[test]
fn prefixes_may_be_plain_for_live_but_never_the_same() {
    let text = "[credentials]\nkey_prefix_live = \"ck_\"\n";
    assert_eq!(
        parse(text).expect("valid").settings().prefixes.key_live,
        "ck_"
    );
    let same = "[credentials]\nkey_prefix_live = \"pb_\"\nkey_prefix_test = \"pb_\"\n";
    assert_eq!(
        error(same),
        "claviger.toml:3:1: credentials.key_prefix_test must differ from \
         credentials.key_prefix_live"
    );
}

#[test]
fn no_two_kinds_of_credential_have_the_same_prefix() {
    let cases = [
        (
            "key_prefix_live = \"cl_\"\n",
            "claviger.toml:2:1: credentials.key_prefix_live must differ from \
             credentials.legacy_key_prefix",
        ),
        (
            "client_secret_prefix_test = \"ck_\"\nkey_prefix_live = \"ck_\"\n",
            "claviger.toml:2:1: credentials.client_secret_prefix_test must differ from \
             credentials.key_prefix_live",
        ),
        (
            "legacy_key_prefix = \"crt_\"\n",
            "claviger.toml:2:1: credentials.legacy_key_prefix is the prefix of another kind of \
             credential",
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(error(&format!("[credentials]\n{keys}")), expected);
    }
    let swapped = "[credentials]\nlegacy_key_prefix = \"ck_live_\"\nkey_prefix_live = \"cl_\"\n";
    assert_eq!(error(swapped), "");
}

#[test]
fn tokens_labels_and_legacy_keys_are_the_operators() {
    let text = "\
[tokens]
signing_algorithm = \"RS256\"
lifetime_seconds = 86400
per_day = 10
quota_mode = \"observe\"
[credentials]
legacy_keys = false
legacy_deprecated_since = \"2024-02-29\"
[portal.labels]
create_api_key = \" Create an API key \"
";
    let settings = parse(text).expect("valid").settings();
    let tokens = TokenSettings {
        signing_algorithm: SigningAlgorithm::Rs256,
        lifetime_seconds: 86_400,
        per_day: Some(10),
        quota_mode: QuotaMode::Observe,
        ..TokenSettings::default()
    };
    assert_eq!(settings.tokens, tokens);
    assert!(!settings.legacy_keys);
    assert_eq!(
        settings.legacy_deprecated_since,
        UnixMillis(1_709_164_800_000)
    );
    let labels = &settings.portal.labels;
    assert_eq!(
        (&*labels.create_api_key, &*labels.save),
        ("Create an API key", "Save Changes")
    );
}

#[test]
fn a_label_is_named_with_its_section_within_a_section() {
    let long = "x".repeat(61);
    let text = format!(
        "[portal]\nname = \"a\\u0007\"\n[portal.labels]\nrevert = \"{long}\"\napi_kyes = \"\"\n"
    );
    assert_eq!(
        error(&text),
        "\
claviger.toml:2:1: portal.name must not contain control characters
claviger.toml:4:1: portal.labels.revert must have at most 60 characters
claviger.toml:5:1: portal.labels.api_kyes is no key of this file
  hint: portal.labels.api_keys is the nearest key"
    );
    assert_eq!(
        error("portal.labels = \"Keys\"\n"),
        "claviger.toml:1:8: portal.labels is a section, not a key\n  \
         hint: write [portal.labels] on a line of its own"
    );
}

#[test]
fn a_day_is_one_of_the_calendar() {
    for day in [
        "2025-02-29",
        "2025-1-1",
        "20250101",
        "2025-01-01T00:00:00Z",
        "soon",
    ] {
        let text = format!("[credentials]\nlegacy_deprecated_since = \"{day}\"\n");
        let sentence = "legacy_deprecated_since must be a date such as 2025-01-01";
        assert!(error(&text).contains(sentence), "{day}: {}", error(&text));
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let cases = [
        (
            "[server]\npublic_listen = \"0.0.0.0:80\"\n",
            "server.public_url is needed",
        ),
        (
            "[server]\ntls_cert_file = \"c.pem\"\n",
            "server.tls_key_file is needed",
        ),
        (
            "[server]\ntls_key_file = \"k.pem\"\n",
            "server.tls_cert_file is needed",
        ),
        (
            "[tokens]\nsigning_key_days = 1\njwks_cache_seconds = 86400\n",
            "tokens.jwks_cache_seconds must be shorter",
        ),
        (
            "[master_key]\nfile = \"a\"\nenv = \"B\"\n",
            "master_key.env cannot stand",
        ),
        (
            "[database]\npostgres_url = \"postgres://h/d\"\n",
            "node.name is needed",
        ),
        (
            "[node]\nname = \"a\"\n[database]\npostgres_url_file = \"u\"\npostgres_url_env = \"U\"\n",
            "database.postgres_url_env cannot stand",
        ),
    ];
    for (text, expected) in cases {
        assert!(error(text).contains(expected), "{}", error(text));
    }
    let secret = "[node]\nname = \"a\"\n[database]\npostgres_url = \"mysql://u:hunter2@h/d\"\n";
    assert!(!error(secret).contains("hunter2"));
    assert!(error(secret).contains("database.postgres_url must start with postgres://"));
}

#[test]
fn secrets_come_from_files_and_named_variables() {
    let text = "\
[node]
name = \"a\"
[database]
postgres_url_env = \"PG\"
[master_key]
env = \"MK\"
";
    let config = parse(text).expect("valid");
    let missing = config
        .storage(&nothing_set)
        .err()
        .map(|error| error.to_string());
    assert_eq!(
        missing.as_deref(),
        Some(
            "claviger.toml: database.postgres_url_env names the environment variable PG, which is \
             not set"
        )
    );
    let line = master_key_line(1, &[7; 32]);
    let environment = |name: &str| match name {
        "PG" => Some("postgres://h/d".to_owned()),
        "MK" => Some(line.to_string()),
        _ => None,
    };
    let storage = config.storage(&environment).expect("set");
    assert_eq!(
        storage.main,
        Location::Postgres {
            url: "postgres://h/d".to_owned()
        }
    );
    assert_eq!(
        config
            .keyring(&environment)
            .expect("a key")
            .current_version(),
        1
    );
    assert_eq!(config.master_key_file(), None);
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let text = "[master_key]\nfile = \"k\"\n[database]\ndata_dir = \"/var/lib/claviger\"\n";
    let config = Config::parse(text, "/etc/claviger/claviger.toml").expect("valid");
    assert_eq!(config.master_key_file(), Some("/etc/claviger/k".into()));
    assert_eq!(config.data_dir(), Path::new("/var/lib/claviger"));
    let error = config
        .keyring(&nothing_set)
        .expect_err("there is no such file")
        .to_string();
    assert!(
        error.contains("master_key.file names /etc/claviger/k"),
        "{error}"
    );
}

#[test]
fn the_page_and_the_example_name_every_key() {
    let (page, text) = (reference_markdown(), example());
    for key in SECTIONS
        .iter()
        .chain([&APIS])
        .flat_map(|section| section.keys)
    {
        assert!(
            page.contains(&format!("| `{}` |", key.name)),
            "{}",
            key.name
        );
        assert!(
            text.contains(&format!("\n# {} = ", key.name)),
            "{}",
            key.name
        );
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_master_key_is_found_below_a_relative_directory() {
    let directory = std::env::temp_dir().join(format!("claviger-config-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let line = master_key_line(1, &[7; 32]);
    std::fs::write(directory.join("master.key"), line.as_bytes()).expect("a file");
    // Without a leading slash: a way that is resolved twice leads nowhere.
    let here = std::env::current_dir().expect("here");
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let down = directory.strip_prefix("/").expect("absolute");
    let relative = up.join(down).join("claviger.toml");
    let config = Config::parse(
        "[database]\ndata_dir = \".\"\n",
        &relative.to_string_lossy(),
    );
    let keyring = config.expect("valid").keyring(&nothing_set);
    std::fs::remove_dir_all(&directory).expect("removed");
    assert_eq!(keyring.expect("found").current_version(), 1);
}

#[test]
fn the_reference_page_is_the_generated_one() {
    let page = include_str!("../../../../docs/guide/reference/configuration.md");
    assert!(page == reference_markdown(), "run `cargo xtask docs`");
}
