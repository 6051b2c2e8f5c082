"""What the keys of signals are called: kinds of feeling, themes of complaint and praise."""

from __future__ import annotations

from monitor.model import Feeling
from reports.language import Language
from reports.safe import line

THEME_LENGTH = 30


def theme_word(theme: str, words: Language) -> str:
    """A theme of the shipped lexicon in the reader's language; one of the user's own as he named it."""
    return {
        "": words.gettext("other"),
        "app": words.gettext("app and website"),
        "delivery": words.gettext("delivery"),
        "hygiene": words.gettext("cleanliness"),
        "price": words.gettext("price"),
        "privacy": words.gettext("privacy"),
        "product": words.gettext("the product itself"),
        "promise": words.gettext("promises and advertising"),
        "quality": words.gettext("quality"),
        "refund": words.gettext("refunds"),
        "runaround": words.gettext("sent from one to another"),
        "rival": words.gettext("what others have"),
        "safety": words.gettext("safety"),
        "service": words.gettext("service"),
        "staff": words.gettext("staff"),
        "stock": words.gettext("availability"),
        "taste": words.gettext("taste"),
        "waiting": words.gettext("waiting"),
    }.get(theme, line(theme, THEME_LENGTH))


def feeling_word(kind: Feeling, words: Language) -> str:
    return {
        Feeling.COMPLAINT: words.gettext("Complaints"),
        Feeling.DISAPPOINTMENT: words.gettext("Disappointed, though polite"),
        Feeling.LEAVING: words.gettext("Will not come back"),
        Feeling.TELLING: words.gettext("Warns others off"),
        Feeling.EXIT: words.gettext("Left without a reproach"),
        Feeling.WISH: words.gettext("Wishes nobody met"),
        Feeling.PRAISE: words.gettext("Praise"),
        Feeling.MOVED: words.gettext("Moved beyond what they expected"),
    }[kind]
