"""Settings: which source wins, and that every mistake is told at once."""

from pathlib import Path

import pytest

from hubbub.api.settings import Settings
from hubbub.config import KNOBS, Config, Misconfigured, load
from hubbub.knobs import Address
from hubbub.service.limits import Policy


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path


def mistakes(*args, **kwargs) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        load(*args, **kwargs)
    return list(refused.value.mistakes)


def test_a_flag_is_stronger_than_the_environment_and_that_than_the_file(here):
    (here / "hubbub.toml").write_text('listen = "127.0.0.1:1"\nbacklog = 7\nsign_up = "closed"\n')
    environment = {"HUBBUB_LISTEN": "127.0.0.1:2", "HUBBUB_BACKLOG": "8"}

    config = load({"listen": ["127.0.0.1:3"]}, environment, directory=here)

    assert (config.listen.port, config.backlog, config.sign_up_open) == (3, 8, False)


def test_without_any_source_the_defaults_hold(here):
    config = load({}, {"HOME": "/", "PATH": "/bin"}, directory=here)

    assert config.settings == Settings()
    assert config.listen == Address("127.0.0.1", 8080)
    assert config.limits == {}
    assert config.data.name == "hubbub"


def test_every_mistake_of_every_source_is_told_at_once(here):
    (here / "hubbub.toml").write_text('lisen = "127.0.0.1:1"\nping_seconds = "often"\n')
    environment = {"HUBBUB_SING_UP": "open", "HUBBUB_BACKLOG": "many"}

    told = mistakes(
        {"listen": ["8080"], "tls_cert": [__file__], "colour": ["red"]}, environment, directory=here
    )

    assert told == [
        "hubbub.toml: lisen: unknown; did you mean listen?",
        "hubbub.toml: ping_seconds 'often': seconds, from 0.1 to 86400",
        "HUBBUB_BACKLOG 'many': a whole number from 1 to 65535",
        "HUBBUB_SING_UP: unknown; did you mean HUBBUB_SIGN_UP?",
        "--listen '8080': say HOST:PORT, such as 127.0.0.1:8080, or [::]:8080 for every address;"
        " a port is at most 65535",
        "--colour: unknown",
        "--tls-cert and --tls-key: one is of no use without the other",
    ]


def test_a_mistake_is_told_even_where_a_stronger_source_replaces_it(here):
    assert mistakes({"backlog": ["5"]}, {"HUBBUB_BACKLOG": "x"}, directory=here) == [
        "HUBBUB_BACKLOG 'x': a whole number from 1 to 65535"
    ]


def test_the_file_can_be_named_by_flag_or_environment_and_has_to_be_there_then(here):
    (here / "other.toml").write_text("backlog = 9\n")

    assert load({"config": ["other.toml"]}, {}, directory=here).backlog == 9
    assert load({}, {"HUBBUB_CONFIG": "other.toml"}, directory=here).backlog == 9
    assert mistakes({"config": ["none.toml"]}, {}, directory=here) == [
        "--config 'none.toml': there is no such file"
    ]


def test_what_the_system_does_not_let_be_read_is_told_beside_the_other_mistakes(here):
    name = "x" * 300  # too long, which root is told too, unlike that it may not

    for setting in ("config", "data", "admin_token_file"):
        assert mistakes({setting: [name], "backlog": ["many"]}, {}, directory=here) == [
            f"--{setting.replace('_', '-')} '{name}': it cannot be read: File name too long",
            "--backlog 'many': a whole number from 1 to 65535",
        ]
    assert mistakes({"tls_cert": [name], "tls_key": [__file__]}, {}, directory=here) == [
        f"--tls-cert '{name}': it cannot be read: File name too long"
    ]


def test_an_empty_directory_name_is_not_the_current_directory(here):
    (told,) = mistakes({"data": [""]}, {}, directory=here)

    assert told.startswith("--data '': say a directory")


@pytest.mark.parametrize("text", ["listen = ", "listen = 127.0.0.1:80", "\xff"])
def test_a_file_that_is_no_toml_is_a_mistake_that_names_it(here, text):
    (here / "hubbub.toml").write_bytes(text.encode("latin-1"))

    (told,) = mistakes({}, {}, directory=here)

    assert told.startswith("hubbub.toml: ")


def test_a_value_of_a_kind_that_no_setting_has_is_a_mistake(here):
    (here / "hubbub.toml").write_text("backlog = [1, 2]\nping_seconds = 1979-05-27\n")

    assert mistakes({}, {}, directory=here) == [
        "hubbub.toml: backlog: N, not list",
        "hubbub.toml: ping_seconds: SECONDS, not date",
    ]


def test_what_kubernetes_says_of_a_service_called_hubbub_is_no_mistake(here):
    pod = {
        "HUBBUB_SERVICE_HOST": "10.0.0.1",
        "HUBBUB_PORT": "tcp://10.0.0.1:80",
        "HUBBUB_PORT_80_TCP_ADDR": "",
    }

    load({}, pod, directory=here)


