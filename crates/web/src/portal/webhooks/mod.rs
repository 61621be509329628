//! Webhooks: the list, a new one, one of them with what was sent to it, its secret and its end.
//! Those of the instance, for operators, are below `/operator`.

pub mod delete;
pub mod deliveries;
pub mod edit;
pub mod fields;
pub mod list;
pub mod new;
pub mod secret;
pub mod show;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_model::ids::WebhookId;
use claviger_service::Caller;
use claviger_service::access::WebhookAccess;
use claviger_service::webhooks::{self, WebhookInfo};

use super::parts::Status;
use super::{Portal, Section};
use crate::error::Failure;
use crate::pages::see_other;
use crate::state::Web;

/// The path of the account's list, without the issuer's.
pub(super) const PATH: &str = "/webhooks";
/// The path of the instance's list, without the issuer's.
pub(super) const INSTANCE_PATH: &str = "/operator/webhooks";

/// The routes of these pages.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/webhooks", get(list::show))
        .route("/webhooks/new", get(new::show).post(new::create))
        .route("/operator/webhooks", get(list::show_of_instance))
        .route(
            "/operator/webhooks/new",
            get(new::show_for_instance).post(new::create_for_instance),
        )
        .route("/webhooks/{id}", get(show::show))
        .route("/webhooks/{id}/edit", get(edit::show).post(edit::save))
        .route(
            "/webhooks/{id}/test",
            get(show::show).post(deliveries::test),
        )
        .route(
            "/webhooks/{id}/secret",
            get(secret::ask).post(secret::replace),
        )
        .route(
            "/webhooks/{id}/delete",
            get(delete::ask).post(delete::delete),
        )
        .route(
            "/webhooks/{id}/deliveries/{delivery_id}",
            get(deliveries::show),
        )
        .route(
            "/webhooks/{id}/deliveries/{delivery_id}/again",
            get(deliveries::show).post(deliveries::again),
        )
}

/// Whose webhooks a page is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// The account's.
    Account,
    /// The instance's.
    Instance,
}

impl Whose {
    /// Whose this one is.
    fn of(info: &WebhookInfo) -> Self {
        match info.webhook.account_id {
            Some(_) => Self::Account,
            None => Self::Instance,
        }
    }

    /// The path of the list, without the issuer's.
    const fn path(self) -> &'static str {
        match self {
            Self::Account => PATH,
            Self::Instance => INSTANCE_PATH,
        }
    }

    /// The entry of the navigation.
    const fn section(self) -> Section {
        match self {
            Self::Account => Section::Webhooks,
            Self::Instance => Section::InstanceWebhooks,
        }
    }

    /// The permission.
    async fn access(self, portal: &Portal) -> Result<WebhookAccess, Failure> {
        match self {
            Self::Account => {
                portal.place()?;
                portal.allowed(Caller::webhooks).await
            }
            Self::Instance => portal.allowed(Caller::instance_webhooks).await,
        }
    }

    /// The list, and what it is called.
    fn back(self, portal: &Portal) -> (String, String) {
        (portal.href(self.path()), "Webhooks".to_owned())
    }
}

/// A webhook, and the permission to change it.
async fn found(portal: &Portal, id: WebhookId) -> Result<(WebhookAccess, WebhookInfo), Failure> {
    let access = portal.allowed(Caller::webhooks).await?;
    let info = webhooks::show(portal.web.app(), &access, id).await?;
    Ok((access, info))
}

/// The page of a webhook, and what it is called.
fn to_webhook(portal: &Portal, info: &WebhookInfo) -> (String, String) {
    let webhook = &info.webhook;
    let href = portal.href(format!("{PATH}/{}", webhook.id));
    (href, webhook.url.clone())
}

/// The page of a webhook with a word about what was just done.
fn done(portal: &Portal, id: WebhookId, what: &str) -> Response {
    see_other(&portal.href(format!("{PATH}/{id}?done={what}")))
}

/// How it does.
fn status(info: &WebhookInfo) -> Status {
    match (info.webhook.off, info.failing_since) {
        (Some((_, claviger_model::webhooks::OffWhy::SwitchedOff)), _) => Status::INACTIVE,
        (Some(_), _) => Status::of("DISABLED", "revoked"),
        (None, Some(_)) => Status::of("FAILING", "expiring"),
        (None, None) => Status::ACTIVE,
    }
}
