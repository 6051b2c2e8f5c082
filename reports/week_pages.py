"""The weekly roll-up as a page and as a mail."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from monitor.model import Week
from reports.charts import Column, day_columns
from reports.incident_view import NO_PAGES
from reports.language import Language, language
from reports.render import Rendered, mail_of, page_of
from reports.safe import http_url, inert, line
from reports.week_view import WeekView, week_view


def week_page(week: Week, code: str, *, archived: bool = False, pages: Mapping[int, str] = NO_PAGES) -> str:
    """``archived``: it stands beside the archive's index and links it. ``pages`` as in ``digest_page``."""
    words = language(code)
    view = week_view(week, words, pages)
    return page_of(
        code, "week.html", ("page.css", "week.css"), view=view, charts=_charts(view, words), archived=archived
    )


def week_mail(week: Week, code: str, archive_name: str, pages: Mapping[int, str] = NO_PAGES) -> Rendered:
    """``archive_name`` says where its page lies: a link if it is http(s), else a file name."""
    view = week_view(week, language(code), pages)
    archive = {"url": http_url(archive_name), "name": line(archive_name, 300)}
    return mail_of(code, "week_mail", view.subject, view=view, archive=archive)


def told(week: Week, code: str) -> str:
    """What the archive's feed says of a week."""
    words = language(code)
    view = week_view(week, words)
    return inert(words.sentences(*view.notes, view.sentence, view.heard))


def _charts(view: WeekView, words: Language) -> list[tuple[str, Markup]]:
    """Seven columns of negative voices, and seven of all mentions below them."""
    voices, mentions = words.gettext("Negative voices"), words.gettext("Mentions")
    return [
        (voices, _chart(view, voices, "negative_voices", "negative")),
        (mentions, _chart(view, mentions, "mentions", "total")),
    ]


def _chart(view: WeekView, name: str, measure: str, tone: str) -> Markup:
    columns = [
        Column(
            getattr(day, measure), day.tick,
            " · ".join(filter(None, (day.date, f"{name} {getattr(day, measure)}", day.note))), day.incident, day.heard,
        )
        for day in view.days
    ]  # fmt: skip
    return Markup(day_columns(columns, name=name, tone=tone))
