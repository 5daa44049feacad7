"""What asks nobody who they are is named here, so that nothing is opened by a slip in the table."""

from hubbub.api.operations import OPERATIONS


def names(access):
    return {operation.name for operation in OPERATIONS if operation.access == access}


def test_only_these_are_open_to_anyone():
    assert names("anyone") == {
        "signIn",
        "signUp",
        "live",
        "ready",
        "openapi",
        "asyncapi",
        "docs",
        "problem",
        "home",
        "about",
        "asset",
    }


def test_only_subscribing_takes_a_ticket():
    assert names("ticket") == {"subscribeRoom", "subscribeInbox", "subscribeMany", "openWebSocket"}
