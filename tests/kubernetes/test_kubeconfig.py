"""The current context of a file; what is not understood is refused, never passed over."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from gateway.kubernetes.access import NoAccess
from gateway.kubernetes.kubeconfig import kubeconfig, kubeconfig_path

CA = trustme.CA()
ALICE = CA.issue_cert("alice@example.com")


def encoded(pem: trustme.Blob) -> str:
    return base64.b64encode(pem.bytes()).decode()


def written(directory: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> Path:
    """A kubeconfig with two contexts; "here" is the current one."""
    content = {
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "kind", "user": "alice", "namespace": "sd"}},
            {"name": "there", "context": {"cluster": "kind", "user": "bob"}},
        ],
        "clusters": [{"name": "kind", "cluster": {"server": "http://127.0.0.1:8001/", **(cluster or {})}}],
        "users": [{"name": "alice", "user": user or {}}, {"name": "bob", "user": {"token": "bobs"}}],
    }
    path = directory / "config"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_current_context_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    here, there = kubeconfig(path), kubeconfig(path, "there")
    assert (here.server, here.namespace, here.token(), here.tls) == ("http://127.0.0.1:8001", "sd", None, None)
    assert (there.namespace, there.token()) == ("default", "bobs")


def test_a_token_file_lies_beside_it_and_rotates(tmp_path: Path) -> None:
    access = kubeconfig(written(tmp_path, user={"tokenFile": "token"}))
    for token in ("one", "two"):
        (tmp_path / "token").write_text(token)
        assert access.token() == token


def test_certificates_in_it_or_beside_it(tmp_path: Path) -> None:
    CA.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    ALICE.cert_chain_pems[0].write_to_path(str(tmp_path / "alice.crt"))
    ALICE.private_key_pem.write_to_path(str(tmp_path / "alice.key"))
    server = "https://127.0.0.1:6443"
    beside = kubeconfig(
        written(
            tmp_path,
            cluster={"server": server, "certificate-authority": "ca.crt"},
            user={"client-certificate": "alice.crt", "client-key": "alice.key"},
        )
    )
    within = kubeconfig(
        written(
            tmp_path,
            cluster={"server": server, "certificate-authority-data": encoded(CA.cert_pem)},
            user={
                "client-certificate-data": encoded(ALICE.cert_chain_pems[0]),
                "client-key-data": encoded(ALICE.private_key_pem),
            },
        )
    )
    for access in (beside, within):
        assert access.tls is not None
        assert access.tls.verify_mode is ssl.CERT_REQUIRED
        assert len(access.tls.get_ca_certs()) == 1


def test_whoever_wants_no_verification_says_so(tmp_path: Path) -> None:
    access = kubeconfig(written(tmp_path, cluster={"server": "https://a", "insecure-skip-tls-verify": True}))
    assert access.tls is not None
    assert access.tls.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("cluster", "user", "said"),
    [
        ({}, {"exec": {"command": "aws"}}, "'exec', which is not supported; use a token"),
        ({}, {"auth-provider": {"name": "gcp"}}, "'auth-provider'"),
        ({}, {"username": "root"}, "'username'"),
        ({"proxy-url": "socks5://localhost"}, {}, "'proxy-url'"),
        ({"server": "ftp://a"}, {}, "no server that begins with https"),
        ({"server": "https://a", "certificate-authority-data": "!"}, {}, "not PEM in base64"),
        ({"server": "https://a", "certificate-authority": "nowhere"}, {}, "nowhere"),
    ],
)
def test_what_is_refused(tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], said: str) -> None:
    with pytest.raises(NoAccess, match=said):
        kubeconfig(written(tmp_path, cluster=cluster, user=user))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "the file is not a mapping"),
        ("a: b\ntoken: [secret", "config: not YAML, line 2$"),
        ("\x00", "config: not YAML$"),
        ("{}", "no current-context"),
        ("current-context: a", "no context a"),
        ("{current-context: a, contexts: [{name: a, context: b}]}", "context a is not a mapping"),
    ],
)
def test_what_is_no_kubeconfig(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(NoAccess, match=said):
        kubeconfig(tmp_path / "config")


def test_where_it_is() -> None:
    assert kubeconfig_path({"HOME": "/home/a"}) == Path("/home/a/.kube/config")
    assert kubeconfig_path({"HOME": "/home/a", "KUBECONFIG": "/b"}) == Path("/b")
    with pytest.raises(NoAccess, match="several"):
        kubeconfig_path({"KUBECONFIG": "/a:/b"})
