"""The project's images, each under a tag that names its content: built only when that changed."""

from pathlib import Path

from hack.cluster import cache

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("pyproject.toml", "README.md", "LICENSE", "operator", "trainer_job")
TOOLS = ("requirements/install", "requirements/build.txt", "hack/cluster/base.py")
INPUTS: dict[str, tuple[str, ...]] = {
    "operator": (*TOOLS, "requirements/operator.txt", *PROJECT),
    "job": (*TOOLS, "requirements/job.txt", *PROJECT),
    "servers": (*TOOLS, "requirements/job.txt", "requirements/servers.txt"),
}
"""What each target of the Dockerfile is made of, beside the Dockerfile itself."""


def repository(target: str) -> str:
    """Return the image's name without its tag."""
    return f"localhost/trainer/{target}"


def reference(target: str) -> str:
    """Return the name under which the present content of a target is built."""
    parts: list[str | Path] = [target, ROOT / "Dockerfile"]
    for name in INPUTS[target]:
        for file in _files(ROOT / name):
            parts += [str(file.relative_to(ROOT)), file]
    return f"{repository(target)}:{cache.key(*parts)}"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    )
