"""What RAWG is asked for, and what is refused before it is asked."""

from datetime import date

import pytest

from gamerec.errors import UsageError
from gamerec.rawg.query import Query


def test_the_default_is_the_query_this_project_exists_for():
    assert Query().parameters() == {
        "tags": "free-to-play",
        "genres": "action",
        "ordering": "-rating",
        "page_size": 40,
    }


def test_slugs_are_tidied_and_empty_filters_left_out():
    query = Query(tags=" Co-op, ,singleplayer ", genres=" ", page_size=100)
    assert query.parameters() == {
        "tags": "co-op,singleplayer",
        "ordering": "-rating",
        "page_size": 40,
    }


def test_a_slice_takes_the_place_of_the_dates_asked_for():
    query = Query(dates="2015-01-01, 2024-12-31")
    assert query.parameters()["dates"] == "2015-01-01,2024-12-31"
    assert query.parameters("2015-01-01,2015-06-30")["dates"] == "2015-01-01,2015-06-30"


def test_several_ranges_are_read():
    query = Query(dates="2010-01-01,2018-12-31.1960-01-01,1969-12-31")
    assert query.ranges() == [
        (date(2010, 1, 1), date(2018, 12, 31)),
        (date(1960, 1, 1), date(1969, 12, 31)),
    ]


@pytest.mark.parametrize(
    "dates", ["2015", "2015-01-01", "2024-12-31,2015-01-01", "2015-02-30,2015-03-01", "a,b", ","]
)
def test_dates_that_are_no_range_are_refused(dates):
    with pytest.raises(UsageError, match="DATES has .* like 2015-01-01,2024-12-31"):
        Query(dates=dates)


def test_an_unknown_ordering_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="'-ratings'.*did you mean rating"):
        Query(ordering="-ratings")


def test_a_page_of_nothing_is_refused():
    with pytest.raises(UsageError, match="PAGE_SIZE is 0"):
        Query(page_size=0)
