"""Where a Docker engine answers, kind does it: these are the commands."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hack.cluster import binaries, check, images, kind, node, providers
from hack.cluster.errors import UnavailableError
from hack.cluster.steps import Steps

PROVIDER = kind.KindProvider()


class Shell:
    """Takes the place of the programs; `clusters` are those that kind knows."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.clusters = ""
        self.fails: Callable[[str], bool] = lambda command: False

    def run(self, argv: Sequence[str | Path]) -> str:
        self.commands.append(" ".join([Path(argv[0]).name, *map(str, argv[1:])]))
        return self.clusters if self.commands[-1].endswith("get clusters") else ""

    def succeeds(self, argv: Sequence[str | Path]) -> bool:
        self.run(argv)
        return not self.fails(self.commands[-1])


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    monkeypatch.setattr(kind, "run", shell.run)
    monkeypatch.setattr(kind, "succeeds", shell.succeeds)
    monkeypatch.setattr(binaries, "provide", lambda names, steps=None: binaries.folder())
    monkeypatch.setattr(binaries, "reason_against", lambda names: None)
    return shell


def did(shell: Shell, words: str) -> list[str]:
    return [command for command in shell.commands if words in command]


def test_a_docker_engine_chooses_kind(shell: Shell) -> None:
    assert providers.provider() == PROVIDER
    shell.fails = lambda command: command.startswith("docker")
    assert isinstance(providers.provider(), providers.NodeProvider)


def test_up_makes_a_cluster_with_a_kubeconfig_of_its_own(shell: Shell) -> None:
    shell.clusters = "somebody-elses\n"
    PROVIDER.up(Steps())
    (create,) = did(shell, "create cluster")
    assert "--name=trainer-operator" in create
    assert f"--kubeconfig={PROVIDER.kubeconfig}" in create
    assert "--wait=180s" in create
    assert not did(shell, "delete")


def test_up_leaves_a_healthy_cluster_alone(shell: Shell) -> None:
    shell.clusters = "trainer-operator\n"
    PROVIDER.up(Steps())
    assert not did(shell, "create cluster")


def test_up_replaces_an_unhealthy_cluster(shell: Shell) -> None:
    shell.clusters = "trainer-operator\n"
    shell.fails = lambda command: " wait " in command
    PROVIDER.up(Steps())
    (delete, create) = did(shell, "cluster --")
    assert delete.startswith("kind delete cluster")
    assert create.startswith("kind create cluster")


def test_down_deletes_its_own_cluster_only(shell: Shell) -> None:
    shell.clusters = "trainer-operator-of-somebody\n"
    PROVIDER.down(Steps())
    assert not did(shell, "delete")
    shell.clusters = "trainer-operator\n"
    PROVIDER.down(Steps())
    assert len(did(shell, "kind delete cluster --name=trainer-operator")) == 1


def test_an_image_is_built_once_and_loaded(shell: Shell, tmp_path: Path) -> None:
    shell.fails = lambda command: command.startswith("docker image inspect")
    shell.clusters = "trainer-operator\n"
    request = images.Request("job", "localhost/trainer/job:1", tmp_path)
    PROVIDER.image(request, Steps())
    (build,) = did(shell, "buildx build")
    assert "--target=job --tag=localhost/trainer/job:1" in build
    assert build.endswith(str(tmp_path))
    assert "BASE_IMAGE" not in build  # the Dockerfile's own, which can be pulled
    shell.fails = lambda command: False
    PROVIDER.image(request, Steps())
    assert len(did(shell, "buildx build")) == 1
    PROVIDER.load([request.tag], Steps())
    assert did(shell, "load docker-image localhost/trainer/job:1 --name=trainer-operator")


def test_loading_without_a_cluster_says_what_to_do(shell: Shell) -> None:
    with pytest.raises(UnavailableError, match=r"hack\.cluster up"):
        PROVIDER.load(["a:1"], Steps())


def test_check_says_what_is_missing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    PROVIDER.check()
    monkeypatch.setattr(binaries, "reason_against", lambda names: "there is no `go`.")
    with pytest.raises(UnavailableError, match="there is no `go`"):
        PROVIDER.check()
    shell.fails = lambda command: True
    with pytest.raises(UnavailableError, match="No Docker engine"):
        PROVIDER.check()


def test_the_node_gets_no_image_while_it_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "require_root", lambda: None)
    monkeypatch.setattr(node, "healthy", lambda: False)
    with pytest.raises(UnavailableError, match=r"hack\.cluster up"):
        providers.NodeProvider().load(["a:1"], Steps())
