"""The notify process."""

from datetime import timedelta

from schemas.collections import DEVICES, REGISTRY
from schemas.registry import Registry
from schemas.topics import AGENCY_REPLIED, DEVICE_HEARTBEAT, INDEX_UPDATED
from services.notify.alerts import standing
from services.notify.alerts.kiosks import Kiosks, enrolled
from services.notify.alerts.moving import Alerts
from services.notify.delivery.channels import chat
from services.notify.delivery.channels.email import EmailChannel
from services.notify.delivery.channels.topic import TopicChannel
from services.notify.delivery.channels.webhook import WebhookChannel
from services.notify.delivery.digest import Digests
from services.notify.delivery.directory import Directories
from services.notify.delivery.gathering import Gathering
from services.notify.delivery.outbox import Channel
from services.notify.delivery.routes import load_routes
from services.notify.delivery.sender import Sender
from services.notify.reload import Reload
from services.notify.rules.file import load_rules
from services.notify.settings import NotifySettings
from services.runtime.cached import Cached
from services.runtime.clock import Clock, system_clock
from services.runtime.service import Service
from services.runtime.serving import serve

_REGISTRY_SECONDS = 5.0
_DEVICES_SECONDS = 5.0
_RULES_SECONDS = 2.0
_TICK_SECONDS = 1.0
_DIGEST_SECONDS = 5.0
_KIOSKS_SECONDS = 10.0
_SEND_SECONDS = 0.25
_MEASURE_SECONDS = 5.0


def build(settings: NotifySettings, clock: Clock = system_clock) -> Service:
    """Put the service together.

    Raises:
        YamlFileError: when the rule file or the route file cannot be used.
    """
    rules = load_rules(settings.rules)
    routes = load_routes(settings.routes) if settings.routes else ()
    service = Service("notify", settings, clock)
    registry = Cached(service.database, REGISTRY, Registry.of_documents)
    directories = Directories(registry, routes)
    alerts = Alerts(service.database, directories, rules, service.clock)
    devices = Cached(service.database, DEVICES, enrolled)
    kiosks = Kiosks(service.database, devices, alerts, service.clock)

    webhook = WebhookChannel(
        settings.webhook_key.get_secret_value(), settings.webhook_private_hosts, service.clock
    )
    sender = Sender(
        service.database,
        directories,
        {
            Channel.TOPIC: TopicChannel(service.producer).deliver,
            Channel.WEBHOOK: webhook.deliver,
            Channel.EMAIL: EmailChannel(settings).deliver,
            Channel.CHAT: chat.deliver,
        },
        settings.public_url,
        service.clock,
    )
    wait = timedelta(seconds=settings.group_wait_seconds)
    gathering = Gathering(service.database, directories, wait, service.clock)
    digests = Digests(
        service.database,
        directories,
        lambda: alerts.rules,
        settings.digest_at,
        settings.digest_false_share,
        service.clock,
    )
    service.within(webhook.open)
    service.first(registry.refresh)
    service.first(devices.refresh)
    service.every(_REGISTRY_SECONDS, "registry", registry.refresh)
    service.every(_DEVICES_SECONDS, "devices", devices.refresh)
    service.every(
        _RULES_SECONDS, "rules", Reload("rules", settings.rules, load_rules, alerts.use).run
    )
    if settings.routes:
        reload = Reload("routes", settings.routes, load_routes, directories.use)
        service.every(_RULES_SECONDS, "routes", reload.run)
    service.every(_TICK_SECONDS, "tick", alerts.tick)
    service.every(_TICK_SECONDS, "gather", gathering.run)
    service.every(_DIGEST_SECONDS, "digest", digests.run)
    service.every(_KIOSKS_SECONDS, "kiosks", kiosks.run)
    service.every(_SEND_SECONDS, "send", sender.run)
    service.every(
        _MEASURE_SECONDS, "standing", lambda: standing.measure(service.database, service.clock)
    )
    service.consume(INDEX_UPDATED, alerts.handle)
    service.consume(AGENCY_REPLIED, alerts.handle_replies)
    service.consume(DEVICE_HEARTBEAT, kiosks.handle)
    return service


def main() -> None:
    """Run until stopped."""
    settings = NotifySettings()
    serve("notify", build(settings).app(), settings)
