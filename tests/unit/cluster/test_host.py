"""A build reaches the package index as the machine does."""

import configparser
import tomllib
from pathlib import Path

from hack.cluster import host


def pip(environment: dict[str, str]) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(host.pip_configuration(environment))
    return dict(parser["global"])


def home(tmp_path: Path, file: str, text: str) -> dict[str, str]:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    return {"HOME": str(tmp_path)}


def test_pip_takes_its_file_and_a_variable_wins(tmp_path: Path) -> None:
    text = "[global]\nindex-url = https://a.example/simple\nretries = 2\n[install]\ntimeout = 9\n"
    environment = home(tmp_path, ".config/pip/pip.conf", text)
    settings = pip({**environment, "PIP_INDEX_URL": "https://b.example/simple"})
    assert settings["index-url"] == "https://b.example/simple"
    assert settings["retries"] == "2"
    assert settings["timeout"] == "9"
    assert settings["cert"] == "/etc/ssl/certs/ca-certificates.crt"


def test_several_links_stay_one_setting(tmp_path: Path) -> None:
    settings = pip({"HOME": str(tmp_path), "PIP_FIND_LINKS": "/a\n/b"})
    assert settings["find-links"] == "/a /b"


def test_what_is_not_about_the_index_is_left_out(tmp_path: Path) -> None:
    environment = home(tmp_path, ".config/pip/pip.conf", "[global]\nuser = true\n")
    assert "user" not in pip(environment)


def test_uv_takes_its_variables_or_its_file(tmp_path: Path) -> None:
    environment = home(tmp_path, ".config/uv/uv.toml", 'index-url = "https://a.example/simple"\n')
    assert tomllib.loads(host.uv_configuration(environment)) == {
        "native-tls": True,
        "index-url": "https://a.example/simple",
    }
    variables = {**environment, "UV_DEFAULT_INDEX": "https://b.example/", "UV_FIND_LINKS": "/a /b"}
    assert tomllib.loads(host.uv_configuration(variables)) == {
        "native-tls": True,
        "index-url": "https://b.example/",
        "find-links": ["/a", "/b"],
    }


def test_the_machines_certificates_and_folders_are_mounted(tmp_path: Path) -> None:
    bundle, wheels = tmp_path / "own.pem", tmp_path / "wheels"
    bundle.touch()
    wheels.mkdir()
    environment = {
        "HOME": str(tmp_path),
        "SSL_CERT_FILE": str(bundle),
        "PIP_FIND_LINKS": f"{wheels} /nowhere https://c.example/",
    }
    volumes = host.volumes(tmp_path / "settings", environment)
    assert volumes[bundle] == Path("/etc/ssl/certs/ca-certificates.crt")
    assert volumes[wheels] == wheels
    assert {str(path) for path in volumes.values()} >= {"/etc/pip.conf", "/etc/uv/uv.toml"}
    assert Path("/nowhere") not in volumes
    assert all(path.exists() for path in volumes)
