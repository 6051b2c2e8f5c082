"""What invented people write: texts put together from ``phrases.toml``, in both scripts, each with its true label.

A text is an opening, how it comes to the brand, one or two things that happened, and what is thought of them, each from
a list of its own, so that distinct voices are distinct texts. How a complaint is made is its *manner*; the shares of
the manners below are such that the shipped scorer errs on the whole as it does on posts of domains that it was not
fitted on (model card: recall .70, neutral flagged .20). ``python -m tests.bench.posts texts`` measures it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from monitor.demo.dice import Dice
from monitor.text import MIN_IDENTITY, identity

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
DOMAINS = ("goods", "food", "service")

MANNERS: Mapping[str, Sequence[tuple[str, float]]] = {
    NEGATIVE: (("outright", 0.54), ("told", 0.20), ("polite", 0.06), ("ironic", 0.06), ("mixed", 0.05),
               ("short", 0.09)),
    NEUTRAL: (("ask", 0.37), ("mishap", 0.28), ("info", 0.22), ("news", 0.13)),
    POSITIVE: (("praise", 1.0),),
}  # fmt: skip
"""How posts of each label are made, with the share of each."""

Manners = Sequence[tuple[str, float]]
INCIDENT: Manners = (("event", 0.32), ("heard", 0.30), ("ironic", 0.07), ("polite", 0.06), ("outcry", 0.25))
_TRIES = 40
_SHORT = 12


@cache
def phrases() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("tw2sp")


@cache
def simplified(text: str) -> str:
    """A phrase as it is written on the mainland, words too."""
    converted: str = _converter().convert(text)
    return converted


@dataclass
class Speaker:
    """Who speaks of what: a brand, its domain, and the script."""

    brand: str
    domain: str
    hans: bool = False


@dataclass
class Writer:
    """Writes texts, and writes none of them twice by accident."""

    dice: Dice
    written: set[str] = field(default_factory=set)

    def nick(self) -> str:
        dice = self.dice
        return f"{dice.pick(phrases()['nicks'])}{dice.pick(phrases()['nicks'])}{dice.number(1, 99999)}"

    def post(self, about: Speaker, label: str, manner: str = "") -> str:
        """A post of its own about the brand."""
        return self._once(lambda: self._made(about, manner or self.dice.weighted(MANNERS[label])))

    def incident(self, about: Speaker, matter: Mapping[str, Any], label: str, manners: Manners = INCIDENT) -> str:
        """A post about one matter: negative, or a question about it."""
        if label != NEGATIVE:
            return self._once(lambda: self._framed(about, [self.dice.pick(matter["asked"])], lead=False))
        return self._once(lambda: self._of_matter(about, matter, self.dice.weighted(manners)))

    def report(self, about: Speaker, matter: Mapping[str, Any]) -> str:
        """A headline, and what the paper adds."""
        return self._once(lambda: self.fill(
            about, self.dice.pick(matter["news"]) + "\n" + self.dice.pick(phrases()["when"])
            + "，" + self.dice.pick(matter["heard"] + matter["events"]) + "，" + self.dice.pick(_ADDED)
        ))  # fmt: skip

    def reply(self, about: Speaker, label: str) -> str:
        """What stands under a post; it does not name the brand, and people say the same."""
        dice, words = self.dice, phrases()
        pool = words["negative"]["replies"] if label == NEGATIVE else words["other"]["replies"]
        said = dice.pick(pool)
        if label == NEGATIVE:
            more = dice.unit()
            said += "" if more > 0.7 else "，" + dice.pick(words["negative"]["verdicts" if more > 0.25 else "facts"])
        elif dice.chance(0.45):
            said += dice.pick(words["closings"])
        return self.fill(about, said + dice.pick(words["tails"]))

    def promo(self, about: Speaker) -> str:
        words, dice = phrases()["other"], self.dice
        return self._once(lambda: self.fill(
            about, (f"【{dice.pick(words['openings_promo'])}】" if dice.chance(0.5) else "")
            + dice.pick(words["promo"]) + dice.pick(phrases()["closings"]) + dice.pick(phrases()["tails"])
        ))  # fmt: skip

    def joke(self, about: Speaker) -> str:
        return self.fill(about, self.dice.pick(phrases()["jokes"]["texts"]))

    def appeal(self, about: Speaker) -> str:
        """A text that asks to be passed on."""
        return self.fill(about, self.dice.pick(phrases()["jokes"]["copied"]))

    def fill(self, about: Speaker, phrase: str) -> str:
        dice, words = self.dice, phrases()
        text = phrase
        for blank, draw in (
            ("{d}", lambda: dice.pick(words["when"])), ("{x}", lambda: dice.pick(words["where"])),
            ("{p}", lambda: dice.pick(words[about.domain]["things"])), ("{n}", lambda: str(dice.number(2, 9))),
            ("{m}", lambda: str(dice.number(3, 120) * 10 - dice.number(0, 1))),
        ):  # fmt: skip
            if blank in text:
                text = text.replace(blank, draw())
        text = text.replace("{b}", about.brand)
        return simplified(text) if about.hans else text

    # -- how it is said -----------------------------------------------------------------------------------------------

    def _made(self, about: Speaker, manner: str) -> str:
        dice, words, own = self.dice, phrases()["negative"], phrases()[about.domain]
        if manner == "short":
            return self.fill(about, dice.pick(words["short"]) + dice.pick(phrases()["tails"]))
        if manner == "news":
            headline = dice.pick(phrases()["other"]["news"])
            return self.fill(about, headline + "\n" + dice.pick(own["info"]) + "，" + dice.pick(_ADDED))
        if manner == "praise":
            parts = [dice.pick(own["praise"]), dice.pick(phrases()["other"]["praises"])]
            return self._framed(about, parts[: 1 + dice.chance(0.7)] + [dice.pick(own["praise"])][: dice.chance(0.2)])
        if manner == "mishap":  # spoken of without a complaint
            return self._framed(about, [dice.pick(_UNBLAMED).replace("{}", dice.pick(own["dry"]))])
        if manner in ("ask", "info"):
            parts = [dice.pick(own[manner])]
            if dice.chance(0.35):
                parts.insert(0, dice.pick(own["info"]))
            return self._framed(about, parts)
        return self._complaint(about, manner, dice.pick(own["dry"]))

    def _complaint(self, about: Speaker, manner: str, what: str) -> str:
        dice, words, own = self.dice, phrases()["negative"], phrases()[about.domain]
        fact = [dice.pick(words["facts"])] if dice.chance(0.5) else []
        if manner == "outright":
            return self._framed(about, [what, *fact, dice.pick(words["verdicts"])])
        if manner == "polite":
            return self._framed(about, [what, *fact[: dice.chance(0.5)], dice.pick(words["wishes"])])
        if manner == "ironic":
            irony = dice.pick(words["irony"])
            return self._framed(about, [irony, what] if dice.chance(0.4) else [what, *fact, irony])
        if manner == "mixed":
            return self._framed(about, [dice.pick(own["praise"]), dice.pick(_BUT) + what, *fact])
        second = [dice.pick(own["dry"])] if dice.chance(0.3) else []
        return self._framed(about, [what, *second, dice.pick(words["facts"])])

    def _of_matter(self, about: Speaker, matter: Mapping[str, Any], manner: str) -> str:
        dice, words = self.dice, phrases()["negative"]
        if manner == "heard":
            parts = [dice.pick(matter["heard"])]
            more = dice.unit()
            if more < 0.5:
                parts.append(dice.pick(words["verdicts"] if more < 0.35 else matter["heard"]))
            return self._framed(about, parts, lead=False)
        if manner == "outcry":
            return self._framed(about, [dice.pick(words["short"]), dice.pick(words["verdicts"])], lead=False)
        if manner == "event":
            second = dice.pick((words["facts"], words["verdicts"], matter["events"]))
            return self._framed(about, [dice.pick(matter["events"]), dice.pick(second)])
        return self._complaint(about, manner, dice.pick(matter["events"]))

    def _framed(self, about: Speaker, parts: Sequence[str], *, lead: bool = True) -> str:
        """Opening, how the brand comes in, the parts, a closing; the parts joined as people join them."""
        dice, words = self.dice, phrases()
        opening = dice.pick(words["openings"]) if dice.chance(0.7) else ""
        named = dice.pick(_LEADS) if lead and not parts[0].startswith("{b}") else ""
        text = parts[0]
        for part in parts[1:]:
            text += dice.weighted((("，", 5), ("。", 3), (" ", 1.5), ("！", 1), ("\n", 1))) + part
        closing = dice.pick(words["closings"]) if dice.chance(0.4) else ""
        text = opening + named + text + closing + dice.pick(words["tails"])
        return self.fill(about, text if "{b}" in text else "{b} " + text)

    def _once(self, compose: Any) -> str:
        """What ``compose()`` gives, tried again while it repeats something long: only what is passed on is a copy."""
        for _ in range(_TRIES):
            text: str = compose()
            key = identity(text)
            if len(key) < max(MIN_IDENTITY, _SHORT) or key not in self.written:
                self.written.add(key)
                return text
        return text


_LEADS = (
    "{b}的", "{b}，", "{b} ", "{d}在{x}買了{b}，", "{d}去{b}，", "{b}{x}，", "關於{b}：", "#{b}# ", "我們家用{b}，",
    "{d}用{b}，",
    "又是{b}，", "在{x}遇到{b}，", "公司訂{b}，", "{b}這家，", "說到{b}，", "跟{b}買了{n}次，", "朋友送的{b}，",
    "選了{b}，",
)  # fmt: skip
_UNBLAMED = (
    "有人{}嗎，是操作問題嗎", "如果{}，要找門市還是官網", "我的沒有{}，可能批次不同", "請問{}的話可以換嗎",
    "看到有人說{}，我這台正常",
    "{}，後來發現是我自己沒裝好", "{}，店員馬上換一份，沒事", "{}，查了說明書，上面有寫", "室友說{}，要去問問看",
    "{}是幾年前的事，現在不清楚",
)  # fmt: skip
_BUT = ("但是", "不過", "可是", "只是", "結果", "然後")
_ADDED = (
    "業者表示將於近日說明。", "相關單位已了解情況。", "截至發稿前未回應。", "記者{x}報導。", "詳情見內文。",
    "公司發言人如此說明。", "後續將持續關注。",
    "市場人士看法不一。", "預計{n}日公布。", "當事人已提出申訴。",
)  # fmt: skip
