import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.support.reports import make_report, make_selection, whole_report
from trainer_job.report import ReportData
from trainer_job.report.plots import choice, draw, episodes, examples, labels, modes, style


def drawn(function: Callable[[ReportData], Figure | None], data: ReportData) -> Figure:
    figure = function(data)
    assert figure is not None
    style.png(figure)  # which also puts everything in its place
    return figure


def texts(figure: Figure) -> set[str]:
    """Return all that is written in a figure."""
    return {found.get_text() for found in figure.findobj(lambda part: hasattr(part, "get_text"))}  # type: ignore[attr-defined]


def test_draws_everything_that_there_is() -> None:
    pictures = draw(whole_report())
    assert [picture.name for picture in pictures] == [
        *("projection", "silhouette", "clusters", "profiles", "distinctive"),
        *("examples", "labels", "champion"),
    ]
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.png))
        assert image.getpixel((0, image.height - 1)) is not None
        assert image.convert("RGB").getpixel((0, image.height - 1)) == (255, 255, 255)
        assert len(image.convert("RGB").getcolors(10**6) or []) > 10


def test_draws_no_more_than_there_is() -> None:
    names = [picture.name for picture in draw(make_report())]
    assert names == ["projection", "silhouette", "profiles", "distinctive", "examples"]
    assert [picture.name for picture in draw(make_report(kinds=1))] == ["projection", "examples"]


def test_the_same_data_are_the_same_file() -> None:
    first, second = (drawn(episodes.projection, whole_report()) for _ in range(2))
    assert style.png(first) == style.png(second)


@pytest.mark.parametrize(
    "parts",
    [
        {"episodes": 2, "kinds": 1},
        {"episodes": 5, "kinds": 5},
        {"episodes": 400, "kinds": 30},
        {"sensors": tuple(f"plant/line/{n}/a name that is longer than any" for n in range(60))},
        {"sensors": ("$x_{$", "温度"), "names": {0: "<$\\frac$>"}, "units": {"$x_{$": "$"}},
        {"scaled": np.zeros((60, 4))},
        {"scaled": np.linspace(0, 1, 60)[:, None]},
    ],
)
def test_draws_what_can_happen(parts: dict[str, Any]) -> None:
    assert draw(make_report(**parts))


def test_the_projection_tells_modes_by_colour_sign_and_number() -> None:
    data = whole_report()
    figure = drawn(episodes.projection, data)
    written = texts(figure)
    assert {"mode 0: worn  (20, 33%)", "mode 1  (20, 33%)", "0", "1", "2"} <= written
    marks: list[Any] = list(figure.axes[0].collections)
    assert len({tuple(mark.get_facecolor()[0]) for mark in marks}) == 3
    assert sum(len(mark.get_offsets()) for mark in marks) == 60


def test_far_outliers_do_not_hide_the_others() -> None:
    scaled = np.random.default_rng(0).normal(size=(60, 2))
    scaled[0] = 1e6
    figure = drawn(episodes.projection, make_report(scaled=scaled))
    low, high = figure.axes[0].get_xlim()
    assert high - low < 100
    assert "far outliers on the border: 1" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize("count", [2, 56])
def test_no_two_modes_look_the_same(count: int) -> None:
    assert len({(style.colour(mode), style.marker(mode)) for mode in range(count)}) == count


def test_the_silhouette_shows_mean_and_chance() -> None:
    written = texts(drawn(episodes.silhouettes, whole_report()))
    assert {"mean 0.61", "95 % of data without structure stay below 0.20"} <= written
    assert episodes.silhouettes(make_report(kinds=1)) is None
    assert episodes.silhouettes(make_report(episodes=3, kinds=3)) is None


def test_the_curve_marks_the_choice() -> None:
    figure = drawn(choice.curve, whole_report())
    written = texts(figure)
    assert {"Number of modes: 3 chosen", "chosen: 3", "runner-up: 4", "candidate"} <= written
    upper = figure.axes[0]
    filled = [line for line in upper.lines if line.get_label() == "candidate"]
    assert list(filled[0].get_xdata()) == [2, 3, 4]  # type: ignore[arg-type]


