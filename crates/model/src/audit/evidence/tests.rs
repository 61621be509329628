use serde_json::{Value, json};

use super::super::checkpoint::{Checkpoint, Hex};
use super::super::tree::Span;
use super::super::{CHAIN_START, chain_hash};
use super::*;
use crate::ids::{AccountId, EventId};
use crate::keyring::{Keyring, master_key_line};

const SPANS: [i64; 3] = [3, 7, 12];

fn keyring(fill: u8) -> Keyring {
    Keyring::parse(&master_key_line(1, &[fill; 32])).expect("a line")
}

fn keys(fill: u8) -> Vec<CheckpointKey> {
    let name = "keys.example.com/audit".to_owned();
    let public = keyring(fill).checkpoint_key();
    vec![CheckpointKey { name, public }]
}

fn an_event(seq: i64) -> Event {
    Event {
        id: EventId::new(UnixMillis(seq), &[1; 10]),
        at: UnixMillis(1_000 + seq),
        account_id: (seq % 2 == 0).then_some(AccountId(5)),
        actor: "usr_a".into(),
        action: "key.created".into(),
        target: format!("key_{seq}"),
        before: Some(json!({"name": "before", "scopes": ["a"]})),
        after: Some(json!({"name": "after", "limit": 12})),
        ip: Some("192.0.2.1".into()),
        request_id: Some("req_1".into()),
        salt: [u8::try_from(seq).unwrap_or_default(); 16],
    }
}

fn shown(seq: i64, event: &Event) -> Value {
    json!({"seq": seq, "id": event.id, "at": event.at, "account_id": event.account_id,
        "actor": event.actor, "action": event.action, "target": event.target,
        "before": event.before, "after": event.after, "ip": event.ip,
        "request_id": event.request_id, "salt": Hex(&event.salt).to_string()})
}

fn note(tree: &Frontier, chain: ChainHash, fill: u8) -> String {
    let checkpoint = Checkpoint {
        origin: "keys.example.com/audit".into(),
        seq: tree.size(),
        root: tree.root(),
        chain,
        at: UnixMillis(9_000),
    };
    checkpoint.sign(&keyring(fill))
}

/// An export of fourteen events with checkpoints at 3, 7 and 12, the last one first.
fn whole() -> Vec<Value> {
    whole_of(an_event, 7)
}

fn whole_of(made: impl Fn(i64) -> Event, fill: u8) -> Vec<Value> {
    let (mut tree, mut hash) = (Frontier::default(), CHAIN_START);
    let (mut entries, mut head) = (Vec::new(), Value::Null);
    for seq in 1..=14 {
        let event = made(seq);
        let leaf = leaf_hash(seq, &event);
        tree.push(leaf);
        hash = chain_hash(&hash, &leaf);
        let mut entry = shown(seq, &event);
        entry["hash"] = json!(Hex(&hash).to_string());
        entries.push(entry);
        if SPANS.contains(&seq) {
            head = json!({"checkpoint": note(&tree, hash, fill)});
            entries.push(head.clone());
        }
    }
    entries.insert(0, head);
    entries
}

/// The events of account 5 among them, with proofs.
fn own() -> Vec<Value> {
    let (mut tree, mut hash, mut from) = (Frontier::default(), CHAIN_START, 1);
    let mut entries = Vec::new();
    for end in SPANS {
        let places: Vec<i64> = (from..=end).collect();
        let leaves: Vec<ChainHash> = places
            .iter()
            .map(|seq| leaf_hash(*seq, &an_event(*seq)))
            .collect();
        let span = Span::new(&tree, &leaves);
        for leaf in &leaves {
            tree.push(*leaf);
            hash = chain_hash(&hash, leaf);
        }
        entries.push(json!({"checkpoint": note(&tree, hash, 7)}));
        for seq in places {
            let event = an_event(seq);
            if event.account_id.is_some() {
                let path = span.path(seq.unsigned_abs() - 1).expect("of the span");
                let path: Vec<String> = path.iter().map(|hash| Hex(hash).to_string()).collect();
                let mut entry = shown(seq, &event);
                entry["proof"] = json!({"checkpoint_seq": end, "path": path});
                entries.push(entry);
            }
        }
        from = end + 1;
    }
    entries
}

