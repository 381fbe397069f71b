"""Models against a hold-out: the tidy table, beyond accuracy, regret, and users counted."""

import json

import numpy as np
import pytest
from scipy import sparse

from gamerec import evaluate, metrics, models
from gamerec.references import Random


class Fixed:
    """Gives the lists it was made with."""

    def __init__(self, lists) -> None:
        self.lists = np.array(lists, np.int32)

    def recommend(self, X, k=10):
        return self.lists[:, :k], np.zeros((len(self.lists), k), np.float32)


X = sparse.csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]], np.float32))
TEST = sparse.csr_matrix(np.array([[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]], np.float32))
LISTS = [[3, 2], [1, -1], [-1, -1]]


def test_the_table_is_tidy_and_its_values_are_the_means():
    table = evaluate.evaluate({"a": Fixed(LISTS), "b": Fixed([[2, 3]] * 3)}, X, TEST, ks=(1, 2))
    assert table.columns.tolist() == evaluate.COLUMNS
    assert len(table) == 2 * 2 * len(metrics.ACCURACY)
    at = table.set_index(["model", "metric", "k"])
    assert at.loc[("a", "recall", 1), "value"] == 0
    assert at.loc[("a", "recall", 2), "value"] == 1 / 2  # user 0 finds its game, user 2 has no list
    assert at.loc[("b", "hit_rate", 2), "value"] == 1
    assert (table.n_users == 2).all()
    assert (table.low <= table.value).all() and (table.value <= table.high).all()


def test_the_same_seed_gives_the_same_table():
    both = [evaluate.evaluate({"a": Fixed(LISTS)}, X, TEST, ks=(2,), seed=s) for s in (1, 1)]
    assert both[0].equals(both[1])


def test_no_test_games_at_all_gives_a_table_of_nan():
    table = evaluate.evaluate({"a": Fixed(LISTS)}, X, sparse.csr_matrix(X.shape), ks=(2,))
    assert table.value.isna().all()
    assert (table.n_users == 0).all()


def test_users_without_lists_are_counted_not_dropped():
    measured = {"a": evaluate.measure(Fixed(LISTS), X, TEST, (2,))}
    assert evaluate.users_counted(measured, k=2).iloc[0].to_dict() == {
        "model": "a",
        "users": 3,
        "with_test_games": 2,
        "without_test_games": 1,
        "no_recommendation": 1,
        "fewer_than_k": 1,
    }


def test_beyond_accuracy_by_hand():
    popularity = np.array([1, 2, 1, 0])  # percentiles 1.5/3, 1, 1.5/3, 0
    features = sparse.csr_matrix(np.array([[1, 0], [1, 0], [1, 0], [1, 1]], np.float32))
    measured = evaluate.measure(Fixed(LISTS), X, TEST, (2,))
    result = evaluate.beyond_accuracy(measured, X, popularity, features, k=2)
    np.testing.assert_allclose(result.per_user["popularity", 2], [0.25, 1, np.nan])
    # profiles: user 0 (1.5/3 + 1) / 2, user 1 1.5/3, user 2 without a list
    np.testing.assert_allclose(result.per_user["popularity_lift", 2], [0.25 - 0.75, 0.5, np.nan])
    np.testing.assert_allclose(result.per_user["diversity", 2], [1 - np.sqrt(0.5), np.nan, np.nan])
    assert result.overall["coverage", 2] == 3 / 4
    assert result.overall["gini", 2] == metrics.gini(np.array([0, 1, 1, 1]))
    rows = evaluate.table({"a": result}).set_index("metric")
    assert rows.loc["popularity", "n_users"] == 2  # defined for two of three
    assert rows.loc["coverage", "n_users"] == 3
    assert np.isnan(rows.loc["coverage", "low"])


def test_without_content_there_is_no_diversity():
    measured = evaluate.measure(Fixed(LISTS), X, TEST, (2,))
    nothing = sparse.csr_matrix((4, 2))
    result = evaluate.beyond_accuracy(measured, X, np.arange(4), nothing, k=2)
    assert ("diversity", 2) not in result.per_user


