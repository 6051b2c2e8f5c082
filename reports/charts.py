"""The digest's chart: one column per day as inline SVG, drawn by pygal.

pygal lays out scales and columns without a browser and without fonts on the server: labels stay text in the SVG and
are drawn in the reader's own fonts. Its script, style sheet, tooltips and timestamp are taken out, so the page keeps
a policy without inline scripts or styles, the same facts give the same bytes, and the page's own style sheet
(``templates/page.css``) colours the columns in light and dark.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pygal

sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]
"""pygal leaves a hook for its plugins that Python 3.11 warns about at every later import; we use no plugin."""

WIDTH, HEIGHT = 680, 170


@dataclass(frozen=True, slots=True)
class Column:
    """One day. ``title`` is what a pointer or a screen reader says of it; ``heard``: enough to be compared."""

    value: int
    label: str
    title: str
    marked: bool = False
    heard: bool = True


def day_columns(columns: Sequence[Column], *, name: str, tone: str) -> str:
    """The columns as an ``<svg>`` of class ``chart`` and ``tone``.

    A day that was not heard well enough shows what was heard as usual and is hatched from there to the top: there
    was at least this much. ``marked`` days carry a triangle. ``name`` is the accessible name. Without columns there
    is no drawing.
    """
    if not columns:
        return ""
    top = max([c.value for c in columns] + [4])
    chart = pygal.StackedBar(
        width=WIDTH,
        height=HEIGHT,
        margin_top=22,
        margin_right=4,
        margin_left=2,
        margin_bottom=12,
        range=(0, top),
        min_scale=2,
        max_scale=4,
        show_legend=False,
        js=[],
        no_prefix=True,
        disable_xml_declaration=True,
        classes=["chart", tone],
        value_formatter=_scale_label,
    )
    chart.x_labels = [c.label for c in columns]
    chart.add(None, [c.value for c in columns])
    chart.add(None, [0 if c.heard else top - c.value for c in columns])
    chart.add_xml_filter(lambda root: _bare(root, columns, name))
    return str(chart.render(is_unicode=True))


def _scale_label(value: float) -> str:
    """Filled to one width with figure spaces, so that two charts of different scales share their time axis
    and larger letters on a phone still fit."""
    return f"{value:.0f}".rjust(8, "\u2007")


def _bare(root: Any, columns: Sequence[Column], name: str) -> Any:
    """The drawing alone, with our names on it: no script, style sheet, tooltip, comment or id of pygal's."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag in _NOT_DRAWN or child.get("class") in _OVERLAYS:
                parent.remove(child)
        parent.attrib.pop("style", None)
    del root.attrib["id"]
    root.set("role", "img")
    root.set("aria-label", name)
    for series in root.iter("g"):
        if series.get("class") == "bars":
            _name_bars(series, columns)
    _mark_days(root, columns)
    return root


_NOT_DRAWN = ("defs", "title", "desc")
_OVERLAYS = ("plot overlay", "plot text-overlay", "plot tooltip-overlay", "titles", "background")


def _name_bars(bars: Any, columns: Sequence[Column]) -> None:
    for bar, column in zip(list(bars), columns, strict=True):
        if bar.find("rect").get("height") in ("0", "0.0"):
            bars.remove(bar)
            continue
        bar.set("class", "bar marked" if column.marked else "bar")
        title = bar.makeelement("title", {})
        title.text = column.title
        bar.append(title)


def _mark_days(root: Any, columns: Sequence[Column]) -> None:
    """A triangle before the label of each marked day, where no column can hide it."""
    axis = next(g for g in root.iter("g") if g.get("class") == "axis x")
    labels = [guide.find("text") for guide in axis if guide.tag == "g"]
    for label, column in zip(labels, columns, strict=True):
        label.set("class", "day marked" if column.marked else "day")
        if column.marked:
            label.text = f"▲{column.label}"
