import pytest

from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.receive.bodies import InFlight, check_whole


@pytest.mark.parametrize(
    ("body", "declared", "chunked"),
    [(b"", None, True), (b"", 5, False), (b"abc", 5, False), (b"abcdef", 5, False)],
)
def test_a_body_lost_on_the_way_is_never_a_success(body: bytes, declared: int | None, chunked: bool) -> None:  # noqa: FBT001  # a case
    """An empty protobuf body is a valid request, so a lost one must be told from it.

    Servers lose it: uvicorn with httptools hands over no body after `Upgrade: h2c` (Kludex/uvicorn#2722), Python's
    http.server none of a chunked request.
    """
    with pytest.raises(DecodeError) as caught:
        check_whole(body, declared=declared, chunked=chunked)
    assert caught.value.reason == "body"


@pytest.mark.parametrize(("body", "declared", "chunked"), [(b"", 0, False), (b"", None, False), (b"abc", 3, False)])
def test_a_whole_body_passes(body: bytes, declared: int | None, chunked: bool) -> None:  # noqa: FBT001  # a case
    """Nothing announced and nothing sent is an empty request."""
    check_whole(body, declared=declared, chunked=chunked)


def test_the_share_of_a_request_ends_with_it() -> None:
    """What a request holds is given back at its end."""
    whole = InFlight(100)
    with whole.share() as share:
        share.take(40)
        share.take(2)
        assert whole.held == 42
    assert whole.held == 0


def test_requests_together_hold_no_more_than_the_limit() -> None:
    """The request that would exceed it is asked to come again, and the others are not touched."""
    whole = InFlight(100)
    with whole.share() as first, whole.share() as second:
        first.take(60)
        with pytest.raises(OverloadedError):
            second.take(41)
        second.take(40)
        assert whole.held == 100
