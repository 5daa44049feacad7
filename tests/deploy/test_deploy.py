"""What deploy/ shows is what this version understands, and what can be tried here works."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
import yaml

from hubbub.api.settings import Settings
from hubbub.client import Client
from hubbub.cluster import Node, balancer, programs
from hubbub.cluster.ports import free_port
from hubbub.config import KNOBS, load
from support.deadline import deadline

DEPLOY = Path(__file__).parents[2] / "deploy"
ROOT = DEPLOY.parent
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
FLAGS = {knob.flag: knob for knob in KNOBS}
PASSWORD = "correct horse battery"
VARIABLES = {knob.variable: knob for knob in KNOBS}

needs_haproxy = pytest.mark.skipif(not balancer.is_installed(), reason="NOT TESTED: there is no HAProxy")


def needs(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"NOT TESTED: there is no {name}")


def commands(text):
    """What follows `serve` in a command, whichever way it is written, up to the end of the line."""
    return [
        re.findall(r"--[a-z-]+", line.partition("serve")[2]) for line in text.splitlines() if "serve" in line
    ]


def seconds(text):
    return float(str(text).removesuffix("s"))


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def kubernetes():
    return {each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}


def pod():
    return kubernetes()["Deployment"]["spec"]["template"]["spec"]


def unit(path):
    """Its settings: the last value of each, and all of `Environment`."""
    lines = [line.partition("=") for line in path.read_text().splitlines() if re.match(r"\w+=", line)]
    settings = {name: value for name, _, value in lines}
    settings["Environment"] = dict(
        pair.split("=", 1) for name, _, value in lines if name == "Environment" for pair in value.split()
    )
    return settings


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(path):
    text = path.read_text()
    flags = {flag for command in commands(text) for flag in command} - {"--config"}

    assert flags <= set(FLAGS)
    assert set(re.findall(r"\bHUBBUB_[A-Z_]+\b", text)) <= set(VARIABLES)


def test_settings_are_named_at_all():
    text = "".join(path.read_text() for path in FILES)

    assert sum(map(len, commands(text))) > 5
    assert len(re.findall(r"\bHUBBUB_[A-Z_]+\b", text)) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_password_is_in_any_file(path):
    for found in re.findall(r"://[a-z]+:([^@\s]*)@", path.read_text()):
        assert found == "PASSWORD" or found.startswith("${")


def environments():
    node = compose()["services"]["node-1"]["environment"]
    of_the_pod = {each["name"]: each.get("value", "") for each in pod()["containers"][0]["env"]}
    secrets = {"HUBBUB_DATABASE": "postgresql://a:b@c/d", "HUBBUB_BUS": "nats://a:b@c"}
    return [
        pytest.param({**node, **secrets}, id="compose"),
        pytest.param({**of_the_pod, **secrets}, id="kubernetes"),
        *(pytest.param(unit(path)["Environment"], id=path.name) for path in UNITS),
    ]


@pytest.mark.parametrize("environment", environments())
def test_every_value_is_one_that_its_setting_takes(environment, tmp_path):
    assert load({}, environment, directory=tmp_path)  # raises with every mistake there is


def leaving_seconds(environment):
    return sum(
        float(environment.get(name, VARIABLES[name].default))
        for name in ("HUBBUB_DRAIN_SECONDS", "HUBBUB_STOP_SECONDS")
    )


def test_whoever_stops_a_node_waits_for_it_to_leave():
    for path in UNITS:
        said = unit(path)
        assert float(said["TimeoutStopSec"]) > leaving_seconds(said["Environment"])

    for name, service in compose()["services"].items():
        if name.startswith("node"):
            assert seconds(service["stop_grace_period"]) > leaving_seconds(service["environment"])

    environment = {each["name"]: each.get("value") for each in pod()["containers"][0]["env"]}
    assert pod()["terminationGracePeriodSeconds"] > leaving_seconds(environment)


def test_a_node_behind_a_balancer_drains_for_longer_than_that_takes_to_notice():
    checks = re.search(r"inter (\d+)ms fall 1 ", (DEPLOY / "haproxy.cfg").read_text())[1]
    node = compose()["services"]["node-1"]["environment"]
    of_the_pod = {each["name"]: each.get("value") for each in pod()["containers"][0]["env"]}
    probe = pod()["containers"][0]["readinessProbe"]

    assert float(node["HUBBUB_DRAIN_SECONDS"]) > int(checks) / 1000
    assert float(of_the_pod["HUBBUB_DRAIN_SECONDS"]) > probe["periodSeconds"] * probe["failureThreshold"]


def test_the_balancer_waits_for_its_own_streams():
    allowed = re.search(r"hard-stop-after (\d+)s", (DEPLOY / "haproxy.cfg").read_text())[1]

    assert seconds(compose()["services"]["balancer"]["stop_grace_period"]) > int(allowed)


def test_compose_has_the_nodes_that_the_balancer_knows():
    known = set(re.findall(r"server (\S+) \1:8080", (DEPLOY / "haproxy.cfg").read_text()))

    assert known == {name for name in compose()["services"] if name.startswith("node")}
    for service in compose()["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists()


def test_the_probes_ask_what_there_is():
    container = pod()["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listens = dict(zip(container["args"][1::2], container["args"][2::2], strict=True))

    assert listens == {
        "--listen": f"0.0.0.0:{ports['people']}",
        "--admin-listen": f"0.0.0.0:{ports['operators']}",
    }
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "operators"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_everything_in_kubernetes_means_the_same_pods():
    labels = kubernetes()["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert kubernetes()["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert kubernetes()["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert kubernetes()["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert kubernetes()["Service"]["spec"]["selector"] == labels


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_in_particular():
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = [
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    user = next(line.split()[1] for line in lines if line.startswith("USER"))
    kept = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()

    assert all((ROOT / path).exists() for path in copied)
    assert {f"!{path.strip('/')}" for path in copied} == {line for line in kept if line.startswith("!")}
    assert user == f"{pod()['securityContext']['runAsUser']}:{pod()['securityContext']['runAsGroup']}"


async def test_the_image_s_question_tells_a_server_that_lives_from_one_that_does_not(tmp_path, environment):
    text = (DEPLOY / "Containerfile").read_text()
    program = re.search(r'CMD \["python", "-c", "(.*)"\]', text)[1]

    async def code(port):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program.replace("9464", str(port)), stderr=asyncio.subprocess.DEVNULL
        )
        async with deadline():
            return await process.wait()

    async with Node(tmp_path, environment=environment) as node:
        port = node.admin_url.rpartition(":")[2]
        assert await code(port) == 0
    assert await code(port) != 0


@pytest.fixture
def environment():
    return {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}


@needs("systemd-analyze")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong(path, tmp_path):
    # It looks whether the program is there; here it is not.
    text = path.read_text().replace("/opt/hubbub/.venv/bin/hubbub", shutil.which("true"))
    there = tmp_path / path.name.replace("@", "@8081")
    there.write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", there], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("nats-server"), reason="NOT TESTED: there is no nats-server")
def test_nats_finds_nothing_wrong():
    done = subprocess.run(
        [shutil.which("nats-server"), "--config", DEPLOY / "nats.conf", "-t"],
        env={"NATS_PASSWORD": "a0b1c2"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


@needs_haproxy
async def test_the_balancer_s_configuration_works(tmp_path, environment):
    haproxy = programs.program("haproxy", package="haproxy")
    where = DEPLOY / "haproxy.cfg"
    checked = subprocess.run([haproxy, "-c", "-f", where], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")

    flags = ("--drain-seconds", "600", "--trusted-proxies", "127.0.0.1")
    async with Node(tmp_path, *flags, environment=environment) as node:
        await node.kill()
        people, operators = (url.rpartition(":")[2] for url in (node.url, node.admin_url))
        port = free_port()
        text = re.sub(r"node-\d:8080", f"127.0.0.1:{people}", where.read_text())
        text = text.replace("port 9464", f"port {operators}").replace("bind :8080", f"bind 127.0.0.1:{port}")
        (tmp_path / "haproxy.cfg").write_text(text)
        process = await asyncio.create_subprocess_exec(
            str(haproxy), "-db", "-f", str(tmp_path / "haproxy.cfg"), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            before = f"http://127.0.0.1:{port}/health/live"
            await answers(before, 503)
            await node.start()
            await answers(before, 200)
            assert await told_of_itself(f"http://127.0.0.1:{port}") == f"http://127.0.0.1:{port}"
            await holds_so_many_from_one_address(port)
            os.kill(node.pid, signal.SIGTERM)
            await answers(before, 503)
            await answers(f"{node.url}/health/live", 200)
        finally:
            process.kill()
            await process.wait()


async def told_of_itself(url):
    """Where the server says that it is, to somebody who says that it is elsewhere."""
    lie = {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"}
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        return (await http.get(f"{url}/openapi.json", headers=lie)).json()["servers"][0]["url"]


async def holds_so_many_from_one_address(port):
    """Behind a proxy the server's own cap holds for nobody."""
    async with AsyncExitStack() as held, deadline():
        for _ in range(Settings().sockets_per_address):
            assert await is_answered(port, "127.0.0.2", held)
        assert not await is_answered(port, "127.0.0.2", held)
        assert await is_answered(port, "127.0.0.3", held)


