"""Draws without replacement from mixtures of discrete distributions, many players at a time.

Plain numpy: two look-ups a draw, whatever the number of games.
"""

import numpy as np

ROUNDS = 20  # redraws of repeated games before the rare rest is drawn from the rest of p itself


class Mixtures:
    """p(game | player) = sum over components z of shares[player, z] * components[z, game].

    shares: (n_players, n_components) and components: (n_components, n_games), nothing negative, no
    row all zero; rows need not sum to exactly 1.
    """

    def __init__(self, shares: np.ndarray, components: "Rows") -> None:
        self._shares = Rows(shares)
        self._components = components

    def draw(self, counts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Player and game numbers, counts[player] different games each, in the order of choice.

        Each next game is drawn from p over the games not drawn yet: the Plackett-Luce model. A
        repeated game is drawn again until it is new, which gives just that distribution. Drawing
        all repeats at once is still exact: a slot passes over a game only while an earlier slot
        holds it, and what an earlier slot holds, some earlier slot holds to the end.
        No player may be asked for more games than have p > 0.
        """
        player = np.repeat(np.arange(len(counts)), counts)
        game = self._draw_once(player, rng)
        open_slots = np.arange(len(player))
        for _ in range(ROUNDS):
            again = open_slots[_repeats(player[open_slots], game[open_slots])]
            if not len(again):
                return player, game
            game[again] = self._draw_once(player[again], rng)
            busy = np.zeros(len(counts), bool)
            busy[player[again]] = True
            open_slots = open_slots[busy[player[open_slots]]]
        for slots in np.split(open_slots, np.flatnonzero(np.diff(player[open_slots])) + 1):
            self._finish(game, slots, player[slots[0]], rng)
        return player, game

    def probabilities(self, player: int) -> np.ndarray:
        """(n_games,) p of one player."""
        return self._shares.values[player] @ self._components.values

    def _draw_once(self, player: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self._components.draw(self._shares.draw(player, rng), rng)

    def _finish(
        self, game: np.ndarray, slots: np.ndarray, player: int, rng: np.random.Generator
    ) -> None:
        """Settle one player's slots in order, drawing from p with the games taken set to 0."""
        p = self.probabilities(player)
        for slot in slots:
            if p[game[slot]] == 0:
                game[slot] = rng.choice(len(p), p=p / p.sum())
            p[game[slot]] = 0


class Rows:
    """A discrete distribution per row, drawn from by the inverse of its distribution function.

    The rows' functions are laid end to end, row r rising from r to r + 1, so that one binary search
    answers for any row.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.astype(np.float64)
        rising = np.cumsum(self.values, axis=1)
        rising /= rising[:, -1:]
        self._steps = (rising + np.arange(len(rising))[:, None]).ravel()

    def draw(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One column number for each entry of `row`."""
        width = self.values.shape[1]
        at = np.searchsorted(self._steps, row + rng.random(len(row)), side="right")
        return np.minimum(at - row * width, width - 1)  # row + 0.99... may round up to row + 1


def _repeats(player: np.ndarray, game: np.ndarray) -> np.ndarray:
    """Whether an earlier slot of the same player holds the same game.

    One plain sort of packed numbers is several times faster than an argsort, and on every machine
    the same; the numbers of players, games and slots must multiply to less than 2**63.
    """
    size = max(len(player), 1)
    key = player * (int(game.max(initial=0)) + 1) + game
    key = np.sort(key * size + np.arange(len(player)))
    pair, slot = np.divmod(key, size)
    repeated = np.zeros(len(player), bool)
    repeated[slot[1:][pair[1:] == pair[:-1]]] = True
    return repeated
