"""The cache of tables: named by the model, never half written, never needed."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import UsageError
from monitor.sentiment import cache
from monitor.sentiment.cache import cache_folder, tables_of
from monitor.sentiment.model_files import ModelFiles, digest
from monitor.sentiment.tables import Tables


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "qianli"


def same(one: Tables, other: Tables) -> bool:
    pairs = zip(one.arrays().values(), other.arrays().values(), strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def test_built_once_then_read(home: Path, small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tables_of(small_model)
    assert [path.suffix for path in home.iterdir()] == [".npz"]
    monkeypatch.delattr(cache, "build")
    assert same(tables_of(small_model), built)


def test_another_model_has_another_file(home: Path, small_model: ModelFiles, tmp_path: Path) -> None:
    copy = replace(small_model, classifier=tmp_path / "other.marshal.3")
    copy.classifier.write_bytes(small_model.classifier.read_bytes() + b"\n")
    assert digest(copy) != digest(small_model)
    tables_of(small_model)
    tables_of(small_model)
    assert len(list(home.iterdir())) == 1


def test_a_broken_file_is_built_anew(home: Path, small_model: ModelFiles, caplog: pytest.LogCaptureFixture) -> None:
    built = tables_of(small_model)
    (path,) = home.iterdir()
    whole = path.read_bytes()
    for broken in (b"", b"not a zip", whole[: len(whole) // 2], whole[:-200].replace(b"PK", b"KP", 1)):
        path.write_bytes(broken)
        with caplog.at_level(logging.WARNING):
            assert same(tables_of(small_model), built)
        assert path.read_bytes() == whole
    assert "built anew" in caplog.text


def test_without_a_writable_folder_it_works_each_time(
    tmp_path: Path, small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert same(tables_of(small_model), tables_of(small_model))
    assert "no cache for SnowNLP's tables" in caplog.text


def test_a_full_disk_leaves_nothing_behind(
    home: Path, small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with caplog.at_level(logging.WARNING):
        tables_of(small_model)
    assert list(home.iterdir()) == []
    assert "No space left on device" in caplog.text


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "qianli"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "qianli"

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None


BUILD = """
import sys
from pathlib import Path
from monitor.sentiment.cache import tables_of
from monitor.sentiment.model_files import ModelFiles
print(len(tables_of(ModelFiles.installed(segmenter=Path(sys.argv[1]), classifier=Path(sys.argv[2]))).char))
"""


def test_processes_that_build_at_once_do_not_disturb_each_other(home: Path, small_model: ModelFiles) -> None:
    command = [sys.executable, "-c", BUILD, str(small_model.segmenter), str(small_model.classifier)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0] for process in running} == {"20902\n"}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert [path.suffix for path in home.iterdir()] == [".npz"]


def test_snownlp_is_not_imported_to_score() -> None:
    code = (
        "import sys; from monitor.sentiment import Scorer; score = Scorer().score('客服太差了，退钱');"
        "print(score.snownlp is not None, {'snownlp', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.3: no model file"):
        ModelFiles.installed(classifier=tmp_path / "none.3")
    (tmp_path / "model").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"model: no model file"):
        ModelFiles.installed(segmenter=tmp_path / "model")
