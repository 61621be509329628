//! Texts that show how an app gets a token for a user.

use claviger_model::clients::ClientScopes;
use claviger_model::redirect_uris::RedirectUri;
use claviger_service::clients::ClientWithSecrets;
use claviger_service::scopes;

use crate::oauth::parameters::escape;
use crate::portal::Portal;
use crate::portal::once::Sample;

/// The verifier and challenge that RFC 7636 has as its example (appendix B): to try it out with.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// How many scopes are asked for where an app may ask for everything.
const SCOPES_OF_ALL: usize = 2;

/// Where a browser can be sent to try the app: one asks for what the app may ask for. None without
/// a redirect URI or a scope.
pub(super) fn authorize_url(portal: &Portal, found: &ClientWithSecrets) -> Option<String> {
    let address = found.metadata.redirect_uris.first()?.as_str();
    let scopes: Vec<String> = match &found.client.settings.scopes {
        ClientScopes::Named(names) => names.iter().map(ToString::to_string).collect(),
        ClientScopes::All => {
            let offered = scopes::list(portal.web.app());
            let names = offered.iter().map(|scope| scope.name.to_string());
            names.take(SCOPES_OF_ALL).collect()
        }
    };
    if scopes.is_empty() {
        return None;
    }
    let issuer = &portal.web.app().settings().public_url;
    let id = found.client.id;
    Some(format!(
        "{issuer}/oauth/authorize?response_type=code&client_id={id}&redirect_uri={}&scope={}\
         &state=try&code_challenge={CHALLENGE}&code_challenge_method=S256",
        escape(address),
        escape(&scopes.join(" "))
    ))
}

/// How the code is exchanged that such a request leads to; without a secret for public apps.
pub(super) fn exchange_of_code(
    portal: &Portal,
    found: &ClientWithSecrets,
    secret: Option<&str>,
) -> String {
    let issuer = &portal.web.app().settings().public_url;
    let id = found.client.id;
    let address = found.metadata.redirect_uris.first();
    let address = address.map(RedirectUri::as_str).unwrap_or_default();
    let secret = match secret {
        Some(secret) => format!(" \\\n  --data-urlencode 'client_secret={secret}'"),
        None => String::new(),
    };
    format!(
        "curl {issuer}/oauth/token \\\n  --data-urlencode 'grant_type=authorization_code' \\\n  \
         --data-urlencode 'client_id={id}'{secret} \\\n  --data-urlencode \
         'redirect_uri={address}' \\\n  --data-urlencode 'code_verifier={VERIFIER}' \\\n  \
         --data-urlencode 'code=\u{2026}'"
    )
}

/// How an app with a secret uses it.
pub(super) fn exchange(portal: &Portal, found: &ClientWithSecrets, secret: &str) -> Vec<Sample> {
    vec![
        Sample {
            id: "env",
            name: ".env",
            text: format!("CLIENT_ID={}\nCLIENT_SECRET={secret}", found.client.id),
        },
        Sample {
            id: "curl",
            name: "curl",
            text: exchange_of_code(portal, found, Some(secret)),
        },
    ]
}
