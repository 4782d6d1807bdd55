"""What people type, and what they see: commands, steps, reasons."""

import io
import os
import re
import shutil
from pathlib import Path

import pytest

from hack import images
from hack.cluster import __main__ as cluster
from hack.cluster import binaries, cgroups, check, commands, containerd, packages, providers
from hack.cluster.errors import ClusterError, UnavailableError
from hack.cluster.steps import Steps


def test_a_failed_command_shows_the_end_of_what_it_printed() -> None:
    with pytest.raises(ClusterError, match=r"failed with 3:\n[\s\S]*why it failed"):
        commands.run(["sh", "-c", "echo why it failed >&2; exit 3"])
    with pytest.raises(ClusterError, match="no-such-program could not be started"):
        commands.run(["no-such-program"])
    assert commands.run(["cat"], stdin="text") == "text"
    assert not commands.succeeds(["no-such-program"])


def test_a_fed_command_that_stops_reading_says_why() -> None:
    commands.feed(["cat"], lambda out: out.write(b"content"))
    with pytest.raises(ClusterError, match="too much"):
        commands.feed(
            ["sh", "-c", "echo too much; exit 1"], lambda out: out.write(b"x" * 1_000_000)
        )


def test_each_step_is_a_line_with_its_time() -> None:
    out = io.StringIO()
    steps = Steps(out)
    with steps.step("build"):
        pass
    with steps.step("again") as step:
        step.cached()
    with pytest.raises(RuntimeError), steps.step("broken"):
        raise RuntimeError
    with steps.timed("quiet"):
        pass
    steps.table("all")
    lines = out.getvalue().splitlines()
    assert re.fullmatch(r"  build +0\.0 s", lines[0])
    assert re.fullmatch(r"  again +cached", lines[1])
    assert re.fullmatch(r"  broken +failed after 0\.0 s", lines[2])
    titles = [line.split()[0] for line in lines[3:]]
    assert titles == ["build", "again", "quiet", "all"]


@pytest.mark.parametrize(
    ("error", "code"), [(ClusterError("broken"), 1), (UnavailableError("no root"), 69)]
)
def test_an_error_is_a_sentence_and_an_exit_code(
    error: ClusterError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> providers.Provider:
        raise error

    monkeypatch.setattr(providers, "provider", fail)
    assert cluster.main(["up"]) == code
    assert capsys.readouterr().err == f"hack.cluster up: {error}\n"


def test_unknown_programs_and_commands_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["bin", "nothing"], ["fly"], []):
        with pytest.raises(SystemExit) as end:
            cluster.main(argv)
        assert end.value.code == 2
    assert "invalid choice: 'nothing'" in capsys.readouterr().err


def test_bin_prints_the_folder_alone_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(program: binaries.Program, output: Path) -> None:
        (output / program.name).write_text("program")

    monkeypatch.setattr(binaries, "_go", build)
    assert cluster.main(["bin", "helm", "kubectl"]) == 0
    captured = capsys.readouterr()
    folder = Path(captured.out.strip())
    assert (folder / "helm").read_text() == "program"
    assert "helm 3" in captured.err
    assert binaries.missing(["helm", "kubectl", "kind"]) == ["kind"]


def test_without_go_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "no `go` on PATH to build etcd" in str(binaries.reason_against(["etcd"]))
    with pytest.raises(UnavailableError, match=r"etcd .* must be built once"):
        binaries.provide(["etcd"])


def test_programs_of_another_version_or_source_are_other_artefacts() -> None:
    one = binaries.Program("helm", "helm.sh/helm/v3/cmd/helm", "3.22.0")
    others = [
        binaries.Program("helm", "helm.sh/helm/v3/cmd/helm", "3.22.1"),
        binaries.Program("helm", "example.com/helm", "3.22.0"),
        binaries.Program("helm", "helm.sh/helm/v3/cmd/helm", "3.22.0", pinned=True),
    ]
    assert one.artefact not in {other.artefact for other in others}
    assert one.artefact.startswith("helm-3.22.0-")


@pytest.mark.parametrize(
    ("reason", "words"),
    [("_not_root", "must be run as root"), ("_kernel", "cpuset"), ("_packages", "no apt-get")],
)
def test_why_no_node_can_run_here(reason: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_not_root", "_architecture", "_kernel", "_go", "_packages", "_devices"):
        if name != reason:
            monkeypatch.setattr(check, name, lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(cgroups, "missing", lambda: ["cpuset"])
    monkeypatch.setattr(packages, "missing", lambda wanted: ["runc"])
    monkeypatch.setattr(packages, "installable", lambda: False)
    text = check.reason_against_node()
    assert text is not None
    assert text.startswith("No Docker engine answers, and the node cannot run here: ")
    assert words in text


def test_packages_are_found_by_their_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerd, "cni_programs", lambda: False)
    wanted = {"sh": "dash", "no-such-program": "nothing", "ptp": "containernetworking-plugins"}
    assert packages.missing(wanted) == ["nothing", "containernetworking-plugins"]


def test_an_images_name_changes_with_what_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "ROOT", tmp_path)
    monkeypatch.setattr(images, "INPUTS", {"job": ("code",)})
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / "code" / "__pycache__").mkdir(parents=True)
    (tmp_path / "code" / "a.py").write_text("a")
    first = images.reference("job")
    assert first.startswith("localhost/trainer/job:")
    (tmp_path / "code" / "__pycache__" / "a.pyc").write_text("compiled")
    (tmp_path / "other").write_text("not in the image")
    assert images.reference("job") == first
    (tmp_path / "code" / "a.py").write_text("b")
    changed = images.reference("job")
    (tmp_path / "code" / "a.py").rename(tmp_path / "code" / "b.py")
    assert len({first, changed, images.reference("job")}) == 3
