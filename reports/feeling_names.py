"""What kinds of signals and themes are called in each language. A theme of the user's own keeps his name for it."""

from __future__ import annotations

from monitor.model import Feeling
from reports.language import Language


def feeling_name(kind: Feeling, words: Language) -> str:
    """A kind of signal, as a heading."""
    return {
        Feeling.COMPLAINT: words.gettext("Complaints"),
        Feeling.DISAPPOINTMENT: words.gettext("Disappointment"),
        Feeling.LEAVING: words.gettext("Want to leave"),
        Feeling.TELLING: words.gettext("Warn others"),
        Feeling.EXIT: words.gettext("Left in silence"),
        Feeling.WISH: words.gettext("Wishes"),
        Feeling.PRAISE: words.gettext("Praise"),
        Feeling.MOVED: words.gettext("Surprised and moved"),
    }[kind]


def theme_name(theme: str, words: Language) -> str:
    """A theme of complaints, what is praised, or ``rival``; a theme of the user's own as he wrote it."""
    named = {
        "service": words.gettext("Attitude of staff"),
        "waiting": words.gettext("Waiting and queues"),
        "runaround": words.gettext("Sent from one to another"),
        "refund": words.gettext("Refunds and fees"),
        "quality": words.gettext("Quality"),
        "safety": words.gettext("Safety"),
        "delivery": words.gettext("Delivery"),
        "stock": words.gettext("Out of stock"),
        "app": words.gettext("App and connection"),
        "price": words.gettext("Price"),
        "promise": words.gettext("False promises"),
        "hygiene": words.gettext("Hygiene"),
        "privacy": words.gettext("Privacy"),
        "staff": words.gettext("Staff"),
        "product": words.gettext("Product"),
        "rival": words.gettext("A rival has it"),
    }
    return named.get(theme, theme)
