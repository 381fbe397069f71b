"""The crawl against a real local server: pages kept, resumed, renewed; slices; what is stored."""

import json

import pytest
from pydantic import SecretStr
from services import rawg_server as rawg
from services.rawg_server import KEY, RawgServer, a_game

from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.rawg.client import BudgetUsedUp, QuotaUsedUp, RawgClient
from gamerec.rawg.crawl import crawl
from gamerec.rawg.query import Query
from gamerec.storage import FolderStore

DAY = 86_400


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server():
    with RawgServer() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def run(server, store, max_games=100, query=None, clock=None, max_age_days=7.0, **options):
    options = {"sleep": lambda seconds: None, "timeout": 5, "attempts": 2, **options}
    client = RawgClient(SecretStr(KEY), server.url, **options)
    clock = clock or Clock()
    return crawl(client, store, query or Query(), max_games, max_age_days, clock=clock)


def ids(found):
    return [game["id"] for game in found.games]


def test_the_best_games_come_in_order_over_several_pages(server, store):
    found = run(server, store, max_games=90)
    assert ids(found) == list(range(1000, 1090))
    assert server.pages_asked == [("", 1), ("", 2), ("", 3)]
    assert (found.total, found.complete) == (100, True)
    assert found.counts == {"fetched": 3, "kept": 0, "stale": 0, "repeated": 0, "requests": 3}


def test_no_page_is_asked_for_beyond_the_games_wanted(server, store):
    assert len(run(server, store, max_games=40).games) == 40
    assert server.pages_asked == [("", 1)]


def test_the_list_ends_where_there_is_no_next_page(server, store):
    assert len(run(server, store, max_games=5000).games) == 100
    assert server.pages_asked == [("", 1), ("", 2), ("", 3)]


def test_the_list_ends_at_an_invalid_page_which_is_remembered(server, store):
    """A list can shrink between two pages: `next` is there and the page is not."""
    server.faults = [None, None, rawg.status(404, {"detail": "Invalid page."})]
    assert len(run(server, store).games) == 80
    assert len(run(server, store).games) == 80
    assert len(server.asked) == 3


def test_a_second_crawl_asks_for_nothing(server, store):
    first, second = run(server, store), run(server, store)
    assert ids(first) == ids(second) and len(server.asked) == 3
    assert second.counts["kept"] == 3 and second.counts["requests"] == 0


def test_asking_for_more_games_goes_on_from_the_pages_kept(server, store):
    run(server, store, max_games=40)
    assert len(run(server, store, max_games=100).games) == 100
    assert server.pages_asked == [("", 1), ("", 2), ("", 3)]


@pytest.mark.parametrize("cut_at", [1, 2, 3])
@pytest.mark.parametrize("how", ["fault", "interrupt", "quota"])
def test_cut_at_any_page_it_goes_on_with_nothing_fetched_twice(server, store, cut_at, how):
    good: list = [None] * (cut_at - 1)
    stops: dict = {"fault": ServiceError, "interrupt": KeyboardInterrupt, "quota": QuotaUsedUp}
    if how == "fault":
        server.faults = [*good, rawg.status(503), rawg.status(503)]
    elif how == "quota":
        server.quota = cut_at - 1
    interrupt = {"sleep": _interrupting} if how == "interrupt" else {}
    if how == "interrupt":
        server.faults = [*good, rawg.status(503)]
    with pytest.raises(stops[how]):
        run(server, store, **interrupt)
    wasted, server.quota, server.asked = len(server.asked) - (cut_at - 1), None, []
    assert len(run(server, store).games) == 100
    assert server.pages_asked == [("", page) for page in range(cut_at, 4)]
    assert wasted == {"fault": 2, "interrupt": 1, "quota": 1}[how]


