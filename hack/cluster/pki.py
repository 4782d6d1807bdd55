"""Certificates of one cluster: its own authority, made anew with each cluster."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.commands import run

_DAYS = "3650"


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that lives in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.own = Pair(folder / "ca.crt", folder / "ca.key")
        _new_key(self.own.key)
        files = ["-key", str(self.own.key), "-out", str(self.own.certificate)]
        subject = ["-subj", "/CN=trainer-operator-ca"]
        run(["openssl", "req", "-x509", "-new", "-days", _DAYS, *subject, *files])

    def server(self, name: str, alternatives: list[str]) -> Pair:
        """Issue a certificate for a server; alternatives as in `DNS:a` and `IP:127.0.0.1`."""
        usage = f"extendedKeyUsage=serverAuth\nsubjectAltName={','.join(alternatives)}\n"
        return self._issue(name, f"/CN={name}", usage)

    def client(self, file: str, user: str, group: str = "") -> Pair:
        """Issue a certificate that Kubernetes reads as a user in a group."""
        subject = (f"/O={group}" if group else "") + f"/CN={user}"
        return self._issue(file, subject, "extendedKeyUsage=clientAuth\n")

    def signing_key(self, name: str) -> Pair:
        """Make a key and its public half, as service account tokens are signed with."""
        pair = Pair(self._folder / f"{name}.pub", self._folder / f"{name}.key")
        _new_key(pair.key)
        run(["openssl", "pkey", "-in", pair.key, "-pubout", "-out", pair.certificate])
        return pair

    def _issue(self, name: str, subject: str, usage: str) -> Pair:
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(usage)
        _new_key(pair.key)
        request = run(["openssl", "req", "-new", "-subj", subject, "-key", pair.key])
        signer = ["-CA", str(self.own.certificate), "-CAkey", str(self.own.key), "-CAcreateserial"]
        files = ["-extfile", str(extensions), "-out", str(pair.certificate)]
        run(["openssl", "x509", "-req", "-days", _DAYS, *signer, *files], stdin=request)
        return pair


def _new_key(file: Path) -> None:
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run(["openssl", "genpkey", *curve, "-out", file])


def kubeconfig(file: Path, server: str, authority: Path, user: dict[str, str]) -> Path:
    """Write a kubeconfig (JSON, which is YAML too) that needs no other file."""
    cluster = {"server": server, "certificate-authority-data": encoded(authority)}
    name = "trainer-operator"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    unfinished = file.with_name(f".{file.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=1))
    return unfinished.rename(file)


def certificate_user(pair: Pair) -> dict[str, str]:
    """Return the user of a kubeconfig who shows a client certificate."""
    return {
        "client-certificate-data": encoded(pair.certificate),
        "client-key-data": encoded(pair.key),
    }


def encoded(file: Path) -> str:
    """Return a file's content in base64."""
    return base64.b64encode(file.read_bytes()).decode()
