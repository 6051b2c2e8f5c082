from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import Blocked, SourceError
from monitor.model import Page, Post, Query
from sources.feed import Feed, Parsed, parse
from sources.feedformats import decode
from sources.http import Http
from tests.sources.loopback import NOW, Reply, Server

DATA = Path(__file__).parents[1] / "data" / "feed"


def sample(name: str, content_type: str = "") -> Parsed:
    body = (DATA / name).read_bytes()
    return parse(body, url="https://host.example.test/f", platform="p", content_type=content_type, fetched_at=NOW)


def rss(items: str, head: str = '<?xml version="1.0"?>') -> bytes:
    return f'{head}<rss version="2.0"><channel><title>f</title>{items}</channel></rss>'.encode()


def posts(body: bytes, content_type: str = "") -> tuple[Post, ...]:
    return parse(
        body, url="https://h.example.test/dir/f.xml", platform="p", content_type=content_type, fetched_at=NOW
    ).posts


def one(item: str) -> Post:
    (post,) = posts(rss(f"<item>{item}</item>"))
    return post


def refusal(body: bytes, content_type: str = "") -> str:
    with pytest.raises(SourceError) as caught:
        posts(body, content_type)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_feed_cut_short_behind_a_declared_encoding() -> None:
    assert refusal('<?xml version="1.0" encoding="gbk"?><rss version="'.encode("gbk"))


def test_google_news() -> None:
    (post,) = sample("google_news_search_zhTW.xml").posts
    assert post.native_id == "CBMiFAKEID"
    assert post.url == "https://news.google.com/rss/articles/CBMiFAKEID?oc=5"
    assert post.text == "澄嵐氣炸鍋冒煙 消保處啟動調查 - 例報"
    assert post.published_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_bing_news_is_unwrapped() -> None:
    (post,) = sample("bing_news_search.xml").posts
    assert post.native_id == post.url == "https://news.example.test/cn/1"
    assert post.text == "澄岚电器启动召回\n澄岚电器今日宣布……"


def test_ptt_board() -> None:
    (post,) = sample("ptt_board.atom.xml").posts
    assert post.native_id == "https://www.ptt.cc/bbs/home-appliances/M.1795177200.A.3F1.html"
    assert post.author
    assert post.author.id == "chengfan"
    assert post.text == "[抱怨] 澄嵐氣炸鍋冒煙 客服叫我自己寄\n買不到一個月，昨天預熱到一半冒煙，"
    assert post.published_at == datetime(2026, 11, 20, 12, 20, tzinfo=UTC)


def test_rsshub_body_that_is_the_title_again() -> None:
    (post,) = sample("rsshub_weibo_keyword.xml").posts
    assert post.text == "小满不吃辣: 买了不到一个月就冒烟[怒]"
    assert post.author
    assert post.author.id == "小满不吃辣"


@pytest.mark.parametrize("header", ["", "text/xml", "text/xml; charset=gbk", "text/xml; charset=iso-8859-1"])
def test_gbk(header: str) -> None:
    (post,) = sample("gbk_rss.xml", header).posts
    assert post.text == "澄岚售后怎么样\n太差"
    assert post.native_id == "http://bbs.example.test/t/1"
    assert post.published_at == datetime(2026, 11, 20, 13, tzinfo=UTC)


def test_json_feed() -> None:
    (post,) = sample("jsonfeed.json").posts
    assert post.text == "澄嵐使用半年心得\n不推"
    assert post.author
    assert post.author.id == "安柏"
    assert post.published_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_truncated_sample_gives_what_is_whole() -> None:
    (post,) = sample("broken_truncated.xml").posts
    assert (post.native_id, post.text) == ("http://e.example.test/1", "澄岚")


def test_html_page_is_no_feed() -> None:
    with pytest.raises(SourceError, match=r"^host\.example\.test: an HTML page, not a feed$"):
        sample("error_503.html")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer"),
        (b" \n ", "an empty answer"),
        (b"\xef\xbb\xbf", "not a feed"),
        (b"hello", "plain text, not a feed"),
        (b"<!doctype html><p>x", "an HTML page, not a feed"),
        (b"<svg xmlns='x'><g/></svg>", "XML, not a feed"),
        (b'{"error": "quota"}', "JSON, but not a feed"),
        (b"[1, 2]", "JSON, but not a feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "JSON, but not a feed"),
        (b'{"version": "https://jsonfeed.org/ver', "JSON that cannot be read"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b'<rss version="2.0"><channel><title>half', "cut short"),
        (b'<rss version="2.0"><channel><item><ti', "cut short"),
    ],
)
def test_what_came_instead(body: bytes, words: str) -> None:
    assert words in refusal(body)


