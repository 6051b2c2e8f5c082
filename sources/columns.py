"""Which column of an imported file holds what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from monitor.errors import InputError, UsageError, nearest, one_line, shown

Plan = Mapping[str, tuple[tuple[str, ...], ...]]
"""For each field its places in the order in which they are tried; a place is one column, or several to be joined."""

# The words of exports and surveys for each field, as ``_plain`` writes them. The first that a file has is taken.
# A bare 来源/來源 is no platform: survey tools mean the channel by it; neither is 序号 an id: every file begins at 1.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "postid", "nativeid", "docid", "mid", "msgid", "tid", "uuid", "帖子id", "文章id", "貼文id", "微博id",
           "評論id", "评论id", "內容id", "内容id"),
    "text": ("text", "content", "body", "fulltext", "message", "comment", "review", "內容", "内容", "正文", "全文",
             "內文", "文本", "貼文內容", "贴文内容", "發文內容", "发文内容", "帖子内容", "微博正文", "微博内容",
             "文章內容", "文章内容", "評論內容", "评论内容", "留言內容", "留言内容", "留言", "評論", "评论", "反馈内容",
             "回饋內容", "摘要"),
    "published_at": ("publishedat", "published", "createdat", "created", "pubdate", "publishtime", "posttime",
                     "posttimestamp", "timestamp", "datetime", "time", "date", "submittedat", "發文時間", "发文时间",
                     "發布時間", "发布时间", "發佈時間", "發表時間", "发表时间", "貼文時間", "评论时间", "評論時間",
                     "留言時間", "創建時間", "创建时间", "填答時間", "填答时间", "提交答卷时间", "提交答卷時間",
                     "提交时间", "提交時間", "時間戳記", "时间戳记", "时间戳", "發文日期", "发布日期", "時間", "时间",
                     "日期"),
    "source": ("source", "platform", "site", "media", "平台", "平臺", "来源平台", "來源平台", "發文平台", "发布平台",
               "媒体平台", "站点", "網站", "网站"),
    "author": ("author", "authorid", "userid", "username", "user", "screenname", "nickname", "authorname", "作者",
               "作者id", "發文者", "发布者", "發文人", "发帖人", "用户", "用户id", "用戶", "使用者", "暱稱", "昵称",
               "用户名", "用户昵称", "博主"),
    "url": ("url", "link", "permalink", "href", "連結", "链接", "網址", "网址", "原文链接", "原文連結", "文章連結",
            "原文地址"),
    "likes": ("likes", "like", "likecount", "likescount", "favorites", "upvotes", "讚", "赞", "按讚數", "讚數", "点赞",
              "点赞数", "點讚數", "赞数", "喜歡數"),
    "reposts": ("reposts", "repostcount", "repostscount", "shares", "sharecount", "retweets", "转发", "转发数", "轉發",
                "轉發數", "分享數", "分享数", "转发量"),
    "comments": ("comments", "commentcount", "commentscount", "replies", "replycount", "评论数", "評論數", "留言數",
                 "回應數", "评论量", "回复数", "回覆數"),
    "followers": ("followers", "followercount", "followerscount", "fans", "粉丝", "粉絲", "粉丝数", "粉絲數", "粉丝量"),
    "parent": ("parent", "parentid", "replyto", "inreplyto", "父id", "父评论id", "上級id"),
    "thread": ("thread", "threadid", "root", "rootid", "topicid", "conversationid", "主題id", "主题id", "根评论id"),
    "page": ("page", "pageid", "articleid", "videoid"),
    "kind": ("kind", "posttype", "類型", "类型", "内容类型", "內容類型"),
}  # fmt: skip
_TITLES = ("title", "subject", "headline", "標題", "标题", "主旨", "文章標題", "文章标题")
_OPEN_ANSWERS = (
    "意见建议", "意見建議", "意见与建议", "意見與建議", "意见和建议", "意見和建議", "意见", "意見", "建议", "建議",
    "其他建议", "其他建議", "其他意见", "其他意見", "您的建议", "您的建議", "您的意见", "您的意見", "改进建议",
    "改進建議", "需要改进的地方", "需要改進的地方", "最满意的地方", "最滿意的地方", "不满意的地方", "不滿意的地方",
    "反馈", "回饋", "心得", "評語", "评语", "补充说明", "補充說明", "想說的話", "想说的话", "feedback", "suggestions",
)  # fmt: skip
"""Questions of a survey that are answered in one's own words: all that a file has are joined into the text."""


def plan(columns: tuple[str, ...], mapping: Mapping[str, str], path: Path) -> Plan:
    """Where each field stands: where ``mapping`` says, else where the columns' names say.

    Raises UsageError for a field or column of ``mapping`` that does not exist, InputError when no column can be taken
    for the text.
    """
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    plain = {_plain(column): column for column in reversed(columns)}
    for field, names in SYNONYMS.items():
        places = tuple((plain[name],) for name in names if name in plain)
        if places:
            found[field] = places
    found["text"] = _text_places(found.get("text", ()), plain, columns)
    for field, written in mapping.items():
        if field not in SYNONYMS:
            raise UsageError(f"--map {one_line(field)}=...: unknown field{nearest(field, SYNONYMS)}")
        found[field] = (_written_columns(field, written, columns),) if written else ()
    if not found["text"]:
        raise InputError(
            f"{path}: no column is known to hold the text; it has {_listed(columns)}: "
            f"name one (or several) with --map text={one_line(columns[-1])}"
        )
    return {field: places for field, places in found.items() if places}


def _text_places(
    bodies: tuple[tuple[str, ...], ...], plain: Mapping[str, str], columns: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    titles = tuple(plain[name] for name in _TITLES if name in plain)[:1]
    if bodies or titles:
        return (*((*titles, *body) for body in bodies), *((titles,) if titles else ()))
    answers = tuple(column for column in columns if _plain(column) in _OPEN_ANSWERS)
    return (answers,) if answers else ()


def _written_columns(field: str, written: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of ``--map field=colA+colB``; a dotted name leads into the objects of a JSON row."""
    names = (written,) if written in columns else tuple(name.strip() for name in written.split("+"))
    for name in names:
        if name not in columns and name.partition(".")[0] not in columns:
            guess = nearest(name, columns) or f"; the file has {_listed(columns)}"
            raise UsageError(f"--map {field}={one_line(written)}: no column {shown(name)}{guess}")
    return names


def _plain(name: str) -> str:
    """A column's name without case, numbering (``2、``), spaces, marks and what stands in brackets."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"^\s*q?\d+\s*[、.:)]\s*", "", text)
    text = re.sub(r"[(\[【][^()\[\]【】]*[)\]】]", "", text)
    return "".join(c for c in text if c.isalnum())


def _listed(columns: tuple[str, ...], limit: int = 12) -> str:
    names = ", ".join(shown(column) for column in columns[:limit])
    return names + (f" and {len(columns) - limit} more" if len(columns) > limit else "")
