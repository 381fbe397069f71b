"""Saved models: what is written, what comes back, and what is refused."""

import json
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gamerec import models
from gamerec.errors import DataError, UsageError
from gamerec.models import persistence
from gamerec.storage import FolderStore, open_store

FILES = ["indices.npy", "indptr.npy", "model.json", "popularity.npy", "weights.npy"]


@pytest.fixture
def saved(tmp_path, plays, held_out):
    model = models.create("slim", l1=0.2, epochs=3).fit(plays, validation=held_out)
    model.save(tmp_path / "model")
    return model, tmp_path / "model"


def test_a_loaded_model_is_the_model(saved, plays):
    model, folder = saved
    for again in (models.load(folder), models.load(str(folder), mmap=True)):
        assert (type(again), again.params) == (type(model), model.params)
        assert again.history == model.history
        assert_array_equal(again.W.toarray(), model.W.toarray())
        for one, other in zip(again.recommend(plays, 9), model.recommend(plays, 9), strict=True):
            assert_array_equal(one, other)
        assert_array_equal(again.recommend_one([1, 7])[1], model.recommend_one([1, 7])[1])


@pytest.mark.parametrize("name", models.NAMES)
def test_every_model_survives_saving(name, tmp_path, plays, features, held_out):
    model = models.create(name).fit(plays, features=features, validation=held_out)
    model.save(FolderStore(tmp_path).at("models/v1"))
    again = models.load(FolderStore(tmp_path).at("models/v1"))
    assert_array_equal(again.recommend(plays, 9)[0], model.recommend(plays, 9)[0])
    assert again.learned == model.learned
    assert_array_equal(again.popularity, model.popularity)


def test_a_mapped_model_shares_the_files_and_cannot_change_them(saved, plays):
    _, folder = saved
    before = {name: (folder / name).read_bytes() for name in FILES}
    mapped = models.load(folder, mmap=True)
    owner = mapped.W.data
    while not isinstance(owner, np.memmap):
        owner = owner.base  # None, and so an error, where the array owns its memory
    mapped.W.data[:] = 7
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_files_are_plain_arrays_and_json_never_pickle(saved):
    _, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for name in FILES:
        data = (folder / name).read_bytes()
        assert not zipfile.is_zipfile(folder / name)
        assert b"pickle" not in data and not data.startswith(b"\x80")
        if name.endswith(".npy"):
            np.load(folder / name, allow_pickle=False)
    card = json.loads((folder / "model.json").read_text())
    assert card["name"] == "slim" and card["params"]["l1"] == 0.2


def test_equal_models_are_equal_bytes(saved, tmp_path, plays, held_out):
    _, folder = saved
    models.create("slim", l1=0.2, epochs=3).fit(plays, validation=held_out).save(tmp_path / "two")
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(saved, name):
    _, folder = saved
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        models.load(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mmap", [False, True])
def test_a_truncated_file_is_refused_by_name(saved, name, mmap):
    _, folder = saved
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-3])
    with pytest.raises(DataError, match=name):
        models.load(folder, mmap=mmap)


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_is_refused_by_name(saved, name):
    _, folder = saved
    data = bytearray((folder / name).read_bytes())
    data[-20] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(DataError, match=name):
        models.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "slim"}', "null"])
def test_a_card_that_is_no_card_is_refused(saved, text):
    _, folder = saved
    (folder / "model.json").write_text(text)
    with pytest.raises(DataError, match=r"model\.json"):
        models.load(folder)


def test_an_altered_parameter_is_refused(saved):
    _, folder = saved
    card = json.loads((folder / "model.json").read_text())
    card["params"]["values"] = "raw"
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match="does not match its own checksum"):
        models.load(folder)


def test_another_format_and_arrays_that_are_no_matrix_are_refused(saved, monkeypatch):
    _, folder = saved
    about, arrays = persistence.read(folder)
    about = {name: about[name] for name in ("name", "params", "history", "learned")}
    beyond = {**arrays, "indices": arrays["indices"] + 9}
    for wrong, words in ((beyond, "no matrix of 37 games"), (turned(arrays), "in sorted rows")):
        persistence.write(folder, about, wrong)
        with pytest.raises(DataError, match=words):
            models.load(folder)
    persistence.write(folder, about, arrays)
    models.load(folder)
    monkeypatch.setattr(persistence, "FORMAT", 99)
    with pytest.raises(DataError, match="this version reads 99"):
        models.load(folder)


def turned(arrays):
    """The same arrays with two entries of one row in the other order."""
    row = np.flatnonzero(np.diff(arrays["indptr"]) > 1)[0]
    at = arrays["indptr"][row]
    indices = arrays["indices"].copy()
    indices[at : at + 2] = indices[at : at + 2][::-1]
    return {**arrays, "indices": indices}


def test_a_save_that_is_cut_short_leaves_nothing_to_load(saved, monkeypatch, plays):
    _, folder = saved
    store = open_store(folder)
    write, writes = store.write, []

    def failing(key, data):
        if len(writes) == 2:
            raise OSError("disk full")
        writes.append(key)
        write(key, data)

    monkeypatch.setattr(store, "write", failing)
    with pytest.raises(OSError, match="disk full"):
        models.create("item_knn").fit(plays).save(store)
    with pytest.raises(DataError, match=r"model\.json is missing"):
        models.load(folder)


def test_only_a_fitted_model_can_be_saved(tmp_path):
    with pytest.raises(UsageError, match="not fitted yet"):
        models.create("ease").save(tmp_path)


def test_no_model_where_there_is_no_folder(tmp_path):
    with pytest.raises(DataError, match="there is no model at"):
        models.load(tmp_path / "nothing")
