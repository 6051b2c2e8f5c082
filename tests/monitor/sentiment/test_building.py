"""The stream reader gives what ``marshal.loads`` gives, and the tables built from it are the same."""

from __future__ import annotations

import gzip
import marshal
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sentiment import building
from monitor.sentiment.counted import WIDE, Counted, Model, NotRead, read_model
from monitor.sentiment.model_files import ModelFiles


def loaded(path: Path) -> Any:
    data = path.read_bytes()
    return marshal.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def entries(model: Model, name: str) -> list[tuple[Any, float]]:
    """A table's entries in their order, as the items of the dictionary that it was."""
    counted, wide = model.tables[name], WIDE[name]
    states = [model.states[place] for place in counted.states]
    keys = [tuple(states[at : at + wide]) if wide > 1 else states[at] for at in range(0, len(states), wide)]
    return list(zip(keys, counted.counts, strict=True))


def assert_reads_as_marshal(path: Path) -> None:
    model, whole = read_model(path), loaded(path)
    for name in WIDE:
        assert entries(model, name) == list(whole[name]["d"].items())
        assert {**model.members[name], "d": 0} == {**whole[name], "d": 0}
    assert {k: v for k, v in model.members.items() if k not in WIDE} == {
        k: v for k, v in whole.items() if k not in WIDE
    }


def from_objects(whole: Mapping[str, Any]) -> Model:
    """What the reader should make of a model that ``marshal.loads`` read."""
    places: dict[Any, int] = {}
    tables = {}
    for name, wide in WIDE.items():
        counted = tables[name] = Counted()
        for key, count in whole[name]["d"].items():
            counted.states.extend(places.setdefault(state, len(places)) for state in (key if wide > 1 else (key,)))
            counted.counts.append(count)
    return Model(dict(whole), tables, list(places))


def assert_tables_are_those_of_objects(model: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = building.build(*model.paths())
    monkeypatch.setattr(building, "read_model", lambda path: from_objects(loaded(path)))
    for name, array in building.build(*model.paths()).arrays().items():
        other = streamed.arrays()[name]
        assert (array.dtype, array.shape, array.tobytes()) == (other.dtype, other.shape, other.tobytes()), name


def test_the_tables_of_a_small_model_are_those_built_from_objects(
    small_model: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_tables_are_those_of_objects(small_model, monkeypatch)


def test_the_tables_of_the_installed_model_are_those_built_from_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_tables_are_those_of_objects(ModelFiles.installed(), monkeypatch)


def test_models_trained_with_snownlp_read_as_marshal_reads_them(small_model: ModelFiles) -> None:
    assert_reads_as_marshal(small_model.segmenter)


CHARS = ["好", "差", "的", "a", "", "BOS", "é", "𠮷", "\ud800", "龘", "12", "长" * 90, "long " * 60]
STATES = st.tuples(st.sampled_from(CHARS), st.sampled_from([*"bmes", "BOS"]))
COUNTS = st.one_of(st.integers(0, 2**31 - 1), st.floats(allow_nan=False), st.integers(1, 3))


def table(wide: int) -> st.SearchStrategy[dict[str, Any]]:
    keys: Any = STATES if wide == 1 else st.tuples(*[STATES] * wide)
    return st.fixed_dictionaries(
        {"none": st.just(0), "d": st.dictionaries(keys, COUNTS, max_size=30), "total": st.floats(0, 1e9)}
    )


MODELS = st.fixed_dictionaries(
    {
        "status": st.just(("b", "m", "e", "s")),
        **{name: table(wide) for name, wide in WIDE.items()},
        **{name: st.floats(0, 1) for name in ("l1", "l2", "l3")},
    }
)


@settings(max_examples=100, deadline=None)
@given(MODELS, st.sampled_from([2, 3, 4]), st.booleans())
def test_any_model_reads_as_marshal_reads_it(
    tmp_path_factory: pytest.TempPathFactory, model: dict[str, Any], version: int, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("model") / "any.marshal.3"
    data = marshal.dumps(model, version)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert_reads_as_marshal(path)


def test_damage_is_told_and_never_worse(small_model: ModelFiles, tmp_path: Path) -> None:
    """Bytes changed at random: read as something, or refused; cut short: always refused."""
    whole = marshal.dumps(loaded(small_model.segmenter))
    path = tmp_path / "damaged.marshal.3"
    rng = random.Random(8)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[rng.randrange(min(len(whole), 3000))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            read_model(path)
        except NotRead:
            refused += 1
    assert refused > 20
    for length in [0, 1, 5, *rng.sample(range(len(whole)), 20)]:
        path.write_bytes(whole[:length])
        with pytest.raises(NotRead):
            read_model(path)


@pytest.mark.parametrize("end", [-9, -4])
def test_a_damaged_checksum_is_damage(small_model: ModelFiles, tmp_path: Path, end: int) -> None:
    path = tmp_path / "damaged.marshal.3"
    packed = bytearray(gzip.compress(marshal.dumps(loaded(small_model.segmenter))))
    packed[end] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(NotRead):
        read_model(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.marshal.3"
    path.write_bytes(b"{" + b")\x01" * 100_000)
    with pytest.raises(NotRead):
        read_model(path)


BUILD = """
import resource
from monitor.sentiment.building import build
from monitor.sentiment.model_files import ModelFiles
build(*ModelFiles.installed().paths())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_building_needs_less_than_200_mb() -> None:
    # the shell in between forks: a process that is only started anew keeps the peak of the one it was, here the tests'
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, BUILD], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < 200e6
