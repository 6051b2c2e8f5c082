"""Posts that each source's parser reads in a second, from the recorded answers of its platform.

    python -m tests.bench.parsers [--seconds 0.5]

The recorded answers are short; feeds and JSON are filled to fifty entries by repeating theirs. ``posts`` and ``bytes``
are of one answer of each kind. ``of_json``: the time in which ``json.loads`` reads the same bytes, as a share; only
where they are JSON. CPU time of one process, median of five. Prints one JSON object a parser.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from monitor.model import Post
from sources import feed
from tests.sources.loopback import NOW
from tests.sources.recorded import DATA
from tests.sources.test_parsers_fuzz import CASES

FEEDS = ("google_news_search_zhTW.xml", "bing_news_search.xml", "ptt_board.atom.xml", "rsshub_weibo_keyword.xml",
         "gbk_rss.xml", "jsonfeed.json")  # fmt: skip
ROUNDS, ENTRIES = 5, 50

Read = Callable[[bytes], Iterable[Post]]


def read_feed(body: bytes) -> Iterable[Post]:
    return feed.parse(body, url="https://h.example.test/f", platform="p", fetched_at=NOW).posts


def parsers() -> dict[str, tuple[list[bytes], Read]]:
    found: dict[str, tuple[list[bytes], Read]] = {
        f"feed {name}": ([filled((DATA / "feed" / name).read_bytes())], read_feed) for name in FEEDS
    }
    for name, case in CASES.items():
        named = [sample for sample in case.samples if "error" not in sample and "18" not in sample]
        answers = [filled((DATA / sample).read_bytes()) for sample in named]
        if not case.quiet:
            found[name] = (answers, case.read)
    return found


def filled(body: bytes) -> bytes:
    """The same answer with ``ENTRIES`` entries."""
    if body.lstrip()[:1] in (b"{", b"["):
        tree = json.loads(body)
        longest = max(_lists(tree), key=lambda entries: len(json.dumps(entries)), default=[])
        longest[:] = longest and [_numbered(longest[n % len(longest)], n) for n in range(ENTRIES)]
        return json.dumps(tree, ensure_ascii=False).encode()
    entries = re.findall(rb"(?s)<(?:item|entry)\b.*?</(?:item|entry)>", body)
    return body.replace(entries[-1], entries[-1] * (ENTRIES // len(entries)), 1) if entries else body


def _numbered(entry: Any, nth: int) -> Any:
    """An entry under another id: some parsers take the same one twice for one."""
    change = re.compile(r'("(?:id|mid)": "?)([0-9]{6,})')
    return json.loads(change.sub(lambda found: f"{found[1]}{int(found[2]) + 1000 * nth}", json.dumps(entry)))


def _lists(tree: Any) -> Iterator[list[Any]]:
    """The lists of tables in a tree, without those within their items."""
    if isinstance(tree, list) and tree and isinstance(tree[0], dict):
        yield tree
    elif isinstance(tree, dict):
        for inner in tree.values():
            yield from _lists(inner)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    each = parser.parse_args().seconds
    for name, (answers, read) in parsers().items():
        posts = sum(len(list(read(answer))) for answer in answers)
        if not posts:
            continue  # lists of what is to be read, not posts
        size = sum(map(len, answers))
        ours = spent(lambda: [list(read(answer)) for answer in answers], each)  # noqa: B023
        line = {
            "parser": name, "posts_per_second": round(posts / ours),
            "megabytes_per_second": round(size / ours / 1e6, 1), "posts": posts, "bytes": size,
        }  # fmt: skip
        if all(answer.lstrip()[:1] in (b"{", b"[") for answer in answers):
            line["of_json"] = round(spent(lambda: [json.loads(answer) for answer in answers], each / 5) / ours, 2)  # noqa: B023
        print(json.dumps(line), flush=True)


def spent(work: Callable[[], object], seconds: float) -> float:
    """CPU seconds of one call."""
    work()
    begun = time.process_time()
    work()
    calls = max(1, int(seconds / ROUNDS / max(time.process_time() - begun, 1e-6)))
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(calls):
            work()
        rounds.append((time.process_time() - begun) / calls)
    return statistics.median(rounds)


if __name__ == "__main__":
    main()
