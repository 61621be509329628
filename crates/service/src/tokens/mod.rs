//! Access tokens after their issue: the quota, what ends them, and the feed that tells of it.

mod end;
mod feed;
mod quota;
mod revoke;
mod used;

pub use end::{end_of_account, end_of_client};
pub(crate) use feed::FeedCache;
pub use feed::{FEED_MAX_AGE_SECONDS, FEED_TYPE, Feed, feed};
pub use quota::{Quota, QuotaFacts, quota_facts, take_quota};
pub(crate) use quota::{UsedUp, day};
pub use revoke::{RevokedToken, revoke};
pub use used::used_today;