fn examined(entries: &[Value]) -> Result<Verdict, Flaw> {
    examined_by(entries, keys(7))
}

fn examined_by(entries: &[Value], keys: Vec<CheckpointKey>) -> Result<Verdict, Flaw> {
    let mut examiner = Examiner::new(keys);
    for entry in entries {
        // What cannot be read is refused where lines are read.
        let entry = Entry::deserialize(entry).map_err(|_| Flaw::Malformed("unread"))?;
        examiner.take(entry)?;
    }
    examiner.finish()
}

/// Every way to change one member of an object by a little.
fn changed(entry: &Value) -> Vec<Value> {
    let object = entry.as_object().expect("an object");
    let mut all = Vec::new();
    for (name, value) in object {
        let others = match value {
            Value::Null => vec![json!("x"), json!(1), json!({})],
            Value::Number(number) => {
                let number = number.as_i64().expect("small");
                vec![json!(number + 1), json!(number - 1), Value::Null]
            }
            Value::String(text) => {
                let (head, last) = text.split_at(text.len() - 1);
                let last = if last == "0" { "1" } else { "0" };
                vec![
                    json!(format!("{head}{last}")),
                    json!(format!("{text} ")),
                    Value::Null,
                ]
            }
            Value::Array(_) | Value::Object(_) => vec![json!({"name": "x"}), Value::Null],
            Value::Bool(_) => vec![],
        };
        for other in others {
            let mut fresh = entry.clone();
            fresh[name] = other;
            all.push(fresh);
        }
    }
    all
}

#[test]
fn an_untouched_export_is_right_and_says_what_is_only_chained() {
    let verdict = examined(&whole()).expect("untouched");
    assert_eq!(
        (verdict.events, verdict.unsigned, verdict.checkpoints),
        (14, 2, 3)
    );
    assert!(verdict.is_whole && verdict.last.checkpoint.seq == 12);
    assert_eq!(verdict.last.key, keys(7)[0]);
    let verdict = examined(&own()).expect("untouched");
    assert_eq!(
        (verdict.events, verdict.unsigned, verdict.checkpoints),
        (6, 0, 3)
    );
    assert!(!verdict.is_whole && verdict.last.checkpoint.seq == 12);
}

#[test]
fn a_change_of_any_member_of_any_event_is_named() {
    for entries in [whole(), own()] {
        for at in 0..entries.len() {
            let Some(seq) = entries[at]["seq"].as_i64() else {
                continue;
            };
            for other in changed(&entries[at]) {
                let mut bad = entries.clone();
                bad[at].clone_from(&other);
                let flaw = examined(&bad).expect_err("found");
                let named = flaw.seq();
                let is_named = named == Some(seq) || named == other["seq"].as_i64();
                let is_unreadable = matches!(flaw, Flaw::Malformed(_));
                assert!(is_named || is_unreadable, "{flaw} {other}");
            }
        }
    }
}

#[test]
fn a_checkpoint_that_was_changed_is_refused() {
    for entries in [whole(), own()] {
        for at in 0..entries.len() {
            if entries[at].get("checkpoint").is_some() {
                for other in changed(&entries[at]) {
                    let mut bad = entries.clone();
                    bad[at] = other;
                    assert!(examined(&bad).is_err());
                }
            }
        }
        assert_eq!(
            examined_by(&entries, keys(8)),
            Err(Flaw::Note(BadNote::UnknownKey))
        );
    }
}

