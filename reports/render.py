"""From facts to what people open: the archived digest page, and the digest, alert and ops mails.

Every ``{{ }}`` of a template passes ``inert`` (reports/safe.py) and, in HTML, Jinja2's autoescape. The page is one
file without script; its policy allows no network at all and only the one style sheet, by its hash, so even markup
that slipped through could load, run or restyle nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from monitor.model import CHART_DAYS, AlertFacts, AnswerFacts, BlindFacts, Digest, OpsFacts
from reports.alert_view import OpsView, alert_view, ops_view
from reports.answer_view import answer_view
from reports.charts import Column, day_columns
from reports.citing import linked
from reports.days_view import Day
from reports.digest_view import DigestView, digest_view
from reports.incident_view import NAME_LENGTH, NO_PAGES
from reports.language import Language, language
from reports.safe import http_url, inert, line, subject
from reports.shortening import CUTS, ROOM, shortened
from reports.source_view import blind_view

TOLD_LATE = "<!--told late-->"
"""Where an alert's HTML takes that line. A post cannot bring one: its angle brackets are escaped."""

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message: a subject of one line, a text part that reads well alone, and an HTML part."""

    subject: str
    text: str
    html: str


def digest_page(
    digest: Digest, code: str, explore: str = "", *, archived: bool = False, pages: Mapping[int, str] = NO_PAGES
) -> str:
    """The archived page of a brand-day in the language ``code``: one HTML file, for screen, phone and print.

    ``explore`` is the address of the database in Datasette, where one is served: each proof then links to its result.
    ``archived``: it stands beside the archive's index and links it. ``pages``: incident -> the address of its own page.
    """
    words = language(code)
    view = digest_view(digest, words, explore, pages)
    css = _template_text("page.css")
    return (
        _environment(code)
        .get_template("digest.html")
        .render(
            view=view,
            charts=_charts(view, words),
            css=Markup(css),
            policy=_policy(css),
            archived=archived,
        )
    )


def digest_mail(digest: Digest, code: str, archive_name: str, pages: Mapping[int, str] = NO_PAGES) -> Rendered:
    """The digest as a mail, with fewer quotes where all of them would be clipped. ``archive_name`` says where its page
    lies: a link if it is http(s), else a file name."""
    for cut in CUTS:
        view = digest_view(shortened(digest, cut), language(code), pages=pages if cut.pages else NO_PAGES)
        rendered = _digest_mail(view, code, archive_name, whole=cut is CUTS[0])
        if len(rendered.html.encode()) <= ROOM:
            break
    return rendered


def _digest_mail(view: DigestView, code: str, archive_name: str, *, whole: bool) -> Rendered:
    archive = {"url": http_url(archive_name), "name": line(archive_name, 300)}
    return _mail(code, "digest_mail", view.subject, view=view, archive=archive, whole=whole)


def alert_mail(facts: AlertFacts, code: str) -> Rendered:
    """One mail of an incident's thread. The subject depends only on brand, id and ``subject_size``."""
    view = alert_view(facts, language(code))
    return _mail(code, "alert", view.subject, view=view)


def told_late(rendered: Rendered, replaces: int, since: datetime, at: datetime, zone: str, code: str) -> Rendered:
    """An alert that could not be delivered ``since``, with a line that says so below its first one, and for how many
    earlier mails it stands. ``at``: now."""
    words = language(code)
    start = words.moment(since, zone, at.astimezone(ZoneInfo(zone)).date())
    note = words.ngettext(
        "This mail stands for %(n)s earlier one: no mail could be delivered since %(start)s.",
        "This mail stands for %(n)s earlier ones: no mail could be delivered since %(start)s.", replaces, start=start,
    ) if replaces else words.gettext(
        "This mail was written at %(start)s and could not be delivered before.", start=start
    )  # fmt: skip
    lead, _, rest = rendered.text.partition("\n")
    row = _environment(code).get_template("_late.html").render(note=note)
    return replace(rendered, text=f"{lead}\n{note}\n{rest}", html=rendered.html.replace(TOLD_LATE, row, 1))


