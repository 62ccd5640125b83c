"""The session cookie, which takes a visitor back to their backend: its value, its signature, its age.

    value = session id . digest of pool and home . issued at . signature

The digest is keyed and shows no address. Every key of the ring verifies and finds homes; the newest signs. The pool's
name is part of every key derived, so another pool's cookie is as foreign as a stranger's. What does not verify is "no
cookie", never an error. Which home a session has is the pool's business: this module only carries the answer.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import secrets
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from itsdangerous import BadSignature, HMACAlgorithm, Signer

from gateway.proxy.headers import cookie_header as cookies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

#: Longer values are not looked at: ours have about a hundred bytes.
_LONGEST = 256

#: Cookies of our name that are looked at in one request. Browsers send one; a flood must not buy signatures.
_MOST = 16

#: Verified values remembered, about 500 bytes each. Forged ones are never among them.
_REMEMBERED = 10_000

#: Homes whose digest is remembered for the next cookie.
_HOMES = 1024

#: Letters of a session's id, and how many ids are drawn at a time.
_ID_LENGTH, _IDS = 22, 256

_SIGNATURE_LENGTH = 43  # 32 bytes in base64 without padding

#: Base64 of 32 bytes ends in one of these; the other letters would decode to the same bytes.
_LAST_LETTERS = b"AEIMQUYcgkosw048"

#: 96 bits of the home's digest: enough to tell backends apart; the signature guards it.
_DIGEST_LENGTH = 16


class SameSite(enum.Enum):
    """What browsers are told of pages of other sites (RFC 6265bis 5.6.7; CHIPS for `Partitioned`)."""

    LAX = "lax"
    STRICT = "strict"
    NONE = "none"  # sent from within a frame of another site, each with a jar of its own; by https alone


_ATTRIBUTES = {
    SameSite.LAX: b"SameSite=Lax",
    SameSite.STRICT: b"SameSite=Strict",
    SameSite.NONE: b"SameSite=None; Secure; Partitioned",
}


class Verdict(enum.Enum):
    """The state of a client's cookie."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"  # forged, truncated, or of another pool or key
    EXPIRED = "expired"


class Claim(NamedTuple):
    """The content of a verified cookie."""

    session: str
    home: str  # digest; `SessionCookies.home_of` knows whose
    issued_at: int  # wall clock, seconds


class Reading(NamedTuple):
    """`claim` is there exactly if the verdict is VALID."""

    verdict: Verdict
    claim: Claim | None = None


_NOTHING = Reading(Verdict.NONE)


