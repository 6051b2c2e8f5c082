# ruff: noqa: E501, SIM905
"""How people pass a text on: the ways of Weibo, PTT, Facebook, LINE and Xiaohongshu, from seeing them, not from the product.

Each way takes a text and a :class:`random.Random` and gives the text as another person would post it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache

import opencc

Way = Callable[[str, random.Random], str]

NAMES = "阿柚子 海边的小K 路人甲丙 Mia_0713 是阿全啊 山前雨 小林同學 老吳說車 花生不醬 momo 一只蝉 TPE老王 夜航船888".split()
REMARKS = (
    "真的假的 太扯了 转需 说得太对了 同感 我也是！ 哈哈哈哈哈 这也行？ 看哭了 笑死 已阅 马一下 来了来了 無言 太離譜了吧 有沒有這麼誇張 "
    "大家怎么看 给大家看看 好东西要分享 注意了 心疼 无语子 支持 气死我了 幫高調 朝聖 有人也這樣嗎 太真实了 说出了我的心声 转给需要的人"
).split()
LONG_REMARKS = (
    "昨天群里有人发的，我觉得应该让更多人看到",
    "我朋友也遇到一樣的事，大家自己小心",
    "虽然不认识博主，但是这段写得太好了",
    "剛剛在別的版看到的，借轉一下",
    "这才是真实的生活，别被滤镜骗了",
)
TAGS = "避雷 热门 日常 求扩散 今日份快乐 真实经历 吐槽 生活记录 踩坑 熱議 分享 消费者权益 你怎么看 碎碎念 推薦".split()
EMOJI = "😂 😭 👍 🙏 🔥 ❗ 👇 ✨ 💔 🤔 😡 [doge] [笑cry] [怒] [心] [允悲] [哭惹R] [吃瓜] [赞] (╯°□°）╯".split()
SWAPS = (
    "不错=挺好 非常=特别 觉得=感觉 真的=确实 现在=如今 没有=没 已经=早就 但是=不过 因为=由于 喜欢=爱 知道=晓得 东西=玩意 "
    "大家=各位 今天=今日 很多=好多 一直=总是 不錯=挺好 覺得=感覺 真的=確實 現在=目前 沒有=沒 已經=早就 因為=由於 喜歡=愛 "
    "什麼=啥 什么=啥 可以=能 怎么=咋 我们=咱们 還是=依然 时候=時 就是=便是 所以=因此 比较=较 如果=要是"
).split()
OCR = dict(
    zip(
        "己已末未日曰土士入人大太天夫目自口囗0O1lI戊戌千干王玉白自免兔鸟乌",
        "已己未末曰日士土人入太大夫天自目囗口O0l1l戌戊干千玉王自白兔免乌鸟",
        strict=True,
    )
)


@cache
def converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def remark(rng: random.Random) -> str:
    return rng.choice(REMARKS) if rng.random() < 0.75 else rng.choice(LONG_REMARKS)


def weibo_quote(text: str, rng: random.Random) -> str:
    chain = "".join(f"//@{rng.choice(NAMES)}:{rng.choice(REMARKS)}" for _ in range(rng.choice((0, 0, 1, 2))))
    lead = rng.choice(("转发微博", "轉發微博", "Repost", "", remark(rng), remark(rng) + rng.choice(EMOJI)))
    return f"{lead}{chain}//@{rng.choice(NAMES)}{rng.choice('::：')}{text}"


def answer_quote(text: str, rng: random.Random) -> str:
    return f"回{rng.choice(('复', '覆'))}@{rng.choice(NAMES)}:{remark(rng)}//@{rng.choice(NAMES)}:{text}"


def quoted(text: str, rng: random.Random) -> str:
    left, right = rng.choice(("「」", "“”", "『』", '""'))
    return (
        rng.choice(("网友爆料：", "看到有人說：", "评论区第一：", "某某版：", ""))
        + left
        + text
        + right
        + rng.choice(("", remark(rng)))
    )


def remark_before(text: str, rng: random.Random) -> str:
    return remark(rng) + rng.choice(("！", "。", "\n", "：", " ", "👇\n")) + text


def remark_after(text: str, rng: random.Random) -> str:
    return text + rng.choice(("\n", " ", "——", "。", "\n\n")) + remark(rng)


def hashtags(text: str, rng: random.Random) -> str:
    tags = rng.sample(TAGS, rng.randint(1, 4))
    if rng.random() < 0.5:
        return f"#{tags[0]}#{text}" + "".join(f" #{tag}#" for tag in tags[1:])
    return text + rng.choice(("\n", " ")) + " ".join(f"#{tag}" for tag in tags)


def emoji(text: str, rng: random.Random) -> str:
    parts = re.split(r"(?<=[，。！？,!?])", text)
    marked = "".join(part + (rng.choice(EMOJI) if part and rng.random() < 0.4 else "") for part in parts)
    return marked + rng.choice(EMOJI) * rng.randint(1, 3)


def forwarded(text: str, rng: random.Random) -> str:
    heads = "【轉】 【转】 [轉傳] 【請轉傳】 轉貼： 转自朋友圈： （轉自LINE群組） 分享自{n}： FW: 搬运： 網路看到的，不知真假： 收到的訊息： 轉個 代发："
    return rng.choice(heads.split()).format(n=rng.choice(NAMES)) + rng.choice(("", " ", "\n")) + text


def caption(text: str, rng: random.Random) -> str:
    heads = "【截图】 [图片] 图转文字： 圖： 截圖內容： 长图OCR： （见图）".split()
    return rng.choice(heads) + text + rng.choice(("", "（图源网络，侵删）", " 侵删", "\n(圖片來源：網路)"))


def truncated(text: str, rng: random.Random) -> str:
    if len(text) < 40:
        return text
    keep = max(24, int(len(text) * rng.uniform(0.45, 0.85)))
    return text[:keep] + rng.choice(
        ("...全文", "…全文", "...展开全文c", "……查看更多", "...", "... 顯示更多", "…（全文见评论）")
    )


def source_link(text: str, rng: random.Random) -> str:
    tail = "".join(rng.choices("ABCDEFGHabcdefgh23456789", k=7))
    kinds = (
        "http://t.cn/{0}",
        "来源：https://example.net/a/{0}",
        "網址 https://reurl.example/{0}",
        "O网页链接 http://t.cn/{0}",
    )
    return text + rng.choice((" ", "\n")) + rng.choice(kinds).format(tail)


def mention(text: str, rng: random.Random) -> str:
    names = " ".join("@" + name for name in rng.sample(NAMES, rng.randint(1, 3)))
    return rng.choice((f"{text} {names}", f"{names} {text}", f"{names} 快看 {text}"))


def respaced(text: str, rng: random.Random) -> str:
    how = rng.randrange(4)
    if how == 0:
        return re.sub(r"[，。！？,.!?]+", lambda mark: rng.choice((" ", "\n", mark.group(), "～")), text)
    if how == 1:
        return re.sub(r"(?<=[。！？!?])", "\n\n", text)
    if how == 2:
        return text.translate(str.maketrans("，。！？：（）", ",.!?:()"))
    return "".join(char + (" " if rng.random() < 0.15 else "") for char in text)


def other_script(text: str, rng: random.Random) -> str:
    simplified = converter("t2s").convert(text) == text
    return str(converter(rng.choice(("s2t", "s2twp", "s2hk") if simplified else ("t2s", "tw2sp"))).convert(text))


def ocr(text: str, rng: random.Random) -> str:
    noisy = []
    for char in text:
        draw = rng.random()
        if char in OCR and draw < 0.3:
            noisy.append(OCR[char])
        elif not (draw < 0.01 or (char in "，。、,." and draw < 0.25)):
            noisy.append(char)
    line, whole = rng.randint(14, 22), "".join(noisy)
    return "\n".join(whole[at : at + line] for at in range(0, len(whole), line))


def edited(text: str, rng: random.Random) -> str:
    """One to three small edits: a common word for another, a letter doubled or lost, a short first word."""
    for _ in range(rng.randint(1, 3) if len(text) >= 30 else 1):
        fitting = [swap.split("=") for swap in SWAPS if swap.split("=")[0] in text]
        kind = rng.randrange(4)
        if kind <= 1 and fitting:
            old, new = rng.choice(fitting)
            text = text.replace(old, new, 1)
        elif kind == 2:
            at = rng.randrange(len(text))
            text = text[:at] + text[at + 1 :]
        elif kind == 3:
            at = rng.randrange(len(text))
            text = text[:at] + text[at] + text[at:]
        else:
            text = rng.choice(("其实", "話說", "就", "然后")) + text
    return text


def ptt_quote(text: str, rng: random.Random) -> str:
    width, flat = rng.randint(24, 38), text.replace("\n", " ")
    lines = [": " + flat[at : at + width] for at in range(0, len(flat), width)]
    head = f"※ 引述《{rng.choice(('kk', 'abc', 'tw'))}{rng.randint(10, 999)} (暱稱)》之銘言：\n"
    return (
        head
        + "\n".join(lines)
        + rng.choice(("", "\n" + remark(rng), "\n推這篇\n--\n※ 發信站: 批踢踢實業坊(ptt.cc), 來自: 203.0.113.7"))
    )


def redbook(text: str, rng: random.Random) -> str:
    titles = "姐妹们看过来‼️ 谁懂啊家人们 一定要看到最后 💥避雷避雷 真心话💬 存档".split()
    body = re.sub(r"[。！]", lambda mark: rng.choice(EMOJI[:9]) if rng.random() < 0.5 else mark.group(), text)
    return rng.choice(titles) + "\n" + body + "\n" + " ".join("#" + tag for tag in rng.sample(TAGS, 3))


def line_bullets(text: str, rng: random.Random) -> str:
    parts = [part for part in re.split(r"(?<=[。！？])", text) if part]
    mark = rng.choice(("🔴", "✅", "👉", "⚠️"))
    return "\n".join(mark + part for part in parts) + rng.choice(("", "\n🙏🙏🙏", "\n請幫忙轉發出去"))


WAYS: dict[str, tuple[float, Way]] = {
    way.__name__: (weight, way)
    for weight, way in (
        (3, weibo_quote),
        (1, answer_quote),
        (1, quoted),
        (2, remark_before),
        (2, remark_after),
        (2, hashtags),
        (2, emoji),
        (2, forwarded),
        (1, caption),
        (2, truncated),
        (1, source_link),
        (1, mention),
        (2, respaced),
        (2, other_script),
        (1, ocr),
        (2, edited),
        (1, ptt_quote),
        (1, redbook),
        (1, line_bullets),
    )
}
INNER = ("truncated", "ocr", "edited", "other_script", "respaced")
"""What touches the text itself comes before what is put around it: nobody cuts a text in the middle of their own remark."""


def retold(text: str, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """The text as someone passes it on, and the names of the one to three ways taken."""
    number = rng.choices((1, 2, 3), (5, 3, 2))[0]
    names: set[str] = set()
    while len(names) < number:
        names.add(rng.choices(list(WAYS), [weight for weight, _ in WAYS.values()])[0])
    ordered = tuple(sorted(names, key=lambda name: (name not in INNER, name)))
    for name in ordered:
        text = WAYS[name][1](text, rng)
    return text, ordered
