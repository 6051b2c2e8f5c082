"""Mentions: each brand is scored by what is said of it, and the words that weigh most are shown."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.matching import Matcher, Rule
from monitor.model import Label, Score
from monitor.portions import LONG, Stance
from monitor.sentiment import Scorer
from monitor.sentiment.mentions import FARTHEST, ONLY_COMPARED, MentionScore, Named, score_mentions

MATCHER = Matcher([Rule(1, ("澄嵐",)), Rule(2, ("霽川",))])
WHOLE = Score(0.25, 0.5, Label.NEGATIVE)


class ByWords:
    """Says .9 of a text with 差, .1 of one with 好, .2 of another; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        self.asked.append(list(texts))
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> Score:
        if not any("\u4e00" <= char <= "\u9fa5" for char in text):
            return Score(None, None, Label.UNSCORED)
        p = 0.9 if "差" in text else 0.1 if "好" in text else 0.2
        return Score(0.5, p, self.band(p, Label.POSITIVE if "好" in text else Label.NEUTRAL))

    def band(self, p_negative: float, below: Label) -> Label:
        return Label.NEGATIVE if p_negative >= 0.4 else Label.UNSURE if p_negative >= 0.3 else below


def scored(text: str, whole: Score = WHOLE, scorer: ByWords | None = None) -> dict[int, MentionScore]:
    return score_mentions(scorer or ByWords(), [Named(text, whole, MATCHER.find_all(text))])[0]


def quoted(text: str, mention: MentionScore) -> str:
    assert mention.heaviest is not None
    return text[slice(*mention.heaviest)]


def test_the_right_brand_is_blamed_and_its_sentence_shown() -> None:
    text = "澄嵐昨天開會。客服很差。霽川很好。"
    mentions = scored(text)
    assert mentions[1].score.label is Label.NEGATIVE
    assert mentions[2].score.label is Label.POSITIVE
    assert quoted(text, mentions[1]) == "客服很差。"
    assert quoted(text, mentions[2]) == "霽川很好。"


def test_snownlp_is_always_that_of_the_whole_post() -> None:
    assert {m.score.snownlp for m in scored("澄嵐很差。霽川很好。").values()} == {WHOLE.snownlp}


def test_a_short_post_about_one_brand_keeps_its_score_and_is_not_scored_again() -> None:
    scorer = ByWords()
    assert scored("澄嵐很差。", scorer=scorer) == {1: MentionScore(WHOLE, None)}
    assert scorer.asked == [[]]


def test_names_are_left_out_of_what_is_scored() -> None:
    scorer = ByWords()
    scored("澄嵐很差。霽川很好。", scorer=scorer)
    assert scorer.asked == [["很差。", "很好。"]]


def test_a_mention_of_nothing_but_the_name_is_scored_with_it() -> None:
    scorer = ByWords()
    scored("澄嵐\n\n霽川很好。", scorer=scorer)
    assert "澄嵐" in scorer.asked[0]


def test_all_posts_are_scored_in_one_batch_in_their_order() -> None:
    scorer = ByWords()
    texts = ["澄嵐很差。霽川很好。", "霽川很差。澄嵐很好。", "澄嵐", "沒有"]
    found = score_mentions(scorer, [Named(text, WHOLE, MATCHER.find_all(text)) for text in texts])
    assert len(scorer.asked) == 1
    blamed = [[brand for brand, m in each.items() if m.score.label is Label.NEGATIVE] for each in found]
    assert blamed == [[1], [2], [1], []]


@pytest.mark.parametrize(("text", "blamed"), [("澄嵐不如霽川。", 1), ("澄嵐吊打霽川。", 2)])
def test_of_a_bare_comparison_the_lower_one_is_blamed(text: str, blamed: int) -> None:
    mentions = scored(text)
    assert mentions[blamed].score.p_negative == ONLY_COMPARED[Stance.WORSE]
    assert mentions[3 - blamed].score.p_negative == ONLY_COMPARED[Stance.BETTER]
    assert mentions[3 - blamed].score.label is Label.POSITIVE
    assert quoted(text, mentions[blamed]) == text


def test_one_damning_sentence_does_not_drown_in_a_long_article() -> None:
    plain = "澄嵐今日發布公告。" * (LONG // 8)

    class Mild(ByWords):
        def _score(self, text: str) -> Score:
            return super()._score(text if len(text) < LONG else "公告")

    text = plain + "澄嵐客服差。" + plain
    assert scored(plain, scorer=Mild())[1].score.label is Label.NEUTRAL
    loud = scored(text, scorer=Mild())[1]
    assert (loud.score.p_negative or 0) > 0.3
    assert quoted(text, loud) == "澄嵐客服差。"


def test_sentences_that_agree_say_no_more_together() -> None:
    text = "澄嵐很差。" * 100
    assert scored(text)[1].score.p_negative == pytest.approx(0.9)


def test_a_post_without_a_score_has_none_for_its_mentions() -> None:
    unscored = Score(None, None, Label.UNSCORED)
    assert scored("澄嵐 bad 霽川 good", unscored) == {1: MentionScore(unscored), 2: MentionScore(unscored)}


def test_a_mention_without_chinese_is_unscored() -> None:
    matcher = Matcher([Rule(1, ("Chenglan",)), Rule(2, ("霽川",))])
    text = "Chenglan wow!\n\n霽川很好。"
    found = score_mentions(ByWords(), [Named(text, WHOLE, matcher.find_all(text))])[0]
    assert found[1].score == Score(WHOLE.snownlp, None, Label.UNSCORED)
    assert found[2].score.label is Label.POSITIVE


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def test_the_shipped_model_blames_the_right_brand(scorer: Scorer) -> None:
    text = "霽川的客服態度超好，推薦！澄嵐的客服三天不回，垃圾，太失望了！"
    found = score_mentions(scorer, [Named(text, scorer.score(text), MATCHER.find_all(text))])[0]
    assert found[1].score.label is Label.NEGATIVE
    assert found[2].score.label is not Label.NEGATIVE
    assert quoted(text, found[1]).startswith("澄嵐的客服")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(["澄嵐", "霽川", "很差", "不如", "好", "。", "，", "\n\n", "\ud800", "\x00", "😡", "a"]),
        max_size=30,
    )
)
def test_hostile_text_gives_a_label(scorer: Scorer, pieces: list[str]) -> None:
    text = "".join(pieces)
    spans = MATCHER.find_all(text)
    found = score_mentions(scorer, [Named(text, scorer.score(text), spans)])[0]
    assert set(found) == set(spans)
    for mention in found.values():
        p = mention.score.p_negative
        assert (p is None) == (mention.score.label is Label.UNSCORED)
        assert p is None or 0 < p < 1
        if mention.heaviest is not None:
            assert 0 <= mention.heaviest[0] < mention.heaviest[1] <= len(text)


def test_bands_are_those_of_the_scorers_own_labels(scorer: Scorer) -> None:
    for text in ("客服三天不回，垃圾", "很好，推薦", "今天開會", "有點慢"):
        score = scorer.score(text)
        assert score.p_negative is not None
        assert scorer.band(score.p_negative, score.label) is score.label


def test_farthest_is_wide_enough_for_any_band(scorer: Scorer) -> None:
    assert scorer.band(1 / (1 + 2.718281828**-FARTHEST), Label.NEUTRAL) is Label.NEGATIVE
    assert scorer.band(1 / (1 + 2.718281828**FARTHEST), Label.NEUTRAL) is Label.NEUTRAL
