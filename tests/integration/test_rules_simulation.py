"""What `langnghe rules test` simulates is what scoring does on real servers."""

from datetime import datetime, timedelta
from random import Random

from langnghe.rules.simulation import Simulation
from langnghe.rules.testfile import Answers
from method.period import LOCAL_ZONE
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from tests.builders import UNIT, accepted, records
from tests.integration.test_scoring import index
from tests.servers import Servers

MIDNIGHT = datetime(2026, 11, 2, tzinfo=LOCAL_ZONE)
SCOPE = f"unit:{UNIT}"


async def test_simulated_indices_and_charts_are_those_of_scoring(
    servers: Servers, database: Database
) -> None:
    random = Random(3)
    came = [
        (timedelta(days=day, hours=hour, minutes=random.randrange(60)), random.choice((1, 3, 4, 5)))
        for day in range(18)
        for hour in (8, 15)
        for _ in range(random.randrange(4))
    ]
    series = [
        Answers.model_validate(
            {"scope": SCOPE, "from": f"{time // timedelta(minutes=1)}m", "levels": {level: 1}}
        )
        for time, level in sorted(came)
    ]
    simulation = Simulation({}, series, MIDNIGHT)
    now = MIDNIGHT
    ledger = Ledger(database)
    producer = Producer(servers.kafka_url, "scoring")
    refresh = Refresh(database, producer, ledger, lambda: {0}, lambda: now)
    waiting = sorted(came)
    offset = compared = trends = 0
    await producer.start()
    try:
        await producer.connected()
        for step in range(18 * 4 + 3):
            now = MIDNIGHT + step * timedelta(hours=6)
            fresh = [one for one in waiting if MIDNIGHT + one[0] <= now]
            waiting = waiting[len(fresh) :]
            events = [
                accepted(
                    offset + number,
                    level=level,
                    occurred_at=MIDNIGHT + time,
                    received_at=MIDNIGHT + time,
                )
                for number, (time, level) in enumerate(fresh)
            ]
            if events:
                await ledger.handle(0, records(events, first=offset))
                offset += len(events)
            await refresh.run()
            simulation.step(now)
            if SCOPE in simulation.indices:
                ours, theirs = simulation.indices[SCOPE], await index(database, SCOPE)
                assert ours.windows == theirs.windows, now
                assert ours.change == theirs.change, now
                assert ours.trend == theirs.trend, now
                trends += ours.trend is not None and ours.trend.deviation != 0
                assert ours.as_of == theirs.as_of
                assert ours.latest_occurred_at == theirs.latest_occurred_at
                compared += ours.change is not None and ours.change.statistic > 0
    finally:
        await producer.stop()
    assert compared > 10, "charts have moved"
    assert trends > 10, "so have trends"
    assert not waiting
