"""Compiled code that was kept is used only as it was written; else it is compiled again."""

import importlib.util
import shutil

import numpy as np
import pytest

SOURCE = """
from gamerec.compiling import njit

@njit(cache=True)
def weighted(x, w):
    return 2 * x + w

@njit(cache=True, nogil=True)
def total(values):
    found = 0.0
    for n in range(len(values)):
        found += weighted(values[n], 1.0)
    return found
"""
VALUES = np.array([1.0, 2.5, 4.0])  # 2 * 7.5 + 3 = 18


@pytest.fixture
def module(tmp_path):
    """Write the module above; the function loads it anew, as another process would."""
    path = tmp_path / "kernels_to_cache.py"
    path.write_text(SOURCE)

    def load():
        spec = importlib.util.spec_from_file_location("kernels_to_cache", path)
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    load.cache = tmp_path / "__pycache__"
    return load


def from_cache(module) -> bool:
    """Whether the function's result came from code that was kept."""
    found = module()
    assert found.total(VALUES) == 18
    return sum(found.total.stats.cache_hits.values()) == 1


def test_code_is_kept_and_used_again(module):
    assert not from_cache(module)
    assert {path.suffix for path in module.cache.iterdir()} == {".nbi", ".nbc"}
    assert from_cache(module)


def cut(data):
    return data[: len(data) // 2]


def emptied(data):
    return b""


def zeroed(data):
    return bytes(len(data))


def one_bit_off(data):
    place = len(data) * 3 // 4
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


@pytest.mark.parametrize("damage", [cut, emptied, zeroed, one_bit_off])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_damaged_files_are_made_again(module, suffix, damage):
    from_cache(module)
    for path in module.cache.glob(f"*{suffix}"):
        path.write_bytes(damage(path.read_bytes()))
    assert not from_cache(module)
    assert from_cache(module)


def test_what_cannot_be_kept_is_compiled_all_the_same(module):
    from_cache(module)
    for path in module.cache.glob("*.nb?"):
        path.unlink()
        path.mkdir()  # also for root nothing that could be written or read
    assert not from_cache(module)
    shutil.rmtree(module.cache)