@pytest.mark.parametrize(
    "body",
    [
        rss(""),
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>f</title></feed>',
        b'<rss version="2.0"><channel/></rss>',
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "f", "items": []}',
    ],
)
def test_empty_feed_is_fine(body: bytes) -> None:
    assert posts(body) == ()


def test_truncation_loses_only_the_half_entry() -> None:
    whole = "".join(f"<item><title>帖{n}</title><guid>g{n}</guid></item>" for n in range(5))
    body = rss(whole)
    cut = body[: body.index(b"<guid>g3") + 4]
    parsed = parse(cut, url="https://h.example.test/", platform="p", fetched_at=NOW)
    assert [post.native_id for post in parsed.posts] == ["g0", "g1", "g2"]
    assert parsed.rejected == 1


def test_truncation_within_a_cdata_section() -> None:
    body = rss("<item><guid>a</guid><title>x</title></item><item><guid>b</guid><description><![CDATA[<p>half <b")
    cut = body[: body.index(b"</channel>")]
    assert [post.native_id for post in posts(cut)] == ["a"]


def test_every_cut_of_a_feed_is_an_error_or_a_prefix() -> None:
    body = (DATA / "ptt_board.atom.xml").read_bytes()
    whole = posts(body)[0]
    for end in range(1, len(body)):
        try:
            found = posts(body[:end])
        except SourceError:
            continue
        assert all(post.native_id == whole.native_id and whole.text.startswith(post.text) for post in found)


def test_rdf() -> None:
    body = """<?xml version="1.0" encoding="big5"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"/>
      <item rdf:about="http://b.example.test/1"><title>澄嵐好用</title><link>http://b.example.test/1</link>
      <dc:creator>安柏</dc:creator><dc:date>2026-11-20T21:00:00+08:00</dc:date></item></rdf:RDF>""".encode("big5")
    (post,) = posts(body)
    assert post.text == "澄嵐好用"
    assert post.author
    assert post.author.id == "安柏"
    assert post.published_at == datetime(2026, 11, 20, 13, tzinfo=UTC)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5", "utf-16"])
def test_charset_of_the_xml_declaration(charset: str) -> None:
    name = {"utf-16": "utf-16", "gb18030": "gb2312"}.get(charset, charset)
    item = "<item><title>澄嵐氣炸鍋冒煙客服態度</title></item>"
    body = rss(item, f'<?xml version="1.0" encoding="{name}"?>').decode().encode(charset)
    assert posts(body)[0].text == "澄嵐氣炸鍋冒煙客服態度"


def test_charset_of_the_header_alone() -> None:
    body = rss("<item><title>退款太慢了</title></item>", "").decode().encode("gb18030")
    assert posts(body, "application/rss+xml; charset=GB2312")[0].text == "退款太慢了"


def test_utf8_under_a_wrong_header() -> None:
    body = rss("<item><title>退款太慢了</title></item>")
    assert posts(body, "text/xml; charset=ISO-8859-1")[0].text == "退款太慢了"


def test_a_character_cut_in_two_does_not_change_the_charset() -> None:
    body = rss("<item><title>澄岚的空气炸锅用了一个月就开始冒烟客服不理</title><guid>1</guid></item>")
    broken = body.replace(b"</title><guid>", b"\xe6\xbe</title><guid>")
    assert posts(broken)[0].text.startswith("澄岚的空气炸锅用了一个月")


@pytest.mark.parametrize("name", ["zlib", "rot13", "unicode_escape", "idna", "utf-7", "no-such"])
def test_codecs_that_are_no_charsets(name: str) -> None:
    assert decode("澄嵐".encode(), f"text/xml; charset={name}") == "澄嵐"


def test_id_is_guid_then_link_then_content() -> None:
    assert one("<title>x</title><guid>7</guid><link>https://a.example.test/1</link>").native_id == "7"
    assert one(
        "<title>x</title><link>https://a.example.test/1?b=2&amp;a=1&amp;utm_source=x&amp;fbclid=9#c</link>"
    ).native_id == ("https://a.example.test/1?a=1&b=2")
    first, again = one("<title>x</title><pubDate>1</pubDate>"), one("<title>x</title><pubDate>1</pubDate>")
    other = one("<title>x</title><pubDate>2</pubDate>")
    assert first.native_id == again.native_id != other.native_id
    assert first.native_id.startswith("sha256:")
    assert len(one(f"<title>x</title><guid>{'9' * 5000}</guid>").native_id) < 50


def test_keep_query() -> None:
    item = rss("<item><title>x</title><link>https://a.example.test/1?sid=5</link></item>")
    found = parse(item, url="https://a.example.test/", platform="p", fetched_at=NOW, keep_query=False)
    assert found.posts[0].url == "https://a.example.test/1"