async def is_answered(port, source, held):
    """On a connection of its own, which stays as long as `held`."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        held.callback(writer.close)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return b" 200 " in await reader.readline()
    except ConnectionError:
        return False


async def answers(url, status):
    async with deadline(), httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        while True:
            try:
                if (await http.get(url)).status_code == status:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.skipif(not shutil.which("nats-server"), reason="NOT TESTED: there is no nats-server")
async def test_nodes_hear_of_each_other_through_nats_as_it_is_set_up(tmp_path, environment, postgres):
    port = free_port()
    text = (DEPLOY / "nats.conf").read_text().replace("port: 4222", f"host: 127.0.0.1\nport: {port}")
    (tmp_path / "nats.conf").write_text(text)
    nats = await asyncio.create_subprocess_exec(
        shutil.which("nats-server"),
        *("--config", str(tmp_path / "nats.conf")),
        env={"NATS_PASSWORD": "a0b1c2"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        bus = f"nats://hubbub:a0b1c2@127.0.0.1:{port}"
        async with (
            Node(tmp_path, name="one", database=postgres, bus=bus, environment=environment) as one,
            Node(tmp_path, name="two", database=postgres, bus=bus, environment=environment) as two,
            Client(one.url) as ada,
            Client(two.url) as bob,
        ):
            for name, person in (("ada", ada), ("bob", bob)):
                await person.sign_up(name, PASSWORD)
                await person.sign_in(name, PASSWORD)
            room = await ada.create_room("Lounge")
            for node in (one, two):
                await has_metric(node, "hubbub_bus_up")  # NATS may have been started after them
            async with deadline(), bob.subscribe(room.id) as listening:
                await ada.post("hello", room=room.id)
                async for event in listening:
                    assert event.text == "hello"
                    break
            await has_metric(two, "hubbub_bus_messages_heard_total")
    finally:
        nats.kill()
        await nats.wait()


async def has_metric(node, name):
    """Until it is more than nothing."""
    shown = re.compile(rf"^{name} (\S+)$", re.MULTILINE)
    async with deadline(), httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        while not float(shown.search((await http.get(node.metrics)).text)[1]):
            await asyncio.sleep(0.05)
