"""Choosing a model: family and parameters by NDCG on held-out games, within a time budget.

`tune` searches with Optuna, `compare` tries a fixed list, and `simplest` picks from either: the
simplest family among those that are as good as the best but for a margin. Knows nothing of the
test part, and must not.
"""

import difflib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec import models
from gamerec.errors import UsageError
from gamerec.models import family, search, spaces
from gamerec.models.base import ItemModel
from gamerec.models.checks import as_log
from gamerec.models.validation import Validation

K = 20
MARGIN = 0.005
COLUMNS = [*family.COLUMNS, "chosen"]
MOST_INTERACTIONS = 3_000_000  # of a larger log, users are sampled for the trials


def tune(
    X: sparse.csr_matrix,
    seconds: float = 120,
    seed: int = 42,
    *,
    k: int = K,
    features: sparse.csr_matrix | None = None,
    validation: sparse.csr_matrix | None = None,
    families: Sequence[str] | None = None,
    margin: float = MARGIN,
    max_trials: int | None = None,
    storage: str | Path | None = None,
    on_trial: Callable[[dict[str, Any]], None] | None = None,
) -> ItemModel:
    """The model with the best NDCG@k on held-out games, fitted on all of X, with `.trials`.

    X: (n_users, n_games) CSR. validation: same shape, held-out games to judge by, which are fitted
        too in the end; without it 10 % of each user's games are held out of X at random.
    seconds: the whole budget, the last fit included; not the compilation of kernels, once per
        machine. A trial that would outlast it, going by those before, is not begun.
    families: names of `spaces.SPACES`, and 'blend'; by default all, `content` only with `features`
        (n_games, n_features).
    margin: a simpler family wins if its NDCG is at least (1 - margin) of the best.
    max_trials: stop after as many; with it and enough seconds the result is the same on any
        machine, else the number of trials depends on its speed.
    storage: a file (Optuna journal) or database URL. The same call again takes up its trials
        there, with the seconds that are left of the budget; another log or k never mixes.
    on_trial: called with each row of `.trials` as it comes.

    How the time is spent is told in `search`, what is tried in `spaces`. `.trials` has COLUMNS.
    """
    searched = _families(families, features)
    X = as_log(X)
    part, held_out, share = _trial_part(X, validation, seed)
    given = validation is not None
    ruler = Validation(part, held_out, k=k, seed=seed, features=features, one_split=given)
    if not ruler.n_held_out:
        raise UsageError("tuning needs users with two or more games: there is nothing to hold out")
    models.warm_up()
    known = search.studies(searched, storage, _identity(X, validation, k, seed), seed)
    trials = search.Search(ruler, known)
    trials.run(
        seconds,
        max_trials=max_trials,
        share=share,
        blended=families is None or spaces.BLEND in families,
        on_trial=on_trial,
    )
    table = trials.table()
    chosen = simplest(table, margin)
    params = spaces.scaled(chosen["family"], json.loads(chosen["params"]), 1 / share)
    whole = X if validation is None else X + validation
    model = models.create(chosen["family"], **params).fit(whole, features=features)
    model.trials = table.assign(chosen=table["trial"] == chosen["trial"])
    return model


def compare(
    candidates: Mapping[str, tuple[str, Mapping[str, Any]]],
    ruler: Validation,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> pd.DataFrame:
    """Each candidate, {label: (model name, parameters)}, fitted and scored once by the ruler.

    Returns model (the label), family, params (JSON), ndcg, recall, fit_seconds, seconds.
    on_epoch: called after every epoch of a model that learns in epochs.
    """
    rows = [
        {"model": label} | family.as_row(name, ruler.score(name, params, on_epoch))
        for label, (name, params) in candidates.items()
    ]
    return pd.DataFrame(rows)


def simplest(table: pd.DataFrame, margin: float = MARGIN) -> pd.Series:
    """The best row of the simplest family whose best NDCG is at least (1 - margin) of the best.

    table: columns family and ndcg, at least one row. Simple means early in `spaces.SPACES`; ties
    within a family go to the earlier row.
    """
    order = {name: at for at, name in enumerate(("popularity", *spaces.SPACES))}
    best = table.loc[table.groupby("family")["ndcg"].idxmax()]
    good = best[best["ndcg"] >= (1 - margin) * best["ndcg"].max()]
    return good.loc[good["family"].map(order).fillna(len(order)).idxmin()]


def _families(families: Sequence[str] | None, features: sparse.csr_matrix | None) -> list[str]:
    """The families to search, simplest first; the blend is made of them."""
    described = features is not None and features.nnz > 0
    known = list(spaces.SPACES)
    if families is None:
        return [name for name in known if described or name not in spaces.NEED_FEATURES]
    searched = [name for name in families if name != spaces.BLEND]
    for name in searched:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
            raise UsageError(f"there is no space to tune {name!r} in{hint}")
        if name in spaces.NEED_FEATURES and not described:
            raise UsageError(f"tuning {name!r} needs the content features of the games")
    if not searched:
        raise UsageError(f"tuning needs at least one family of {', '.join(known)}")
    return sorted(set(searched), key=known.index)


def _trial_part(
    X: sparse.csr_matrix, validation: sparse.csr_matrix | None, seed: int
) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None, float]:
    """X and validation, of a sample of the users where the log is large; and the share sampled."""
    share = min(1.0, MOST_INTERACTIONS / max(X.nnz, 1))
    if share == 1:
        return X, validation, share
    n_users = round(share * X.shape[0])
    users = np.sort(np.random.default_rng(seed).choice(X.shape[0], n_users, replace=False))
    return X[users], None if validation is None else validation[users], share


def _identity(X: sparse.csr_matrix, validation: sparse.csr_matrix | None, k: int, seed: int) -> str:
    """A digest of what is tuned on: trials of another log, K, seed or space do not compare."""
    digest = hashlib.sha256(repr((k, seed, X.shape, spaces.SPACES)).encode())
    for matrix in (X,) if validation is None else (X, validation):
        for array in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]
