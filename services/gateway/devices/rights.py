"""What a sender may hand in, as one decision. Pure."""

from datetime import date

from schemas.device import DeviceKind
from schemas.feedback import Channel, Response, Violation
from schemas.instrument import Instrument, Trust
from schemas.registry import Registry
from services.gateway.devices.model import Device
from services.gateway.intake.tokens import Token

_ANONYMOUS_CHANNELS = {Channel.WEB, Channel.QR, Channel.PHONE}
ANONYMOUS_DEVICE = "web"
"""The device of everybody without one: a browser must not be told from another."""


def _kiosk(response: Response, device: Device) -> list[Violation]:
    wrong: list[Violation] = []
    if response.device != device.id:
        wrong.append(Violation(field="device", rule="must be the device that signed"))
    if f"unit:{response.unit}" != device.scope:
        wrong.append(Violation(field="unit", rule="must be the unit that the device belongs to"))
    if response.channel is not Channel.KIOSK:
        wrong.append(Violation(field="channel", rule="must be kiosk"))
    if response.sequence is None:
        wrong.append(Violation(field="sequence", rule="must count the answers of this device"))
    return wrong


def _system(response: Response, device: Device, registry: Registry, day: date) -> list[Violation]:
    wrong: list[Violation] = []
    if response.device != device.id and not response.device.startswith(f"{device.id}:"):
        rule = "must be the device that signed, or `<that>:<one behind it>`"
        wrong.append(Violation(field="device", rule=rule))
    unit = f"unit:{response.unit}"
    if device.scope not in {unit, *registry.above(unit, day)}:
        wrong.append(Violation(field="unit", rule=f"must stand under {device.scope}"))
    return wrong


def _anonymous(response: Response) -> list[Violation]:
    wrong: list[Violation] = []
    if response.device != ANONYMOUS_DEVICE:
        rule = f"must be `{ANONYMOUS_DEVICE}` without a signature"
        wrong.append(Violation(field="device", rule=rule))
    if response.channel not in _ANONYMOUS_CHANNELS:
        names = ", ".join(sorted(_ANONYMOUS_CHANNELS))
        rule = f"must be among {names} without a signature"
        wrong.append(Violation(field="channel", rule=rule))
    if response.sequence is not None:
        wrong.append(Violation(field="sequence", rule="is for devices that sign"))
    return wrong


def _token_holder(response: Response, token: Token) -> list[Violation]:
    wrong = _anonymous(response)
    if response.unit != token.unit:
        wrong.append(Violation(field="unit", rule="must be the unit that the token is for"))
    if response.stage != token.stage:
        wrong.append(Violation(field="stage", rule="must be the stage that the token is for"))
    return wrong


def _anybody(
    response: Response, registry: Registry, day: date, instrument: Instrument | None
) -> list[Violation]:
    wrong = _anonymous(response)
    # Otherwise anybody could fill the quarantine.
    if registry.on(f"unit:{response.unit}", day) is None:
        wrong.append(Violation(field="unit", rule="must be in the registry and in force"))
    if instrument is None or instrument.trust is not Trust.OPEN:
        rule = "must be an open questionnaire without a signature or a token"
        wrong.append(Violation(field="instrument", rule=rule))
    return wrong


def violations(
    response: Response,
    sender: Device | Token | None,
    registry: Registry,
    day: date,
    instrument: Instrument | None,
) -> list[Violation]:
    """Every reason why a sender may not hand a response in; none when it may.

    Args:
        response: well-formed.
        sender: the device that signed, the token that came with it, or nobody.
        registry: who stands under whom.
        day: local day on which the response was given.
        instrument: its questionnaire, if it is known.
    """
    match sender:
        case Device(kind=DeviceKind.KIOSK):
            return _kiosk(response, sender)
        case Device():
            return _system(response, sender, registry, day)
        case Token():
            return _token_holder(response, sender)
        case None:
            return _anybody(response, registry, day, instrument)
