"""Composes the texts of the invented world from the phrases in ``words.toml``. No text is written twice by accident."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from monitor.demo.dice import Dice
from monitor.text import MIN_IDENTITY, identity

HANT, HANS = "hant", "hans"
OWN, RIVAL = "own", "rival"
NEGATIVE, POSITIVE, NEUTRAL = "negative", "positive", "neutral"

_STOPS = "。！，,！～ "
_TRIES = 30


@cache
def phrases() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("monitor.demo").joinpath("words.toml").read_text("utf-8"))


class Writer:
    """Fills phrases with brands, products and places, and remembers what was written."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._written: set[str] = set()

    def nick(self) -> str:
        nicks = phrases()["nicks"]
        number = str(self._dice.number(2, 99)) if self._dice.chance(0.6) else ""
        return f"{self._dice.pick(nicks['first'])}{self._dice.pick(nicks['last'])}{number}"

    def fill(self, phrase: str, script: str, brand: str = OWN, product: int | None = None) -> str:
        """One phrase with its blanks filled in: ``{b}`` is the brand, ``{r}`` the other one, ``{p}`` the product with
        this number, or any."""
        words, dice = phrases()[script], self._dice
        any_product = dice.pick(words["products"])
        rival = RIVAL if brand == OWN else OWN
        return phrase.format(
            b=dice.pick(words[brand]), r=dice.pick(words[rival]), n=dice.number(2, 9),
            p=any_product if product is None else words["products"][product],
            x=dice.pick(words["towns"]), c=dice.pick(words["shops"]), w=dice.pick(words["whiles"]),
        )  # fmt: skip

    def once(self, compose: Callable[[], str]) -> str:
        """What ``compose()`` gives, tried again while it repeats something long: only reposts are copies."""
        text = compose()
        for _ in range(_TRIES):
            key = identity(text)
            if len(key) < MIN_IDENTITY or key not in self._written:
                self._written.add(key)
                break
            text = compose()
        return text

    def opinion(self, script: str, brand: str, tone: str, *, long: bool) -> str:
        """What a customer writes: an opening, what happened, for a long post also details and a closing."""
        words, dice = phrases()[script], self._dice

        def compose() -> str:
            parts = [dice.pick(words[tone])]
            details: Sequence[str] = words.get(f"{tone}_details", ())
            if details and (long or dice.chance(0.4)):
                parts.append(dice.pick(details))
            if long and details and dice.chance(0.5):
                parts.append(dice.pick([d for d in details if d not in parts]))
            if long or dice.chance(0.3):
                parts.append(dice.pick(words["closings"]))
            said = self.fill(_sentences(dice, parts), script, brand)
            return (dice.pick(words["openings"]) if dice.chance(0.5) else "") + said

        return self.once(compose)

    def title(self, script: str, brand: str, tone: str, product: int | None) -> str:
        return self.fill(self._dice.pick(phrases()[script]["titles"][tone]), script, brand, product)

    def reply(self, script: str, brand: str, tone: str, product: int | None) -> str:
        words, dice = phrases()[script], self._dice

        def compose() -> str:
            parts = [dice.pick(words["replies"][tone])]
            details = words.get(f"{tone}_details", ())
            if details and dice.chance(0.5):
                parts.append(dice.pick(details))
            return self.fill(_sentences(dice, parts), script, brand, product)

        return self.once(compose)

    def news(self, script: str, brand: str, tone: str) -> tuple[str, str]:
        """A headline and its lead."""

        def compose() -> str:
            return self.fill("\n".join(self._dice.pick(phrases()[script]["news"][tone])), script, brand)

        title, _, lead = self.once(compose).partition("\n")
        return title, lead

    def pair(self, pair: Sequence[str], script: str) -> tuple[str, str]:
        """A given headline and lead."""
        title, _, lead = self.fill("\n".join(pair), script).partition("\n")
        return title, lead

    def said(self, kinds: Sequence[Sequence[str]], script: str, *, second: float = 0.6) -> str:
        """One phrase of the first list, with probability ``second`` followed by one of the second, if there is one."""
        dice = self._dice

        def compose() -> str:
            parts = [dice.pick(kinds[0])]
            if len(kinds) > 1 and dice.chance(second):
                parts.append(dice.pick(kinds[1]))
            return self.fill(_sentences(dice, parts), script)

        return self.once(compose)

    def tail(self, script: str, tone: str) -> str:
        tails: Mapping[str, Sequence[str]] = phrases()["tails"][script]
        return self._dice.pick(tails[tone])


def product_in(text: str, script: str) -> int | None:
    """The number of the first product that a text names; None if it names none."""
    places = {text.find(name): number for number, name in enumerate(phrases()[script]["products"]) if name in text}
    return places[min(places)] if places else None


def _sentences(dice: Dice, parts: Sequence[str]) -> str:
    """Phrases joined as people do: by a comma, a full stop, a line break or an exclamation mark."""
    kept = [part.strip(_STOPS) for part in parts if part]
    text = kept[0]
    for part in kept[1:]:
        text += dice.weighted((("，", 4), ("。", 4), ("！", 1), ("\n", 1))) + part
    return text + dice.weighted((("", 3), ("。", 4), ("！", 1), ("～", 0.5)))
