"""What people say of a complaint: that it was made good, that they will go further, whom an answer is for.

All in folded text (``monitor.text.fold``), so in either script. A saying counts only if nothing before it in its clause
denies, wishes, supposes or merely reports it, and nothing after it asks or mocks it: "還沒解決", "希望能退款成功",
"客服說已解決", "解決了嗎", "處理好了才怪". Of several in a text the last one counts, for a story is told in its order.
"""

from __future__ import annotations

import re

from monitor.text import fold_text, sentences

LONGEST = 5_000
"""Characters of a text that are read: somebody who says that all is well says so briefly."""

_BACK = "(?:退款|退费|退的?钱|赔偿|赔款|补偿|押金|订金|尾款)"
_MONEY = f"(?:{_BACK}|款项?|钱)"
_SENT = "(?:新的?|补寄的?|补发的?|换货的?|替换的?|换的)(?:商品|货|机器|零件|东西|那台|一台)?"
_DONE = "(?:已经?|终于|总算|今天|昨天|刚刚?|刚才|都|顺利|最后|后来|全额|全部|也|很快就?|直接)*"
_THEM = (
    "(?:客服|店家|官方|小编|厂商|商家|店长|经理|卖家|对方|公司|[他她你]们|售后|老板|店员|快递员?|小哥|骑手|送餐员|工作人员|门市"
    "|总部|平台)"
)
_DESK = "(?:客服|店家|官方|小编|厂商|商家|店长|经理|卖家|售后|总部|平台)"
_FOR_ME = "(?:帮我|给我|替我)"
_END = "(?:了|啦|,|。|!|~|$)"
_PAID = "(?:退款|退费|退钱|换货|换新|赔偿|补偿|补寄|补发)"
_SOON = "(?:很快|马上|立刻|立马|及时|第一时间)"
_HAVE = "(?:(?![教让叫说要会能想答承保应该须责不没未拒])[^,。!?~ ])"
_FREE = "(?![\u4e00-\u9fff])|(?=问题(?![\u4e00-\u9fff])|谢|感[谢恩]|真|很|好|太|推|赞|不过|但|可惜|之后|后)"
"""Nothing that is solved stands behind it: "解决了脱发的问题" praises a thing."""
_FIRST = (
    "已最终总圆顺妥客店官小厂商经卖对公他她你售老快骑送工门平帮给替为有退赔补押订尾款钱得都收拿领全换重新谢感多可能处解很马立"
    "及第irsfbgna"
)
"""What each of these begins with, so that elsewhere none of them need be tried."""
_SAYINGS = (
    f"已经?(?:获得|得到|取得|圆满|顺利|妥善)?(?:解决|处理完毕|处理妥当|结案)(?:了|啦)?(?:{_FREE})",
    f"(?:最后|终于|总算)(?:圆满|顺利|妥善|完美)地?(?:解决|落幕|收场)(?:{_FREE})",
    f"(?:圆满|顺利|妥善)地?(?:解决|处理|落幕|收场)(?:了|啦)(?:{_FREE})",
    f"{_THEM}{_HAVE}{{0,6}}(?:达成)?和解(?:了|啦|{_FREE})",
    f"{_FOR_ME}(?:圆满|顺利|马上|立刻)?(?:解决|处理好|搞定|修好|弄好)(?:了|啦)(?:{_FREE})",
    f"{_MONEY}{_DONE}(?:收到|到账?|入账|退回来?|下来|拿到|进来|拨下来){_END}",
    f"{_MONEY}{_DONE}(?:退还?|还我|还给我|回来)(?:了|啦)(?:{_FREE})",
    f"(?:给予了|得到了?|都有)(?:圆满|及时)?解决(?:{_FREE})",
    f"(?:收到|拿到|领到|拿回)(?:{_BACK}{_END}|(?:款项?|钱)(?:了|啦))",
    f"(?:{_THEM}{_HAVE}{{0,6}}?{_DONE}|{_FOR_ME}|为我|有)"
    f"(?:全额|直接|马上|主动)*{_PAID}(?:成功|完成|到账|给我)?(?:了|啦|$)",
    "(?:终于|总算|全额)(?:退款|退费|退钱|赔偿|补偿|补寄|补发)(?:成功|完成|到账|给我)?(?:了|啦|$)",
    f"(?:换货|换新|补寄|补发|重寄|新寄)的?[^,。!?~ ]{{0,6}}(?:收到|寄到|寄来|到|来|拿到)(?:了|啦)(?:{_FREE})",
    f"{_FOR_ME}(?:换|补|修|退)(?:了|好了?)"
    "(?:(?![\u4e00-\u9fff])|(?=新|货|款|全|差价|一[台个件双只盒份](?:新|[,。!~ ]|$)))",
    f"{_FOR_ME}(?:换成新的|换一[台个]新)",
    f"收到{_SENT}{_END}",
    "(?:谢谢?|感谢|多谢|感恩)[^,。!?~ ]{0,14}的?(?:处理|解决|退款|补偿|售后)",
    f"(?:谢谢?|感谢|多谢|感恩)[^,。!?~ ]{{0,6}}{_DESK}[^,。!?~ ]{{0,8}}(?:协助|帮忙|帮助)",
    f"{_THEM}{_HAVE}{{0,10}}(?:处理|解决|回应|补偿)[得的]?(?:很|非常|特别|超|蛮|挺|真的)?(?:好|快|及时|满意|有诚意|妥当|完善)",
    f"{_THEM}{_HAVE}{{0,6}}(?:给予?了|做了)[^,。!?~ ]{{0,4}}(?:补偿|赔偿|退款)",
    f"{_THEM}{_HAVE}{{0,12}}{_SOON}就?(?:给我?|帮忙?|都)*(?:换货|换了|补发|补了|退款|退了|解决了)(?:了|{_FREE})",
    f"(?:顺利地?|终于|总算|已经?|{_SOON})(?:就|给我?)?退了(?:款|钱|差价)",
    "(?:可以|能|已经?)(?:结案|撤诉|撤销投诉)(?:了|啦)",
    "(?:处理|解决)[得的]?(?:方式|结果)?我?(?:很|非常|挺|还算|算|蛮|相当)?满意",
    r"\b(?:it'?s |been |got |now |all )?(?:resolved|solved|sorted|fixed|refunded)\b",
)
_GOOD = re.compile(f"(?=[{_FIRST}])(?:{'|'.join(_SAYINGS)})")
"""What says that it was made good."""

