import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer_job import reasons
from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.labelling import Label, Labelled, read


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def test_reads_episodes_and_labels(file: Path) -> None:
    file.write_text('\ufeffnote,episode,label\r\nx,7, worn \r\n,8,"loose, bent"\r\n', "utf-8")
    assert read(str(file)) == [Label(2, 7, "worn"), Label(3, 8, "loose, bent")]


def test_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = SimpleNamespace(buffer=io.BytesIO(b"episode,label\n7,worn\n"))
    monkeypatch.setattr(sys, "stdin", given)
    assert read("-") == [Label(2, 7, "worn")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1 names no column episode and no column label"),
        (b"episode,name\n7,worn\n", "line 1 names no column label"),
        (b"episode,label\n7,worn\nseven,worn\n", "line 3: 'seven' is no id"),
        (b"episode,label\n-7,worn\n", "line 2: '-7' is no id"),
        (b"episode,label\n7\n", "line 2: the label of episode 7 is empty"),
        (b"episode,label\n7, \n", "line 2: the label of episode 7 is empty"),
        (b"episode,label\n9223372036854775808,worn\n", "is no id of an episode"),
        (b"episode,label\n7,worn\n8,x\n7,loose\n", "lines 2 and 4 both label episode 7"),
        (b"episode,label\n7,w\xff\n", "is not UTF-8 text"),
        (b"episode,label\n7,w\0\n", "holds a NUL"),
    ],
)
def test_what_is_wrong_is_named_by_line(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UnusableData) as caught:
        read(str(file))
    assert caught.value.reason == reasons.BAD_FILE
    assert words in caught.value.message
    assert "No label was changed" in caught.value.message


def test_a_missing_file_is_bad_configuration(file: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read(str(file))


def test_says_what_changed() -> None:
    assert str(Labelled(3, 1, 2)).startswith("6 labels: 3 new, 1 changed, 2 unchanged.")
