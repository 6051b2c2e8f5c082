"""What the model sees of a text beside its n-grams: SnowNLP's number, signs, judging words, length. Plain Python."""

from __future__ import annotations

import math
import re

from monitor.sentiment import lexicon

NAMES = (
    "logit_per_root_word",
    *("angry", "sad", "glad", "wry", "asks", "exclaims", "log_length"),
    *(f"log_{name}" for name in lexicon.COUNTED),
    *("balance", "balance_if_asked", "plain", "logit_if_plain", "bad_density", "good_density"),
)
"""The features in their order; ``calibration.json`` carries it, and a file with another order is refused."""

SATURATED = 1e-9
"""SnowNLP's number is kept this far from 0 and 1 before its logit is taken: beyond, it says only "long text"."""

ASKS = lexicon.COUNTED.index("asks")

TYPICAL_LOG_LENGTH = 3.3
"""Of posts about 27 characters long: what ``log_length`` is measured from."""

# Names of platform emoji (Weibo, Bilibili) and emoji of the four kinds, in the order of NAMES. The first three were
# sorted by what they show; the wry ones are written under anger and jest alike and seldom mean what they show.
_SIGNS = (
    "怒 怒骂 愤怒 生气 鄙视 吐 呕吐 弱 哼 左哼哼 右哼哼 抓狂 衰 白眼 翻白眼 垮脸 打脸 辣眼睛 拜拜 无语 草泥马 骂 "
    "拳头 失望 😡 😠 🤬 😤 👎 💢 🤮 🤢 🖕 😒 💩 😾",
    "泪 淚 悲伤 伤心 委屈 可怜 大哭 生病 崩溃 流泪 难过 难受 泪流满面 蜡烛 悲催 感冒 心碎 哭 哭哭 累 哭泣 裂开 苦涩 "
    "😭 😢 😞 😔 😩 😫 💔 😿 🥺 😥 😓 ☹",
    "心 爱你 赞 赞啊 中国赞 点赞 good ok 强 顶 鼓掌 太开心 嘻嘻 哈哈 笑哈哈 大笑 可爱 给力 太阳 鲜花 玫瑰 抱抱 拥抱 "
    "亲亲 给你小心心 "
    "给心心 爱心 加油 威武 耶 噢耶 花心 馋嘴 星星眼 打call 支持 喜欢 好喜欢 好爱哦 妙啊 呲牙 喜极而泣 酷 "
    "偷乐 礼物 😍 🥰 😘 👍 ❤ 😊 😄 😁 🎉 💕 😻 👏 💖 🤩 😋 💗 ✨ 🌹 🥳",
    "微笑 呵呵 doge 金箍 脱单doge 滑稽 笑而不语 摊手 允悲 吃瓜 黑线 汗 阴险 藏狐 二哈 挖鼻 挖鼻屎 并不简单 嗑瓜子 狗头 "
    "🙂 🙃 😅 🤡 🐶 😏 🌚 💀 🤷",
)
_KIND = {sign: kind for kind, signs in enumerate(_SIGNS) for sign in signs.split()}
_EMOJI = "".join(sign for sign in _KIND if not sign.isalnum() and len(sign) == 1)
_MAY_HAVE_SIGN = re.compile(rf"[\[{_EMOJI}]")  # one class of characters is found several times faster than _SIGN
_SIGN = re.compile(rf"\[([\w ·!?~+]{{1,20}})\]|([{_EMOJI}])")


def feature_values(text: str, fed: str, folded: str, snownlp: float, words: int) -> tuple[float, ...]:
    """One number for each of ``NAMES``.

    ``text`` is the post, ``fed`` what ``for_scoring`` made of it, ``folded`` its fold, ``snownlp`` SnowNLP's number for
    ``fed`` and ``words`` how many words went into it. Evidence of n words grows like sqrt(n) when words were
    independent: hence the root.
    """
    kept = min(max(snownlp, SATURATED), 1 - SATURATED)
    logit = math.log(kept / (1 - kept)) / math.sqrt(max(words, 1))
    signs = _signs(text)
    counts = lexicon.count(folded)
    bad, good = counts[0] + counts[3], counts[1]  # a negated praise is bad; a negated fault is neither
    balance = (bad - good) / (1 + bad + good)
    plain = float(not (bad or good or any(signs)))
    root = math.sqrt(len(fed) + 5) / 2
    return (
        logit,
        *signs,
        float("?" in text or "？" in text),
        float("!" in text or "！" in text),
        math.log(len(fed)) - TYPICAL_LOG_LENGTH,
        *map(math.log1p, counts),
        balance,
        balance * bool(counts[ASKS]),
        plain,
        logit * plain,
        bad / root,
        good / root,
    )


def _signs(text: str) -> list[float]:
    signs = [0.0, 0.0, 0.0, 0.0]
    if not _MAY_HAVE_SIGN.search(text):
        return signs
    for sign in _SIGN.finditer(text):
        kind = _kind(sign[1] or sign[2])
        if kind is not None:
            signs[kind] = 1.0
    return signs


def _kind(sign: str) -> int | None:
    """The kind of an emoji's name; packs name theirs "pack_name", so the part behind the last "_" also counts."""
    found = _KIND.get(sign)
    return found if found is not None or "_" not in sign else _KIND.get(sign.rpartition("_")[2])
