"""Which device a request comes from: HTTP Message Signatures (RFC 9421) with Ed25519.

Covered are the method, the path and the content digest (RFC 9530), with `created`, `keyid`, `nonce`
and the tag. The signature is minutes old at most, however old the answers inside may be.
"""

from datetime import timedelta
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519
from starlette.datastructures import Headers

from services.gateway.devices.model import Device, Devices
from services.gateway.devices.replays import Replays
from services.gateway.problems import ProblemError
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.clock import Clock

TAG: Final = "langnghe"
COMPONENTS: Final = ("@method", "@path", "content-digest")
_NONCE_LENGTH = range(16, 65)
_ACCEPT: Final = f'sig=("@method" "@path" "content-digest");created;keyid;nonce;tag="{TAG}"'


class _Message(NamedTuple):
    """What the library wants to know of a request. Behind a proxy the host is not what the device
    called, so it is not signed, and any will do here."""

    method: str
    url: str
    headers: Headers


class _Keys(HTTPSignatureKeyResolver):
    """The keys of all devices; remembers which device the signature named."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self.asked = False
        self.device: Device | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        """The library asks for the key that the signature names."""
        self.asked = True
        self.device = self._devices.get(key_id)
        if self.device is None:
            msg = "keyid: must be an enrolled device"
            raise InvalidSignature(msg)
        return self._devices.key(self.device)


class _Verifier(HTTPMessageVerifier):
    """The library's, with the clock of a kiosk in mind: it may be wrong by minutes either way."""

    def __init__(self, keys: _Keys, skew: timedelta) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=keys)
        self.max_clock_skew = skew


def _refuse(outcome: str, detail: str) -> ProblemError:
    metrics.GATEWAY_SIGNATURES.labels(outcome).inc()
    return ProblemError(401, f"signature-{outcome}", detail, headers={"Accept-Signature": _ACCEPT})


class Signatures:
    """Tells devices apart, and what they signed from what they did not."""

    def __init__(self, devices: Cached[Devices], clock: Clock, minutes: int) -> None:
        """Hold who is known.

        Args:
            devices: all of them.
            clock: the present.
            minutes: how far a signature's time may lie from ours, either way.
        """
        self._devices = devices
        self._clock = clock
        self._skew = timedelta(minutes=minutes)
        self._replays = Replays(2 * self._skew)

    def _verified(self, request: Request, body: bytes) -> tuple[Device | None, str]:
        """The device and the nonce of a signature that holds; no device if it is not known.

        Raises:
            ProblemError: 401 that says what is wrong.
        """
        keys = _Keys(self._devices.value)
        path = request.scope["path"]
        try:
            results = _Verifier(keys, self._skew).verify(
                _Message(request.method, f"http://gateway{path}", request.headers),
                max_age=timedelta(0),
                expect_tag=TAG,
                require_components=COMPONENTS,
                body=body,
            )
        except (HTTPMessageSignaturesException, ValueError) as error:
            if keys.asked and keys.device is None:
                return None, ""
            raise _refuse("invalid", f"Signature: {error}") from None
        nonce = results[0].nonce or ""
        if len(results) != 1 or len(nonce) not in _NONCE_LENGTH:
            raise _refuse("invalid", "nonce: must have 16 to 64 characters.")
        return keys.device, nonce

    async def device(self, request: Request, body: bytes) -> Device:
        """The device that signed a request.

        Raises:
            ProblemError: 401 when the signature is missing, wrong, too old, or was seen before.
        """
        if "signature" not in request.headers:
            raise _refuse("missing", "The request must be signed.")
        device, nonce = self._verified(request, body)
        if device is None:
            # It may have been enrolled a moment ago, at another process.
            await self._devices.refresh()
            device, nonce = self._verified(request, body)
        if device is None:
            raise _refuse("unknown", "keyid: must be an enrolled device.")
        if device.revoked_at is not None:
            raise _refuse("revoked", "keyid: the device was revoked.")
        if not self._replays.first_time(device.id, nonce, self._clock()):
            raise _refuse("replayed", "nonce: was used before; sign each attempt anew.")
        metrics.GATEWAY_SIGNATURES.labels("valid").inc()
        return device
