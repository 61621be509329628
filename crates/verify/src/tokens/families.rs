//! Families of refresh tokens, as far as their access tokens are concerned: which were ended, and
//! whether what came of a refresh has been used (the successor rule of `model::refresh`).

use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::ids::FamilyId;

use super::verified::FamilyPlace;

/// What is known of families.
#[derive(Debug, Default)]
pub struct Families {
    /// Those that were ended, until their last access token is over anyway.
    ended: papaya::HashMap<FamilyId, UnixMillis>,
    /// The latest generation whose access token was used at this node, until it is noted elsewhere.
    /// Shared with the index that takes this one's place.
    used: Arc<papaya::HashMap<FamilyId, u32>>,
}

impl Families {
    /// Goes on with the uses that `before` has, and will still be told.
    pub(crate) fn share_uses(&mut self, before: &Self) {
        self.used = Arc::clone(&before.used);
    }

    /// Refuses the access tokens of a family from now on; the last of them would be over at
    /// `until`.
    pub fn end(&self, family: FamilyId, until: UnixMillis) {
        self.ended.pin().insert(family, until);
    }

    /// Whether it was ended.
    pub(crate) fn is_ended(&self, family: FamilyId) -> bool {
        self.ended.pin().contains_key(&family)
    }

    /// Forgets the ended families whose access tokens were all over before `before`.
    pub fn forget_ended(&self, before: UnixMillis) {
        self.ended.pin().retain(|_, until| *until >= before);
    }

    /// Notes that an access token is used.
    pub(crate) fn note_use(&self, place: FamilyPlace) {
        let used = self.used.pin();
        used.update_or_insert(
            place.family,
            |known| (*known).max(place.generation),
            place.generation,
        );
    }

    /// The latest generation of a family whose access token was used at this node and is still
    /// remembered; 0 when none is.
    pub fn newest_use(&self, family: FamilyId) -> u32 {
        self.used.pin().get(&family).copied().unwrap_or_default()
    }

    /// What was used at this node, to be noted elsewhere.
    pub fn uses(&self) -> Vec<(FamilyId, u32)> {
        let used = self.used.pin();
        used.iter().map(|(family, at)| (*family, *at)).collect()
    }

    /// Forgets what has been noted elsewhere, unless more was used meanwhile.
    pub fn forget_uses(&self, noted: &[(FamilyId, u32)]) {
        let used = self.used.pin();
        for (family, generation) in noted {
            let _ = used.remove_if(family, |_, newest| newest == generation);
        }
    }
}