class SessionCookies:
    """One pool's session cookies."""

    def __init__(
        self,
        keys: Sequence[str],
        *,
        pool: str,
        name: str,
        ttl: int,
        new_id: Callable[[], str],
        same_site: SameSite = SameSite.LAX,
    ) -> None:
        """`keys`: newest first. `ttl`: seconds. `new_id`: unguessable and URL-safe; see `session_ids`.

        ValueError without a key.
        """
        self.name = name.encode("ascii")
        self.new_session = new_id
        self._pool = pool
        self._ttl = ttl
        self._attributes = b"Path=/; HttpOnly; " + _ATTRIBUTES[same_site]
        self._is_secure = same_site is SameSite.NONE  # whoever came by http: so browsers want it
        self._verify = lru_cache(_REMEMBERED)(self._verify_signature)  # raises for forgeries, so those are not kept
        self.rotate(keys)

    def rotate(self, keys: Sequence[str]) -> None:
        """Sign with the first of `keys` from now on, and verify with all of them, newest first."""
        if not keys:
            raise ValueError("a session cookie needs at least one key")
        self._signer = _signer(reversed(keys), f"session/{self._pool}")
        self._home_signers = [_signer([key], f"home/{self._pool}") for key in keys]
        self._newest_digest = lru_cache(_HOMES)(partial(_digest_of, signer=self._home_signers[0]))
        self._homes: dict[str, str] = {}  # digest -> identity
        self._digested: set[str] = set()  # identities in it
        self._verify.cache_clear()

    def read(self, headers: Iterable[tuple[bytes, bytes]], now: float, known: Callable[[str], bool]) -> Reading:
        """The first valid cookie of our name. `now`: wall clock.

        `known`: whether the pool's table has a session. There the time to live runs from the last request, and the
        table forgets who is over it; only for others it runs from the time of issue.
        """
        verdict = Verdict.NONE
        for count, value in enumerate(cookies.values_of(self.name, headers)):
            if count == _MOST:
                break
            claim = self._claim(value)
            if claim is None:
                verdict = Verdict.INVALID if verdict is Verdict.NONE else verdict
            elif now - claim.issued_at <= self._ttl or known(claim.session):
                return Reading(Verdict.VALID, claim)
            else:
                verdict = Verdict.EXPIRED
        return _NOTHING if verdict is Verdict.NONE else Reading(verdict)

    def home_of(self, claim: Claim, identities: Collection[str]) -> str | None:
        """Which of `identities` (a set or a dict's keys) the claim's home is; None: it is none of them any more."""
        identity = self._homes.get(claim.home)
        if identity is None:
            self._digest(identities)
            identity = self._homes.get(claim.home)
        return identity if identity in identities else None

    def issue(self, session: str, identity: str, now: float, *, secure: bool) -> bytes:
        """A whole Set-Cookie value. `now`: wall clock; `secure`: the client came by https."""
        home = self._newest_digest(identity)
        value = self._signer.sign(f"{session}.{home}.{int(now)}")
        flags = b"; Secure" if secure and not self._is_secure else b""
        return b"%b=%b; Max-Age=%d; %b%b" % (self.name, value, self._ttl, self._attributes, flags)

    def needs_renewal(self, claim: Claim, now: float) -> bool:
        """Past half its life: the browser counts its own Max-Age and would forget it."""
        return (now - claim.issued_at) * 2 > self._ttl

    def _claim(self, value: bytes) -> Claim | None:
        if len(value) > _LONGEST:
            return None
        try:
            return self._verify(value)
        except (BadSignature, ValueError):  # ValueError: the key was used to sign something else
            return None

    def _verify_signature(self, value: bytes) -> Claim:
        if value.rfind(b".") != len(value) - _SIGNATURE_LENGTH - 1 or value[-1] not in _LAST_LETTERS:
            raise BadSignature("not the shape of a signed value")
        session, home, issued_at = self._signer.unsign(value).decode("ascii").split(".")
        return Claim(session, home, int(issued_at))

    def _digest(self, identities: Collection[str]) -> None:
        """Learn the digests of new identities; forget all when most of those known are gone."""
        if len(self._digested) > 2 * len(identities) + 100:
            self._homes.clear()
            self._digested.clear()
        for identity in identities:
            if identity not in self._digested:
                self._digested.add(identity)
                self._homes.update((_digest_of(identity, signer), identity) for signer in self._home_signers)


def session_ids() -> Iterator[str]:
    """Without end; 22 letters of base64 each: 132 bits of the system's randomness, asked for many at a time."""
    while True:
        letters = base64.urlsafe_b64encode(secrets.token_bytes(_IDS * _ID_LENGTH * 6 // 8)).decode()
        for start in range(0, len(letters), _ID_LENGTH):
            yield letters[start : start + _ID_LENGTH]


class _HmacSha256(HMACAlgorithm):
    """As itsdangerous' own, by the one call that OpenSSL has for the whole of it."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """32 bytes."""
        return hmac.digest(key, value, "sha256")


class _Signer(Signer):
    """Derives each key once, not for each signature."""

    def __init__(self, keys: list[str], salt: str) -> None:
        super().__init__(keys, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_HmacSha256())
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """As the base class does; there are as many as keys in the ring."""
        derived = self._derived.get(secret_key)
        if derived is None:
            derived = self._derived[secret_key] = super().derive_key(secret_key)
        return derived


def _signer(keys: Iterable[str], salt: str) -> Signer:
    """`keys`: oldest first, as itsdangerous has them."""
    return _Signer(list(keys), salt)


def _digest_of(identity: str, signer: Signer) -> str:
    return signer.get_signature(identity)[:_DIGEST_LENGTH].decode()
