"""A small world with structure: two kinds of players, unequal popularity, one unplayed game."""

import numpy as np
import pytest
from scipy import sparse

N_USERS, N_GAMES = 150, 37


@pytest.fixture(scope="session")
def plays() -> sparse.csr_matrix:
    """(150, 37): even users like even games, odd users odd ones; game 36 was never played.

    Values are hours; users 0 and 1 have played nothing and one game.
    """
    rng = np.random.default_rng(5)
    popularity = 1 / np.arange(1, N_GAMES + 1) ** 0.7
    chance = np.tile(popularity, (N_USERS, 1)) * 0.5
    alike = (np.arange(N_USERS)[:, None] + np.arange(N_GAMES)) % 2 == 0
    played = rng.random((N_USERS, N_GAMES)) < np.where(alike, 1.6, 0.25) * chance
    played[0] = played[1] = False
    played[1, 3] = True
    played[2, :3] = True
    played[:, 36] = False
    hours = rng.integers(1, 400, played.shape) / 8
    return sparse.csr_matrix(np.where(played, hours, 0).astype(np.float32))


@pytest.fixture(scope="session")
def held_out(plays: sparse.csr_matrix) -> sparse.csr_matrix:
    """One game that each user with two games has not played yet, of the right kind."""
    rows = np.flatnonzero(np.diff(plays.indptr) >= 2)
    free = [np.flatnonzero(plays[u].toarray()[0] == 0) for u in rows]
    columns = [games[games % 2 == u % 2][0] for u, games in zip(rows, free, strict=True)]
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_matrix((ones, (rows, columns)), shape=plays.shape)


@pytest.fixture(scope="session")
def features() -> sparse.csr_matrix:
    """(37, 5): kind even or odd, and three tags that overlap; every game has something."""
    game = np.arange(N_GAMES)
    table = np.column_stack([game % 2 == 0, game % 2 == 1, game % 3 == 0, game > 9, game % 5 == 2])
    return sparse.csr_matrix(table.astype(np.float32))
