"""Reposts of given texts as people make them, and three families of posts that look like copies and are none.

What is drawn is drawn by a seed. The families come in two halves, both of which were seen by
who tuned; :mod:`tests.bench.families` has those that were kept apart.
"""

# ruff: noqa: E501
from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

Edit = Callable[[str, random.Random], str]

_COMMENTS = ("转发微博", "哈哈哈", "气死我了", "太真实了", "扩散！", "这也行？", "求真相[怒]", "支持", "mark", "不敢相信", "笑不活了家人们",
             "有没有人管管啊", "早就说过了，你们还不信", "路过看到的，帮转一下", "看完心情很复杂…")  # fmt: skip
_NAMES = ("小明同学", "路人甲", "news_tw", "不吃香菜的猫", "Amy陳", "老王说事", "user_88231", "阿岚")
_CAPTIONS = ("转：", "【转】", "轉貼", "【网友投稿】", "看到朋友圈有人发：", "图片文字：", "截图如下\n", "ZT ", "搬运一下：", "转自某论坛\n",
             "截圖內容：", "刚刚刷到的 ", "【爆料】")  # fmt: skip
_TAILS = (
    "（转）",
    " 全文见评论",
    "\n来自iPhone客户端",
    " via 微博",
    "…展开全文",
    " 转发收藏",
    " 侵删",
    " 大家怎么看？",
)
_EMOJI = "😡😂🤣😭👍🔥🙏💩😱🤔❤️"
_BRACKETS = ("[怒]", "[笑哭]", "[doge]", "[吃瓜]", "[泪]")
_TAGS = ("#热搜#", "#消费维权#", "#今日话题#", "#避雷 ", "#吐槽大会#", "#生活日常 ")
_LOOKALIKE = dict(
    zip(
        "己未日曰人入土士天夫大太干千白自目王玉刀力末贝见找我的了",
        "已末曰日入人士土夫天太大千干自白日玉王力刀未见贝我找白子",
        strict=True,
    )
)
_SYNONYMS = (
    ("非常", "特别"),
    ("觉得", "感觉"),
    ("因为", "由于"),
    ("但是", "不过"),
    ("没有", "沒"),
    ("什么", "啥"),
    ("现在", "如今"),
    ("真的", "实在"),
)


@cache
def _converter(name: str) -> Any:
    from opencc import OpenCC

    return OpenCC(name)


def script(text: str, draw: random.Random) -> str:
    return str(_converter(draw.choice(["s2t", "s2tw", "s2hk", "t2s", "tw2s", "s2twp"])).convert(text))


def quote(text: str, draw: random.Random) -> str:
    return f"{draw.choice(_COMMENTS)}//@{draw.choice(_NAMES)}{draw.choice([':', '：'])}{text}"


def quote_twice(text: str, draw: random.Random) -> str:
    return quote(quote(text, draw), draw)


def caption(text: str, draw: random.Random) -> str:
    return draw.choice(_CAPTIONS) + text


def tail(text: str, draw: random.Random) -> str:
    return text + draw.choice(_TAILS)


def emoji(text: str, draw: random.Random) -> str:
    for _ in range(draw.randint(1, 4)):
        at = draw.choice([0, len(text), draw.randint(0, len(text))])
        text = text[:at] + draw.choice([draw.choice(_EMOJI), draw.choice(_BRACKETS)]) + text[at:]
    return text


def hashtags(text: str, draw: random.Random) -> str:
    tags = "".join(draw.sample(_TAGS, draw.randint(1, 3)))
    return tags + text if draw.random() < 0.5 else text + " " + tags


def link(text: str, draw: random.Random) -> str:
    return f"{text} https://t.cn/{draw.randrange(10**6):06d}"


def truncate(text: str, draw: random.Random) -> str:
    """30 to 60 % goes, at the end, seldom at the beginning; sixteen characters stay at least."""
    keep = max(16, round(len(text) * draw.uniform(0.4, 0.7)))
    return text[-keep:] if draw.random() < 0.2 else text[:keep] + draw.choice(["", "…", "...", "……全文"])


