"""An app written with Authlib: the same flow in every way that the library has."""

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc.jwk import ECKey

import conversation


def steps(given):
    found = requests.get(get_well_known_url(given["issuer"], external=True))
    found.raise_for_status()
    server = AuthorizationServerMetadata(found.json())
    server.validate()
    app = given["app"]
    return {
        "secret": flow(given, server, session(given, app, "client_secret_basic")),
        "public": flow(given, server, session(given, given["public"], "none")),
        "key": with_key(given, server),
    }


def session(given, app, method):
    return OAuth2Session(
        app["client_id"],
        app.get("client_secret"),
        redirect_uri=given["redirect_uri"],
        scope=conversation.SCOPES,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )


def with_key(given, server):
    """An app that authenticates by a key of its own (RFC 7523)."""
    key = ECKey.generate_key("P-256")
    answer = conversation.ask({"register": key.as_dict(private=False)})
    app = {"client_id": answer["client_id"], "client_secret": key}
    client = session(given, app, "private_key_jwt")
    # What the assertion is for: the issuer, by which alone it is taken.
    client.register_client_auth_method(PrivateKeyJWT(given["issuer"], alg="ES256"))
    return flow(given, server, client)


def flow(given, server, client):
    """From the authorization request to the end of the tokens."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        server["authorization_endpoint"], code_verifier=verifier
    )
    came_back = conversation.ask({"open": url})
    first = client.fetch_token(
        server["token_endpoint"],
        authorization_response=came_back,
        state=state,
        code_verifier=verifier,
    )
    first = dict(first)
    used = call(client, given)
    second = dict(client.refresh_token(server["token_endpoint"], first["refresh_token"]))
    used_again = call(client, given)
    revoked = client.revoke_token(
        server["revocation_endpoint"], second["refresh_token"], "refresh_token"
    )
    revoked.raise_for_status()
    return {
        "first": conversation.granted(first),
        "used": used,
        "second": conversation.granted(second),
        "used_again": used_again,
        "after_revocation": call(client, given),
    }


def call(client, given):
    return client.get(given["demo_url"] + "/v1/leads").status_code


conversation.run("Authlib", steps)
