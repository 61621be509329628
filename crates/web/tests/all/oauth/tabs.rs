//! A browser in which somebody is signed in, as several tabs use it at the same time.

use super::super::instance::Instance;
use super::super::requests::{Answer, get};
use super::form;

/// The tabs of a browser.
pub(super) struct Tabs<'a> {
    pub(super) instance: &'a Instance,
    pub(super) cookie: String,
}

impl<'a> Tabs<'a> {
    /// Of a browser in which somebody is signed in.
    pub(super) async fn of(instance: &'a Instance, email: &str) -> Self {
        let session = instance.sign_in(email).await;
        Self {
            instance,
            cookie: format!("claviger_session={session}"),
        }
    }

    pub(super) async fn open(&self, path: &str) -> Answer {
        let call = get(path).header("cookie", &self.cookie);
        self.instance.send(call).await
    }

    /// Sends the form of a page with these fields beside the hidden ones, or in their place.
    pub(super) async fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let hidden = page.hidden();
        let is_kept =
            |(name, _): &&(String, String)| fields.iter().all(|(other, _)| *other != name.as_str());
        let hidden = hidden.iter().filter(is_kept);
        let hidden = hidden.map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        let call = form(&page.form_action(), &all);
        let call = call.header("cookie", &self.cookie);
        self.instance
            .send(call.header("sec-fetch-site", "same-origin"))
            .await
    }
}

impl Answer {
    /// A hidden field of its last form.
    #[track_caller]
    pub(super) fn field(&self, name: &str) -> String {
        let mut fields = self.hidden().into_iter();
        let found = fields.find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }
}