def test_links() -> None:
    assert one("<title>x</title><link>../t/1</link>").url == "https://h.example.test/t/1"
    assert one("<title>x</title><link>javascript:alert(1)</link>").url == ""
    assert one("<title>x</title><link>http://[::1</link>").url == ""
    assert one("<title>x</title><link>https://f.example.test/#!/t/1</link>").url == "https://f.example.test/#!/t/1"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&lt;p&gt;一&lt;br&gt;二&lt;/p&gt;&lt;p&gt;三&lt;/p&gt;", "一\n二\n三"),
        ("怒&lt;img src='x' alt='😡'&gt;了", "怒😡了"),
        ("a&lt;script&gt;alert(1)&lt;/script&gt;&lt;style&gt;p{}&lt;/style&gt;b", "ab"),
        ("&lt;b&gt;x&lt;/b&gt; &amp;amp;lt;i&amp;amp;gt; &amp;amp;amp;", "x &lt;i&gt; &amp;"),
        ("line one\nline two", "line one\nline two"),
        ("&lt;b&gt;one\n two&lt;/b&gt;", "one two"),
        ("<![CDATA[<ul><li>一<li>二</ul>]]>", "一\n二"),
        ("3 &lt; 5 &amp;amp; 7", "3 < 5 & 7"),
    ],
)
def test_text_as_a_person_saw_it(written: str, text: str) -> None:
    assert one(f"<description>{written}</description>").text == text


def test_body_that_starts_with_the_title_is_taken_alone() -> None:
    assert one("<title>今天買的...</title><description>今天買的氣炸鍋冒煙</description>").text == "今天買的氣炸鍋冒煙"
    assert one("<title>買了</title><description>氣炸鍋</description>").text == "買了\n氣炸鍋"


@pytest.mark.parametrize(
    ("dates", "moment"),
    [
        ("<pubDate>Fri, 20 Nov 2026 21:00:00</pubDate>", datetime(2026, 11, 20, 21, tzinfo=UTC)),
        ("<pubDate>2026/11/20 21:00</pubDate>", datetime(2026, 11, 20, 21, tzinfo=UTC)),
        ("<pubDate>2026-11-20 21:00:00</pubDate>", datetime(2026, 11, 20, 21, tzinfo=UTC)),
        ("<pubDate>20 minutes ago</pubDate>", None),
        ("<pubDate>11-20 21:00</pubDate>", None),
        ("<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>", None),
        ("<pubDate>2099-01-01</pubDate>", None),
        ("<pubDate>Fri, 32 Nov 2026 21:00:00 GMT</pubDate>", None),
        ("", None),
        ("<pubDate/>", None),
    ],
)
def test_dates(dates: str, moment: datetime | None) -> None:
    assert one(f"<title>x</title>{dates}").published_at == moment


def test_updated_stands_in_for_published() -> None:
    body = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>x</title>'
        b"<updated>2026-11-20T21:15:33+08:00</updated></entry></feed>"
    )
    assert posts(body)[0].published_at == datetime(2026, 11, 20, 13, 15, 33, tzinfo=UTC)


def test_entry_without_text_is_counted() -> None:
    parsed = parse(
        rss("<item><guid>1</guid></item><item><title>x</title></item>"), url="u", platform="p", fetched_at=NOW
    )
    assert (len(parsed.posts), parsed.rejected) == (1, 1)