def test_the_curve_says_that_there_is_no_structure() -> None:
    figure = drawn(choice.curve, make_report(selection=make_selection(chosen=None)))
    assert "Number of modes: none has structure" in texts(figure)


def test_the_curve_leaves_out_what_is_undefined() -> None:
    selection = make_selection(chosen=2)
    unknown = replace(selection.curve[0], silhouette=None, silhouette_error=None, stability=None)
    selection = replace(selection, curve=(unknown, *selection.curve[1:]))
    figure = drawn(choice.curve, make_report(selection=selection))
    (candidates,) = [line for line in figure.axes[0].lines if line.get_label() == "candidate"]
    assert list(candidates.get_xdata()) == [3, 4]  # type: ignore[arg-type]


def test_the_heat_map_has_the_best_feature_of_each_sensor_first() -> None:
    figure = drawn(modes.heat_map, whole_report())
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows[0] == "Fx mean"
    assert rows[1] in {"Fy mean", "Fy std"}
    values = figure.axes[0].images[0].get_array()
    assert values is not None
    np.testing.assert_allclose(values[0], whole_report().effects.level.loc["Fx_mean"])


def test_of_many_sensors_the_heat_map_says_how_many_it_shows() -> None:
    data = make_report(sensors=tuple(f"s{n}" for n in range(70)))
    figure = drawn(modes.heat_map, data)
    assert "Profiles of the modes, 40 of 70 sensors" in texts(figure)
    assert len(figure.axes[0].get_yticklabels()) == modes.SENSORS_SHOWN


def test_a_panel_a_mode_names_its_largest_effects() -> None:
    data = whole_report()
    figure = drawn(modes.distinctive, data)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "mode 0: worn  (20 episodes)"
    first = figure.axes[0].get_yticklabels()[0].get_text()
    assert first == "Fx mean"
    assert f"{data.effects.cohen[0]['Fx_mean']:+.1f}" in texts(figure)


def test_examples_run_against_seconds_in_their_unit() -> None:
    figure = drawn(examples.examples, whole_report())
    written = texts(figure)
    assert {"Fx [N]", "Fy", "time since the first reading [s]", "mode 0:\nworn"} <= written
    coloured = [line for line in figure.axes[0].lines if line.get_color() == style.colour(0)]
    assert [line.get_xdata().tolist() for line in coloured] == [[0, 1, 2, 3]] * 2  # type: ignore[union-attr]


def test_without_times_examples_run_against_the_number_of_the_reading() -> None:
    readings = whole_report().readings.drop(columns="timestamp")
    figure = drawn(examples.examples, make_report(readings=readings))
    assert "reading" in texts(figure)


def test_readings_are_drawn_in_order_of_time() -> None:
    readings = whole_report().readings.iloc[::-1]
    figure = drawn(examples.examples, make_report(readings=readings))
    coloured = [line for line in figure.axes[0].lines if line.get_color() == style.colour(0)]
    assert coloured[0].get_xdata().tolist() == [0, 1, 2, 3]  # type: ignore[union-attr]


def test_gaps_and_strangers_among_the_readings_do_no_harm() -> None:
    readings = whole_report().readings.astype({"Fx": object})
    readings.loc[0, "Fx"] = "n/a"
    readings.loc[1, "episode"] = "unknown"
    assert examples.examples(make_report(readings=readings)) is not None
    assert examples.examples(make_report(readings=readings.iloc[:0])) is None


def test_labels_are_counted_by_mode() -> None:
    counts = labels.table(whole_report())
    assert counts is not None
    assert list(counts.loc["worn"]) == [20, 0, 0]
    assert list(counts.loc["loose"]) == [0, 20, 0]
    assert "Labels and modes, 40 labelled episodes" in texts(
        drawn(labels.agreement, whole_report())
    )
    assert labels.table(make_report(labels=[None] * 60)) is None


def test_the_interval_is_told_in_numbers_and_beside_the_margin() -> None:
    written = texts(drawn(choice.comparison, whole_report()))
    assert "+0.030  [-0.040, +0.100]" in written
    assert "Against champion 6 on 40 held-out episodes" in written
    assert "worse by more than 0.05" in written