def incident_page(facts: AlertFacts, code: str) -> str:
    """An incident as it stands, as one HTML file. Whoever opens it may not act: it bears no address for answers."""
    view = alert_view(replace(facts, reply_to="", page=""), language(code))
    css = _template_text("page.css")
    return _environment(code).get_template("incident.html").render(view=view, css=Markup(css), policy=_policy(css))


def ops_mail(facts: OpsFacts, code: str) -> Rendered:
    """What the operator must know of a failed source or stage."""
    view = ops_view(facts, language(code))
    return _mail(code, "ops", view.subject, view=view)


def blind_mail(facts: BlindFacts, code: str) -> Rendered:
    """What the operator must know of a source that does not hear, or hears again."""
    view = blind_view(facts, language(code))
    return _mail(code, "ops", view.subject, view=view)


def answer_mail(facts: AnswerFacts, code: str) -> Rendered:
    """What somebody is told who answered an alert."""
    view = answer_view(facts, language(code))
    return _mail(code, "ops", view.subject, view=view)


def check_mail(code: str, version: str) -> Rendered:
    """What ``qianli check --send-test`` sends: that it came is all it says."""
    words = language(code)
    lead = words.gettext("Mail from Qianli reaches you")
    effect = words.gettext("This is a test. Alerts and digests will come from the same sender.")
    view = OpsView(lead, lead, effect, ((words.gettext("Version"), line(version, NAME_LENGTH)),))
    return _mail(code, "ops", view.subject, view=view)


def page_of(code: str, name: str, sheets: Sequence[str], **context: object) -> str:
    """A page of the template ``name`` with these style sheets."""
    css = "".join(_template_text(sheet) for sheet in sheets)
    return _environment(code).get_template(name).render(css=Markup(css), policy=_policy(css), **context)


def mail_of(code: str, name: str, title: str, **context: object) -> Rendered:
    """A mail of the templates ``name.html`` and ``name.txt``."""
    return _mail(code, name, title, **context)


def _mail(code: str, name: str, title: str, **context: object) -> Rendered:
    environment = _environment(code)
    html = environment.get_template(f"{name}.html").render(css=Markup(_template_text("mail.css")), **context)
    text = environment.get_template(f"{name}.txt").render(**context)
    return Rendered(subject(title), _tidy(text), _inline(html))


def _inline(html: str) -> str:
    """CSS as attributes, for readers that drop style sheets; the media rules for dark screens stay in one."""
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True).inline(html)


def _tidy(text: str) -> str:
    """No trailing blanks, at most one empty line in a row."""
    lines = [part.rstrip() for part in text.strip().split("\n")]
    kept = [part for i, part in enumerate(lines) if part or lines[i - 1]]
    return "\n".join(kept) + "\n"


def _charts(view: DigestView, words: Language) -> tuple[tuple[str, Markup], ...]:
    """Title and drawing: negative voices, then all mentions, each on its own scale: few must show beside many."""
    voices, mentions = words.gettext("Negative voices"), words.gettext("Mentions")
    return (
        (voices, _chart(view.days, [d.negative_voices for d in view.days], voices, "negative")),
        (mentions, _chart(view.days, [d.mentions for d in view.days], mentions, "total")),
    )


def _chart(days: tuple[Day, ...], values: list[int], name: str, tone: str) -> Markup:
    columns = [
        Column(
            value, day.tick, " · ".join(filter(None, (day.date, f"{name} {value}", day.note))), day.incident, day.heard
        )
        for day, value in zip(days, values, strict=True)
    ]
    not_watched = [Column(0, "", "")] * (CHART_DAYS - len(columns)) if columns else []
    return Markup(day_columns([*not_watched, *columns], name=name, tone=tone))


@lru_cache
def _environment(code: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = language(code)
    environment.install_gettext_callables(words.catalogue.gettext, words.catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["lang"] = words.code
    environment.filters["width"] = _width
    environment.filters["linked"] = linked
    return environment


def _harmless(value: object) -> object:
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _width(share: float) -> str:
    """A bar's length for a share of 0..1; what exists is at least one percent long."""
    return f"{max(1, round(100 * share)) if share > 0 else 0}%"


@lru_cache
def _template_text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(css: str) -> str:
    """No network at all, and only this style sheet."""
    return f"default-src 'none'; style-src 'sha256-{_digest_of(css)}'; base-uri 'none'; form-action 'none'"


def _digest_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
