from __future__ import annotations

from xml.etree import ElementTree

from reports.charts import Column, day_columns

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*columns: Column) -> ElementTree.Element:
    return ElementTree.fromstring(day_columns(columns, name="負面聲音", tone="negative"))


def bars(svg: ElementTree.Element, series: int) -> list[ElementTree.Element]:
    group = next(g for g in svg.iter(f"{SVG}g") if (g.get("class") or "").startswith(f"series serie-{series} "))
    return [g for g in group.iter(f"{SVG}g") if (g.get("class") or "").startswith("bar") and g.get("class") != "bars"]


def height(bar: ElementTree.Element) -> float:
    rect = bar.find(f"{SVG}rect")
    assert rect is not None
    return float(rect.get("height") or 0)


def test_nothing_but_shapes_and_text() -> None:
    text = day_columns([Column(3, "7", "x")], name="n", tone="total")
    assert {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(text).iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "rect",
        "title",
    }
    for refused in ("<script", "style=", "href", "<!--", "<?xml", "id=", "url("):
        assert refused not in text


def test_the_same_days_give_the_same_bytes() -> None:
    columns = [Column(3, "7", "x"), Column(9, "8", "y", marked=True)]
    assert day_columns(columns, name="n", tone="total") == day_columns(columns, name="n", tone="total")


def test_columns_are_as_high_as_their_values() -> None:
    one, two = bars(drawn(Column(4, "7", "a"), Column(8, "8", "b")), 0)
    assert abs(height(two) - 2 * height(one)) < 1e-6


def test_labels_stay_text_and_titles_name_the_day() -> None:
    svg = drawn(Column(4, "11/7", "11/7 週六 · 負面聲音 4"))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "負面聲音"
    assert "11/7" in [t.text for t in svg.iter(f"{SVG}text")]
    assert [t.text for t in svg.iter(f"{SVG}title")] == ["11/7 週六 · 負面聲音 4"]


def test_an_incident_is_marked_by_more_than_colour() -> None:
    svg = drawn(Column(4, "7", "a"), Column(0, "8", "b", marked=True))
    assert [t.text for t in svg.iter(f"{SVG}text") if "marked" in (t.get("class") or "")] == ["▲8"]


def test_what_was_not_heard_is_filled_to_the_top() -> None:
    svg = drawn(Column(10, "7", "a"), Column(4, "8", "b", heard=False), Column(0, "9", "c", heard=False))
    full = height(bars(svg, 0)[0])
    assert [round(height(b) / full, 3) for b in bars(svg, 1)] == [0.6, 1.0]


def test_a_day_of_nothing_has_no_column() -> None:
    svg = drawn(Column(0, "7", "a"), Column(5, "8", "b"))
    assert len(bars(svg, 0)) == 1
    assert bars(svg, 1) == []


def test_only_quiet_days_still_draw() -> None:
    assert bars(drawn(Column(0, "7", "a"), Column(0, "8", "b")), 0) == []


def test_no_days_no_drawing() -> None:
    assert day_columns([], name="n", tone="total") == ""


def test_titles_are_escaped() -> None:
    assert "<b>" not in day_columns([Column(1, "<b>", "<b>&")], name='"<b>', tone="total")


def test_two_charts_of_different_scales_share_their_time_axis() -> None:
    def labels(value: int) -> list[tuple[str | None, str | None]]:
        texts = drawn(Column(value, "7", "a"), Column(1, "8", "b")).iter(f"{SVG}text")
        return [(t.text, t.get("x")) for t in texts if t.get("class") == "day"]

    assert labels(9) == labels(12_000)
