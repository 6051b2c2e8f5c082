"""Who is put above whom: "A不如B", "比B差", "不喝A喝B". Reads the words around one name, and no further."""

from __future__ import annotations

import re
from enum import StrEnum


class Stance(StrEnum):
    """What a portion's words are for its brand.

    SAID: they speak of it. BETTER, WORSE: a comparison puts it above or below another. MEASURE: another is held
    against it, and the words do not put it above or below ("不比B差").
    """

    SAID = "said"
    BETTER = "better"
    WORSE = "worse"
    MEASURE = "measure"


REACH = 24
"""Characters before and after a name in which a comparison is looked for."""

_PLAIN = "[我你他的人家那这款个]{0,4}"
_NEAR = r"\w{0,8}?"
_BEHIND = (
    "不如|不及|比不上|比不了|比不过|比不得|赶不上|追不上|不敌|输给|输了|逊于|逊色于|差于|落后于?|败给|"
    "(?:没|无)法[和跟与]|不能[和跟与]|不配[和跟与]"
)
_AHEAD = "吊打|完爆|碾压|暴打|超越|胜过|胜于|强过|好过|高过|优于|强于|好于|甚于|战胜|击败|领先于?|秒杀|甩开?"
_EQUAL = "不比|不输给?|不亚于|不逊于|不逊色于|媲美|叫板|堪比|不差于|不弱于|不低于"
_ALIKE = "像是?|类似|模仿|抄袭|山寨|冒充|仿造?"
_CHOSEN = (
    "宁愿|宁可|宁肯|早知道就?|羡慕|投奔|转投|改回|换回|只认|只信|只推荐|更推荐|更喜欢|更爱|更信任|要[买选用喝吃]就|人家"
)
_CHOOSING = "[去来换买选用喝吃玩要个的]{0,4}"

_IS_EQUAL = re.compile(f"(?:{_EQUAL})[我你他的人家那这款个]{{0,4}}$")
_IS_ALIKE = re.compile(f"(?<!不)(?:{_ALIKE}){_PLAIN}$")
_IS_BEHIND = re.compile(f"(?:{_BEHIND}){_NEAR}$")
_IS_AHEAD = re.compile(f"(?:{_AHEAD})[我你他的人家那这款个]{{0,4}}$")
_IS_CHOSEN = re.compile(
    f"(?:{_CHOSEN}){_CHOOSING}$|(?<![不非是])只[买选用喝吃玩]的?$|还是[去来]?(?:[买选用喝吃]|老老实实){{1,2}}$"
)
_STILL = re.compile(f"^(?!.*(?<!还)是.*还是).*(?<!是)还是{_PLAIN}$", re.S)
_LACKS = re.compile(f"(?:没有?|没得){_PLAIN}$")
_THAN = re.compile(
    f"(?:(?<![不对价分好占屏百])比(?![较赛例如价重分划方])|比起来?|相比较?于?|对比|相对于|相较于?|较之){_NEAR}$"
)
_DENIED = re.compile(
    "(?:不会|不能|没有?|未必|不见得|哪有|哪里|哪会|不可能|并不|不一定|不至于|难道|莫非|怎么可能|怎么会|谁说)"
    r"[^，,。；;、\s]{0,8}比\w{0,8}$"
)
_ASKED = re.compile("^[^，,。；;]{0,12}(?:吗|么|嘛)")
_WITH = re.compile(f"[和跟与同]{_PLAIN}$")
_BY = re.compile("被$")
_INSTEAD = re.compile(r"(?P<no>[不别甭莫])?(?P<verb>[买选用喝吃玩去])$")
_RATHER = re.compile(r"(?P<no>也?[不别甭莫])?(?:[只就而要去]*)(?P<verb>[买选用喝吃玩去])$")