def edits(text: str, draw: random.Random) -> str:
    """Two to eight in a hundred characters changed, left out, doubled or put in."""
    out, rate = [], draw.uniform(0.02, 0.08)
    for char in text:
        if draw.random() >= rate:
            out.append(char)
            continue
        out.append(
            draw.choice(
                [
                    "",
                    char + char,
                    draw.choice("的了是不在有我他这个一上们来到时大地为子"),
                    char + draw.choice("的了啊呢"),
                ]
            )
        )
    return "".join(out)


def recognised(text: str, draw: random.Random) -> str:
    """As read off a screenshot: the phone's status line, look-alikes, broken lines."""
    head = draw.choice(["12:30 5G 85%\n", "微博正文\n", "09:41\n", "1.2万 阅读\n", ""])
    seen = "".join(_LOOKALIKE.get(c, c) if draw.random() < 0.3 else c for c in text)
    width = draw.randint(12, 22)
    return head + "\n".join(seen[at : at + width] for at in range(0, len(seen), width))


def marks(text: str, draw: random.Random) -> str:
    for old, new in (("，", draw.choice([",", " ", "，，"])), ("。", draw.choice(["！", ".", " "])), ("！", "!")):
        text = text.replace(old, new)
    return text


def synonym(text: str, draw: random.Random) -> str:
    """One everyday word for another, once."""
    there = [pair for pair in _SYNONYMS if pair[0] in text]
    return text.replace(*draw.choice(there), 1) if there else text


EDITS: dict[str, Edit] = {
    f.__name__: f
    for f in (script, quote, quote_twice, caption, tail, emoji, hashtags, link, truncate, edits, recognised, marks, synonym)
}  # fmt: skip


def repost(text: str, draw: random.Random) -> tuple[str, tuple[str, ...]]:
    """The text passed on with one to three changes, and their names. What is quoted is quoted last."""
    chosen = draw.sample(sorted(EDITS), draw.choice([1, 1, 2, 2, 3]))
    chosen.sort(key=lambda name: name.startswith("quote"))
    for name in chosen:
        text = EDITS[name](text, draw)
    return text, tuple(chosen)


# -- families ------------------------------------------------------------------------------------------------------

BRANDS = (
    ("澄嵐", "霽川", "沐禾", "星野家", "鹿鳴", "Chenglan", "海盐社", "青屿", "木棉里", "乐沃"),
    ("小米", "华为", "星巴克", "瑞幸", "美团", "饿了么", "海底捞", "OPPO", "特斯拉", "比亚迪", "全家", "統一超商"),
)
TEMPLATES = (
    (
        "【轉發抽獎】關注@{b}官方並轉發本條，十一月三十日抽三位送{b}氣炸鍋一台，祝大家好運！",
        "刚刚在{b}门店排队两个小时，店员还爱理不理，以后再也不来了，有同感的姐妹吗？",
        "{b}的售后真是一言难尽，打了五个电话都没人接，最后说要我自己寄回去，运费还得自付。",
        "今天收到{b}的快递，打开一看外壳裂了一道缝，联系客服说要等七个工作日才能处理。",
        "求助！有没有人知道{b}会员怎么退订啊？找了半天都没有找到入口，已经被扣了三个月的钱",
        "双十一预售开始啦！{b}全场五折起，前一千名下单还送定制周边，点击链接马上抢购",
        "刚面试完{b}，HR全程玩手机，问了三个和工作无关的问题就让我回去等通知，体验极差",
        "听说{b}要涨价了，大家觉得还值得买吗？我已经用了三年，感觉越来越贵了，服务却没跟上",
    ),
    (
        "{b}今日發布第三季財報，營收年增兩成，毛利率小幅下滑，公司表示將持續擴大海外市場。",
        "黑猫投诉：{b}拒绝退款，商家以活动商品不支持七天无理由为由，至今没有给出合理的解释",
        "打卡{b}新店，装修真的很出片，周末人超多，建议工作日下午去，停车在地下二层",
        "有没有{b}的内部员工出来说说，年底是不是真的要裁员百分之二十？我朋友说已经开始谈话了",
        "{b}新品测评来了：续航比上一代多了两个小时，发热控制不错，缺点是屏幕偏冷色，价格偏高",
        "提醒大家，最近有人冒充{b}客服打电话说要退款，千万不要点短信里的链接，我妈差点上当",
        "用{b}的优惠券下单，结果系统自动取消，客服说是系统故障，补偿五块钱就想打发我，气死",
        "收到{b}的邀请参加下周的发布会，听说这次会公布明年的全部产品线，现场直播我会同步更新",
    ),
)

