"""alert.changed.v1: how the rest of the system hears of alerts."""

from schemas.topics import ALERT_CHANGED
from services.notify.delivery.channels import NotDeliveredError
from services.notify.delivery.outbox import Entry
from services.notify.wording.message import Message
from services.runtime.producer import KafkaUnavailableError, Producer


class TopicChannel:
    """Publishes changes of alerts."""

    def __init__(self, producer: Producer) -> None:
        """Hold the producer."""
        self._producer = producer

    async def deliver(self, entry: Entry, _address: str, _message: Message) -> None:
        """Publish one change.

        Raises:
            NotDeliveredError: when Kafka does not acknowledge.
        """
        try:
            await self._producer.send(ALERT_CHANGED, [entry.alert])
        except KafkaUnavailableError as error:
            msg = "Kafka does not answer"
            raise NotDeliveredError(msg) from error
