import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.reports import REJECTED, make_report, whole_report
from trainer_job.contract import Decision, Outcome
from trainer_job.report import PLOTS, REPORT, write
from trainer_job.report.html import render


class _Page(HTMLParser):
    """Collects what a page loads and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def test_the_page_is_whole_in_itself(tmp_path: Path) -> None:
    write(tmp_path, whole_report())
    page = _Page((tmp_path / REPORT).read_text("utf-8"))
    assert "script" not in page.tags
    assert "link" not in page.tags
    files = {file.stem: file.read_bytes() for file in (tmp_path / PLOTS).glob("*.png")}
    assert len(files) == page.tags.count("img") == 8
    shown = [base64.b64decode(address.partition("base64,")[2]) for address in page.addresses]
    assert sorted(shown) == sorted(files.values())
    assert (tmp_path / REPORT).stat().st_size < 1_500_000


def test_says_what_was_decided_and_why() -> None:
    words = _Page(render(whole_report(), [])).words
    for expected in (
        "Rejected (F1TooLow) Macro F1 is 0.52, 0.70 needed.",
        "✗ failed F1TooLow Macro F1 is 0.52.",
        "? asks for a decision ModeLost Mode 3 is lost.",
        "- nothing to judge F1Unknown No label is known.",
        "silhouette 0.610 (data without structure: below 0.200 in 95 %)",
        "window the last 1h",
        "readings 1,755 3",
        "0 worn 20 33.3% 1.00 Fx_mean",
        "1 unnamed 20",
    ):
        assert expected in words


def test_a_staged_model_may_have_gone_on_since() -> None:
    staged = Decision(outcome=Outcome.STAGED, reason="AwaitingRollout", message="Not yet served.")
    assert "what became of the version since" in render(make_report(decision=staged), [])
    assert "what became of the version since" not in render(make_report(), [])


def test_leaves_out_what_is_not_known() -> None:
    words = _Page(render(make_report(kinds=1), [])).words
    for absent in ("gates", "Quality", "silhouette", "None", "nan"):
        assert absent not in words


def test_what_people_wrote_is_text() -> None:
    evil = "<img src=//x onerror=alert(1)>"
    data = whole_report(
        title=evil,
        names={0: evil},
        decision=REJECTED.model_copy(update={"message": evil}),
        quality=pd.DataFrame({evil: [evil]}),
        facts={evil: evil},
        sensors=(evil, "Fy"),
    )
    data.features.columns = [f"{evil}_mean", f"{evil}_std", "Fy_mean", "Fy_std"]
    page = render(data, [])
    assert evil not in page
    assert "img" not in _Page(page).tags


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (float("nan"), ""), (1234567, "1,234,567"), (0.123456, "0.1235"), (True, "True")],
)
def test_cells_of_the_quality_table(value: object, shown: str) -> None:
    quality = pd.DataFrame({"x": pd.Series([value], dtype=object)})
    page = render(make_report(quality=quality), [])
    cells = re.findall(r"<td>(.*?)</td>", page.partition("Quality")[2])
    assert cells == [shown]


def test_a_large_model_is_a_small_page(tmp_path: Path) -> None:
    modes = np.arange(5_000) % 12
    sensors = tuple(f"Sensor {number}" for number in range(40))
    write(tmp_path, make_report(len(modes), modes=modes, sensors=sensors))
    assert (tmp_path / REPORT).stat().st_size < 1_500_000
