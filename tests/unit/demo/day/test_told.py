import json
from http.client import HTTPConnection

from model_exporter.demo.day.told import Told, listening, read_webhook
from model_exporter.demo.processes import HOST, wait_until

FIRING = {"status": "firing", "labels": {"alertname": "ModelIncident", "model": "wine"}, "annotations": {"cause": "?"}}
BODY = {"receiver": "cellar-ml/ticket", "alerts": [FIRING, FIRING | {"status": "resolved"}]}
TOLD = Told("cellar-ml", "ticket", FIRING["labels"], FIRING["annotations"])  # type: ignore[arg-type]  # it is JSON


def test_only_what_fires_is_told() -> None:
    """The end of one alert, as when a severity rises, is no news."""
    assert list(read_webhook(BODY)) == [TOLD]


def test_the_receiver_of_what_is_critical_is_a_page() -> None:
    """Teams have one webhook, which stands for the chat and the pager."""
    assert [one.way for one in read_webhook(BODY | {"receiver": "cellar-ml/chat"})] == ["page"]


def test_a_webhook_is_heard_once() -> None:
    """It is answered with 200, and reading takes it away."""
    with listening() as listener:
        connection = HTTPConnection(HOST, listener.port, timeout=10)
        connection.request("POST", "/cellar-ml", json.dumps(BODY))
        assert connection.getresponse().status == 200
        connection.close()
        heard: list[Told] = []

        def there() -> bool:
            heard.extend(listener.read())
            return bool(heard)

        wait_until(there, what="the webhook", seconds=10)
        assert heard == [TOLD]
        assert list(listener.read()) == []
