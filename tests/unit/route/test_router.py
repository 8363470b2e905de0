"""Which model a record belongs to."""

from model_exporter.route import Router
from model_exporter.route.router import MAX_SERVICES


def test_a_named_model_is_its_own() -> None:
    """The name in the record wins over the service."""
    assert Router(limit=2, configured=()).route(model="fraud", service="api") == "fraud"


def test_a_service_lends_its_only_model_to_nameless_records() -> None:
    """Spans of a service whose logs name one model belong to that model."""
    router = Router(limit=5, configured=())
    router.route(model="fraud", service="api")
    assert router.route(model="", service="api") == "fraud"


def test_a_service_with_several_models_stands_for_itself() -> None:
    """With two models in one service a nameless span belongs to neither."""
    router = Router(limit=5, configured=())
    router.route(model="fraud", service="api")
    router.route(model="churn", service="api")
    assert router.route(model="", service="api") == "api"


def test_the_number_of_models_is_bounded() -> None:
    """A model beyond the limit is refused; known and configured ones are not."""
    router = Router(limit=2, configured=["configured"])
    assert router.route(model="a", service="") == "a"
    assert router.route(model="b", service="") is None
    assert router.route(model="a", service="") == "a"
    assert router.route(model="configured", service="") == "configured"


def test_an_expired_model_makes_room() -> None:
    """Forgetting a model frees its place and its hold on the service."""
    router = Router(limit=1, configured=())
    router.route(model="a", service="api")
    router.forget("a")
    assert router.route(model="", service="api") == "api"
    assert router.models == 1


def test_a_refused_model_leaves_no_trace() -> None:
    """A model without room does not become the service's model."""
    router = Router(limit=1, configured=["other"])
    assert router.route(model="a", service="api") is None
    assert router.route(model="", service="other") == "other"


def test_the_memory_of_services_is_bounded() -> None:
    """A sender that makes up service names costs the first one its place, and nobody any memory."""
    router = Router(limit=1, configured=())
    for number in range(MAX_SERVICES + 1):
        assert router.route(model="a", service=f"api-{number}") == "a"
    assert router.route(model="", service="api-0") is None
    assert router.route(model="", service="api-1") == "a"
