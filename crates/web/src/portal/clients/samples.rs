//! Texts that show how a client gets a token.

use claviger_model::clients::Client;
use claviger_service::clients;
use serde_json::json;

use crate::portal::Portal;
use crate::portal::once::Sample;

/// A token request with the secret in it, as a form and as JSON, and lines for a file of settings.
pub(super) fn token_request(portal: &Portal, client: &Client, secret: &str) -> Vec<Sample> {
    let app = portal.web.app();
    let issuer = &app.settings().public_url;
    let id = client.id;
    let audience = clients::audience_of(app, client);
    let named = match &audience {
        Some(audience) => format!(" \\\n  --data-urlencode 'audience={audience}'"),
        None => String::new(),
    };
    let mut body = json!({"grant_type": "client_credentials", "client_id": id,
        "client_secret": secret});
    if let Some(audience) = audience {
        body["audience"] = audience.into();
    }
    vec![
        Sample {
            id: "curl",
            name: "curl",
            text: format!(
                "curl {issuer}/oauth/token \\\n  --data-urlencode \
                 'grant_type=client_credentials' \\\n  --data-urlencode 'client_id={id}' \\\n  \
                 --data-urlencode 'client_secret={secret}'{named}"
            ),
        },
        Sample {
            id: "json",
            name: "JSON",
            text: format!(
                "curl {issuer}/oauth/token \\\n  -H 'Content-Type: application/json' \\\n  -d \
                 '{body}'"
            ),
        },
        Sample {
            id: "env",
            name: ".env",
            text: format!("CLIENT_ID={id}\nCLIENT_SECRET={secret}"),
        },
    ]
}
