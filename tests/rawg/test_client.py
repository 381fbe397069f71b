"""The RAWG client against a real local server: paging, refusals, faults, budget, redaction."""

import logging
import traceback

import pytest
from pydantic import SecretStr
from services import rawg_server as rawg
from services.rawg_server import KEY, RawgServer

from gamerec import __version__
from gamerec.errors import ServiceError, UsageError
from gamerec.rawg.client import INVALID_PAGE, BudgetUsedUp, KeyRefused, QuotaUsedUp, RawgClient
from gamerec.rawg.query import Query

QUERY = Query().parameters()


@pytest.fixture
def server():
    with RawgServer() as running:
        yield running


class Sleeps(list):
    """A sleep that does not sleep and remembers for how long."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(server: RawgServer, key: str = KEY, **options) -> RawgClient:
    options = {"sleep": Sleeps(), "timeout": 5, **options}
    return RawgClient(SecretStr(key), server.url, **options)


def test_a_page_comes_as_rawg_sent_it_less_the_key(server):
    page = client(server).games(QUERY, 2)
    assert page["count"] == 100
    assert [game["id"] for game in page["results"]] == list(range(1040, 1080))
    assert "key=REDACTED" in page["next"] and "page=3" in page["next"]
    assert "key=REDACTED" in page["previous"] and "page=1" in page["previous"]


def test_the_query_and_the_client_are_named_in_the_request(server):
    client(server).games(QUERY, 1)
    assert server.asked == [
        {
            "tags": "free-to-play",
            "genres": "action",
            "ordering": "-rating",
            "page_size": "40",
            "page": "1",
            "key": KEY,
            "User-Agent": f"gamerec/{__version__}",
        }
    ]


def test_a_page_size_above_rawgs_limit_is_clamped_before_it_is_sent(server):
    page = client(server).games({**QUERY, "page_size": 100}, 1)
    assert server.asked[0]["page_size"] == "40" and len(page["results"]) == 40


def test_the_page_past_the_end_is_an_answer_not_an_error(server):
    assert client(server).games(QUERY, 4) == INVALID_PAGE


@pytest.mark.parametrize(
    ("key", "kind", "said"),
    [
        ("", KeyRefused, "The key parameter is not provided"),
        ("wrong-key-0123456789", KeyRefused, "The API key is not found"),
        (KEY, QuotaUsedUp, "The monthly API limit reached"),
    ],
)
def test_each_401_stops_at_once_with_rawgs_reason(server, key, kind, said):
    server.quota = 0
    if not key:
        server.faults = [rawg.status(401, {"error": "The key parameter is not provided"})]
    with pytest.raises(kind, match=said) as caught:
        client(server, key).games(QUERY, 1)
    assert len(server.asked) == 1
    advice = "renewed every month" if kind is QuotaUsedUp else "RAWG_API_KEY"
    assert advice in str(caught.value) and caught.value.exit_code == 7


def test_a_401_that_is_no_json_stops_too(server):
    server.faults = [rawg.html(401)]
    with pytest.raises(KeyRefused, match="no reason given"):
        client(server).games(QUERY, 1)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(rawg.status(429), id="429"),
        pytest.param(rawg.status(500), id="500"),
        pytest.param(rawg.status(502), id="502"),
        pytest.param(rawg.status(522), id="522"),
        pytest.param(rawg.html(), id="html"),
        pytest.param(rawg.html(503), id="html 503"),
        pytest.param(rawg.truncated(), id="truncated JSON"),
        pytest.param(rawg.cut_off(), id="cut off"),
        pytest.param(rawg.reset(), id="reset"),
        pytest.param(rawg.status(200, ["a", "list"]), id="list"),
        pytest.param(rawg.status(200, {"count": 3, "results": None}), id="no results"),
        pytest.param(rawg.status(200, {"count": "3", "results": []}), id="count is text"),
        pytest.param(rawg.status(200, {"count": 3, "results": [1]}), id="no objects"),
    ],
)
def test_a_passing_fault_is_asked_again(server, fault):
    server.faults = [fault, fault]
    sleeps = Sleeps()
    page = client(server, sleep=sleeps).games(QUERY, 1)
    assert len(page["results"]) == 40 and len(server.asked) == 3
    assert 1 <= sleeps[0] <= 2 and 2 <= sleeps[1] <= 3  # doubled, and up to a second at random


@pytest.mark.parametrize("fault", [rawg.slow(), rawg.trickle()], ids=["silent", "trickle"])
def test_a_slow_answer_is_given_up_and_asked_again(server, fault):
    server.faults = [fault]
    page = client(server, timeout=0.3).games(QUERY, 1)
    assert len(page["results"]) == 40 and len(server.asked) == 2


def test_an_answer_too_large_is_not_read(server, monkeypatch):
    monkeypatch.setattr("gamerec.rawg.client.LARGEST_PAGE", 1000)
    with pytest.raises(ServiceError, match="more than 1,000 bytes"):
        client(server, attempts=2).games(QUERY, 1)


def test_retry_after_in_seconds_is_obeyed(server):
    server.faults = [rawg.status(429, Retry_After="7")]
    sleeps = Sleeps()
    client(server, sleep=sleeps).games(QUERY, 1)
    assert sleeps == [7]


def test_retry_after_as_a_date_is_obeyed(server):
    server.faults = [rawg.status(503, Retry_After="Thu, 01 Jan 1970 00:16:50 GMT")]
    sleeps = Sleeps()
    client(server, sleep=sleeps, clock=lambda: 1000.0).games(QUERY, 1)
    assert sleeps == [10]


@pytest.mark.parametrize("odd", ["soon", "-5", "1e9", "Thu, 99 Foo 1970"])
def test_a_retry_after_that_makes_no_sense_is_left_aside(server, odd):
    server.faults = [rawg.status(429, Retry_After=odd)]
    sleeps = Sleeps()
    client(server, sleep=sleeps).games(QUERY, 1)
    assert len(sleeps) == 1 and sleeps[0] <= 2


def test_a_wait_that_is_too_long_ends_the_crawl(server):
    server.faults = [rawg.status(429, Retry_After="3600")]
    with pytest.raises(ServiceError, match="asks to wait 3,600 s"):
        client(server).games(QUERY, 1)


def test_retries_are_bounded_and_the_last_reason_is_told(server):
    server.faults = [rawg.status(503)] * 9
    with pytest.raises(ServiceError, match="no usable answer in 3 tries, the last: HTTP 503"):
        client(server, attempts=3).games(QUERY, 1)
    assert len(server.asked) == 3


def test_no_server_at_all_is_a_service_error():
    with RawgServer() as gone:
        pass
    with pytest.raises(ServiceError, match="no connection"):
        client(gone, attempts=2).games(QUERY, 1)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (rawg.status(400, {"error": "bad ordering"}), "'bad ordering': check the query"),
        (rawg.status(404, {"detail": "Not found."}), "'Not found.': check the setting RAWG_URL"),
        (rawg.html(403), "HTTP 403, 'no reason given'"),
        (rawg.status(301, Location="http://127.0.0.1:9/elsewhere"), "HTTP 301"),
    ],
)
def test_a_refusal_is_not_asked_again_and_a_redirect_is_not_followed(server, fault, advice):
    server.faults = [fault]
    with pytest.raises(ServiceError, match=advice.replace(".", r"\.")):
        client(server).games(QUERY, 1)
    assert len(server.asked) == 1


def test_the_budget_counts_every_request_retries_included(server):
    server.faults = [None, rawg.status(503)]
    asking = client(server, budget=3)
    asking.games(QUERY, 1)
    asking.games(QUERY, 2)
    with pytest.raises(BudgetUsedUp, match="budget of 3 requests"):
        asking.games(QUERY, 3)
    assert asking.requests == 3 == len(server.asked)


@pytest.mark.parametrize("url", ["", "http://[x", "api.rawg.io/api", "ftp://rawg.io", "http://"])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(url):
    with pytest.raises(UsageError, match="RAWG_URL"):
        RawgClient(SecretStr(KEY), url)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(UsageError, match="BUDGET is 0"):
        RawgClient(SecretStr(KEY), budget=0)


@pytest.mark.parametrize("key", [KEY, 'odd key/+&"=%\\ü-0123'], ids=["plain", "odd characters"])
@pytest.mark.parametrize(
    "fault",
    [
        rawg.reset(),
        rawg.cut_off(),
        rawg.truncated(),
        rawg.html(),
        rawg.status(401, {"error": "no key like {key}"}),
        rawg.status(403, {"detail": "GET /api/games?key={key}"}),
        rawg.slow(),
    ],
)
def test_no_error_and_no_log_line_holds_the_key(server, fault, key, caplog):
    def echo(handler):
        """Rawg's answer with the key in it."""
        handler.send = _echoing(handler.send, key)
        fault(handler)

    server.key = key
    server.faults = [echo, echo]
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ServiceError) as caught:
        client(server, key, attempts=2, timeout=0.2).games(QUERY, 1)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    for error in _chain(caught.value):
        told += repr(error) + str(vars(error))
    assert "urllib3" in caplog.text
    for part in (key, key[:12], key[-12:]):
        assert part not in told


def test_the_paths_that_urllib3_logs_stay_but_for_the_key(server, caplog):
    caplog.set_level(logging.DEBUG)
    client(server).games(QUERY, 1)
    assert "page_size=40&page=1&key=REDACTED" in caplog.text and KEY not in caplog.text


def test_a_page_that_repeats_the_key_anywhere_is_redacted():
    odd = 'odd key/+&"=%\\ü-0123'
    with RawgServer(key=odd) as server:
        server.games[0]["name"] = f"Game {odd}"
        page = client(server, odd).games(QUERY, 1)
    assert page["results"][0]["name"] == "Game REDACTED"
    assert odd not in str(page) and "odd" not in page["next"]


def test_a_short_key_does_not_eat_ordinary_words():
    with RawgServer(key="Game") as server:
        page = client(server, "Game").games(QUERY, 1)
    assert page["results"][0]["name"] == "Game 0" and "key=REDACTED" in page["next"]


def _echoing(send, key):
    def changed(code, body, *rest, **named):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"').encode()
        send(code, body.replace(b"{key}", escaped), *rest, **named)

    return changed


def _chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
