use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_model::ids::{KeyId, SecretId};
use claviger_service::imports::{
    ImportOptions, Outcome, Refused, Told, Tried, import_keys, note_use, try_slow, write_uses,
};
use claviger_service::keys::{self, KeyWithSecrets, ListFilter, Listed};
use claviger_service::testing::{TestApp, TestDatabase, for_each_app, forge_imported_hashes};
use claviger_service::{App, Error};
use claviger_store::imports;
use claviger_verify::entries::Identity;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Keys of another system, with what Python's hashlib, hmac and crypt make of them; argon2 is from
/// the test vectors of its reference implementation.
const FAST: &str = "sk_old_9fQ2-abc.DEF/1+2";
const SHA256: &str = "f65940370b2c779f6c4af58889cc674b880880a8ce808a074fe48f52280e12d1";
const SHA512: &str = "vhUKT00AcHrO3jkX0ij6uoR/nkLYARy2FpOxwwY01xcBEIceovDhQhN3x22GYvNQ96iVZ9T9+0Tn\
                      ZWfY6iNCvw==";
const HMAC: &str = "2ebf028a1363b9c29adbe2643027017d47a751dd324ca253a56668faee84e909";
const PEPPER: &str = "old pepper";
const BCRYPT_KEY: &str = "sk_slow_bcrypt_0001";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu/c6zFL6ckBPpLnN0sILUqZaNB9mpwhq";
const ARGON2_KEY: &str = "password";
const ARGON2: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

#[expect(
    clippy::needless_pass_by_value,
    reason = "what a test writes down is made for it"
)]
fn line(more: Value) -> Value {
    with(json!({"name": "Old", "scopes": ["read:a"]}), &more)
}

fn with(mut line: Value, more: &Value) -> Value {
    for (member, value) in more.as_object().unwrap() {
        line[member] = value.clone();
    }
    line
}

/// A good line with a hash of one digit, changed so that it may not be one any more.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a test writes down is made for it"
)]
fn changed(fill: &str, more: Value) -> Value {
    let line = line(json!({"hash": fill.repeat(64), "algorithm": "sha256"}));
    with(line, &more)
}

fn file(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

async fn with_api(test: &TestApp) {
    let access = test.operator.operator().unwrap();
    let draft = ApiDraft {
        name: Some("A".to_owned()),
        audience: Some("https://a".to_owned()),
        scopes: Some(vec![ScopeDraft {
            name: "read:a".to_owned(),
            ..ScopeDraft::default()
        }]),
        ..ApiDraft::default()
    };
    claviger_service::apis::create(&test.app, &access, draft, None)
        .await
        .unwrap();
}

fn options(test: &TestApp) -> ImportOptions {
    ImportOptions {
        account_id: Some(test.account.id),
        pepper: Some(Zeroizing::new(PEPPER.into())),
        ..ImportOptions::default()
    }
}

async fn import(
    test: &TestApp,
    lines: &str,
    options: &ImportOptions,
) -> (Result<Outcome, Error>, Vec<Refused>) {
    let mut bad = Vec::new();
    let mut told = |told: Told| {
        if let Told::Refused(refused) = told {
            bad.push(refused);
        }
    };
    let access = test.operator.operator().unwrap();
    let mut source = Cursor::new(lines);
    let outcome = import_keys(&test.app, &access, &mut source, options, &mut told).await;
    (outcome, bad)
}

async fn import_all(test: &TestApp, lines: &[Value]) {
    let (outcome, bad) = import(test, &file(lines), &options(test)).await;
    assert_eq!(bad, []);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.fresh, lines.len() as u64, "{outcome:?}");
}

/// What the gateway does with a credential.
async fn present(app: &App, credential: &str) -> Result<(KeyId, SecretId), Reason> {
    let mut found = app.verifier().identify(credential, app.sources().both());
    if found.as_ref().err() == Some(&Reason::InvalidCredential)
        && try_slow(app, credential, None).await == Tried::Right
    {
        found = app.verifier().identify(credential, app.sources().both());
    }
    let entry = found?;
    note_use(app, &entry, credential);
    match entry.identity() {
        Identity::Key(id, secret_id) => Ok((id, secret_id)),
        other => panic!("{other:?}"),
    }
}

