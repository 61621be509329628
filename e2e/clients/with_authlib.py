"""A machine client, and then a protected resource, written with Authlib."""

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InsufficientScopeError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

import program


def steps(given):
    found = requests.get(get_well_known_url(given["issuer"], external=True))
    found.raise_for_status()
    server = AuthorizationServerMetadata(found.json())
    server.validate()
    audience = given["audience"]

    basic = session(given, "client_secret_basic")
    wide = dict(token(basic, server, audience=audience))
    wide_status = call(basic, given, program.WRITE)
    posted = token(session(given, "client_secret_post"), server, audience=audience)
    narrow = dict(token(basic, server, audience=audience, scope="read:leads"))
    narrowed = {
        "scope": program.scopes(narrow["scope"]),
        "inside": call(basic, given, program.READ),
        "outside": call(basic, given, program.WRITE),
    }
    validated = validate(server, narrow, audience)
    live = introspect(basic, server, narrow)
    revoked = basic.revoke_token(server["revocation_endpoint"], token=narrow["access_token"])
    revoked.raise_for_status()
    return {
        "issuer": server["issuer"],
        "basic": program.granted(wide),
        "post": program.granted(posted),
        "narrowed": narrowed,
        "wide": wide_status,
        "introspected": live,
        "revoked": {
            "active": introspect(basic, server, narrow)["active"],
            "status": call(basic, given, program.READ),
        },
        "refused": refusals(given, server),
        "more": {"validated": validated},
    }


def session(given, method):
    return OAuth2Session(
        given["client_id"],
        given["client_secret"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )


def token(client, server, **parameters):
    grant = "client_credentials"
    return client.fetch_token(server["token_endpoint"], grant_type=grant, **parameters)


def call(client, given, request):
    method, path, body = request
    return client.request(method, given["demo_url"] + path, json=body).status_code


def introspect(client, server, answer):
    url = server["introspection_endpoint"]
    return program.introspected(client.introspect_token(url, token=answer["access_token"]))


def refusals(given, server):
    audience = given["audience"]
    wrong = {**given, "client_secret": given["client_secret"] + "x"}
    right_session = session(given, "client_secret_basic")
    wrong_session = session(wrong, "client_secret_post")

    def code(what, client, **parameters):
        attempt = lambda: token(client, server, **{"audience": audience, **parameters})
        return program.refusal(what, OAuthError, attempt).error

    wide = "read:leads read:people"
    elsewhere = "https://nowhere.example"
    return {
        "secret": code("a wrong secret", wrong_session),
        "scope": code("a scope that is not held", right_session, scope=wide),
        "target": code("an unknown audience", right_session, audience=elsewhere),
    }


def validate(server, answer, audience):
    """The same token as Authlib's own resource server sees it (RFC 9068, section 4)."""

    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            return requests.get(server["jwks_uri"]).json()

    validator = Validator(issuer=server["issuer"], resource_server=audience)
    claims = validator.authenticate_token(answer["access_token"])
    validator.validate_token(claims, ["read:leads"], None)
    wider = lambda: validator.validate_token(claims, ["write:leads"], None)
    refused = program.refusal("a scope outside the token", InsufficientScopeError, wider)
    return {"subject": claims["sub"], "outside": refused.error}


program.run("Authlib", steps)
