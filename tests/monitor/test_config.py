"""config.toml: every mistake gives one line that names file, key and remedy."""

from __future__ import annotations

import tomllib
from datetime import time, timedelta
from pathlib import Path

import pytest

from monitor.config import Config, load, parse
from monitor.errors import ConfigError

BRAND = '[[brands]]\nname = "澄嵐"\nterms = ["澄嵐"]\n'
CONTACT = '[network]\ncontact = "ops@example.test"\n'
FEED = '[[sources]]\nname = "news"\ntype = "feed"\nurl = "https://example.test/rss"\n'


def read(text: str) -> Config:
    return parse(tomllib.loads(text), "config.toml", Path())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.toml: no brand to watch; add a [[brands]] table with name and terms"),
        ("brandz = 1\n" + BRAND, 'config.toml: brandz: unknown key; did you mean "brands"?'),
        (BRAND + 'termz = ["x"]\n', 'config.toml: brands[0].termz: unknown key; did you mean "terms"?'),
        (BRAND + "[digest]\nfolder = 1\n", "config.toml: digest.folder: unknown key"),
        (
            BRAND + '[smtp]\nhost = "h"\nport = "abc"\nfrom = "a@example.test"\n',
            'config.toml: smtp.port: must be a whole number, not "abc"',
        ),
        (BRAND + '[smtp]\nhost = "h"\n', "config.toml: smtp.from: missing"),
        (
            'timezone = "Asia/Taipeh"\n' + BRAND,
            "config.toml: timezone: unknown time zone 'Asia/Taipeh'; use a name such as Asia/Taipei",
        ),
        ('timezone = "Asia"\n' + BRAND, "config.toml: timezone: unknown time zone 'Asia'"),
        (
            '[[brands]]\nname = "澄嵐"\n',
            "config.toml: brands[0]: brand '澄嵐' has no terms; write the words that mean it: terms = ['澄嵐']",
        ),
        ('[[brands]]\nname = "a"\nexclude = ["b"]\n', "config.toml: brands[0]: brand 'a' has only excludes"),
        (BRAND + 'accounts = ["weibo"]\n', "config.toml: brands[0]: account 'weibo' must be platform:id"),
        (BRAND + BRAND, "config.toml: brands: two of them are named '澄嵐'; each brand needs a name of its own"),
        (
            BRAND + FEED + FEED + CONTACT,
            "config.toml: sources: two of them are named 'news'; each source needs a name of its own",
        ),
        (
            BRAND + FEED + 'every = "10 minuten"\n' + CONTACT,
            "config.toml: sources[0].every: must be a duration such as 30s, 10m, 2h or 7d, not '10 minuten'",
        ),
        (BRAND + FEED + 'every = "0m"\n' + CONTACT, "config.toml: sources[0].every: must be a duration"),
        (BRAND + FEED, "config.toml: network.contact is missing"),
        (BRAND + '[digest]\nat = "25:00"\n', "config.toml: digest.at: must be a time of day such as 08:30"),
        (BRAND + '[alerts]\nto = "a@example.test"\n', 'config.toml: alerts.to: must be a list, not "a@example.test"'),
        (BRAND + '[alerts]\nto = ["a@example.test"]\n', "config.toml: mail is to be sent but there is no [smtp] table"),
        (BRAND + '[alerts]\nto = ["on call"]\n', "config.toml: alerts.to[0]: not a mail address: 'on call'"),
        (
            BRAND + '[smtp]\nhost = "h"\nfrom = "千里 <q@例.test>"\n',
            "config.toml: smtp.from: not a mail address: '千里 <q@例.test>'",
        ),
        ('language = "fr"\n' + BRAND, 'config.toml: language: must be one of "zh-Hant", "zh-Hans", "en", not "fr"'),
        ("sources = 3\n" + BRAND, "config.toml: sources: must be a list, not 3"),
        ('folder = "x"\n' + BRAND, "config.toml: folder: unknown key"),
        (
            BRAND + '[[themes]]\nname = "x"\nwords = []\n',
            "config.toml: themes[0].words: must be a list of at least one, not []",
        ),
        (BRAND + '[digest]\nweekley = "mon"\n', 'config.toml: digest.weekley: unknown key; did you mean "weekly"?'),
        ('database = "a\\u0000b"\n' + BRAND, "config.toml: database: no file can have a name with a NUL character"),
        (BRAND + '[digest]\ndir = "a\\u0000b"\n', "config.toml: digest.dir: no file can have a name with a NUL"),
        (BRAND + '[privacy]\nkey_file = "\\u0000"\n', "config.toml: privacy.key_file: no file can have a name with"),
        (BRAND + '[service]\nbase_url = "pr.example"\n', "config.toml: service.base_url: must be an address such as"),
        *(
            (
                BRAND + f"[service]\nexplore_url = '{url}'\n",
                "config.toml: service.explore_url: must be an address such as",
            )
            for url in (
                "javascript:alert(1)",
                "https://q.example/a?b=c",
                "https://q.example/#x",
                "https://q.ex/a b",
                'https://q.example/"x',
                "https://[::1",
                "https://",
                "https://me:pw@q.example/x",
                "file:///etc",
            )
        ),
    ],
)
def test_mistake_is_one_line_that_names_the_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_missing_file_and_broken_toml_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: there is no such file"):
        load(tmp_path / "nowhere.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[[brands]\n")
    with pytest.raises(ConfigError, match=r"broken\.toml: not TOML: .*line 1"):
        load(broken)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"broken\.toml: not TOML"):
        load(broken)