async fn has_foreign_hash(test: &TestApp, id: SecretId) -> bool {
    let mut reader = test.database().db.read().await.unwrap();
    let row = imports::get(&mut reader, id).await.unwrap().unwrap();
    row.hash.is_some()
}

async fn all_keys(test: &TestApp) -> Vec<KeyWithSecrets> {
    let access = test.admin.key_reading().unwrap();
    let filter = ListFilter {
        environment: None,
        listed: Listed::All,
        after: None,
        limit: 1_000,
    };
    keys::list(&test.app, &access, filter).await.unwrap().keys
}

/// Every algorithm and encoding: the line, and the key.
fn every_kind() -> Vec<(Value, &'static str)> {
    let hmac = json!({"hash": HMAC, "algorithm": "hmac-sha256"});
    let bcrypt = json!({"hash": BCRYPT, "algorithm": "bcrypt", "lookup": "sk_slow"});
    let argon2 = json!({"hash": ARGON2, "algorithm": "argon2", "lookup": "pass"});
    vec![
        (json!({"hash": SHA256, "algorithm": "sha256"}), FAST),
        (
            json!({"hash": SHA512, "algorithm": "sha512", "encoding": "base64"}),
            FAST,
        ),
        (hmac, FAST),
        (bcrypt, BCRYPT_KEY),
        (argon2, ARGON2_KEY),
    ]
}

