from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from incident_bot.config.secrets import read_secret
from incident_bot.config.settings import SECRETS, Settings, is_loopback, variable
from incident_bot.core.errors import Refused

SECRET = "correct-horse-battery-staple"
BESIDES: Mapping[str, Mapping[str, str]] = {
    "WEBHOOK_SECRET": {"INCIDENT_BOT_WEBHOOK_URL": "https://h.example.com"},
    "SMTP_URL": {"INCIDENT_BOT_MAIL_FROM": "bot@example.com"},
    "TWILIO_AUTH_TOKEN": {"TWILIO_ACCOUNT_SID": f"AC{'0' * 32}", "TWILIO_FROM": "+4915735980000"},
    "SLACK_SIGNING_SECRET": {"SLACK_BOT_TOKEN": "xoxb-1"},
    "SLACK_APP_TOKEN": {"SLACK_BOT_TOKEN": "xoxb-1"},
    "SLACK_CLIENT_SECRET": {"SLACK_CLIENT_ID": "1.2", "SLACK_TEAM_ID": "T0123ABCD"},
    "OIDC_CLIENT_SECRET": {
        "INCIDENT_BOT_OIDC_ISSUER": "https://id.example.com/",
        "INCIDENT_BOT_OIDC_CLIENT_ID": "bot",
    },
}
"""What a secret is worth nothing without."""


def loaded(**values: str) -> Settings:
    return Settings.load({f"INCIDENT_BOT_{name}": value for name, value in values.items()})


