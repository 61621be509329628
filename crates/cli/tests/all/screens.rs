//! Screens as people see them, with what differs from run to run replaced.

use crate::directory::Directory;
use crate::program::{Server, run, run_with};

/// Replaces ids, secrets, times and ports by what they are.
fn redacted(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| {
        let words = line.split(' ').map(redacted_word).collect::<Vec<_>>();
        words.join(" ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn redacted_word(word: &str) -> String {
    for prefix in [
        "key_", "cli_", "acct_", "usr_", "req_", "evt_", "api_", "leg_",
    ] {
        if let Some((before, rest)) = word.split_once(prefix)
            && rest.len() >= 26
            && rest.is_char_boundary(26)
        {
            return format!("{before}<{}>{}", prefix.trim_end_matches('_'), &rest[26..]);
        }
    }
    let is_date = word.len() == 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2;
    if is_date && word.starts_with("20") {
        return "<date>".to_owned();
    }
    if word.len() == 9 && word.ends_with('Z') && word.matches(':').count() == 2 {
        return "<time>".to_owned();
    }
    word.to_owned()
}

async fn dev() -> (Directory, String) {
    let directory = Directory::new();
    Server::dev(&directory).await.stop().await;
    let data = directory.path("data");
    (directory, data)
}

#[tokio::test]
async fn a_list_is_a_table() {
    let (_directory, data) = dev().await;
    let listed = run(&["account", "list", "--data", &data]).await.done();
    shown_is(
        &redacted(&listed),
        "\
ID                               NAME  STATUS  CREATED
<acct>  Acme  active  <date> <time>",
    );
    let members = run(&["member", "list", "--data", &data]).await.done();
    shown_is(
        &redacted(&members),
        "\
USER                            EMAIL            ROLE   STATUS  SINCE
<usr>  admin@acme.test  admin  active  <date> <time>",
    );
}

#[tokio::test]
async fn a_legacy_key_is_shown_with_what_it_is() {
    let (_directory, data) = dev().await;
    let made = run(&["legacy-key", "generate", "--data", &data]).await;
    shown_is(
        &redacted(&made.stderr),
        "Made <leg>. The key is not shown again. Legacy keys are deprecated: \
         `claviger key create` makes one with scopes.",
    );
    let key = made.done();
    let hint = &key[key.len() - 4..];
    let shown = run(&["legacy-key", "show", "--data", &data]).await.done();
    let by = shown.lines().find(|line| line.starts_with("created by"));
    shown_is(
        &redacted(&shown),
        &format!(
            "\
id          <leg>
hint        {hint}
account     <acct>
{}
created     <date> <time>
deprecated  yes",
            by.unwrap_or_default()
        ),
    );
    let again = run(&["legacy-key", "generate", "--data", &data]).await;
    shown_is(
        &again.stderr,
        "error: This account has a legacy key. Revert it first.\n\
         hint: `claviger legacy-key revert` revokes it\n",
    );
    let reverted = run(&["legacy-key", "revert", "--data", &data]).await;
    shown_is(
        &reverted.done(),
        "Acme has no legacy key any more: no node accepts it",
    );
    let none = run(&["legacy-key", "show", "--data", &data]).await;
    shown_is(
        &none.stderr,
        "error: This account has no legacy key. One can be generated; an API key or a client is \
         the better choice.\n\
         hint: `claviger legacy-key generate` makes one\n",
    );
}

#[tokio::test]
async fn an_app_is_shown_with_where_it_leads() {
    let (_directory, data) = dev().await;
    let callback = "http://127.0.0.1/callback";
    let create = ["client", "create", "--data", &data, "--kind", "app"];
    let what = [
        "--name",
        "Calendar",
        "--scope",
        "read:leads",
        "--redirect-uri",
        callback,
        "--public",
    ];
    let made = run(&[&create[..], &what[..]].concat()).await;
    shown_is(
        &redacted(&made.stderr),
        "Made <cli> (Calendar, app, live). It has no secret.",
    );
    shown_is(&redacted(&made.done()), "<cli>");
    let edit = ["client", "edit", "Calendar", "--data", &data];
    let home = ["--client-uri", "https://calendar.test"];
    run(&[&edit[..], &home[..]].concat()).await.done();
    let shown = run(&["client", "show", "Calendar", "--data", &data]).await;
    let shown = shown.done();
    let lines = shown.lines();
    let lines = lines.skip_while(|line| !line.starts_with("redirect URIs"));
    let of_app: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    shown_is(
        &of_app.join("\n"),
        "\
redirect URIs    http://127.0.0.1/callback
grant types      authorization_code refresh_token
public           yes
code challenge   yes
pushed requests  no
bound tokens     no
home page        https://calendar.test
logo             -
policy           -
terms            -
keys             -
origin           account",
    );
    let refused = run(&[&create[..], &["--name", "X", "--scope", "read:leads"]].concat()).await;
    assert!(
        refused.stderr.contains("redirect_uris"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_next() {
    let (_directory, data) = dev().await;
    run(&["account", "create", "Globex", "--data", &data])
        .await
        .done();
    let listed = run(&["key", "list", "--account", "Globex", "--data", &data]).await;
    assert_eq!(listed.stdout, "");
    shown_is(
        &listed.stderr,
        "no key yet; `claviger key create` makes one\n",
    );
}

#[tokio::test]
async fn a_refusal_has_its_message_and_hint() {
    let (_directory, data) = dev().await;
    let refused = run_with(&["verify", "--data", &data], "ck_live_nonsense\n", &[]).await;
    shown_is(
        &redacted(&refused.stdout),
        "refused  invalid_credential  <req>",
    );
    shown_is(
        &refused.stderr,
        "Invalid or expired token\n\
         hint: Check that the whole credential was copied and that it belongs to this system.\n",
    );
}

#[tokio::test]
async fn an_error_ends_with_its_hint() {
    let (_directory, data) = dev().await;
    let unknown = run(&["key", "show", "Nightly", "--data", &data]).await;
    shown_is(
        &unknown.stderr,
        "error: there is no key called Nightly\n\
         hint: `claviger key list` shows what there is\n",
    );
}

#[tokio::test]
async fn a_later_dev_says_what_is_not_shown_again() {
    let (directory, data) = dev().await;
    let listen = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let arguments = [&["dev", "--data", &data], &listen[..]].concat();
    let mut server = Server::spawn(&directory, &arguments);
    let first = server.next_line().await;
    server.signal(rustix::process::Signal::TERM);
    let (_, rest) = server.ended().await;
    let shown = format!("{first}\n{rest}");
    assert!(shown.starts_with("Claviger is ready.\n"), "{shown}");
    assert!(shown.contains("--reset begins anew"), "{shown}");
    assert!(!shown.contains("ck_live_"), "{shown}");
}

fn shown_is(found: &str, expected: &str) {
    assert_eq!(found, expected);
}
