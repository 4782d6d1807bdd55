import numpy as np
import pytest

from trainer_job.database import copying

PARTS = [*copying.integers("id", "n"), *copying.packed("values", 2)]


class Cursor:
    """Takes what is written, and gives it back in pieces of a size."""

    def __init__(self, piece: int) -> None:
        self.content = b""
        self.piece = piece

    def copy_expert(self, statement: str, file: object) -> None:
        if "FROM STDIN" in statement:
            self.content = file.read()  # type: ignore[attr-defined]
            return
        for start in range(0, len(self.content), self.piece):
            file.write(self.content[start : start + self.piece])  # type: ignore[attr-defined]


def rows(count: int) -> copying.Rows:
    made = copying.empty(count, PARTS)
    made["id"] = np.arange(count) - 5
    made["n"] = 2**40
    made["values"] = np.arange(2 * count).reshape(count, 2) / 3
    return made


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_what_is_written_is_read_again(piece: int, count: int) -> None:
    cursor, made = Cursor(piece), rows(count)
    copying.write(cursor, "t (id, n, values)", made)
    found = copying.read(cursor, "SELECT", PARTS)
    for name in ("id", "n", "values"):
        assert found[name].tolist() == made[name].tolist()


@pytest.mark.parametrize(
    "parts",
    [
        copying.integers("id", "n"),
        [*copying.integers("id", "n", "more"), *copying.packed("values", 2)],
        [*copying.integers("id", "n"), *copying.packed("values", 3)],
    ],
)
def test_rows_of_another_width_are_refused(parts: list[tuple[object, ...]]) -> None:
    cursor = Cursor(1000)
    copying.write(cursor, "t", rows(4))
    with pytest.raises(ValueError, match="COPY"):
        copying.read(cursor, "SELECT", parts)
