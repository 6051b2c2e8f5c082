"""Chance that falls the same way in every Python version: only ``Random.random`` is promised never to change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Thing = TypeVar("Thing")


class Dice:
    """Draws from one seed, one after the other."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def unit(self) -> float:
        """Evenly from [0, 1)."""
        return self._random()

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def number(self, low: int, high: int) -> int:
        """Evenly from low .. high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, things: Sequence[Thing]) -> Thing:
        return things[int(self._random() * len(things))]

    def weighted(self, weights: Sequence[tuple[Thing, float]]) -> Thing:
        """One of the things, each with a probability in proportion to its weight."""
        left = self._random() * sum(weight for _, weight in weights)
        for thing, weight in weights:
            left -= weight
            if left < 0:
                return thing
        return weights[-1][0]

    def poisson(self, mean: float) -> int:
        """A Poisson count by Knuth's product of uniforms; meant for means below about 100."""
        limit, product, count = math.exp(-mean), self._random(), 0
        while product > limit:
            product *= self._random()
            count += 1
        return count

    def around_one(self, spread: float) -> float:
        """A factor with median 1 and the given spread of its logarithm (Box and Muller 1958)."""
        radius = math.sqrt(-2 * math.log(1 - self._random()))
        return math.exp(spread * radius * math.cos(2 * math.pi * self._random()))
