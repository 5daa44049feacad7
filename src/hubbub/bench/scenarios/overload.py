"""More posts than the server can take: does it stay in command of itself?

What is taken has to be stored and delivered in time, what is not has to be turned away, and meanwhile the
server has to answer whoever asks how it is. Shed posts are no fault; a shed post that is heard is one.
Whoever is sent away comes back afterwards, and has to be told what they missed.
"""

from hubbub.bench.outcome import Outcome
from hubbub.bench.scenarios.fanout import seats
from hubbub.bench.stage import Stage


async def overload(stage: Stage) -> Outcome:
    asked = stage.asked
    readers, posters = seats(stage)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads, failed = [], 0
        for rate in asked.rates:
            async with stage.health() as health:
                loads.append(await stage.load(fleet, rate, health=health, come_back=True))
            failed += health.failed
        verdict = stage.judge(await fleet.tell())
    facts = {
        "connect_seconds": connect_seconds,
        "share_of_posts_shed": verdict.shed / verdict.posted if verdict.posted else 0.0,
        "health_questions_not_answered": failed,
    }
    return Outcome(loads=loads, verdict=verdict, facts=facts)
