"""Who hands a response in, and whether it may: decided before anything goes onto a topic."""

from fastapi import Request
from limits import RateLimitItemPerMinute

from method.period import local_day
from schemas.device import DeviceKind
from schemas.feedback import Response, Violation
from schemas.instrument import instruments
from schemas.registry import Registry
from services.gateway.devices.model import Device
from services.gateway.devices.rights import violations
from services.gateway.devices.signature import Signatures
from services.gateway.intake.tokens import Token, TokenError, digest, open_token
from services.gateway.limits import Limit, address
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.clock import Clock


class NotAllowedError(Exception):
    """The sender may not hand this response in."""

    def __init__(self, errors: list[Violation]) -> None:
        """Keep every reason."""
        super().__init__("not allowed")
        self.errors = errors


class Senders:
    """Devices that sign, holders of a token, and everybody else."""

    def __init__(
        self,
        signatures: Signatures,
        registry: Cached[Registry],
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._signatures = signatures
        self._registry = registry
        self._clock = clock
        self._token_key = settings.token_key
        self._limits = {
            DeviceKind.KIOSK: Limit("kiosk", RateLimitItemPerMinute(settings.kiosk_per_minute)),
            DeviceKind.SYSTEM: Limit("system", RateLimitItemPerMinute(settings.system_per_minute)),
        }
        most = RateLimitItemPerMinute(settings.anonymous_per_minute)
        self._anonymous = Limit("anonymous", most)

    async def device(self, request: Request, body: bytes) -> Device:
        """The device that signed a request.

        Raises:
            ProblemError: 401 when it is not signed as it must be.
        """
        return await self._signatures.device(request, body)

    async def sender(self, request: Request, body: bytes) -> Device | None:
        """The device that signed a request; nobody, if it is not signed at all.

        Raises:
            ProblemError: 401 when it is signed wrongly, 429 when nobody sends too much.
        """
        if "signature" in request.headers or "signature-input" in request.headers:
            return await self.device(request, body)
        await self._anonymous.spend(address(request))
        return None

    async def spend(self, device: Device, answers: int) -> None:
        """Count answers against what a device may send.

        Raises:
            ProblemError: 429 when it is too much.
        """
        await self._limits[device.kind].spend(device.id, answers)

    def admit(self, response: Response, device: Device | None) -> Response:
        """The response as it goes onto the topic: its token, if it has one, is a digest there.

        Raises:
            NotAllowedError: with every reason.
        """
        token = self._token(response)
        day = local_day(response.occurred_at)
        instrument = instruments().get((response.instrument, response.instrument_version))
        errors = violations(response, device or token, self._registry.value, day, instrument)
        if errors:
            raise NotAllowedError(errors)
        if token is None:
            return response
        return response.model_copy(update={"dossier_token": digest(token)})

    def _token(self, response: Response) -> Token | None:
        if response.dossier_token is None:
            return None
        if self._token_key is None:
            rule = "no token is taken here"
            raise NotAllowedError([Violation(field="dossier_token", rule=rule)])
        key = self._token_key.get_secret_value().encode()
        try:
            return open_token(response.dossier_token, key, local_day(self._clock()))
        except TokenError as error:
            raise NotAllowedError([Violation(field="dossier_token", rule=str(error))]) from None
