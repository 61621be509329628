//! Checking lines against each other, against the instance and against what was imported before.

use std::collections::{BTreeSet, HashMap};

use claviger_model::UnixMillis;
use claviger_model::ids::AccountId;
use claviger_model::imports::{Fingerprint, SAME_LEAD_MAX};
use claviger_store::imports::Known;
use claviger_store::{Conn, accounts, imports};

use super::line::{self, Described};
use super::lines::NumberedLine;
use crate::app::App;
use crate::error::Error;
use crate::scopes::check_offered;

/// What becomes of a line.
pub(super) enum Verdict {
    /// It is a key to take over.
    Fresh(Box<Candidate>),
    /// It was taken over before.
    Known,
    /// It is not acceptable.
    Refused(String),
}

/// A key to take over.
pub(super) struct Candidate {
    pub(super) described: Described,
    pub(super) account_id: AccountId,
    pub(super) fingerprint: Fingerprint,
}

/// Checks lines, page after page. What it keeps of each is what tells duplicates.
pub(super) struct Checker<'a> {
    app: &'a App,
    account_id: Option<AccountId>,
    pepper: Option<u8>,
    now: UnixMillis,
    hashes: HashMap<u128, u64>,
    external_ids: HashMap<u128, u64>,
    leads: HashMap<String, usize>,
    accounts: HashMap<AccountId, bool>,
}

/// What the store has of a page of lines.
struct Stored {
    known: HashMap<u128, Known>,
    external_ids: BTreeSet<(AccountId, String)>,
    leads: HashMap<String, i64>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(app: &'a App, account_id: Option<AccountId>, pepper: Option<u8>) -> Self {
        Self {
            app,
            account_id,
            pepper,
            now: app.sources().now(),
            hashes: HashMap::new(),
            external_ids: HashMap::new(),
            leads: HashMap::new(),
            accounts: HashMap::new(),
        }
    }

    /// What becomes of each line of a page.
    pub(super) async fn check(
        &mut self,
        page: Vec<NumberedLine>,
    ) -> Result<Vec<(u64, Verdict)>, Error> {
        let mut read = Vec::with_capacity(page.len());
        for line in page {
            let described = match line.text {
                Ok(text) => line::read(&text, self.pepper, self.now),
                Err(sentence) => Err(sentence.to_owned()),
            };
            read.push((line.number, described));
        }
        let mut reader = self.app.read().await?;
        let stored = self.stored(&mut reader, &read).await?;
        let mut verdicts = Vec::with_capacity(read.len());
        for (number, described) in read {
            let verdict = match described {
                Ok(described) => self.judge(&mut reader, number, described, &stored).await?,
                Err(sentence) => Verdict::Refused(sentence),
            };
            verdicts.push((number, verdict));
        }
        Ok(verdicts)
    }

    async fn stored(
        &self,
        conn: &mut Conn,
        read: &[(u64, Result<Described, String>)],
    ) -> Result<Stored, Error> {
        let keyring = self.app.keyring();
        let good = || {
            read.iter()
                .filter_map(|(_, described)| described.as_ref().ok())
        };
        let fingerprints: Vec<Fingerprint> = good()
            .flat_map(|one| {
                let versions = keyring.versions();
                versions.filter_map(|version| one.hash.fingerprint(keyring, version))
            })
            .collect();
        let names: Vec<&str> = good()
            .filter_map(|one| one.external_id.as_deref())
            .collect();
        let leads: BTreeSet<&str> = good().filter_map(|one| one.hash.lead()).collect();
        let leads: Vec<&str> = leads.into_iter().collect();
        let known = imports::known(conn, &fingerprints).await?;
        Ok(Stored {
            known: known
                .into_iter()
                .map(|known| (start(&known.fingerprint), known))
                .collect(),
            external_ids: imports::external_ids(conn, &names)
                .await?
                .into_iter()
                .collect(),
            leads: imports::leads(conn, &leads).await?,
        })
    }

    async fn judge(
        &mut self,
        conn: &mut Conn,
        number: u64,
        described: Described,
        stored: &Stored,
    ) -> Result<Verdict, Error> {
        let refused = |sentence: String| Ok(Verdict::Refused(sentence));
        let Some(account_id) = described.account_id.or(self.account_id) else {
            return refused("account_id is required, or --account for all lines.".to_owned());
        };
        if !self.has_account(conn, account_id).await? {
            return refused(format!("account_id is of no account: {account_id}."));
        }
        let scopes = &described.settings.scopes;
        if let Err(error) = check_offered(self.app, scopes, &[], described.environment, false) {
            return refused(error.to_string());
        }
        let keyring = self.app.keyring();
        let current = described
            .hash
            .fingerprint(keyring, keyring.current_version());
        let Some(fingerprint) = current else {
            return Err(Error::stale());
        };
        if let Some(before) = self.hashes.insert(start(&fingerprint), number) {
            return refused(format!("hash is the same as in line {before}."));
        }
        let versions = keyring.versions();
        let known = versions
            .filter_map(|version| described.hash.fingerprint(keyring, version))
            .find_map(|one| stored.known.get(&start(&one)));
        if let Some(known) = known {
            return Ok(recurrence(known, account_id, &described));
        }
        if let Some(name) = &described.external_id {
            let pair = (account_id, name.clone());
            let (_, mac) = keyring.hash_new_secret(&format!("{account_id}\n{name}"));
            if let Some(before) = self.external_ids.insert(first(&mac), number) {
                return refused(format!("external_id is the same as in line {before}."));
            }
            if stored.external_ids.contains(&pair) {
                let sentence = "external_id was imported before, with another hash.";
                return refused(sentence.to_owned());
            }
        }
        if let Some(sentence) = self.crowded(&described, stored) {
            return refused(sentence);
        }
        Ok(Verdict::Fresh(Box::new(Candidate {
            described,
            account_id,
            fingerprint,
        })))
    }

    async fn has_account(&mut self, conn: &mut Conn, id: AccountId) -> Result<bool, Error> {
        if let Some(known) = self.accounts.get(&id) {
            return Ok(*known);
        }
        let exists = accounts::get(conn, id).await?.is_some();
        self.accounts.insert(id, exists);
        Ok(exists)
    }

    /// What is against another key that starts as others do.
    fn crowded(&mut self, described: &Described, stored: &Stored) -> Option<String> {
        let lead = described.hash.lead()?;
        let before = stored.leads.get(lead).copied().unwrap_or_default();
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        // What this very run writes is in the store later: only what was there at first counts.
        let taken = self.leads.entry(lead.to_owned()).or_insert(before);
        if *taken >= SAME_LEAD_MAX {
            return Some(format!(
                "lookup is that of {SAME_LEAD_MAX} other keys: give more characters, so that few \
                 hashes have to be tried."
            ));
        }
        *taken += 1;
        None
    }
}

/// What becomes of a hash that was imported before.
fn recurrence(known: &Known, account_id: AccountId, described: &Described) -> Verdict {
    if known.account_id != account_id {
        return Verdict::Refused("hash was imported before, for another account.".to_owned());
    }
    if known.external_id != described.external_id {
        let sentence = "hash was imported before, with another external_id or none.";
        return Verdict::Refused(sentence.to_owned());
    }
    Verdict::Known
}

fn start(fingerprint: &Fingerprint) -> u128 {
    first(&fingerprint.mac)
}

fn first(mac: &[u8; 32]) -> u128 {
    u128::from_be_bytes(mac.first_chunk().copied().unwrap_or_default())
}