def refusal_of(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(Refused) as refused:
        Settings.load(environ)
    return str(refused.value).splitlines()


def test_nothing_set_gives_the_defaults() -> None:
    settings = loaded()
    assert settings.database_url.get_secret_value() == "sqlite:///incident_bot.db"
    assert settings.config_dir == Path()
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert (settings.log_level, settings.log_format, settings.default_channel) == ("INFO", "json", "stdout")
    assert (settings.ingest_token, settings.api_token) == (None, None)
    assert (settings.webhook_url, settings.webhook_secret) == (None, None)
    assert settings.loopback
    assert not settings.auth_configured


def test_empty_is_unset() -> None:
    names = [*Settings.model_fields, *(f"{name}_FILE" for name in SECRETS)]
    assert Settings.load({variable(name): " " for name in names}) == loaded()


def test_the_process_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENT_BOT_PORT", "9")
    assert loaded().port == 8080
    assert Settings().port == 8080


def test_other_variables_do_not_matter() -> None:
    assert Settings.load({"PATH": "/bin", "INCIDENT_BOT_NO_SUCH": "x", "incident_bot_port": "9"}) == loaded()


@pytest.mark.parametrize(
    "values, field, expected",
    [
        ({"PORT": "0"}, "port", 0),
        ({"LOG_LEVEL": "debug"}, "log_level", "DEBUG"),
        ({"LOG_FORMAT": "Console"}, "log_format", "console"),
        ({"CONFIG_DIR": "/etc/incident-bot"}, "config_dir", Path("/etc/incident-bot")),
        ({"PUBLIC_URL": "https://bot.example.com/"}, "public_url", "https://bot.example.com"),
        ({"HOST": "::1", "PORT": "1"}, "public_url", "http://[::1]:1"),
        ({"HOST": "0.0.0.0"}, "public_url", "http://localhost:8080"),  # noqa: S104 -- a name, nothing listens
        ({"WEBHOOK_URL": "https://hooks.example.com/x"}, "default_channel", "webhook"),
        ({"WEBHOOK_URL": "https://h.example.com", "DEFAULT_CHANNEL": "stdout"}, "default_channel", "stdout"),
        ({"API_TOKEN": SECRET}, "auth_configured", True),
        ({"INGEST_TOKEN": SECRET}, "auth_configured", False),
        ({"HOST": "10.0.0.1"}, "loopback", False),
    ],
)  # fmt: skip
def test_values(values: dict[str, str], field: str, expected: object) -> None:
    assert getattr(loaded(**values), field) == expected


@pytest.mark.parametrize(
    "name, value, says",
    [
        ("PORT", "80a", "write a port number from 0 to 65535"),
        ("PORT", "70000", "write a port number"),
        ("PORT", "-1", "write a port number"),
        ("HOST", "http://x", "write a host name or an address alone"),
        ("PUBLIC_URL", "bot.example.com", "write an address such as https://"),
        ("PUBLIC_URL", "http://x:port", "write an address"),
        ("LOG_LEVEL", "loud", "write one of 'DEBUG', 'INFO'"),
        ("LOG_FORMAT", "xml", "write one of 'json' or 'console'"),
        ("DATABASE_URL", "mysql://x", "write sqlite:///PATH or postgresql://"),
        ("WEBHOOK_URL", "hooks.example.com", "write an address"),
        ("DEFAULT_CHANNEL", "A B", "write the name of a notifier"),
        ("API_TOKEN", "two\nlines", "holds more than one line"),
        ("WEBHOOK_SECRET", "x", "signs nothing; set INCIDENT_BOT_WEBHOOK_URL as well"),
    ],
)
def test_bad_values_name_the_setting_and_what_to_write(name: str, value: str, says: str) -> None:
    (line,) = refusal_of({f"INCIDENT_BOT_{name}": value})
    assert line.startswith(f"INCIDENT_BOT_{name}: ")
    assert says in line


def test_every_bad_setting_is_told_at_once() -> None:
    lines = refusal_of(
        {"INCIDENT_BOT_PORT": "x", "INCIDENT_BOT_LOG_LEVEL": "x", "INCIDENT_BOT_API_TOKEN_FILE": "/nowhere"}
    )
    assert [line.partition(":")[0] for line in lines] == [
        "INCIDENT_BOT_API_TOKEN_FILE",
        "INCIDENT_BOT_LOG_LEVEL",
        "INCIDENT_BOT_PORT",
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    values = {
        "DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        "WEBHOOK_URL": f"https://h.example.com/{SECRET}",
        "HEARTBEAT_URL": f"https://hc.example.com/{SECRET}",
        "SMTP_URL": f"smtps://bot:{SECRET}@mail.example.com",
    }
    file = tmp_path / "secret"
    file.write_text(f"\n {values.get(name, SECRET)} \n", encoding="utf-8")
    settings = Settings.load({f"{variable(name)}_FILE": str(file), **BESIDES.get(name, {})})
    held = getattr(settings, name.lower())
    assert isinstance(held, SecretStr)
    assert held.get_secret_value() == values.get(name, SECRET)
    assert settings.reveal()[variable(name)] == values.get(name, SECRET)
    for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert SECRET not in shown


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_set_twice_is_refused_and_not_shown(name: str, tmp_path: Path) -> None:
    setting = variable(name)
    lines = refusal_of({setting: SECRET, f"{setting}_FILE": str(tmp_path)})
    assert f"{setting} and {setting}_FILE are both set; keep one of them" in lines
    assert SECRET not in " ".join(lines)


@pytest.mark.parametrize(
    "content, says",
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "does not hold text"),
        (SECRET.encode() + b"\nmore", "more than one line"),
        (SECRET.encode() * 10_000, "too large"),
    ],
)
def test_a_bad_secret_file_is_named_and_not_shown(content: bytes | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    (line,) = refusal_of({"INCIDENT_BOT_API_TOKEN_FILE": str(file)})
    assert line.startswith("INCIDENT_BOT_API_TOKEN_FILE: ")
    assert says in line
    assert SECRET not in line


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    (line,) = refusal_of({"INCIDENT_BOT_API_TOKEN_FILE": str(tmp_path)})
    assert "Is a directory" in line


def test_bad_secrets_are_not_shown() -> None:
    lines = refusal_of(
        {
            "INCIDENT_BOT_DATABASE_URL": f"oracle://{SECRET}",
            "INCIDENT_BOT_HEARTBEAT_URL": SECRET,
            "INCIDENT_BOT_WEBHOOK_URL": SECRET,
        }
    )
    assert len(lines) == 3
    assert SECRET not in " ".join(lines)


def test_a_source_may_have_a_token_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(SECRET, encoding="utf-8")
    found = read_secret({"GRAFANA_TOKEN_FILE": str(tmp_path / "t")}, "GRAFANA_TOKEN")
    assert found is not None
    assert found.get_secret_value() == SECRET
    assert read_secret({}, "GRAFANA_TOKEN") is None


@pytest.mark.parametrize(
    "host, loopback",
    [
        ("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("[::1]", True), ("[::1]:8080", True),
        ("localhost", True), ("LOCALHOST:80", True), ("localhost.", True), ("127.0.0.1:80", True),
        ("::ffff:127.0.0.1", True), ("0.0.0.0", False),  # noqa: S104 -- names, nothing listens
        ("::", False), ("10.0.0.1", False), ("", False),
        ("localhost.example.com", False), ("127.0.0.1.nip.io", False), ("example.com", False),
    ],
)  # fmt: skip
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "environ, line",
    [
        (
            {"SMTP_URL": "smtp://localhost"},
            "SMTP_URL: mail needs a sender; set INCIDENT_BOT_MAIL_FROM as well",
        ),
        (
            {"INCIDENT_BOT_MAIL_FROM": "bot@example.com"},
            "INCIDENT_BOT_MAIL_FROM: nothing is sent without a server; set SMTP_URL as well",
        ),
        (
            {"SMTP_URL": "smtp://localhost", "INCIDENT_BOT_MAIL_FROM": "bot"},
            "INCIDENT_BOT_MAIL_FROM: write incidents@example.com or Incident bot <incidents@example.com>",
        ),
        (
            {"SMTP_URL": f"smtp://u:{SECRET}@h?tls=1", "INCIDENT_BOT_MAIL_FROM": "bot@example.com"},
            (
                "SMTP_URL: after the ? only starttls=1, starttls=opportunistic or starttls=0 may stand, "
                "and nothing after smtps://"
            ),
        ),
    ],
)
def test_half_a_way_to_mail_is_refused(environ: dict[str, str], line: str) -> None:
    assert refusal_of(environ) == [line]


def test_a_public_address_is_one_that_somebody_gave() -> None:
    assert not loaded().public
    assert not loaded(HOST="127.0.0.1", PORT="8080").public
    assert loaded(PUBLIC_URL="https://bot.example.com").public


@pytest.mark.parametrize(
    "environ, told",
    [
        ({"SLACK_BOT_TOKEN": "xapp-1-A-2-b"}, "SLACK_BOT_TOKEN: write the Bot User OAuth Token"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN: write the app-level token"),
        ({"SLACK_SIGNING_SECRET": "s"}, "SLACK_SIGNING_SECRET: says nothing without a bot; set SLACK_BOT_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_APP_TOKEN: says nothing without a bot; set SLACK_BOT_TOKEN"),
    ],
)  # fmt: skip
def test_slack_s_tokens_are_told_apart(environ: Mapping[str, str], told: str) -> None:
    (line,) = refusal_of(environ)
    assert line.startswith(told)


SIGN_INS: Mapping[str, tuple[Mapping[str, str], list[str]]] = {
    "a provider without a secret": (
        {"INCIDENT_BOT_OIDC_ISSUER": "https://id.example.com", "INCIDENT_BOT_OIDC_CLIENT_ID": "bot"},
        ["INCIDENT_BOT_OIDC_CLIENT_SECRET: signing in with a provider needs it; set it as well"],
    ),
    "Slack for everybody": (
        {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s"},
        ["SLACK_TEAM_ID: everybody with an account at Slack could try; set it, or SLACK_BOT_TOKEN"],
    ),
    "no workspace": (
        {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "SLACK_TEAM_ID": "acme"},
        [
            (
                "SLACK_TEAM_ID: write the id of your workspace, such as T0123ABCD: "
                "it stands in the address of Slack in a browser"
            )
        ],
    ),
    "a provider over an open line": (
        {
            "INCIDENT_BOT_OIDC_ISSUER": "http://id.example.com",
            "INCIDENT_BOT_OIDC_CLIENT_ID": "bot",
            "INCIDENT_BOT_OIDC_CLIENT_SECRET": "s",
        },
        ["INCIDENT_BOT_OIDC_ISSUER: write an https address: whoever listens in between could say who signs in"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SIGN_INS)
def test_half_a_sign_in_is_refused(case: str) -> None:
    environ, expected = SIGN_INS[case]
    assert refusal_of(environ) == expected


def test_the_issuer_is_kept_as_it_is_written() -> None:
    environ = {"INCIDENT_BOT_OIDC_CLIENT_SECRET": "s", **BESIDES["OIDC_CLIENT_SECRET"]}
    settings = Settings.load(environ)
    assert settings.oidc_issuer == "https://id.example.com/"
    assert settings.sign_in_configured
    assert not Settings.load({}).sign_in_configured
