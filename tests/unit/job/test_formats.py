from datetime import timedelta
from pathlib import Path

import pytest

from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.formats import Span, read_recording

ROBOT = "normal\n\t-2\t2\t20\t5\t-6\t-1\n\t1\t2\t3\t4\t5\t6\n\n\ncollision\n\t0\t0\t0\t0\t0\t0\n\n"
CSV = "Sensor 0,Sensor 1,Label\n1,2,\n3,,1.0\n4,5,1.0\n6,7,2.0\n\n8,9,\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "data.txt"
    file.write_text(text)
    return file


def test_reads_records_of_robot_failures(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path, ROBOT))
    normal, collision = recording.spans
    first, second = normal.readings
    assert first == {"Fx": -2, "Fy": 2, "Fz": 20, "Tx": 5, "Ty": -6, "Tz": -1}
    assert list(second.values()) == [1, 2, 3, 4, 5, 6]
    assert (normal.label, collision.label) == ("normal", "collision")
    assert normal.failing
    assert collision.failing
    assert recording.step == timedelta(milliseconds=315)


def test_lines_of_windows_are_lines(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(b"\xef\xbb\xbf" + ROBOT.replace("\n", "\r\n").encode())
    assert read_recording(file).spans == read_recording(write(tmp_path, ROBOT)).spans


def test_labelled_rows_of_a_reference_file_are_episodes(tmp_path: Path) -> None:
    spans = read_recording(write(tmp_path, CSV)).spans
    assert spans == (
        Span(({"Sensor 0": 1, "Sensor 1": 2},), None, failing=False),
        Span(({"Sensor 0": 3}, {"Sensor 0": 4, "Sensor 1": 5}), "1.0", failing=True),
        Span(({"Sensor 0": 6, "Sensor 1": 7},), "2.0", failing=True),
        Span(({"Sensor 0": 8, "Sensor 1": 9},), None, failing=False),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no reading"),
        ("normal\n\t1\t2\t3\n", "line 2 has 3 values, not 6"),
        ("normal\n\t1\t2\t3\tx\t5\t6\n", "line 2: 'x' is no number"),
        ("normal\n\t1\t2\t3\tnan\t5\t6\n", "line 2: 'nan' is no number"),
        ("normal\n\t1\t2\t3\t1e999\t5\t6\n", "line 2: '1e999' is no number"),
        ("\t1\t2\t3\t4\t5\t6\n", "line 1 comes before the first label"),
        ("normal\n\ncollision\n\t1\t2\t3\t4\t5\t6\n", "record 1 .normal. has no reading"),
        ("normal\n\t1\t2\t3\t4\t5\t6\n\nlast\n", "record 2 .last. has no reading"),
        ("a,b\n1,2\n", "line 1 must name each sensor once, and Label"),
        ("a,a,Label\n1,2,\n", "line 1 must name each sensor once, and Label"),
        ("a,Label\n1\n", "line 2 has 1 values, not 2"),
        ("a,Label\n1,\nx,\n", "line 3: 'x' is no number"),
        ("a,Label\n", "holds no reading"),
        ("a,Label\n" + "1" * 200_000 + ",\n", "field larger than field limit"),
        ("normal\0\n\t1\t2\t3\t4\t5\t6\n", "holds a NUL"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnusableData, match=words) as caught:
        read_recording(write(tmp_path, text))
    assert str(tmp_path / "data.txt") in caught.value.message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(b"normal\n\xff")
    with pytest.raises(UnusableData, match="byte 7 is not UTF-8"):
        read_recording(file)


def test_a_file_that_is_not_there_is_bad_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="nowhere cannot be read: No such file"):
        read_recording(tmp_path / "nowhere")
