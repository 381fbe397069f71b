"""Tables of a raw catalogue, by hand-worked examples and on all four catalogues."""

import numpy as np
import pandas as pd
import pytest

from gamerec.catalogue import biases, explore, sources
from gamerec.catalogue.raw_games import frame
from gamerec.plots import games as plots

RAW = frame(
    [
        {"game_id": 1, "name": "A", "rating": 4.5, "ratings_count": 8, "playtime": 0.0}
        | {"genres": ["Action", "RPG"], "tags": ["Free to Play"], "added": 60, "owned": 30},
        {"game_id": 2, "name": "B ", "rating": 3.5, "ratings_count": 40, "playtime": 5.0}
        | {"genres": ["Action"], "tags": ["Co-op"], "added": 30, "released": "2020-02-03"},
        {"game_id": 3, "name": "A", "rating": 0.0, "genres": [], "added": 0, "owned": 0},
        {
            "game_id": 4,
            "rating": 4.0,
            "genres": ["RPG"],
            "owned_ratio": 0.9,
            "added": 10,
            "owned": 1,
        },
    ]
)
BARE = pd.DataFrame({"game_id": ["x", "y"], "name": ["X", "Y"]})


def row(table: pd.DataFrame, key: str, value: str) -> dict:
    return table[table[key] == value].iloc[0].to_dict()


def test_zero_ratings_and_playtimes_and_empty_lists_are_unknown() -> None:
    missing = explore.missing(RAW)
    assert row(missing, "column", "rating")["known"] == 3
    assert row(missing, "column", "rating")["unknown_means"] == "0 = unrated"
    assert row(missing, "column", "playtime")["unknown"] == 3
    assert row(missing, "column", "genres")["unknown"] == 1
    assert row(missing, "column", "added")["share_unknown"] == 0
    assert row(missing, "column", "slug")["share_unknown"] == 1


def test_absent_columns_are_said_to_be_absent() -> None:
    missing = explore.missing(BARE)
    assert len(missing) == 14
    assert row(missing, "column", "tags")["unknown_means"] == "no such column"
    assert row(missing, "column", "name")["share_unknown"] == 0


def test_doubles_and_names_to_clean_are_counted() -> None:
    raw = pd.concat([RAW, RAW.head(1)])
    assert explore.doubles(raw)["games"].tolist() == [2, 0, 2, 1]
    assert explore.doubles(BARE)["games"].tolist() == [0, 0, 0, 0]


def test_numbers_leave_unknown_zeros_out() -> None:
    rating = row(explore.numbers(RAW), "column", "rating")
    assert (rating["games"], rating["mean"], rating["min"]) == (3, 4.0, 3.5)
    assert explore.numbers(BARE).empty


def test_the_owned_ratio_is_given_or_divided() -> None:
    owned = explore.ownership(RAW).set_index("game_id")["owned_ratio"]
    assert owned.to_dict() == {1: 0.5, 2: 0.0, 4: 0.9}  # 2: no owner among 30 listings; 3: 0 / 0


def test_ratings_by_votes() -> None:
    table = explore.rating_by_votes(RAW)
    assert table["votes"].tolist() == ["1-10", "31-100", "unknown"]
    assert table["games"].tolist() == [1, 1, 1]
    assert table["share_high"].tolist() == [1.0, 0.0, 1.0]
    assert explore.rating_by_votes(BARE).empty


def test_labels_are_shares_of_the_games_that_have_any() -> None:
    genres = explore.labels(RAW, "genres")
    assert genres["label"].tolist() == ["Action", "RPG"]
    assert genres["games"].tolist() == [2, 2]
    assert genres["share"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert explore.labels(BARE, "tags").empty


def test_labels_that_go_together_are_read_by_rows() -> None:
    raw = frame(
        [{"game_id": i, "genres": ["Action", "RPG"]} for i in range(5)]
        + [{"game_id": i, "genres": ["Action"]} for i in range(5, 20)]
        + [{"game_id": 20, "genres": ["Rare"]}]
    )
    together = explore.labels_together(raw, "genres")
    assert together.index.tolist() == ["Action", "RPG"]
    assert together.loc["Action", "RPG"] == 0.25
    assert together.loc["RPG", "Action"] == 1.0
    assert explore.labels_together(BARE, "genres").shape == (0, 0)


def test_distributions_leave_out_what_few_games_have() -> None:
    raw = frame([{"game_id": i, "rating": 4.0, "released": "2020-05-01"} for i in range(5)])
    values = explore.distributions(raw.assign(metacritic=[80.0, *[np.nan] * 4]))
    assert set(values["column"]) == {"rating", "year"}
    assert explore.distributions(BARE).empty


def test_the_attention_curve_counts_from_the_most_popular_game() -> None:
    curve = explore.concentration(RAW)  # listings 60, 30, 10, 0
    assert curve["share_games"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve["share_attention"].tolist() == pytest.approx([0, 0.6, 0.9, 1, 1])
    assert explore.attention_measure(RAW) == "listings by players"
    assert explore.attention_measure(RAW.drop(columns="added")) == "votes"
    assert explore.concentration(BARE).empty


def test_biases_are_measured_where_they_can_be() -> None:
    found = biases.biases(RAW).set_index("bias")["value"]
    assert found["free"] == 0.5  # of two games with tags
    assert found["action"] == pytest.approx(2 / 3)
    assert found["high-rated"] == pytest.approx(2 / 3)
    assert found["unrated"] == 0.25
    assert found["popularity"] == pytest.approx(0.24)  # a tenth of 4 games: 0.4 of the first
    assert found["unlabelled"] == 0.25
    assert biases.biases(BARE)["bias"].tolist() == ["unrated", "unlabelled"]


def test_biases_read_as_sentences() -> None:
    text = biases.as_markdown(biases.biases(RAW))
    assert "- **action**: 67% of the 3 games with genres have the genre Action. *For" in text
    assert len(text.splitlines()) == 6
    rare = frame([{"game_id": i, "genres": ["RPG"]} for i in range(200)] + [{"game_id": 200}])
    assert "less than 1% of all 201 games have neither" in biases.as_markdown(biases.biases(rare))


@pytest.mark.parametrize("name", ["sample", "sparse", "one game"])
def test_every_figure_can_be_drawn(name: str, request: pytest.FixtureRequest) -> None:
    if name == "sparse":
        folder = request.getfixturevalue("shared_data")
        raw = sources.from_file(folder / "rawg" / "pc_steam_2025_17811.csv").games
    else:
        raw = sources.sample().games.head(40 if name == "sample" else 1)
    figures = [
        plots.missing_cells(explore.missing(raw)),
        plots.rating_against_votes(explore.rated(raw)),
        plots.common_labels({n: explore.labels(raw, n) for n in ("genres", "tags")}),
        plots.owned_ratios(explore.ownership(raw)),
        plots.attention_curve(explore.concentration(raw), explore.attention_measure(raw)),
    ]
    if name != "one game":
        figures.append(plots.distributions(explore.distributions(raw)))
        figures.append(plots.labels_together(explore.labels_together(raw, "genres")))
    for figure in figures:
        figure.draw_without_rendering()
        shown = [axes for axes in figure.axes if axes.get_visible()]
        assert any(axes.get_title(loc="left") for axes in shown)
        assert any(axes.get_xlabel() for axes in shown)
