"""What a build takes over from this machine, to reach the package index as the machine does.

Files alone, mounted while the build runs: variables would stay in the image, and each other value
would build everything again.
"""

import configparser
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_BUNDLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# The later ones win, as with pip itself.
_PIP = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf", "$PIP_CONFIG_FILE")
_PIP_KEYS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
    *("timeout", "default-timeout", "retries", "proxy"),
)
# The first one counts: uv's own settings are hard to merge.
_UV = ("$UV_CONFIG_FILE", "~/.config/uv/uv.toml", "/etc/uv/uv.toml")
_UV_TEXTS = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX_URL": "index-url"}
_UV_LISTS = {
    "UV_EXTRA_INDEX_URL": "extra-index-url",
    "UV_FIND_LINKS": "find-links",
    "UV_INSECURE_HOST": "allow-insecure-host",
}


def volumes(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[Path, Path]:
    """Write configurations into a folder and return what to mount, and where in the build."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "pip.conf").write_text(pip_configuration(environment))
    (folder / "uv.toml").write_text(uv_configuration(environment))
    found = {
        folder / "pip.conf": Path("/etc/pip.conf"),
        folder / "uv.toml": Path("/etc/uv/uv.toml"),
    }
    if bundle := _bundle(environment):
        found[bundle] = _BUNDLE
    # Wheels in a folder of this machine, say.
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        for part in environment.get(name, "").split():
            if part.startswith("/") and Path(part).is_dir():
                found[Path(part)] = Path(part)
    return found


def pip_configuration(environment: Mapping[str, str]) -> str:
    """Return pip's settings of this machine, its variables included, as one file."""
    settings: dict[str, str] = {}
    for file in _files(_PIP, environment):
        parser = configparser.RawConfigParser()
        parser.read(file)
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {
                    name.replace("_", "-"): value for name, value in parser[section].items()
                }
    for key in _PIP_KEYS:
        if value := environment.get(f"PIP_{key.upper().replace('-', '_')}"):
            settings[key] = value
    chosen = {key: settings[key] for key in _PIP_KEYS if key in settings}
    # Lines that follow must be indented.
    lines = [f"{key} = {' '.join(value.split())}" for key, value in chosen.items()]
    return "\n".join(["[global]", f"cert = {_BUNDLE}", *lines, ""])


def uv_configuration(environment: Mapping[str, str]) -> str:
    """Return uv's settings: of its variables where there are any, else of its first file."""
    settings: dict[str, object] = {}
    for name, key in _UV_TEXTS.items():
        if value := environment.get(name):
            settings[key] = value
    for name, key in _UV_LISTS.items():
        if value := environment.get(name):
            settings[key] = value.split()
    files = list(_files(_UV, environment))
    own = "" if settings or not files else files[0].read_text()
    if "native-tls" not in own:
        settings["native-tls"] = True
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
    return "".join(lines) + own


def _bundle(environment: Mapping[str, str]) -> Path | None:
    named = [Path(environment[name]) for name in _BUNDLES if environment.get(name)]
    for path in (*named, _BUNDLE):
        if path.is_file():
            return path.resolve()
    return None


def _files(names: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Path]:
    for name in names:
        path = name.replace("~", environment.get("HOME", "/root"))
        if name.startswith("$"):
            path = environment.get(name.removeprefix("$"), "")
        if path and Path(path).is_file():
            yield Path(path)
