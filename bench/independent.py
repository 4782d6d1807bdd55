"""Labelled recordings of real sensors that other packages ship, read from their files.

None of the packages is imported: only their files are needed, so they need not run here. An
episode is one instance of a data set, its failure mode the instance's class.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.synthetic import Recording

Floats = npt.NDArray[np.float64]
Instances = tuple[list[Floats], list[str]]

EPISODES, SEED = 200, 0
"""Of a larger set so many instances are drawn, with this seed."""


@dataclass(frozen=True)
class Witness:
    """A data set.

    Attributes
    ----------
    read
        Returns the values of each instance, of shape (readings, sensors), and its class.
    several
        Whether there are several sensors, as the product is made for.
    """

    read: Callable[[], Instances]
    several: bool


def witness(name: str) -> Recording:
    """Return the recording of a name of `WITNESSES`, or `EPISODES` of its instances."""
    values, classes = WITNESSES[name].read()
    return recording(values, classes)


def recording(values: Sequence[Floats], classes: Sequence[str]) -> Recording:
    """Return instances as a recording: `EPISODES` of them, where there are more."""
    places = np.arange(len(values))
    if len(places) > EPISODES:
        places = np.sort(np.random.default_rng(SEED).choice(places, EPISODES, replace=False))
    kept = [values[int(place)] for place in places]
    sensors = tuple(f"Sensor {place}" for place in range(kept[0].shape[1]))
    readings = pd.DataFrame(np.concatenate(kept), columns=list(sensors))
    readings.insert(0, "episode", np.repeat(np.arange(len(kept)), [len(each) for each in kept]))
    _, modes = np.unique([classes[int(place)] for place in places], return_inverse=True)
    return Recording(readings, sensors, modes.astype(np.int64))


def parsed(lines: Iterable[str]) -> Instances:
    """Return the instances of a file in the format ``.ts``.

    One a line: sensors are separated by colons, readings by commas, and the last part is the
    class. A sensor that lacks the others' last readings ends all of them.
    """
    values, classes = [], []
    for line in lines:
        if line.strip() and line[0] not in "@#":
            *series, name = line.strip().split(":")
            columns = [np.array(each.split(","), dtype="float64") for each in series]
            shortest = min(map(len, columns))
            values.append(np.stack([column[:shortest] for column in columns], axis=1))
            classes.append(name)
    return values, classes


def _sktime(name: str) -> Callable[[], Instances]:
    """Return what reads a data set of the UCR and UEA archives (Dau et al. 2019)."""

    def read() -> Instances:
        values: list[Floats] = []
        classes: list[str] = []
        for part in ("TRAIN", "TEST"):
            file = _folder("sktime") / f"datasets/data/{name}/{name}_{part}.ts"
            some, their = parsed(file.read_text("utf-8").splitlines())
            values += some
            classes += their
        return values, classes

    return read


def _watch() -> Instances:
    """Read physiotherapy exercises, recorded by a watch (Burns et al. 2018)."""
    file = _folder("seglearn") / "data/watch_dataset.npy"
    found = np.load(file, allow_pickle=True).item()
    return [np.asarray(each, dtype="float64") for each in found["X"]], [*map(str, found["y"])]


def _trace() -> Instances:
    """Read simulated failures of instruments of a nuclear power plant (Roverso 2000)."""
    found = np.load(_folder("tslearn") / ".cached_datasets/Trace.npz")
    values = np.concatenate([found["X_train"], found["X_test"]]).astype("float64")
    return list(values), [*map(str, found["y_train"]), *map(str, found["y_test"])]


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(
            f"The package {package} is not installed. Run `make .venv-bench/.ready`, and then "
            "`.venv-bench/bin/python -m bench.quality independent`."
        )
    return Path(found.origin).parent


WITNESSES: Mapping[str, Witness] = {
    "BasicMotions": Witness(_sktime("BasicMotions"), several=True),
    "JapaneseVowels": Witness(_sktime("JapaneseVowels"), several=True),
    "watch": Witness(_watch, several=True),
    "Trace": Witness(_trace, several=False),
    "GunPoint": Witness(_sktime("GunPoint"), several=False),
    "ACSF1": Witness(_sktime("ACSF1"), several=False),
    "ItalyPowerDemand": Witness(_sktime("ItalyPowerDemand"), several=False),
    "PLAID": Witness(_sktime("PLAID"), several=False),
}
"""All sets of sensors' readings over time, labelled by instance, that the packages ship.

Motions of a body, vowels spoken into a microphone (12 coefficients), exercises; then with one
sensor failures of a plant's instruments, motions of a hand, and the currents of appliances, of a
country, and of appliances again. Left out are outlines of leaves and arrowheads, spectra, and
counts of infections.
"""


def weighted(values: Mapping[str, float], synthetic: float) -> list[float]:
    """Return the figures whose mean is compared, each with the same weight.

    Those of the invented plants together, of every witness with several sensors, and of all with
    one sensor together.
    """
    several = [value for name, value in values.items() if WITNESSES[name].several]
    one = [value for name, value in values.items() if not WITNESSES[name].several]
    return [synthetic, *several, statistics.fmean(one)]