def _interrupting(seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_stop_tells_what_is_kept_and_what_to_do(server, store):
    server.quota = 2
    with pytest.raises(QuotaUsedUp, match="limit reached.*Pages kept: 2; run 01_crawl again"):
        run(server, store)


def test_the_budget_leaves_the_games_that_came_and_the_next_run_goes_on(server, store):
    first = run(server, store, budget=2)
    assert (len(first.games), first.complete) == (80, False)
    second = run(server, store, budget=2)
    assert (len(second.games), second.complete) == (100, True)
    assert server.pages_asked == [("", 1), ("", 2), ("", 3)]


def test_a_budget_spent_before_the_first_game_is_an_error(server, store):
    server.faults = [rawg.status(503)]
    with pytest.raises(BudgetUsedUp, match="budget of 1 requests is used up"):
        run(server, store, budget=1)


def test_old_pages_are_fetched_again_and_replaced(server, store):
    clock = Clock()
    run(server, store, clock=clock)
    clock.now += 6.9 * DAY
    run(server, store, clock=clock)
    assert len(server.asked) == 3
    clock.now += 0.2 * DAY
    server.games[0]["name"] = "Renamed"
    found = run(server, store, clock=clock)
    assert found.games[0]["name"] == "Renamed" and len(server.asked) == 6
    assert len(_pages(store)) == 3


def test_an_age_of_zero_fetches_everything_anew_but_each_page_once(server, store):
    run(server, store, max_age_days=0)
    run(server, store, max_age_days=0)
    assert server.pages_asked == [("", 1), ("", 2), ("", 3)] * 2


def test_a_renewal_cut_in_the_middle_goes_on(server, store):
    clock = Clock()
    run(server, store, clock=clock)
    clock.now += 8 * DAY
    server.faults, server.asked = [None, rawg.status(503), rawg.status(503)], []
    with pytest.raises(ServiceError):
        run(server, store, clock=clock)
    server.asked = []
    run(server, store, clock=clock)
    assert server.pages_asked == [("", 2), ("", 3)]


def test_where_the_budget_does_not_reach_old_pages_still_count(server, store):
    clock = Clock()
    run(server, store, clock=clock)
    clock.now += 30 * DAY
    found = run(server, store, clock=clock, budget=1)
    assert len(found.games) == 100 and not found.complete
    assert (found.counts["fetched"], found.counts["stale"]) == (1, 2)


@pytest.mark.parametrize("damage", [b"", b'{"count": 1', b"[]", b'{"count": 1}', b"\xff\x00"])
def test_a_damaged_page_is_fetched_again(server, store, damage):
    run(server, store)
    store.write(_pages(store)[1], damage)
    assert len(run(server, store).games) == 100
    assert server.pages_asked == [("", 1), ("", 2), ("", 3), ("", 2)]


def test_of_two_copies_of_a_page_the_newer_counts(server, store):
    """As a kill between writing the new and deleting the old leaves them."""
    run(server, store, max_games=40)
    page = _pages(store)[0]
    older = page.rsplit("-", 1)[0] + "-20200101T000000Z.json"
    store.write(older, b'{"count": 0, "results": [], "next": null}')
    assert len(run(server, store, max_games=40).games) == 40
    assert len(server.asked) == 1


def test_queries_do_not_share_pages(server, store):
    run(server, store, max_games=10)
    run(server, store, max_games=10, query=Query(ordering="rating"))
    run(server, store, max_games=10, query=Query(page_size=10))
    assert len(server.asked) == 3


def test_raw_pages_are_kept_as_they_came_less_the_key(server, store):
    run(server, store)
    kept = json.loads(store.read(_pages(store)[0]))
    assert kept["results"] == server.games[:40] and kept["count"] == 100
    for key in store.keys("raw/"):
        assert KEY.encode() not in store.read(key)
    assert b"key=REDACTED" in store.read(_pages(store)[0])
    queries = [key for key in store.keys("raw/") if key.endswith("query.json")]
    assert store.read_json(queries[0]) == Query().parameters()


def test_a_game_met_on_two_pages_counts_once(store):
    games = [a_game(number) for number in range(50)]
    games.insert(45, games[3])
    with RawgServer(games) as server:
        found = run(server, store)
    assert len(found.games) == 50 and found.counts["repeated"] == 1


def test_an_empty_list_says_so(server, store):
    with pytest.raises(DataError, match="no game for .*'tags': 'no-such-tag'"):
        run(server, store, query=Query(tags="no-such-tag"))


@pytest.mark.parametrize("wrong", [{"max_games": 0}, {"max_age_days": -1.0}])
def test_numbers_without_sense_are_refused(server, store, wrong):
    with pytest.raises(UsageError, match=next(iter(wrong)).upper()):
        run(server, store, **wrong)
    assert not server.asked


@pytest.fixture(scope="module")
def long_list():
    """12,300 games, rated in an order that has nothing to do with their dates; 300 undated."""
    games = [
        a_game(n, rating=(n * 7919 % 12_300) / 2500, released=_day(n) if n % 41 else None)
        for n in range(12_300)
    ]
    with RawgServer(games) as running:
        yield running


def _day(number: int) -> str:
    return f"{1990 + number % 30}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"


def test_above_ten_thousand_the_list_is_sliced_by_date_and_stays_in_order(long_list, store):
    found = run(long_list, store, max_games=50_000)
    ratings = [game["rating"] for game in found.games]
    assert len(set(ids(found))) == 12_000 and ratings == sorted(ratings, reverse=True)
    assert found.total == 12_300 and found.counts["undated"] == 300
    slices = {dates for dates, page in long_list.pages_asked if page > 1}
    assert len(slices) >= 2
    assert len(long_list.pages_asked) == len(set(long_list.pages_asked))


def test_a_sliced_crawl_that_was_cut_asks_for_nothing_twice(long_list, store):
    long_list.asked = []
    first = run(long_list, store, max_games=10_500, budget=100)
    assert 0 < len(first.games) < 10_500 and not first.complete
    second = run(long_list, store, max_games=10_500)
    assert len(second.games) == 10_500 and second.complete
    assert ids(second)[: len(first.games)] == ids(first)
    assert len(long_list.pages_asked) == len(set(long_list.pages_asked))


def test_ten_thousand_need_no_slice(long_list, store):
    long_list.asked = []
    found = run(long_list, store, max_games=81)
    assert long_list.pages_asked == [("", 1), ("", 2), ("", 3)]
    assert found.games[0]["rating"] == max(game["rating"] for game in long_list.games)


@pytest.mark.parametrize("ordering", ["released", "-released", "name", "-added", "created"])
def test_slices_are_merged_by_every_ordering(store, monkeypatch, ordering):
    monkeypatch.setattr("gamerec.rawg.crawl.LIST_END", 40)
    monkeypatch.setattr(rawg, "LIST_END", 40)
    games = [
        a_game(n, added=n * 37 % 101, released=_day(n), name=f"{n * 53 % 97:03d}", created=n)
        for n in range(90)
    ]
    with RawgServer(games) as server:
        found = run(server, store, query=Query(ordering=ordering), max_games=90)
    assert len(found.games) == 90
    field = ordering.removeprefix("-")
    values = [game[field] for game in found.games]
    if ordering != "created":
        assert values == sorted(values, reverse=ordering.startswith("-"))


def test_a_day_with_more_games_than_a_list_gives_what_can_be_reached(store, monkeypatch):
    monkeypatch.setattr("gamerec.rawg.crawl.LIST_END", 40)
    monkeypatch.setattr(rawg, "LIST_END", 40)
    with RawgServer([a_game(n, released="2024-01-01") for n in range(60)]) as server:
        assert len(run(server, store, max_games=60).games) == 40


def _pages(store):
    return [key for key in store.keys("raw/") if "/all/" in key]