_DONE_WITH = re.compile(
    f"(?=[解处搞弄修摆])(?:解决|处理好|处理完|搞定|搞掂|弄好|(?<!装)修好|摆平)(?:了|啦|咯|喽|囉|完毕)(?:{_FREE})"
)
"""What says that it is over, of whatever: it counts beside one who did it, or where little else is said."""
_DID = re.compile(f"{_THEM}|沟通|反映|投诉")
_ALONE = re.compile("自己|我把|我又|折腾|费[劲力时]|研究|摸索|重装|驱动")
"""That one did it without them."""
_ANOTHER = re.compile("前年|去年|年前|上次")
"""That it was another time."""
_HOW = re.compile("把|就(?:都|能|可以)?(?:解决|搞定|弄好|修好)")
"""How it might be done."""
LITTLE = 40
"""Characters of a text that says little else."""

_HINTS = re.compile("[决理定掂好解平落收退赔补换寄还押订尾款钱谢感恩撤案满]|(?:solv|sort|fix|refund)ed")
"""One of these stands in each of the above: most texts have none, and need not be read for them."""

_DENIED = (
    "没有?|未|无法|无|不|别|冇|唔|从未|尚未|还没|还未|迟迟|不肯|不能|不会|不愿|拒绝|拒不|并非|少|not |never "
    "|isn'?t |hasn'?t |wasn'?t |un"
)
_WISHED = (
    "如果|要是|若|假如|希望|盼|求|请|拜托|麻烦|等|期待|何时|几时|什么时候|啥时候|多久|怎么|怎样|如何|才[能会肯]|应该|可能|大概"
    "|只能|需要|记得|准备|打算|一起|快点|赶快|赶紧|尽快|早日|能不能|可不可以|是否|有没有|要求|申请|要|想|会|将"
)
_CLAIMED = "承诺|答应|保证|声称|宣称|号称|假装|以为|说|表示|回复|告诉我|显示|标记|写着|骗"
_BEFORE = re.compile(f"(?:{_DENIED}|{_WISHED}|{_CLAIMED})[^,。!?;:~\n]{{0,8}}$")
_REPORTED = re.compile('(?:说|表示|回复|告诉我|显示|标记|写着|声称|宣称)[:「『“"]?[^,。!?;\n]{0,8}$')
_AFTER = re.compile(
    r"^[了啦的]{0,2}[^,。!?~\n]{0,3}(?:吗|嘛|么|没有?\?|没$|\?|才怪|个[屁鬼头毛]|再说|的话|之前|以前|以后再|为止|无效|失败|不了|不好"
    r"|吧|不力|不当|太慢|很慢|好慢)|^[^,。!?;~\n]{0,12}(?:还没|仍未|没有?[下到收拿]|未[到收]|没消息|失败)"
)
_IRONY = re.compile(
    r"呵呵|才怪|真是谢谢|真谢谢|谢谢你们?喔|好棒棒|笑死|傻眼|真会|真棒呢|\(反话|反讽|🙃|🙄|🤡|\[白眼\]|\[微笑\]|\[呵呵\]"
    "|也太.{0,4}(?:扯|慢|烂)|这叫.{0,6}(?:解决|处理)"
)
_AGAIN = re.compile(
    "(?:又|再次|再度|还是|依然|依旧|仍然?)[^,。!?]{0,6}(?:坏|故障|漏|出问题|没|不|一样|出现|发生|存在)|结果又|没几天又|白(?:高兴|谢)"
)
_GONE = re.compile(
    "(?:不会?|不敢|不想|绝不|不要|别)再(?:来|买|去|订|用|光顾|消费)|再也不|最后一次|拒买|抵制|永不|后悔|垃圾|恶心"
)

