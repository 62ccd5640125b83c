from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from gateway.kubernetes.access import TokenFile, verifying

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    token = TokenFile(path)
    assert token() == "one"
    path.write_text("two\n")
    assert token() == "two"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        token()


def test_one_ca_is_trusted_and_no_other(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    for context in (
        verifying(ca_file=tmp_path / "ca.crt"),
        verifying(ca_data=ca.cert_pem.bytes().decode()),
    ):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert len(context.get_ca_certs()) == 1
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT, "old clusters' CAs"
