"""A server under load that is killed, stopped kindly and frozen again and again, at random moments."""

import argparse
import asyncio
import logging
import os
import random
import tempfile
import time
from pathlib import Path

from faults.crowd import Crowd
from support.process import Process
from support.seeded import seed as fill

KILLS_A_ROUND = 20
"""Ledgers are kept to a round's end, so a round must have one."""

KINDLY, FROZEN = 0.1, 0.05
"""Of the faults, how many are a SIGTERM, and how many a SIGSTOP, in place of a SIGKILL."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=int(os.environ.get("HUBBUB_SOAK_KILLS", "300")))
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next has the next")
    parser.add_argument("--loop", choices=("uvloop", "asyncio", "both"), default="both")


async def soak(asked: argparse.Namespace) -> int:
    logging.getLogger("asyncio").setLevel(
        logging.ERROR
    )  # else it tells of each socket that died with a server
    begun = time.monotonic()
    kills = acknowledged = delivered = broken = rounds = 0
    while kills < asked.kills:
        seed = asked.seed + rounds
        loop = ("uvloop", "asyncio")[seed % 2] if asked.loop == "both" else asked.loop
        count = min(KILLS_A_ROUND, asked.kills - kills)
        told = await one_round(seed, loop, count)
        rounds += 1
        kills += told["kills"]
        acknowledged += told["acknowledged"]
        delivered += told["deliveries"]
        broken += len(told["faults"])
        print(
            f"seed {seed} on {loop}: {told['kills']} kills, {told['stops']} stops, {told['freezes']} freezes,"
            f" {told['acknowledged']:,} acknowledged, {told['deliveries']:,} deliveries, "
            f"{len(told['faults'])} promises broken",
            flush=True,
        )
        for fault in told["faults"]:
            print(f"  {fault}")
        if told["faults"]:
            print(f"  again: python -m soak kills --kills {count} --seed {seed} --loop {loop}", flush=True)
    print(
        f"{rounds} rounds in {time.monotonic() - begun:.0f} s: {kills} kills, {acknowledged:,} acknowledged, "
        f"{delivered:,} deliveries checked, {broken} promises broken"
    )
    return 1 if broken else 0


async def one_round(seed: int, loop: str, kills: int) -> dict:
    chance = random.Random(seed)
    done = {"kills": 0, "stops": 0, "freezes": 0}
    with tempfile.TemporaryDirectory(prefix="hubbub-soak-") as directory:
        data = Path(directory) / "data"
        await fill(data)
        async with Process(data, "--loop", loop) as server, Crowd(server, seed) as crowd:
            faults = []
            try:
                while done["kills"] < kills:
                    await crowd.acknowledges(chance.randint(20, 400))
                    await asyncio.sleep(chance.random() * 0.03)
                    done[await ill_treat(server, chance)] += 1
                await crowd.settles()
                faults = list(crowd.broken())
            except Exception as error:  # a soak tells and goes on
                faults = [f"{type(error).__name__}: {error}"]
            return {
                **done,
                "acknowledged": crowd.acknowledged,
                "deliveries": crowd.deliveries,
                "faults": faults,
            }


async def ill_treat(server: Process, chance: random.Random) -> str:
    kind = chance.random()
    if kind < FROZEN:
        server.freeze()
        await asyncio.sleep(chance.random() * 3)
        server.thaw()
        return "freezes"
    if kind < FROZEN + KINDLY:
        code = await server.terminate()
        if code != 0:
            raise AssertionError(f"asked to stop, it ended with {code}")
        await server.start()
        return "stops"
    await server.kill()
    await server.start()
    return "kills"