def test_limits_are_set_by_name_or_all_off(here):
    (here / "hubbub.toml").write_text('[limits]\nposts = "5/1"\nrooms = "off"\n')
    from_file = load({}, {}, directory=here)
    from_flags = load({"limits": ["posts=20/10", "sign_ups=off"]}, {}, directory=here)
    from_environment = load({}, {"HUBBUB_LIMITS": "posts=20/10, sign_ups=off"}, directory=here)

    assert from_file.limits == {"posts": Policy(name="posts", quota=5, window_seconds=1), "rooms": None}
    assert from_flags.limits == {"posts": Policy(name="posts", quota=20, window_seconds=10), "sign_ups": None}
    assert from_environment.limits == from_flags.limits
    assert load({"limits": ["off"]}, {}, directory=here).limits is None


def test_a_limit_nobody_knows_is_a_mistake_that_names_those_there_are(here):
    (told,) = mistakes({"limits": ["post=1/1"]}, {}, directory=here)

    assert "posts" in told


def test_a_limit_that_is_a_number_alone_is_told_how_limits_are_written(here):
    (here / "hubbub.toml").write_text("[limits]\nrooms = 3\n")

    assert mistakes({}, {}, directory=here) == [
        "hubbub.toml: limits 'rooms=3': rooms: '3' is neither QUOTA/SECONDS, like 100/10, nor off"
    ]


def test_lists_are_given_with_commas_or_one_by_one(here):
    commas = load({}, {"HUBBUB_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}, directory=here)
    repeated = load({"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}, {}, directory=here)

    assert (
        commas.settings.trusted_proxies == repeated.settings.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")
    )


def test_every_bound_of_the_wire_can_be_set():
    names = {knob.name for knob in KNOBS}

    assert set(Settings.__struct_fields__) <= names


def test_every_setting_reaches_the_config(here, tmp_path):
    """A knob that is read and then forgotten would be worse than none."""
    samples = {
        "listen": "127.0.0.1:9",
        "data": str(tmp_path / "elsewhere"),
        "database": "postgresql://hubbub:secret@127.0.0.1/hubbub",
        "bus": "nats://127.0.0.1:4222",
        "public_url": "https://chat.example.org",
        "tls_cert": __file__,
        "tls_key": __file__,
        "sign_up": "closed",
        "limits": "posts=1/2",
        "retention_days": "3",
        "admin_listen": "off",
        "admin_token_file": str(here / "token"),
        "log_format": "json",
        "log_level": "debug",
        "access_log": "on",
        "loop": "asyncio",
        "trusted_proxies": "127.0.0.1",
        "cors_origins": "https://example.org",
        "ticket_seconds": "7",
    }
    (here / "token").write_text("t" * 43)
    default = load({}, {}, directory=here)
    for knob in KNOBS:
        flags = {knob.name: [samples.get(knob.name, "2048")]}
        if knob.name.startswith("tls"):
            flags = {"tls_cert": [__file__], "tls_key": [__file__]}
        if knob.name.endswith("_seconds") and knob.name not in samples:
            flags = {knob.name: ["11"]}
        if knob.name == "bus":
            flags["database"] = [samples["database"]]
        if knob.name == "password_workers":
            flags = {knob.name: ["33"]}
        assert load(flags, {}, directory=here) != default, f"{knob.flag} changes nothing"


def test_nothing_of_a_config_can_be_changed():
    with pytest.raises(AttributeError):
        Config(data=Path()).backlog = 3  # type: ignore[misc]


def test_everything_is_kept_in_one_place(here):
    told = mistakes({"database": ["postgresql://h/d"]}, {"HUBBUB_DATA": "/tmp"}, directory=here)
    assert told == ["HUBBUB_DATA and --database: everything is kept in one of them"]


def test_a_bus_is_for_servers_that_share_a_database(here):
    told = mistakes({"bus": ["nats://h:4222"]}, {}, directory=here)
    assert told == ["--bus: servers that hear of each other share a --database"]


@pytest.mark.parametrize("name", ["database", "bus"])
def test_a_mistake_in_an_address_does_not_repeat_the_password_in_it(here, name):
    told = mistakes({name: ["ftp://ada:secret@h/d"], "data": [], "database": []}, {}, directory=here)
    assert "secret" not in "".join(told)


def test_many_servers_of_the_bus_are_given_with_commas_or_one_by_one(here):
    flags = {"database": ["postgresql://h/d"], "bus": ["nats://a:1,nats://b:2", "tls://c:3"]}
    assert [url.secret for url in load(flags, {}, directory=here).bus] == [
        "nats://a:1",
        "nats://b:2",
        "tls://c:3",
    ]
