"""A machine client written with requests-oauthlib."""

import os

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

import program

# The server under test speaks plain HTTP on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
# A token whose scope is narrower than what was asked for is an error unless this is set; it is not
# set, so that a scope which changes on the way fails the test.
os.environ.pop("OAUTHLIB_RELAX_TOKEN_SCOPE", None)


def steps(given):
    # The library has no discovery: people read the document themselves.
    found = requests.get(given["issuer"] + "/.well-known/oauth-authorization-server")
    found.raise_for_status()
    server = found.json()
    audience = given["audience"]
    basic = HTTPBasicAuth(given["client_id"], given["client_secret"])

    wide = session(given)
    granted = wide.fetch_token(server["token_endpoint"], auth=basic, audience=audience)
    posted = session(given).fetch_token(
        server["token_endpoint"],
        client_secret=given["client_secret"],
        include_client_id=True,
        audience=audience,
    )
    narrow = session(given, ["read:leads"])
    answer = narrow.fetch_token(server["token_endpoint"], auth=basic, audience=audience)
    narrowed = {
        "scope": program.scopes(answer["scope"]),
        "inside": call(narrow, given, program.READ),
        "outside": call(narrow, given, program.WRITE),
    }
    live = introspect(server, basic, answer)
    revoke(narrow, server, basic, answer)
    return {
        "issuer": server["issuer"],
        "basic": program.granted(granted),
        "post": program.granted(posted),
        "narrowed": narrowed,
        "wide": call(wide, given, program.WRITE),
        "introspected": live,
        "revoked": {
            "active": introspect(server, basic, answer)["active"],
            "status": call(narrow, given, program.READ),
        },
        "refused": refusals(given, server),
    }


def session(given, scope=None):
    return OAuth2Session(client=BackendApplicationClient(given["client_id"], scope=scope))


def call(client, given, request):
    method, path, body = request
    return client.request(method, given["demo_url"] + path, json=body).status_code


def introspect(server, basic, answer):
    form = {"token": answer["access_token"], "token_type_hint": "access_token"}
    return program.introspected(
        requests.post(server["introspection_endpoint"], data=form, auth=basic)
    )


def revoke(client, server, basic, answer):
    url, headers, body = client._client.prepare_token_revocation_request(
        server["revocation_endpoint"], answer["access_token"]
    )
    requests.post(url, headers=headers, data=body, auth=basic).raise_for_status()


def refusals(given, server):
    right, wrong = given["client_secret"], given["client_secret"] + "x"

    def code(what, secret=right, scope=None, audience=given["audience"]):
        attempt = lambda: session(given, scope).fetch_token(
            server["token_endpoint"],
            client_secret=secret,
            include_client_id=True,
            audience=audience,
        )
        return program.refusal(what, OAuth2Error, attempt).error

    return {
        "secret": code("a wrong secret", secret=wrong),
        "scope": code("a scope that is not held", scope=["read:leads", "read:people"]),
        "target": code("an unknown audience", audience="https://nowhere.example"),
    }


program.run("requests-oauthlib", steps)
