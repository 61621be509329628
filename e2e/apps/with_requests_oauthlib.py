"""An app written with requests-oauthlib."""

import requests
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

import conversation


def steps(given):
    # The library has no discovery: people read the document themselves.
    found = requests.get(given["issuer"] + "/.well-known/oauth-authorization-server")
    found.raise_for_status()
    server = found.json()
    app, public = given["app"], given["public"]
    basic = HTTPBasicAuth(app["client_id"], app["client_secret"])
    return {
        "secret": flow(given, server, app["client_id"], {"auth": basic}),
        "public": flow(given, server, public["client_id"], {"include_client_id": True}),
    }


def flow(given, server, client_id, authentication):
    """From the authorization request to the end of the tokens."""
    client = OAuth2Session(
        client_id,
        redirect_uri=given["redirect_uri"],
        scope=conversation.SCOPES,
        pkce="S256",
    )
    url, _ = client.authorization_url(server["authorization_endpoint"])
    came_back = conversation.ask({"open": url})
    # The library takes plain HTTP from us because it was told to.
    first = client.fetch_token(
        server["token_endpoint"], authorization_response=came_back, **authentication
    )
    first = dict(first)
    used = call(client, given)
    more = {} if "auth" in authentication else {"client_id": client_id}
    second = client.refresh_token(
        server["token_endpoint"], auth=authentication.get("auth"), **more
    )
    second = dict(second)
    used_again = call(client, given)
    form = {"token": second["refresh_token"], **more}
    revoked = requests.post(
        server["revocation_endpoint"], data=form, auth=authentication.get("auth")
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


conversation.run("requests-oauthlib", steps)
