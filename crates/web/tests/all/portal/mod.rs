//! The pages of the portal, through the real router, as a browser sees them: one file per noun.

mod account;
mod accounts;
mod apis;
mod apps;
mod audit;
mod brand;
mod clients;
mod decisions;
mod find;
mod keys;
mod legacy_key;
mod operator;
mod overview;
mod settings;
mod team;
mod usage;
mod webhooks;

use super::authorize::Browser;
use super::requests::Answer;

impl Answer {
    /// The secrets that a page shows once, in their order.
    pub(crate) fn shown_secrets(&self) -> Vec<String> {
        let outputs = self.text.split("<output").skip(1);
        outputs
            .filter_map(|rest| {
                let (_, rest) = rest.split_once('>')?;
                rest.split('<').next().map(str::to_owned)
            })
            .collect()
    }

    /// Fails unless the page has this text.
    #[track_caller]
    pub(crate) fn tells(&self, text: &str) {
        assert!(self.text.contains(text), "{text} is not in {}", self.text);
    }

    /// Fails if the page has this text.
    #[track_caller]
    pub(crate) fn tells_not(&self, text: &str) {
        assert!(!self.text.contains(text), "{text} is in {}", self.text);
    }
}

impl Browser<'_> {
    /// Opens a page with a form and sends its last one with these fields.
    pub(crate) async fn fill_in(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.open(path).await;
        assert_eq!(page.status, 200, "{page:?}");
        self.submit(&page, fields).await
    }
}
