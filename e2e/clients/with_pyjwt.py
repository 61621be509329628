"""A resource server that verifies access tokens with PyJWT: one API for each algorithm."""

import jwt
import requests

import program

REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "client_id"]


def steps(given):
    metadata = requests.get(given["issuer"] + "/.well-known/oauth-authorization-server").json()
    keys = jwt.PyJWKClient(metadata["jwks_uri"])
    verified = {}
    for api in given["apis"]:
        token = obtain(metadata, given, audience=api["audience"])
        verified[api["algorithm"]] = judge(keys, given, token, **api)
    for_all = obtain(metadata, given)
    audiences = [
        api["audience"] in verify(keys, given, for_all, api["audience"], given["algorithm"])["aud"]
        for api in given["apis"]
    ]
    alg = jwt.get_unverified_header(for_all)["alg"]
    return {"verified": verified, "for_all": {"audiences": audiences, "alg": alg}}


def judge(keys, given, token, audience, algorithm):
    claims = verify(keys, given, token, audience, algorithm)
    header, body, signature = token.split(".")
    changed = jwt.utils.base64url_encode(b'{"scope":"admin"}').decode()
    wrong = {
        "audience": lambda: verify(keys, given, token, "https://elsewhere.example", algorithm),
        "claims": lambda: verify(
            keys, given, f"{header}.{changed}.{signature}", audience, algorithm
        ),
        "unsigned": lambda: verify(keys, given, f"{header}.{body}.", audience, algorithm),
    }
    refused = {
        what: type(program.refusal(what, jwt.InvalidTokenError, attempt)).__name__
        for what, attempt in wrong.items()
    }
    members = ("sub", "client_id", "azp", "scope", "gty")
    return {
        "typ": jwt.get_unverified_header(token)["typ"],
        **{name: claims.get(name) for name in members},
        "lifetime": claims["exp"] - claims["iat"],
        "refused": refused,
    }


def verify(keys, given, token, audience, algorithm):
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=audience,
        issuer=given["issuer"],
        options={"require": REQUIRED},
    )


def obtain(metadata, given, **parameters):
    """A token by a JSON body, since PyJWT is no client."""
    credentials = {name: given[name] for name in ("client_id", "client_secret")}
    body = {"grant_type": "client_credentials", **credentials, **parameters}
    answer = requests.post(metadata["token_endpoint"], json=body)
    answer.raise_for_status()
    return answer.json()["access_token"]


program.run("PyJWT", steps)