#[test]
fn what_is_missing_swapped_or_cut_off_is_named() {
    let entries = whole();
    for at in 0..entries.len() {
        let Some(seq) = entries[at]["seq"].as_i64() else {
            continue;
        };
        let mut cut = entries.clone();
        cut.remove(at);
        match examined(&cut) {
            // Nothing stands for the last event.
            Ok(verdict) => assert_eq!((seq, verdict.unsigned), (14, 1)),
            Err(flaw) => assert_eq!(flaw.seq(), Some(seq)),
        }
        let before: Vec<Value> = entries[..at].to_vec();
        match examined(&before) {
            Ok(verdict) => assert_eq!((seq > 12, verdict.events), (true, seq.unsigned_abs() - 1)),
            Err(flaw) => assert_eq!(
                flaw,
                Flaw::CutOff {
                    first: seq,
                    last: 12
                }
            ),
        }
        if entries
            .get(at + 1)
            .is_some_and(|next| next.get("seq").is_some())
        {
            let mut swapped = entries.clone();
            swapped.swap(at, at + 1);
            assert_eq!(examined(&swapped).expect_err("swapped").seq(), Some(seq));
        }
    }
    // Checkpoints that change places.
    let mut swapped = entries.clone();
    swapped.swap(4, 9);
    assert!(matches!(examined(&swapped), Err(Flaw::Late { seq: 3, .. })));
    let none: Vec<Value> = entries
        .into_iter()
        .filter(|entry| entry.get("seq").is_some())
        .collect();
    assert_eq!(examined(&none), Err(Flaw::NoCheckpoint));
    assert_eq!(examined(&[]), Err(Flaw::NoCheckpoint));
}

#[test]
fn a_history_that_was_written_anew_fits_no_checkpoint() {
    let other = |seq| Event {
        actor: if seq == 5 {
            "usr_b".into()
        } else {
            "usr_a".into()
        },
        ..an_event(seq)
    };
    // Every hash is made anew; the signatures are those of the true log.
    let (mut anew, signed) = (whole_of(other, 7), whole());
    for (place, entry) in anew.iter_mut().enumerate() {
        if entry.get("checkpoint").is_some() {
            entry.clone_from(&signed[place]);
        }
    }
    assert_eq!(
        examined(&anew),
        Err(Flaw::OtherEvents { first: 4, last: 7 })
    );
    // One who signs it with a key of their own is not believed.
    let flaw = examined(&whole_of(other, 8)).expect_err("another key");
    assert_eq!(flaw, Flaw::Note(BadNote::UnknownKey));
}

#[test]
fn proofs_are_of_their_event_and_checkpoint_and_nothing_unproved_is_among_them() {
    let entries = own();
    let mut swapped = entries.clone();
    swapped.swap(3, 4);
    assert!(examined(&swapped).is_err());
    // Without its checkpoint.
    let mut without = entries.clone();
    without.remove(0);
    assert!(matches!(
        examined(&without),
        Err(Flaw::NoSuchCheckpoint { seq: 2, .. })
    ));
    // Another event's proof.
    let mut borrowed = entries.clone();
    borrowed[3]["proof"] = entries[4]["proof"].clone();
    let seq = entries[3]["seq"].as_i64().expect("a place");
    assert_eq!(examined(&borrowed), Err(Flaw::NotInLog { seq }));
    // An event without any.
    let mut unproved = entries.clone();
    let mut plain = whole()[14].clone();
    unproved.push(plain.clone());
    assert!(matches!(examined(&unproved), Err(Flaw::Malformed(_))));
    plain.as_object_mut().expect("an object").remove("hash");
    assert!(matches!(examined(&[plain]), Err(Flaw::Malformed(_))));
}

#[test]
fn one_event_its_proof_and_its_checkpoint_can_be_one_entry() {
    let entries = own();
    let mut one = entries[1].clone();
    one["checkpoint"] = entries[0]["checkpoint"].clone();
    let verdict = examined(std::slice::from_ref(&one)).expect("proved");
    assert_eq!(
        (verdict.events, verdict.checkpoints, verdict.is_whole),
        (1, 1, false)
    );
    for other in changed(&one) {
        assert!(examined(&[other]).is_err());
    }
}
