"""Copy groups and stories are unions of keys."""

from __future__ import annotations

from monitor.stories import keys

LONG = "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去"


def group_of(text: str, *, kind: str = "post", parent: str = "", root: str = "", native_id: str = "1") -> set[str]:
    return set(keys("ptt", native_id, kind, text, parent, root).group)


def test_the_same_text_in_the_other_script_with_marks_and_links_shares_a_key() -> None:
    simplified = "澄岚气炸锅，用了不到一个月就冒烟！！客服还叫我自己寄回去😡 https://example.test/x"
    assert group_of(LONG, native_id="1") & group_of(simplified, native_id="2")


def test_short_texts_and_replies_are_never_copies() -> None:
    assert not group_of("退钱", native_id="1") & group_of("退钱", native_id="2")
    assert not group_of(LONG, native_id="1") & group_of(LONG, kind="comment", parent="1", root="1", native_id="2")


def test_a_repost_shares_its_parents_own_key() -> None:
    assert group_of(LONG, native_id="1") & group_of("转发微博", kind="repost", parent="1", native_id="2")


def test_a_thread_is_one_story() -> None:
    root = keys("ptt", "1", "post", LONG, "", "")
    reply = keys("ptt", "2", "comment", "退钱", "1", "1")
    other = keys("ptt", "3", "comment", "退钱", "9", "9")
    assert set(root.threads) & set(reply.threads)
    assert not set(root.threads) & set(other.threads)
