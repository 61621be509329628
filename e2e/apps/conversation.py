"""What the apps beside this one share: JSON lines in, JSON lines out. An app asks its test for what
it cannot do itself: to be registered, or that a user goes somewhere with a browser."""

import json
import os
import sys

# The server under test speaks plain HTTP on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

SCOPES = ["read:leads", "write:leads"]


def run(name, steps):
    """Reads the input, takes the steps, prints the facts; a failure is one sentence and exit 1."""
    try:
        facts = steps(_read())
    except Exception as error:
        sys.exit(f"{name} failed: {type(error).__name__}: {error}")
    _say({"facts": facts})


def ask(question):
    _say({"ask": question})
    return _read()


def granted(token):
    """What of a token's answer every app compares."""
    scope = token.get("scope")
    words = scope.split() if isinstance(scope, str) else scope or []
    return {
        "scope": sorted(words),
        "expires_in": token["expires_in"],
        "type": token["token_type"].lower(),
        "has_refresh_token": "refresh_token" in token,
    }


def _read():
    return json.loads(sys.stdin.readline())


def _say(line):
    print(json.dumps(line), flush=True)