EVENTS = (
    (
        (
            "澄嵐氣炸鍋爆冒煙意外 台中婦人險釀火災",
            "台中一名陳姓婦人昨晚使用澄嵐氣炸鍋時突然冒煙，消防局獲報派員前往，所幸無人受傷。",
            "〈獨家〉廚房驚魂！澄嵐熱銷款氣炸鍋燒起來 業者：全面檢測同批商品",
            "氣炸鍋起火，澄嵐回應了：將配合消防局鑑定，並主動聯繫台中消費者",
            "台中消防局：澄嵐氣炸鍋起火疑線路短路，呼籲民眾停用同型號",
        ),
        (
            "海盐社奶茶吃出蟑螂 杭州市监局介入调查",
            "杭州一顾客在海盐社门店购买的奶茶中喝出蟑螂，市场监管部门已对涉事门店立案",
            "海盐社致歉：杭州涉事门店即日起停业整顿，向顾客十倍赔偿",
            "奶茶里有蟑螂？海盐社杭州西湖店被责令停业",
            "喝到一半发现蟑螂，女子投诉海盐社，杭州市监：已抽检原料",
        ),
        (
            "沐禾宣布明年一月关闭上海研发中心 三百人受影响",
            "沐禾上海研发中心将裁撤，约三百名工程师面临转岗或离职",
            "【财经】沐禾收缩战线：上海团队N+3赔偿方案曝光",
            "沐禾回应裁员传闻：上海研发中心业务并入深圳，三百名员工可申请转岗",
            "上海研发中心关闭，沐禾三百员工何去何从",
        ),
        (
            "青屿APP凌晨宕机六小时 用户余额显示为零",
            "青屿APP今天凌晨大面积宕机，不少用户发现余额变成零",
            "余额归零？青屿：数据库故障所致，资金安全，早上七点已恢复",
            "青屿系统崩溃登上热搜，宕机六小时后恢复，官方致歉",
            "凌晨宕机的青屿：赔每位受影响用户二十元券",
        ),
        (
            "星野家代言人林予安涉逃漏税 广告全数下架",
            "林予安被查出逃税，星野家宣布终止代言合约",
            "星野家连夜撤下林予安海报，称将依约求偿",
            "艺人林予安逃漏税风波延烧 星野家等三品牌切割",
            "林予安道歉：愿补缴税款；代言品牌星野家已解约",
        ),
        (
            "澄嵐電鍋漲價兩成 十二月起實施",
            "原物料上漲，澄嵐宣布電鍋售價下月調漲百分之二十",
            "澄嵐調漲電鍋價格，消基會：應說明成本結構",
            "電鍋十二月起貴兩成！澄嵐：吸收成本已到極限",
        ),
        (
            "海盐社广州旗舰店开业 首日排队四小时",
            "海盐社华南首店落户广州天河，开业当天排起长龙",
            "广州天河排队四小时喝海盐社，黄牛一杯加价五十",
            "海盐社广州旗舰店首日卖出三千杯",
        ),
    ),
    (
        (
            "鹿鳴咖啡外洩四十萬筆會員個資 刑事局偵辦",
            "鹿鳴咖啡會員資料庫遭駭，約四十萬筆姓名電話流出",
            "四十萬會員個資外洩，鹿鳴咖啡：已報警並通知當事人",
            "刑事局調查鹿鳴個資外洩案 駭客在論壇兜售會員資料",
            "會員收到詐騙簡訊，鹿鳴咖啡坦承個資遭駭",
        ),
        (
            "木棉里旅馆天花板坍塌 成都两名住客受伤",
            "成都木棉里一间客房吊顶掉落，两名住客送医",
            "木棉里成都店吊顶坍塌：两人轻伤，住建部门介入",
            "半夜吊顶砸下来，木棉里住客：以为地震了",
            "木棉里回应成都门店吊顶脱落：承担全部医疗费用，全国门店排查",
        ),
        (
            "乐沃电动车召回一万两千台 刹车软件存在缺陷",
            "市场监管总局：乐沃召回部分电动车，刹车软件可能失灵",
            "刹车失灵隐患，乐沃召回一万两千台V5",
            "乐沃V5车主注意：一万两千台因刹车软件缺陷召回，可远程升级",
            "乐沃就召回致歉，承诺OTA升级修复刹车软件",
        ),
        (
            "霽川超商員工遭客人潑熱咖啡 高雄警方逮人",
            "高雄霽川超商店員提醒戴口罩遭潑熱咖啡，臉部燙傷",
            "只因一句話，高雄超商女店員被潑熱咖啡，霽川：提供法律協助",
            "潑咖啡男被逮！霽川超商店員二度燙傷送醫",
            "高雄潑咖啡案 霽川超商將提告，店員休養中",
        ),
        (
            "三只羊直播间卖假燕窝 平台封禁主播三十天",
            "主播阿凯直播间燕窝被检出不含唾液酸，平台封号三十天",
            "燕窝造假？主播阿凯道歉并承诺退一赔三",
            "职业打假人举报直播间燕窝是糖水，检测报告公布",
            "平台通报：主播阿凯售假燕窝，封禁三十天并扣保证金",
        ),
        (
            "鹿鳴咖啡攜手台大推獎學金 每年補助五十名學生",
            "鹿鳴咖啡與台大簽約，設清寒獎學金五十名",
            "五十名清寒生受惠！鹿鳴咖啡捐獎學金給台大",
            "台大清寒獎學金新增企業贊助 鹿鳴咖啡每年捐五百萬",
        ),
        (
            "乐沃第三季度交付量创新高 同比增长四成",
            "乐沃公布三季度交付数据：电动车交付八万台，同比增四成",
            "交付八万台！乐沃三季度成绩单出炉，股价涨百分之九",
            "乐沃三季度交付创纪录，董事长：明年目标四十万台",
        ),
    ),
)
"""Tellings of seven events each, two brands with two of them; all brands, people and happenings are invented."""

