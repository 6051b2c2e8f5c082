"""Which sayings tell that a complaint was made good; texts of our own invention."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.complaints import addressed, escalates, evidence, sayings, says_recovered
from monitor.text import fold_text

GOOD = """退款到了，謝謝客服處理
已經解決了，感謝小編協助
問題解決了
搞定了！
款項今天終於退回來了
客服後來幫我換了一台新的，滿意
更新：已圓滿解決
谢谢官方处理，钱已经到账了
換貨收到了，新的很正常
補寄的商品今天收到了
更新一下，店家已全額退款給我了，處理得很快
處理結果我很滿意
店長打來道歉也退費了
最後客服處理得很好，推
it's resolved, thanks
後來有退款了
對方已經賠償了，這件事到此為止
感謝客服的協助，總算拿到退款了
谢谢你们的帮忙，修好了
客服馬上退款了
少送的那份，店家很快就補發了
跟總部反映之後，都有解決
尺寸不對，賣家給換了，最後圓滿解決
售後給予了一定的補償
最後順利地退了錢
之前還沒處理好，今天已經退款成功給我了，錢到了"""
BAD = """還沒解決
到現在都沒退款
希望能解決
客服說已解決，根本沒有
解決了嗎？
什麼時候才能退款
處理好了才怪
呵呵謝謝客服的處理
問題根本沒有解決
請幫我處理
退款退了三週還沒下來
請問退款到了嗎
如果解決了我會更新
系統顯示已退款，但我沒收到
修好了結果又壞了
你們答應會退款
要求全額退款
謝謝客服處理三個禮拜還是一樣爛🙃
尚未處理完畢
退款失敗
一直說會處理好
這叫解決？
申請退款了，兩週沒消息
麻煩處理一下謝謝
換了三台還是壞
退貨了，不會再買
退款了，以後不會再買
退款是到了，但再也不會來了
謝謝
這款洗髮精解決了我掉髮的困擾，還會回購
換個設定就解決了
昨天自己重裝了三次驅動才終於搞定了
退錢！退錢！退錢！
退款退了兩件就退了一件的錢
花了兩天的時間拿到錢，
希望能看到一個說法，給予解決
給我換了三次還是不行
給我換了一個比較便宜的
謝謝朋友們的幫忙
交給工作人員妥善處理
前年客服很快就解決了，現在完全不理人
賣家說叫我換貨了
終於退款了，垃圾店家
話筒修好了，雜音的問題依然存在"""


@pytest.mark.parametrize("text", GOOD.splitlines())
def test_made_good(text: str) -> None:
    assert says_recovered(text)


@pytest.mark.parametrize("text", BAD.splitlines())
def test_not_made_good(text: str) -> None:
    assert not says_recovered(text)


def test_what_each_saying_begins_with_is_known() -> None:
    every = re.compile("|".join(sayings._SAYINGS))
    for text in map(fold_text, (GOOD + BAD).splitlines()):
        assert [m.span() for m in every.finditer(text)] == [m.span() for m in sayings._GOOD.finditer(text)]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert says_recovered(text) in (True, False)
    assert escalates(text) in (True, False)
    assert all(name in text for name in addressed(text))
    start, end = evidence(text, (1, 3))
    assert 0 <= start <= end <= len(text)


def test_a_long_text_is_read_in_time() -> None:
    assert not says_recovered("謝" * 200_000)
    assert not escalates("消" * 200_000)


@pytest.mark.parametrize("text", ["我要告到消保會", "已經打12315了", "律師函等著", "下週找记者爆料", "打1950申訴了"])
def test_escalation(text: str) -> None:
    assert escalates(text)


@pytest.mark.parametrize("text", ["客服很慢", "訂單編號119500", "消費一千元"])
def test_no_escalation(text: str) -> None:
    assert not escalates(text)


def test_names() -> None:
    assert addressed("回覆@小明: 您好，@Lin_07，請私訊") == ("小明", "Lin_07")
    assert addressed("您好") == ()


def test_the_sentence_that_hurts() -> None:
    text = "買了三台。店員態度超差！不會再來了。"
    assert text[slice(*evidence(text, (6, 9)))] == "店員態度超差！"
    assert text[slice(*evidence(text, (6, 14)))] == "店員態度超差！不會再來了。"
    assert text[slice(*evidence(text, None))] == "店員態度超差！"
    assert evidence("", (0, 3)) == (0, 0)


def test_the_sentence_that_hurts_is_not_an_advice_to_others() -> None:
    advice, hurt = "氣炸鍋冒煙的請注意，先拔插頭，記得拍照存證。", "客服一直說是我使用不當，插座都燒黑了。"
    assert (advice + hurt)[slice(*evidence(advice + hurt, (3, 5)))] == hurt
    assert advice[slice(*evidence(advice, (3, 5)))] == advice
    title = "Re: [抱怨] 氣炸鍋冒煙\n"
    assert (title + hurt)[slice(*evidence(title + hurt, (13, 15)))] == hurt
    assert title.strip()[slice(*evidence(title.strip(), (13, 15)))] == title.strip()
    once = "先拔插頭才沒燒起來，太可怕。"
    assert (once + hurt)[slice(*evidence(once + hurt, (0, 3)))] == once