#[tokio::test]
async fn a_key_of_each_algorithm_is_known_at_once_and_upgraded_by_its_first_use() {
    for (kind, key) in every_kind() {
        for_each_app(async |test| {
            with_api(test).await;
            let app = &test.app;
            assert_eq!(present(app, key).await, Err(Reason::InvalidCredential));
            import_all(test, &[line(kind.clone())]).await;
            let (id, secret_id) = present(app, key).await.unwrap();
            for wrong in [format!("{key}x"), key[1..].to_owned(), key.to_uppercase()] {
                assert_eq!(present(app, &wrong).await, Err(Reason::InvalidCredential));
            }
            assert!(has_foreign_hash(test, secret_id).await);
            write_uses(app).await.unwrap();
            assert!(!has_foreign_hash(test, secret_id).await);
            let upgraded = async {
                while app.verifier().index().imported().held() > 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(20), upgraded)
                .await
                .unwrap();
            // There is nothing of the other system left to recognise it by.
            let again = app.verifier().identify(key, app.sources().both()).unwrap();
            assert_eq!(again.identity(), Identity::Key(id, secret_id));
            assert!(!again.is_unseen());
            assert_eq!(
                present(app, &format!("{key}x")).await,
                Err(Reason::InvalidCredential)
            );
            let hints: Vec<String> = all_keys(test)
                .await
                .iter()
                .map(|key| key.hint().to_owned())
                .collect();
            assert_eq!(hints, [&key[key.len() - 4..]]);

            let reopened = test.reopened().await;
            let found = present(&reopened, key).await;
            assert_eq!(found, Ok((id, secret_id)));
            reopened.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_imported_key_is_an_ordinary_one_seen_or_not() {
    for (kind, key) in every_kind() {
        for_each_app(async |test| {
            with_api(test).await;
            let more = json!({"hint": "wxyz", "environment": "test", "external_id": "7"});
            import_all(test, &[with(line(kind.clone()), &more)]).await;
            let found = all_keys(test).await;
            assert_eq!(
                (found[0].hint(), found[0].key.settings.name.as_str()),
                ("wxyz", "Old")
            );
            let id = found[0].key.id;
            let access = test.admin.key_writing().unwrap();
            let switch = |active| claviger_model::keys::KeyDraft {
                active: Some(active),
                ..Default::default()
            };
            // Not a single use before: nothing but the foreign hash could let it pass.
            keys::edit(&test.app, &access, id, switch(false), None)
                .await
                .unwrap();
            assert_eq!(present(&test.app, key).await, Err(Reason::Inactive));
            keys::edit(&test.app, &access, id, switch(true), None)
                .await
                .unwrap();
            assert_eq!(present(&test.app, key).await.unwrap().0, id);
            keys::revoke(&test.app, &access, id, None).await.unwrap();
            assert_eq!(present(&test.app, key).await, Err(Reason::Revoked));
            write_uses(&test.app).await.unwrap();
            assert_eq!(present(&test.app, key).await, Err(Reason::Revoked));
            let reopened = test.reopened().await;
            assert_eq!(present(&reopened, key).await, Err(Reason::Revoked));
            reopened.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn bad_lines_have_numbers_and_reasons_and_keep_all_others_out_unless_told() {
    for_each_app(async |test| {
        with_api(test).await;
        let mut text = file(&[
            changed("1", json!({"external_id": "e1"})),
            changed("2", json!({"scopes": ["nobody:offers"]})),
            changed("1", json!({})),
            changed("3", json!({"external_id": "e1"})),
            changed(
                "4",
                json!({"account_id": "acct_00000000000000000000000000"}),
            ),
            changed("5", json!({"expires_at": 5})),
            changed("6", json!({})),
        ]);
        text.push_str("\n\n{nonsense\n");
        let (outcome, bad) = import(test, &text, &options(test)).await;
        let expected = Outcome {
            lines: 8,
            fresh: 2,
            known: 0,
            refused: 6,
            is_written: false,
        };
        assert_eq!(outcome.unwrap(), expected);
        let said = [
            (2, "is no scope of this instance"),
            (3, "hash is the same as in line 1"),
            (4, "external_id is the same as in line 1"),
            (5, "account_id is of no account"),
            (6, "expires_at must be in the future"),
            (9, "is not a JSON object"),
        ];
        assert_eq!(bad.len(), said.len(), "{bad:?}");
        for (found, (line, reason)) in bad.iter().zip(said) {
            assert_eq!(found.line, line);
            assert!(found.reason.contains(reason), "{found:?}");
        }
        assert_eq!(all_keys(test).await.len(), 0);
        let dry = ImportOptions {
            dry_run: true,
            skip_invalid: true,
            ..options(test)
        };
        assert_eq!(import(test, &text, &dry).await.0.unwrap(), expected);
        assert_eq!(all_keys(test).await.len(), 0);

        let skip = ImportOptions {
            skip_invalid: true,
            ..options(test)
        };
        let outcome = import(test, &text, &skip).await.0.unwrap();
        assert_eq!(
            (outcome.fresh, outcome.refused, outcome.is_written),
            (2, 6, true)
        );
        assert_eq!(all_keys(test).await.len(), 2);
        bad_against_the_store(test).await;
    })
    .await;
}

/// The same against what was imported before.
async fn bad_against_the_store(test: &TestApp) {
    let lines = file(&[
        changed("1", json!({"external_id": "e1"})),
        changed("1", json!({"external_id": "e9"})),
        changed("6", json!({"external_id": "e9"})),
        changed("9", json!({"external_id": "e1"})),
    ]);
    let (outcome, bad) = import(test, &lines, &options(test)).await;
    let outcome = outcome.unwrap();
    assert_eq!((outcome.known, outcome.fresh), (1, 0), "{bad:?}");
    assert_eq!(
        bad.iter().map(|bad| bad.line).collect::<Vec<_>>(),
        [2, 3, 4]
    );
}

/// A file that cannot be read any further at some place of its second reading.
struct Torn {
    text: Cursor<String>,
    rewound: bool,
    end: u64,
}

impl Read for Torn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rewound && self.text.position() >= self.end {
            return Err(io::Error::other("torn"));
        }
        let most = buffer.len().min(512);
        self.text.read(&mut buffer[..most])
    }
}

impl Seek for Torn {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.rewound = true;
        self.text.seek(to)
    }
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_when_it_is_repeated() {
    for_each_app(async |test| {
        with_api(test).await;
        let described = |at: usize| {
            let slow = json!({"hash": BCRYPT, "algorithm": "bcrypt", "lookup": "sk_slow"});
            let fast = json!({"hash": format!("{at:064x}"), "algorithm": "sha256", "external_id": at.to_string()});
            line(if at == 1 { slow } else { fast })
        };
        let text = file(&(0..300).map(described).collect::<Vec<_>>());
        let torn = Torn {
            end: text.len() as u64 / 2,
            text: Cursor::new(text.clone()),
            rewound: false,
        };
        let mut source = BufReader::new(torn);
        let access = test.operator.operator().unwrap();
        let cut = import_keys(&test.app, &access, &mut source, &options(test), &mut |_| {}).await;
        assert!(cut.is_err(), "{cut:?}");
        let before = all_keys(test).await.len();
        assert!((70..300).contains(&before), "{before}");
        // One of them is used, and upgraded, in between.
        present(&test.app, BCRYPT_KEY).await.unwrap();
        write_uses(&test.app).await.unwrap();
        let outcome = import(test, &text, &options(test)).await.0.unwrap();
        assert_eq!((outcome.known, outcome.fresh), (before as u64, 300 - before as u64));
        assert_eq!(all_keys(test).await.len(), 300);
        let outcome = import(test, &text, &options(test)).await.0.unwrap();
        assert_eq!((outcome.known, outcome.is_written), (300, false));
        let events = claviger_service::audit::AuditFilter {
            action: Some("key.imported".to_owned()),
            ..Default::default()
        };
        let evidence = test.operator.evidence().unwrap();
        let page = claviger_service::audit::page(&test.app, &evidence, &events, None, 1_000).await;
        assert_eq!(page.unwrap().events.len(), 300);
    })
    .await;
}

#[tokio::test]
async fn rows_that_were_written_without_the_master_key_let_nobody_in() {
    for database in TestDatabase::all().await {
        let test = TestApp::on(database, claviger_service::settings::Settings::default()).await;
        with_api(&test).await;
        import_all(
            &test,
            &[line(json!({"hash": "0".repeat(64), "algorithm": "sha256"}))],
        )
        .await;
        forge_imported_hashes(&test.database().db, SHA256)
            .await
            .unwrap();
        let reopened = test.reopened().await;
        assert_eq!(
            present(&reopened, FAST).await,
            Err(Reason::InvalidCredential)
        );
        reopened.close().await;
    }
}

#[tokio::test]
async fn a_flood_of_wrong_keys_with_a_right_start_keeps_within_its_bounds() {
    let test = claviger_service::testing::app().await;
    with_api(&test).await;
    import_all(
        &test,
        &[line(
            json!({"hash": BCRYPT, "algorithm": "bcrypt", "lookup": "sk_slow"}),
        )],
    )
    .await;
    let app = &test.app;
    // From one network only so many are tried; the others are told to come again.
    let ip = Some([203, 0, 113, 9].into());
    let mut busy = 0;
    for at in 0..200 {
        let tried = try_slow(app, &format!("sk_slow_wrong_{at}"), ip).await;
        assert_ne!(tried, Tried::Right);
        busy += usize::from(tried == Tried::Busy);
    }
    assert!((100..200).contains(&busy), "{busy}");
    // The same wrong one is tried once, however often it comes.
    for _ in 0..50 {
        assert_eq!(try_slow(app, "sk_slow_wrong_0", ip).await, Tried::Wrong);
    }
    // From everywhere at once: those that find no place are not told that they are wrong, and what
    // is decided without trying goes on.
    let flood = (0..300u32).map(|at| {
        let app = app.clone();
        tokio::spawn(async move {
            let ip = Some(std::net::Ipv4Addr::from(0x0a00_0000 + at).into());
            try_slow(&app, &format!("sk_slow_other_{at}"), ip).await
        })
    });
    let flood: Vec<_> = flood.collect();
    let unknown = app
        .verifier()
        .identify("sk_slow_bcrypt", app.sources().both());
    assert_eq!(unknown.err(), Some(Reason::InvalidCredential));
    let mut full = 0;
    for one in flood {
        full += usize::from(one.await.unwrap() == Tried::Busy);
    }
    assert!(full > 0);
    assert_eq!(present(app, BCRYPT_KEY).await.map(drop), Ok(()));
    test.close().await;
}

#[tokio::test]
async fn only_so_many_keys_start_the_same() {
    let test = claviger_service::testing::app().await;
    with_api(&test).await;
    let described = |at: usize| {
        let other = char::from(b'a' + u8::try_from(at).unwrap());
        let hash = format!("{}{other}{}", &BCRYPT[..40], &BCRYPT[41..]);
        line(json!({"hash": hash, "algorithm": "bcrypt", "lookup": "sk_slow"}))
    };
    let whole = file(&(0..10).map(described).collect::<Vec<_>>());
    let (_, bad) = import(&test, &whole, &options(&test)).await;
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [9, 10]);
    let skip = ImportOptions {
        skip_invalid: true,
        ..options(&test)
    };
    assert_eq!(import(&test, &whole, &skip).await.0.unwrap().fresh, 8);
    let (outcome, bad) = import(&test, &whole, &skip).await;
    assert_eq!((outcome.unwrap().known, bad.len()), (8, 2));
    test.close().await;
}