_POOR = (
    "比不[了上过得]|差劲?|烂|垃圾|渣|难[用看吃喝受听]?|慢|坑|卡|贵|逊|弱|糟|丑|恶|黑|雷|狠|不如|"
    "低[一好很不得多]?|落后|退步"
)
_FINE = (
    "好|强|快(?![递件])|棒|爽|舒服|流畅|顺|便宜|实惠|实在|清|靓|亮|给力|值|省|方便|简单|稳|优|美|润|香(?![味气水])|喜欢|轻|扎实|靠谱|高|耐|划算|"
    "猛|牛|厉害|舒|容易|干净|丰富|有料|多了|多啦|得多"
)
_POOR_NEXT = re.compile(f"(?:{_POOR})")
_FINE_NEXT = re.compile(f"(?:{_FINE})")
_NEGATED = re.compile("好不[到了]|强不[到了]|不[好强快行]|没[好强]")
_LIKE = re.compile("^[^，。；]{0,8}?(?:差不多|差不太多|一样|相似|类似|不相上下|半斤八两|各有|有得一拼|相当)")
_AS_GOOD = re.compile(f"^[^，。；]{{0,8}}?(?:{_FINE}|大(?!家))")
_TOLD = re.compile("^[^，。；]{0,8}?(?:比|差距|差远|差了|差太|差得|差很|差一|差十|差几|有距离)")
_APART = re.compile("差距|差远|差了|差太|差得|差很|差一|差十|差几|有距离|没法比|不能比|没得比|不可比")
_BEATEN = re.compile("^(?:吊打|完爆|碾压|暴打|秒|甩|超过|超越|反超|比下去)")
_BEATS = re.compile("^(?:吊打|完爆|碾压|暴打|甩)[它他她你]")
_OPENS = re.compile(r"(?:^|[，,。；;\s])(?:比起来?|相比较?于?|对比|相对于?|相较于?|和|跟|与)$")


def judge(before: str, after: str) -> tuple[Stance, Stance | None]:
    """The stance of a name, and that of what it is compared with; ``(SAID, None)`` where nothing is compared.

    ``before`` and ``after`` are the words on both sides of it, at most ``REACH`` characters and within its sentence.
    The second is None where nothing is said of another.
    """
    if _IS_EQUAL.search(before):
        return Stance.MEASURE, Stance.BETTER
    if _IS_ALIKE.search(before):
        return Stance.MEASURE, Stance.SAID
    if _IS_BEHIND.search(before) or (_LACKS.search(before) and _AS_GOOD.match(after)):
        return Stance.BETTER, Stance.WORSE
    if _IS_AHEAD.search(before):
        return Stance.WORSE, Stance.BETTER
    if _BY.search(before) and _BEATEN.match(after):
        return Stance.BETTER, Stance.WORSE
    if _BEATS.match(after):
        return Stance.BETTER, Stance.WORSE
    if _THAN.search(before):
        asserted = not (_DENIED.search(before) or _ASKED.match(after))
        return _than(after) if asserted else (Stance.MEASURE, Stance.SAID)
    if _WITH.search(before) and _LIKE.match(after):
        return Stance.MEASURE, Stance.SAID
    if _WITH.search(before) and _TOLD.match(after):
        return (Stance.BETTER, Stance.WORSE) if _APART.search(after) else _than(after)
    if _IS_CHOSEN.search(before) or (_STILL.search(before) and _AS_GOOD.match(after)):
        return Stance.BETTER, None
    return Stance.SAID, None


def held_against(after: str) -> bool:
    """Whether what follows two names ("A和B没法比") holds one against the other."""
    return _TOLD.match(after) is not None


def opens(before: str) -> bool:
    """Whether a name opens what its subject, named later, is held against ("比起B，A好用")."""
    return _OPENS.search(before) is not None


def instead(before: str, between: str) -> tuple[Stance, Stance] | None:
    """The stances of A and B in "不喝A喝B" or "喝A不喝B": ``before`` is what stands before A, ``between`` what between
    them; None where that is not what they say."""
    first, second = _INSTEAD.search(before), _RATHER.fullmatch(between.strip(" ，,、"))
    if not first or not second or first["verb"] != second["verb"] or bool(first["no"]) == bool(second["no"]):
        return None
    return (Stance.WORSE, Stance.BETTER) if first["no"] else (Stance.BETTER, Stance.WORSE)


def _than(after: str) -> tuple[Stance, Stance | None]:
    """ "比B" and what follows: the first judging word says which of the two is better."""
    if _LIKE.match(after):
        return Stance.MEASURE, Stance.SAID
    poor, fine = _POOR_NEXT.search(after), _FINE_NEXT.search(after)
    if not poor and not fine:
        return Stance.MEASURE, Stance.SAID
    if poor and (not fine or poor.start() <= fine.start()):
        return Stance.BETTER, Stance.WORSE
    if _NEGATED.search(after):
        return Stance.MEASURE, Stance.SAID
    return Stance.WORSE, Stance.BETTER