def test_values_are_typed_and_defaults_are_those_of_the_contract() -> None:
    config = read(BRAND + FEED + 'every = "90s"\nextra = "kept for the source"\n' + CONTACT)
    source = config.sources[0]
    assert source.every == timedelta(seconds=90)
    assert source.settings == {"url": "https://example.test/rss", "extra": "kept for the source"}
    assert (config.language, config.timezone.key, config.database) == ("zh-Hant", "Asia/Taipei", "qianli.db")
    assert config.digest.at == time(8, 30)
    assert config.privacy.keep_posts == timedelta(days=400)


@pytest.mark.parametrize("url", ["", "https://pr.example/q/", "http://[::1]:8001/日報", "https://pr.example:8443"])
def test_an_address_that_can_be_linked_is_taken(url: str) -> None:
    service = read(BRAND + f"[service]\nbase_url = '{url}'\nexplore_url = '{url}'\n").service
    assert (service.base_url, service.explore_url) == (url, url)


def test_recipients_of_a_brand_default_to_the_shared_ones() -> None:
    smtp = '[smtp]\nhost = "h"\nfrom = "a@example.test"\n[alerts]\nto = ["all@example.test"]\n'
    config = read(BRAND + 'digest_to = ["pr@example.test"]\n' + smtp)
    assert config.alerts_to(config.brands[0]) == ("all@example.test",)
    assert config.digest_to(config.brands[0]) == ("pr@example.test",)


def test_paths_lie_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(BRAND)
    config = load(file)
    assert config.path(config.database) == tmp_path / "qianli.db"
    assert config.path("/var/lib/x.db") == Path("/var/lib/x.db")


@pytest.mark.parametrize("table", ["smtp", "mailbox"])
def test_a_secret_in_place_of_its_variables_name_is_refused_and_not_repeated(table: str, tmp_path: Path) -> None:
    tables = {table: {"host": "h.example", "password_env": "hunter2 hunter2"}}
    tables[table] |= {"from": "q@e.test"} if table == "smtp" else {"user": "q", "address": "q@e.test"}
    with pytest.raises(ConfigError) as refused:
        parse({"brands": [{"name": "澄嵐", "terms": ["澄嵐"]}], **tables}, "config.toml", tmp_path)
    assert str(refused.value) == (
        f"config.toml: {table}.password_env: must be the name of an environment variable, not what it holds"
    )
