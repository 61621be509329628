"""What the programs beside this one share: one JSON object in, one JSON object out."""

import json
import sys

# What a client program asks the demo API for.
READ = ("GET", "/v1/leads", None)
WRITE = ("POST", "/v1/leads", {"name": "A foreign lead"})


def run(name, steps):
    """Reads the input, takes the steps, prints the facts; a failure is one sentence and exit 1."""
    try:
        facts = steps(json.load(sys.stdin))
    except Exception as error:
        sys.exit(f"{name} failed: {type(error).__name__}: {error}")
    print(json.dumps(facts))


def refusal(what, kind, attempt):
    """The error that an attempt ends with; an attempt that succeeds is a failure."""
    try:
        attempt()
    except kind as error:
        return error
    raise AssertionError(f"{what} was accepted")


def scopes(scope):
    """A granted scope as a sorted list, since its order means nothing."""
    words = scope.split() if isinstance(scope, str) else scope or []
    return sorted(words)


def granted(token):
    """What a client keeps of a token's answer."""
    return {
        "scope": scopes(token.get("scope")),
        "expires_in": token["expires_in"],
        "type": token["token_type"].lower(),
    }


def introspected(answer):
    """The members of an introspection that every program compares."""
    answer.raise_for_status()
    live = answer.json()
    members = {name: live.get(name) for name in ("active", "client_id", "aud")}
    return {**members, "scope": scopes(live.get("scope"))}
