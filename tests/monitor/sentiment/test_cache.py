"""The cache of tables: named by the model, never half written, never needed."""

from __future__ import annotations

import gzip
import logging
import marshal
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import UsageError
from monitor.sentiment import building, cache
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
    assert sorted(path.suffix for path in home.iterdir()) == [".json", ".npy"]
    monkeypatch.delattr(building, "build")
    assert same(tables_of(small_model), built)


def kept_tables(home: Path) -> list[Path]:
    return sorted(home.glob("*.npy"))


def settle(model: ModelFiles, folder: Path) -> Path:
    """Makes the remembered digest old enough to be believed, as it is two seconds after the model was written."""
    (path,) = folder.glob("digest-*.json")
    changed = max(file.stat().st_ctime_ns for file in model.paths())
    os.utime(path, ns=(changed + cache.SETTLED_NS, changed + cache.SETTLED_NS))
    return path


def copied(model: ModelFiles, folder: Path) -> ModelFiles:
    folder.mkdir(exist_ok=True)
    return ModelFiles(*(Path(shutil.copy(path, folder / path.name)) for path in model.paths()))


def test_another_model_has_another_file(home: Path, small_model: ModelFiles, tmp_path: Path) -> None:
    copy = replace(small_model, classifier=tmp_path / "other.marshal.3")
    copy.classifier.write_bytes(small_model.classifier.read_bytes() + bytes(1))
    assert digest(copy) != digest(small_model)
    tables_of(small_model)
    tables_of(small_model)
    assert len(kept_tables(home)) == 1
    tables_of(copied(small_model, tmp_path / "elsewhere"))
    assert len(kept_tables(home)) == 1
    tables_of(copy)
    assert len(kept_tables(home)) == 2


def test_the_digest_is_remembered_and_not_taken_again(
    home: Path, small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tables_of(small_model)
    settle(small_model, home)
    monkeypatch.delattr(cache, "digest")
    assert same(tables_of(small_model), built)


def test_a_model_trained_anew_in_place_is_never_taken_for_the_old(
    home: Path, small_model: ModelFiles, tmp_path: Path
) -> None:
    model = copied(small_model, tmp_path / "own")
    data = model.classifier.read_bytes()
    classes = marshal.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    model.classifier.write_bytes(marshal.dumps(classes))
    old = tables_of(model)
    settle(model, home)
    before = model.classifier.stat()
    classes["d"]["pos"]["total"] += 1
    with model.classifier.open("r+b") as stream:  # the same file, length and time of change
        stream.write(marshal.dumps(classes))
    os.utime(model.classifier, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.classifier.stat()
    assert (before.st_size, before.st_ino, before.st_mtime_ns) == (after.st_size, after.st_ino, after.st_mtime_ns)
    assert not np.array_equal(tables_of(model).word_value, old.word_value)


def test_a_digest_remembered_too_early_is_not_believed(
    home: Path, small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tables_of(small_model)
    path = settle(small_model, home)
    early = path.stat().st_mtime_ns - 1
    taken: list[ModelFiles] = []
    monkeypatch.setattr(cache, "digest", lambda model: taken.append(model) or digest(model))  # type: ignore[func-returns-value]
    os.utime(path, ns=(early, early))
    assert same(tables_of(small_model), built)
    assert taken == [small_model]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"stamp": 1, "digest": 2}', b"\xff\xfe"])
def test_a_damaged_memory_of_digests_does_no_harm(home: Path, small_model: ModelFiles, damage: bytes) -> None:
    built = tables_of(small_model)
    path = settle(small_model, home)
    good = path.read_bytes()
    path.write_bytes(damage)
    os.utime(path, ns=(2**62, 2**62))
    assert same(tables_of(small_model), built)
    assert path.read_bytes() == good


def test_a_wrong_remembered_digest_finds_nothing(home: Path, small_model: ModelFiles) -> None:
    built = tables_of(small_model)
    path = settle(small_model, home)
    path.write_text(path.read_text().replace(digest(small_model), "0" * 64))
    settle(small_model, home)
    assert same(tables_of(small_model), built)
    assert digest(small_model) in path.read_text()
    assert len(kept_tables(home)) == 1


def test_a_model_that_changes_while_it_is_read_is_not_kept(
    home: Path, small_model: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = copied(small_model, tmp_path / "own")
    build = building.build

    def changing(*paths: Path) -> Tables:
        made = build(*paths)
        model.classifier.write_bytes(model.classifier.read_bytes() + b"\n")
        return made

    monkeypatch.setattr(building, "build", changing)
    tables_of(model)
    assert kept_tables(home) == []


def test_a_broken_file_is_built_anew(home: Path, small_model: ModelFiles, caplog: pytest.LogCaptureFixture) -> None:
    built = tables_of(small_model)
    (path,) = kept_tables(home)
    whole = path.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 9, 80, len(whole) // 2, -5, -1)]
    flipped[-2:] = [whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:], whole[:-1] + bytes([whole[-1] ^ 1])]
    for broken in (b"", b"no", b"not an array", whole[: len(whole) // 2], whole + b"\0", bytes(len(whole)), *flipped):
        path.write_bytes(broken)
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            assert same(tables_of(small_model), built)
        assert "built anew" in caplog.text
        assert path.read_bytes() == whole


def test_tables_of_an_older_format_are_let_be(home: Path, small_model: ModelFiles) -> None:
    home.mkdir()
    old = home / f"snownlp-{digest(small_model)[:16]}-1.npz"
    old.write_bytes(b"PK")
    tables_of(small_model)
    assert old.read_bytes() == b"PK"
    assert len(kept_tables(home)) == 1


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

    monkeypatch.setattr(cache, "_write_tables", full)
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
    assert sorted(path.suffix for path in home.iterdir()) == [".json", ".npy"]


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


THREADS = """
import os
from pathlib import Path
from monitor.sentiment import Scorer
Scorer()
tasks = Path("/proc/self/task")
print(os.environ.get("OPENBLAS_NUM_THREADS"), len(list(tasks.iterdir())) if tasks.is_dir() else 1)
"""


@pytest.mark.parametrize("asked", ["", "1"])
def test_a_scorer_starts_no_threads_and_leaves_the_environment_alone(asked: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {"OPENBLAS_NUM_THREADS": asked} if asked else {}
    command = [sys.executable, "-c", THREADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{asked or None} 1\n"
