"""The before/after table."""

import numpy as np
import pandas as pd

from gamerec.catalogue.steps import Steps


def test_cells_count_what_is_filled_and_what_changed() -> None:
    steps = Steps()
    before = pd.Series([1.0, 0.0, np.nan, np.nan], name="rating")
    after = pd.Series([1.0, np.nan, np.nan, 2.0], name="rating")
    assert steps.cells("some rule", before, after, "a note") is after
    assert steps.to_frame().to_dict("records") == [
        {
            "rule": "some rule",
            "column": "rating",
            "unit": "cells",
            "before": 2,
            "after": 2,
            "changed": 2,
            "note": "a note",
        }
    ]


def test_a_list_without_elements_counts_as_empty() -> None:
    steps = Steps()
    before = pd.Series([["a", "b"], [], None], name="tags", dtype=object)
    after = pd.Series([["b"], [], []], name="tags", dtype=object)
    steps.cells("rule", before, after)
    line = steps.to_frame().iloc[0]
    assert (line["before"], line["after"], line["changed"]) == (1, 1, 1)


def test_texts_that_appear_or_vanish_have_changed() -> None:
    steps = Steps()
    before = pd.Series(["a", None, None], name="name", dtype="str")
    after = pd.Series([None, "b", None], name="name", dtype="str")
    steps.cells("rule", before, after)
    line = steps.to_frame().iloc[0]
    assert (line["before"], line["after"], line["changed"]) == (1, 1, 2)