_ESCALATES = re.compile(
    r"消保[会官处]|消基会|消委会?|消费者(?:保护|委员|协会|文教)|消协|申诉专线|(?<!\d)(?:12315|12345|1950)(?!\d)|工商局"
    "|市场监管|市监局|黑猫投诉|律师|提告|告你们|告上?法院|法院|起诉|诉讼|存证信函|报警|报案|警察局|派出所|检举|举报|食药署"
    "|卫生局|卫健委|爆料|记者|媒体|新闻台|公审|上新闻|曝光|陈情|议员|立委|市长信箱|调解委员|申诉书"
)

_ADVICE = re.compile(
    "请注意|请(?:大家|各位)|(?:提醒|建议)(?:大家|各位|一下)|(?:大家|各位)(?:要|请|一定)?(?:小心|注意|留意|记得|检查)|不要再用|停止使用"
    "|(?:先|赶快|赶紧|立刻|马上)拔|(?:拍照|截图|录影)(?:留|存)|(?:保留|留好|留着)(?:发票|证据|单据|收据|包装)|自救|自保|懒人包"
)
_TITLE = re.compile(r"\s*(?:re|fw|fwd|回复|回覆|轉寄|转寄)\s*[:：]\s*[^\n]*$", re.IGNORECASE)
LEAST_OWN = 8
"""Characters of a sentence that may stand for a complaint in place of an advice."""

_NAMED = re.compile("@([^\\s@:：,，。!！?？、/\\\\<>「」()（）\\[\\]]{1,40})")


def says_recovered(text: str) -> bool:
    """Whether a text says that its author's complaint was made good."""
    folded = fold_text(text[:LONGEST])
    if not _HINTS.search(folded):
        return False
    found = [*_GOOD.finditer(folded), *(m for m in _DONE_WITH.finditer(folded) if _is_theirs(folded, m))]
    good = sorted((m for m in found if _is_meant(folded, m)), key=re.Match.start)
    if not good or _IRONY.search(folded) or _GONE.search(folded, good[0].start()):
        return False
    return not _AGAIN.search(folded, good[-1].start())


def _is_theirs(folded: str, found: re.Match[str]) -> bool:
    sentence = _sentence(folded, found)
    if _ALONE.search(sentence):
        return False
    return _DID.search(sentence) is not None or (len(folded) <= LITTLE and not _HOW.search(sentence))


def _sentence(folded: str, found: re.Match[str]) -> str:
    """Up to the end of what was found."""
    return folded[max(folded.rfind(mark, 0, found.start()) for mark in "。!?\n") + 1 : found.end()]


def _is_meant(folded: str, found: re.Match[str]) -> bool:
    clause = max(folded.rfind(mark, 0, found.start()) for mark in ",。!?;~\n") + 1
    before = folded[max(clause, found.start() - 12) : found.start()]
    if _ANOTHER.search(_sentence(folded, found)):
        return False
    return not (_BEFORE.search(before) or _REPORTED.search(before) or _AFTER.match(folded[found.end() - 1 :]))


def escalates(text: str) -> bool:
    """Whether a text goes, or threatens to go, to authorities, courts or the press."""
    return _ESCALATES.search(fold_text(text[:LONGEST])) is not None


def addressed(text: str) -> tuple[str, ...]:
    """The names that a reply calls by @, as they stand."""
    return tuple(dict.fromkeys(_NAMED.findall(text[:LONGEST])))


def evidence(text: str, span: tuple[int, int] | None) -> tuple[int, int]:
    """The sentence of ``text`` that holds the beginning of ``span``: (start, end) in characters; of several
    sentences that the span covers, up to its end. Without a span the longest sentence, for titles are short; (0, 0)
    of an empty text. A sentence that advises others gives way to the longest that does not: "冒煙的請注意，先拔插頭"
    is no customer's hurt; and so does the title of what a post replies to ("Re: ..."), for that is another's word."""
    found = sentences(text)
    if not found:
        return (0, 0)
    if span is None:
        return max(found, key=lambda s: s[1] - s[0])
    holding = [s for s in found if s[0] < max(span[1], span[0] + 1) and span[0] < s[1]]
    if not holding:
        return (span[0], min(span[1], len(text)))
    chosen = (holding[0][0], holding[-1][1])
    own = [s for s in found if s[1] - s[0] >= LEAST_OWN and not _others(text[slice(*s)])]
    return max(own, key=lambda s: s[1] - s[0]) if own and _others(text[slice(*chosen)]) else chosen


def _others(text: str) -> bool:
    """Whether a text is the title of what it replies to, or tells others what to do about it, in at least two ways: one
    alone may stand in a complaint."""
    return _TITLE.match(text) is not None or len({found[0] for found in _ADVICE.finditer(fold_text(text))}) >= 2
