//! Sections of the file that become settings one to one.

use claviger_model::clients::QuotaMode;
use claviger_model::colours::Colour;

use super::{file, keys, networks};
use crate::branding::{Accents, Brand, Support};
use crate::settings::{OAuthSettings, Prefixes, SandboxSettings, TokenSettings};

impl Prefixes {
    pub(super) fn of(file: &file::Credentials) -> Self {
        Self {
            key_live: file.key_prefix_live.clone(),
            key_test: file.key_prefix_test.clone(),
            client_secret_live: file.client_secret_prefix_live.clone(),
            client_secret_test: file.client_secret_prefix_test.clone(),
            legacy_key: file.legacy_key_prefix.clone(),
        }
    }
}

impl Brand {
    pub(super) fn of(file: &file::Portal) -> Self {
        let colour = |text: &Option<String>| Colour::parse(text.as_deref()?).ok();
        let page = file.support_url.clone().map(Support::Page);
        let mail = file.support_email.clone().map(Support::Mail);
        Self {
            accents: Accents::of(colour(&file.accent), colour(&file.accent_dark)),
            support: page.or(mail),
        }
    }
}

impl TokenSettings {
    pub(super) fn of(file: &file::Tokens) -> Self {
        Self {
            signing_algorithm: file.signing_algorithm,
            lifetime_seconds: file.lifetime_seconds,
            per_day: file.per_day,
            quota_mode: QuotaMode::parse(&file.quota_mode).unwrap_or(QuotaMode::Enforce),
            jwks_cache_seconds: file.jwks_cache_seconds,
            signing_key_days: file.signing_key_days,
        }
    }
}

impl SandboxSettings {
    pub(super) fn of(file: &file::Sandbox) -> Self {
        let mut days = (0_u8..).zip(keys::WEEKDAYS);
        let day = days.find(|(_, word)| **word == file.reset_day);
        let is_weekly = file.reset == "weekly";
        Self {
            weekday: day.map(|(day, _)| day).filter(|_| is_weekly),
            hour: file.reset_hour,
        }
    }
}

impl OAuthSettings {
    pub(super) fn of(file: &file::OAuth) -> Self {
        Self {
            refresh_token_days: file.refresh_token_days,
            pushed_authorization_requests: file.pushed_authorization_requests,
            dpop: file.dpop,
            dpop_nonces: file.dpop_nonces,
            private_key_jwt: file.private_key_jwt,
            device_grant: file.device_grant,
            dynamic_registration: file.dynamic_registration,
            client_id_metadata_documents: file.client_id_metadata_documents,
            fetch_networks: networks(&file.fetch_networks),
        }
    }
}