def test_json_feed_with_nulls_and_numbers() -> None:
    items = [
        {"id": 7, "content_text": "a\nb", "author": {"name": "安柏"}, "date_published": None, "tags": None},
        {"id": None, "url": None, "title": "\ud83d 半個", "authors": None},
        None,
        "x",
        {"id": {}, "title": ["no"]},
    ]
    body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()
    parsed = parse(body, url="https://h.example.test/", platform="p", fetched_at=NOW)
    assert [post.native_id[:3] for post in parsed.posts] == ["7", "sha"]
    assert parsed.posts[0].text == "a\nb"
    assert parsed.posts[1].text == "\ufffd 半個"
    assert parsed.rejected == 3


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;&b;&b;">]>',
    ],
)
def test_parser_opens_nothing(doctype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise RuntimeError("opened")

    monkeypatch.setattr("builtins.open", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    found = posts(rss("<item><title>t &x;</title></item>", f'<?xml version="1.0"?>{doctype}'))
    assert "root:" not in found[0].text


def pages(feed: Feed, *terms: str, cursor: dict[str, object] | None = None) -> list[Page]:
    return list(feed.fetch(Query(terms or ("澄嵐",), NOW), cursor or {}))


def test_fetch_keeps_marks_and_asks_with_them(server: Server, http: Http) -> None:
    feed = Feed("news", http, server.url("/f.xml"))
    server.routes["/f.xml"] = Reply(200, rss("<item><title>澄嵐</title><guid>1</guid></item>"), {"ETag": '"v1"'})
    (page,) = pages(feed)
    assert page.posts[0].platform == "127.0.0.1"
    assert not page.exhausted
    assert not page.unchanged
    assert json.loads(json.dumps(page.cursor)) == page.cursor
    server.routes["/f.xml"] = Reply(304)
    (page,) = pages(feed, cursor=dict(page.cursor))
    assert (page.posts, page.unchanged) == ((), True)
    assert server.seen[1][1]["if-none-match"] == '"v1"'
    (page,) = pages(feed, cursor=dict(page.cursor))
    assert server.seen[2][1]["if-none-match"] == '"v1"'


def test_fetch_asks_once_for_each_term(server: Server, http: Http) -> None:
    feed = Feed("news", http, server.url("/s?q={query}&hl=zh-TW"), platform="news")
    server.routes["/s"] = Reply(200, rss(""), {"ETag": "x"})
    found = pages(feed, "澄嵐", "A&B c", "澄嵐")
    assert [path for path, _ in server.seen] == ["/s?q=%E6%BE%84%E5%B5%90&hl=zh-TW", "/s?q=A%26B%20c&hl=zh-TW"]
    assert [page.exhausted for page in found] == [True, True]
    assert len(found[0].cursor) == 1
    assert len(found[1].cursor) == 2
    (page,) = pages(feed, "澄嵐", cursor=dict(found[1].cursor))
    assert len(page.cursor) == 1, "marks of terms that are no longer asked for are dropped"


def test_one_failing_term_does_not_silence_the_others(server: Server, http: Http) -> None:
    feed = Feed("news", http, server.url("/{query}"))
    server.routes["/b"] = Reply(200, rss("<item><title>b</title></item>"))
    run = feed.fetch(Query(("a", "b", "c"), NOW), {})
    found = [next(run)]
    with pytest.raises(SourceError, match="HTTP 404"):
        next(run)
    assert [post.text for page in found for post in page.posts] == ["b"]


def test_a_refusal_ends_the_run(server: Server, http: Http) -> None:
    feed = Feed("news", http, server.url("/{query}"))
    server.routes["/a"] = Reply(403)
    with pytest.raises(Blocked):
        pages(feed, "a", "b")
    assert len(server.seen) == 1


def test_a_cursor_of_another_shape_is_no_obstacle(server: Server, http: Http) -> None:
    feed = Feed("news", http, server.url("/f.xml"))
    server.routes["/f.xml"] = Reply(200, rss(""), {"ETag": '"v1"'})
    (page,) = pages(feed)
    broken = dict.fromkeys(page.cursor, "text")
    assert pages(feed, cursor=dict(broken))[0].exhausted


def test_replies_of_an_atom_feed_know_their_thread() -> None:
    """RFC 4685: a reply names what it answers; the start of the thread is found as far up as the answer tells."""

    def entry(own: str, answers: str = "") -> str:
        ref = f'<thr:in-reply-to ref="{answers}"/>' if answers else ""
        return f"<entry><id>{own}</id><title>t{own}</title><updated>2026-11-20T09:00:00Z</updated>{ref}</entry>"

    entries = [entry("c", "b"), entry("b", "a"), entry("a"), entry("x", "gone"), entry("l1", "l2"), entry("l2", "l1")]
    head = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">'
    posts = parse(
        (head + "".join(entries) + "</feed>").encode(),
        url="https://forum.example.test/a",
        platform="forum",
        fetched_at=NOW,
    ).posts
    found = {p.native_id: (p.kind, p.parent, p.root) for p in posts}
    assert found["a"] == ("post", "", "")
    assert found["b"] == ("comment", "a", "a")
    assert found["c"] == ("comment", "b", "a")
    assert found["x"] == ("comment", "gone", "gone")
    assert {found["l1"][1], found["l2"][1]} == {"l1", "l2"}  # a loop ends


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (rss("<item/>" * 300_000), "larger than any feed"),
        (rss(f"<item><title>{'x' * 5_000_000}</title></item>"), "larger than any feed"),
        (rss("<item " + " ".join(f'a{n}="1"' for n in range(501)) + "/>"), "a tag with more attributes"),
    ],
)
def test_a_feed_that_would_keep_the_parser_busy_for_minutes_is_refused(body: bytes, words: str) -> None:
    """feedparser took the square of a tag's attributes in time: 200 kB of them 4 s, 20 MB half a day."""
    assert words in refusal(body)


def test_of_a_text_nested_too_deep_only_the_tags_are_taken_out() -> None:
    """The HTML parser took the square of the depth: 200 kB of it 2.5 s, and an answer may hold a hundred of them."""
    inner = "&lt;div title=&quot;&amp;lt;&quot;&gt;" * 2000
    assert one(
        f"<item><guid>1</guid><description>{inner}澄嵐&lt;br&gt;冒煙 &amp;amp; 退款</description></item>"
    ).text == ("澄嵐\n冒煙 & 退款")
