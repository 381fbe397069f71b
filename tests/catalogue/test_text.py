"""Text cleaning: each rule by an example, and what must hold for any text."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamerec.catalogue.text import as_labels, clean_labels, clean_text, clean_texts, slugify

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one emoji: three, held by joiners


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  Portal   2 ", "Portal 2"),
        ("Half\u00a0Life\t2\n", "Half Life 2"),
        ("ファイナル\u3000ファンタジー", "ファイナル ファンタジー"),
        ("Dr.\x00 Ma\x07rio", "Dr. Mario"),
        ("\ufeff\u200bShattered Lands\u200e", "Shattered Lands"),
        ("half a pair \ud83d", "half a pair"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp;amp; Jerry", "Tom & Jerry"),
        ("Dante&#39;s &#x41;wakening", "Dante's Awakening"),
        ("Pok&eacute;mon", "Pokémon"),
        ("Poke\u0301mon", "Pokémon"),
        ("R&D Story", "R&D Story"),
        ("this &nonsense; stays", "this &nonsense; stays"),
        ("this &copy without an end stays", "this &copy without an end stays"),
        ("&am\x00p;", "&"),  # a control character hid an entity
        ("&nbsp;A&nbsp;&nbsp;B", "A B"),
        ("a \x01 b", "a b"),
        ("Phonetics\u200c \u200cLexis", "Phonetics Lexis"),
        (FAMILY, FAMILY),
        ("Brütal Legend™", "Brütal Legend™"),
        ("", ""),
        (" \t\x00", ""),
    ],
)
def test_clean_text(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


# Texts built of what the rules look for, so that rules meet each other.
ENTITIES = ["&", "amp;", "lt;", "#38;", "#x26;", "\u037e", "&nbsp;", "&zwj;", "&shy;"]
INVISIBLE = [" ", "\t", "\u3000", "\x00", "\u200b", "\u200c", "\u200d", "\ud800"]
PIECES = st.sampled_from([*ENTITIES, *INVISIBLE, "e", "\u0301", "é", "A", "ゲ"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@given(TEXTS)
def test_cleaning_a_cleaned_text_changes_nothing(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned


@given(TEXTS)
def test_a_cleaned_text_is_one_line_of_storable_characters(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned)
    cleaned.encode()  # half a surrogate pair would raise


def test_clean_texts_makes_what_is_empty_missing() -> None:
    cleaned = clean_texts(
        pd.Series([" A ", None, " \t", np.nan, "A"], name="name", index=[3, 1, 4, 0, 2])
    )
    assert cleaned.tolist()[0] == cleaned.tolist()[4] == "A"
    assert cleaned.isna().tolist() == [False, True, True, True, False]
    assert cleaned.index.tolist() == [3, 1, 4, 0, 2]
    assert cleaned.name == "name"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Devil May Cry 3: Dante's Awakening", "devil-may-cry-3-dantes-awakening"),
        ("Pokémon -- Gelb!", "pokemon-gelb"),
        ("ゲーム", ""),
    ],
)
def test_slugify(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        (["A", None, 3], ["A", "3"]),
        (np.array(["A", "B"], dtype=object), ["A", "B"]),
        ("Action", ["Action"]),  # not its letters
        (None, []),
        (float("nan"), []),
        ([], []),
    ],
)
def test_as_labels(cell: object, labels: list[str]) -> None:
    assert as_labels(cell) == labels


def test_labels_become_sorted_sets_in_the_most_used_spelling() -> None:
    cells = pd.Series(
        [["RPG", " Action "], ["rpg", "Action", "Action"], ["RPG", "Sci&amp;Fi"], None, ["\u200b"]]
    )
    assert clean_labels(cells).tolist() == [
        ["Action", "RPG"],
        ["Action", "RPG"],
        ["RPG", "Sci&Fi"],
        [],
        [],
    ]


def test_of_equally_used_spellings_the_first_in_the_alphabet_wins() -> None:
    assert clean_labels(pd.Series([["co-op"], ["Co-op"]])).tolist() == [["Co-op"], ["Co-op"]]


def test_lists_without_any_label_stay_lists() -> None:
    assert clean_labels(pd.Series([None, None], dtype=object)).tolist() == [[], []]
    assert clean_labels(pd.Series([], dtype=object)).tolist() == []


@given(st.lists(st.lists(TEXTS, max_size=4), max_size=6))
def test_cleaned_labels_are_sorted_sets_and_stay_as_they_are(lists: list[list[str]]) -> None:
    once = clean_labels(pd.Series(lists, dtype=object))
    assert all(labels == sorted(set(labels)) and "" not in labels for labels in once)
    assert clean_labels(once).tolist() == once.tolist()
