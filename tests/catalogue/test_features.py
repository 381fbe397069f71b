"""Content features: the weights by hand, and rows for any ids."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gamerec.catalogue.features import ContentFeatures, content_features
from gamerec.errors import DataError, UsageError

GAMES = pd.DataFrame(
    {
        "game_id": [10, 20, 30, 40],
        "genres": [["Action", "RPG"], ["Action"], ["Unknown"], ["Unknown"]],
        "tags": [["Co-op", "Dragons"], ["Co-op"], ["Co-op", "VR"], []],
    }
)


def dense(features: ContentFeatures) -> pd.DataFrame:
    return pd.DataFrame(features.matrix.toarray(), features.game_ids, features.names)


def test_weights_by_hand() -> None:
    table = dense(content_features(GAMES, min_tag_count=1))
    assert table.columns.tolist() == [
        "genre:Action",
        "genre:RPG",
        "tag:Co-op",
        "tag:Dragons",
        "tag:VR",
    ]
    action, rpg = math.log(5 / 3) + 1, math.log(5 / 2) + 1  # of 4 games 2 and 1 have it
    coop, dragons = math.log(5 / 4) + 1, math.log(5 / 2) + 1
    genres, tags = math.hypot(action, rpg), math.hypot(coop, dragons)
    expected = np.array([action / genres, rpg / genres, coop / tags, dragons / tags, 0])
    assert table.loc[10].to_numpy() == pytest.approx(expected / math.sqrt(2), abs=1e-6)
    half = math.sqrt(0.5)  # one genre and one tag: both count alike
    assert table.loc[20].to_numpy() == pytest.approx([half, 0, half, 0, 0], abs=1e-6)


def test_rows_have_length_one_or_are_zero() -> None:
    features = content_features(GAMES, min_tag_count=1)
    lengths = np.linalg.norm(features.matrix.toarray(), axis=1)
    assert lengths == pytest.approx([1, 1, 1, 0], abs=1e-6)
    assert isinstance(features.matrix, sparse.csr_matrix)
    assert features.matrix.dtype == np.float32


def test_unknown_is_no_feature_and_no_likeness() -> None:
    features = content_features(GAMES.iloc[[2, 3]], min_tag_count=1)
    assert not any("Unknown" in name for name in features.names)
    assert (features.matrix @ features.matrix.T)[0, 1] == 0


def test_rare_tags_are_left_out_and_the_most_common_kept() -> None:
    assert content_features(GAMES, min_tag_count=2).names.tolist()[2:] == ["tag:Co-op"]
    both = content_features(GAMES, min_tag_count=1, max_tags=2)  # equally common: by name
    assert both.names.tolist()[2:] == ["tag:Co-op", "tag:Dragons"]
    assert len(content_features(GAMES, max_tags=0).names) == 2


@pytest.mark.parametrize(("least", "most"), [(0, 10), (1, -1)])
def test_impossible_limits_are_refused(least: int, most: int) -> None:
    with pytest.raises(UsageError, match="min_tag_count"):
        content_features(GAMES, least, most)


def test_a_catalogue_of_names_has_no_features() -> None:
    bare = GAMES.assign(genres=[["Unknown"]] * 4, tags=[[]] * 4)
    features = content_features(bare)
    assert features.matrix.shape == (4, 0)
    assert features.for_games([10, 99]).matrix.shape == (2, 0)


@pytest.mark.parametrize("ids", [[10, 20, 30, 40], ["x10", "a", "ü", "b"]])
def test_rows_come_for_any_ids_and_zeros_for_unknown_ones(ids: list) -> None:
    features = content_features(GAMES.assign(game_id=ids), min_tag_count=1)
    stranger = 99 if isinstance(ids[0], int) else "stranger"
    wanted = features.for_games([ids[1], stranger, ids[0]])
    rows = features.matrix.toarray()
    assert (wanted.matrix.toarray() == np.stack([rows[1], 0 * rows[0], rows[0]])).all()
    assert list(wanted.game_ids) == [ids[1], stranger, ids[0]]
    assert wanted.matrix.dtype == np.float32


@pytest.mark.parametrize("ids", [[10, 20, 30, 40], ["x10", "a", "ü", "b"]])
def test_arrays_hold_no_objects_and_give_the_same_features_back(ids: list) -> None:
    features = content_features(GAMES.assign(game_id=ids), min_tag_count=1)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **features.to_arrays())
    buffer.seek(0)
    back = ContentFeatures.from_arrays(dict(np.load(buffer, allow_pickle=False)))
    assert (back.matrix != features.matrix).nnz == 0
    assert back.names.tolist() == features.names.tolist()
    assert back.game_ids.tolist() == ids


def test_nearest_begins_with_the_game_itself_and_ends_where_likeness_ends() -> None:
    features = content_features(GAMES, min_tag_count=1)
    nearest = features.nearest(20)
    assert nearest["game_id"].tolist() == [20, 10, 30]  # 40 shares nothing
    cosine = features.matrix.toarray() @ features.matrix.toarray()[1]
    assert nearest["similarity"].tolist() == pytest.approx([1, cosine[0], cosine[2]])
    assert features.nearest(20, k=1)["game_id"].tolist() == [20, 10]
    with pytest.raises(DataError, match="99"):
        features.nearest(99)