class Tastes:
    """Users of two tastes over 30 games; utility is the probability of the next choice."""

    def __init__(self, n_users: int = 1_500, n_games: int = 30, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        likes = rng.dirichlet(np.full(n_games, 0.4), 3).T  # (n_games, n_tastes)
        self.table = rng.dirichlet([0.3] * 3, n_users) @ likes.T
        noise = rng.gumbel(size=self.table.shape)
        drawn = np.argsort(-(np.log(self.table + 1e-12) + noise), axis=1)[:, :6]
        played, held = np.zeros((2, *self.table.shape), np.float32)
        np.put_along_axis(played, drawn[:, :5], 1, axis=1)
        np.put_along_axis(held, drawn[:, 5:], 1, axis=1)
        self.train, self.test = sparse.csr_matrix(played), sparse.csr_matrix(held)

    def utility(self, users: np.ndarray) -> np.ndarray:
        return self.table[users]


def test_on_simulated_players_oracle_beats_model_beats_popularity_beats_random():
    truth = Tastes()
    users = np.arange(len(truth.table))
    contestants = {
        "item_knn": models.create("item_knn").fit(truth.train),
        "popularity": models.create("popularity").fit(truth.train),
        "random": Random(0),
    }
    measured = {
        name: evaluate.measure(model, truth.train, truth.test, (5,))
        for name, model in contestants.items()
    }
    measured = evaluate.against_truth(measured, truth, users, truth.train, truth.test, (5,), k=5)
    assert list(measured) == ["oracle", "item_knn", "popularity", "random"]
    table = evaluate.table(measured)
    ndcg = table[table.metric == "ndcg"]
    assert ndcg.value.is_monotonic_decreasing
    assert (ndcg.low.to_numpy()[:-1] > ndcg.high.to_numpy()[1:]).all()  # intervals apart
    regret = table[table.metric == "regret"].value
    assert regret.is_monotonic_increasing
    assert regret.iloc[0] == 0


class Known:
    def __init__(self, table) -> None:
        self.table = np.array(table)

    def utility(self, users):
        return self.table[users]


TRUTH = Known([[0.0, 0.0, 0.5, 0.1], [0.2, 0.4, 0.0, 0.0], [0.3, 0.0, 0.0, 0.1]])


def test_regret_by_hand():
    measured = {"a": evaluate.measure(Fixed([[3], [1], [-1]]), X, TEST, (1,))}
    found = evaluate.against_truth(measured, TRUTH, np.arange(3), X, TEST, (1,), k=1)
    assert found["a"].per_user["regret", 1] == pytest.approx([0.5 - 0.1, 0, np.nan], nan_ok=True)
    assert found["oracle"].lists.tolist() == [[2], [1], [0]]


def test_the_truth_may_be_asked_for_a_sample_of_the_users():
    measured = {"a": evaluate.measure(Fixed([[3], [1], [-1]]), X, TEST, (1,))}
    found = evaluate.against_truth(measured, TRUTH, np.array([-1, 1, 2]), X, TEST, (1,), k=1)
    assert found["oracle"].lists.tolist() == [[1], [0]]
    counted = evaluate.users_counted(found, k=1).set_index("model")
    assert counted["users"].to_dict() == {"oracle": 2, "a": 3}
    assert counted["with_test_games"].to_dict() == {"oracle": 1, "a": 2}
    assert found["a"].per_user["regret", 1] == pytest.approx([0, np.nan], nan_ok=True)


def test_the_summary_is_for_people_and_plain_rows_are_for_json():
    popularity = np.array([1, 2, 1, 0])
    measured = evaluate.measure(Fixed(LISTS), X, TEST, (2,))
    table = evaluate.table({"a": evaluate.beyond_accuracy(measured, X, popularity, k=2)})
    shown = evaluate.summary(table, 2, ["recall", "coverage", "diversity"])
    assert shown.loc["a"].tolist() == ["0.500 (0.000 to 1.000)", "0.750", ""]
    rows = json.loads(json.dumps(evaluate.plain(table), allow_nan=False))
    assert next(row for row in rows if row["metric"] == "coverage") == {
        "model": "a", "metric": "coverage", "k": 2, "value": 0.75,
        "low": None, "high": None, "n_users": 3,
    }  # fmt: skip


def test_a_list_is_read_aloud_with_its_reasons():
    played = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 1, 0]], np.float32)
    model = models.create("item_knn").fit(sparse.csr_matrix(played))
    history = sparse.csr_matrix(np.array([[1, 1, 0, 0]], np.float32))
    shown = evaluate.read_aloud(model, history, [2], np.array(["A", "B", "C", "D"]), k=5)
    assert shown.index.tolist() == [1, 2]  # two games are left
    assert shown.game.tolist() == ["C", "D"]
    # cosine: C with A 2 / 3, C with B 1 / sqrt(6); D was never played
    a, b = 2 / 3, 1 / np.sqrt(6)
    assert shown.score.tolist() == pytest.approx([a + b, 0])
    assert shown["because of"].tolist() == [
        f"A ({a / (a + b):.0%}), B ({b / (a + b):.0%})",
        "popular",
    ]
    assert shown["held out"].tolist() == ["✓", ""]