_PRAISE = (
    "很好用，推荐购买", "物流很快，质量不错", "好吃，下次还来", "服务态度很好", "性价比高，值得入手", "包装完好，快递给力", "非常满意的一次购物",
    "味道不错，分量足", "送餐很快，骑手小哥态度好", "宝贝收到了，很喜欢", "颜色很正，做工精致", "老板人很好", "五星好评", "一如既往的好",
    "真不错，会回购", "环境干净，位置方便", "和描述一致，没有色差", "支持国货", "期待下一代", "加油", "客服回复很及时", "很划算，買到賺到",
    "房間很乾淨，早餐好吃", "太好吃了吧", "第二次买了，一样好", "家里人都说好", "正品，放心购买", "用着挺顺手", "价格实惠", "物美价廉",
)  # fmt: skip


def templates(half: int) -> list[tuple[str, str]]:
    """(kind, text): each template with each brand is a kind of its own, twice as people pass it on."""
    return [(f"{n}/{brand}", text.format(b=brand)) for n, text in enumerate(TEMPLATES[half]) for brand in BRANDS[half]]


def news(half: int) -> list[tuple[str, str]]:
    """(event, text): tellings of one event share it."""
    return [(str(n), text) for n, tellings in enumerate(EVENTS[half]) for text in tellings]


def praise(half: int, number: int = 400) -> list[str]:
    """Stock phrases, one to four in a row; texts that are equal letter for letter once."""
    draw = random.Random(f"praise {half}")
    phrases = _PRAISE[half::2]
    return sorted(
        {draw.choice("，。！ ").join(draw.sample(phrases, draw.choice([1, 2, 2, 3, 3, 4]))) for _ in range(number)}
    )


def pairs(sizes: Sequence[int]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes)
