"""The environment as typed settings. Reads the mapping it is given and the files named by `_FILE`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from incident_bot.config.mail import read_sender, read_smtp_url
from incident_bot.config.secrets import read_secret
from incident_bot.core.errors import Refused

PREFIX: Final = "INCIDENT_BOT_"
SECRETS: Final = (
    "DATABASE_URL", "INGEST_TOKEN", "API_TOKEN", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_URL", "HEARTBEAT_URL",
    "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_API_KEY", "TWILIO_AUTH_TOKEN",
    "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_CLIENT_SECRET", "OIDC_CLIENT_SECRET",
)  # fmt: skip
"""What may also stand in a file, as NAME_FILE. Addresses are among them: they may carry passwords."""
COMMON: Final = frozenset({
    "SMTP_URL", "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_API_KEY",
    "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM",
    "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET",
    "SLACK_TEAM_ID",
})  # fmt: skip
"""Variables whose names other programs share: they have no prefix."""
MORE: Final = "PAGERDUTY_ROUTING_KEY_"
"""What else begins so is a secret of the same kind: `PAGERDUTY_ROUTING_KEY_PAYMENTS` is the key named `payments`."""

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 -- compared with, not bound to
_PORT_MOST: Final = 65535
_DATABASES: Final = ("sqlite:", "postgresql:", "postgresql+psycopg:", "postgres:")


def _database(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(_DATABASES):
        message = "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        raise ValueError(message)
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or not value.isprintable() or " " in value:
        message = "write an address such as https://incidents.example.com"
        raise ValueError(message)
    return value.rstrip("/")


def _issuer(value: str) -> str:
    _web_address(value)
    parts = urlsplit(value)
    if parts.query or parts.fragment:
        message = "write the issuer as the provider's discovery document has it, without ? and #"
        raise ValueError(message)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        message = "write an https address: whoever listens in between could say who signs in"
        raise ValueError(message)
    return value


def _team(value: str) -> str:
    if not re.fullmatch(r"T[A-Z0-9]{2,20}", value):
        message = "write the id of your workspace, such as T0123ABCD: it stands in the address of Slack in a browser"
        raise ValueError(message)
    return value


def _secret_web_address(value: SecretStr) -> SecretStr:
    if parts := value.get_secret_value():
        _web_address(parts)
    return value


def _smtp(value: SecretStr) -> SecretStr:
    read_smtp_url(value.get_secret_value())
    return value


def _account(value: str) -> str:
    if not re.fullmatch(r"AC[0-9a-f]{32}", value):
        message = "write the Account SID of Twilio's console: AC and 32 hexadecimal figures"
        raise ValueError(message)
    return value


def _caller(value: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
        message = "write one of your numbers at Twilio with its country, such as +4915735980000"
        raise ValueError(message)
    return value


def _bot_token(value: SecretStr) -> SecretStr:
    if value.get_secret_value().startswith(("xapp-", "xoxp-", "https://")):
        message = "write the Bot User OAuth Token of the app's page OAuth & Permissions: it begins with xoxb-"
        raise ValueError(message)
    return value


def _app_token(value: SecretStr) -> SecretStr:
    if value.get_secret_value().startswith(("xoxb-", "xoxp-", "https://")):
        message = "write the app-level token of the app's page Basic Information: it begins with xapp-"
        raise ValueError(message)
    return value


def _sender(value: str) -> str:
    read_sender(value)
    return value


def _port(value: object) -> object:
    if isinstance(value, str) and not (re.fullmatch(r"[0-9]{1,5}", value) and int(value) <= _PORT_MOST):
        message = "write a port number from 0 to 65535, such as 8080"
        raise ValueError(message)
    return value


def _rate(value: object) -> object:
    if isinstance(value, str) and not (re.fullmatch(r"[0-9]{1,4}", value) and int(value) > 0):
        message = "write how many messages a minute may go out, from 1 to 9999, such as 60"
        raise ValueError(message)
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", value):
        message = "write a host name or an address alone, such as 127.0.0.1; the port is INCIDENT_BOT_PORT"
        raise ValueError(message)
    return value


def _channel(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", value):
        message = "write the name of a notifier, such as webhook or stdout"
        raise ValueError(message)
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _public_url(settled: dict[str, Any]) -> str:
    host, port = settled.get("host", "127.0.0.1"), settled.get("port", 8080)
    if host in _EVERYWHERE:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _default_channel(settled: dict[str, Any]) -> str:
    if settled.get("slack_bot_token"):
        return "slack"
    return "webhook" if settled.get("webhook_url") else "stdout"


def variable(field: str) -> str:
    """Give the name of the environment variable behind a field: `INCIDENT_BOT_PORT`, `SMTP_URL`."""
    name = field.upper()
    return name if name in COMMON else PREFIX + name


class Settings(BaseSettings):
    """Everything the environment decides; `variable` gives the name behind a field."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
    )

    database_url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///incident_bot.db")
    """A secret, because it may carry a password: `.get_secret_value()`."""
    config_dir: Path = Path()
    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Annotated[int, BeforeValidator(_port)] = 8080
    public_url: Annotated[str, AfterValidator(_web_address)] = Field(default_factory=_public_url)
    """Where people reach us; without a slash at the end."""
    ingest_token: SecretStr | None = None
    api_token: SecretStr | None = None
    log_level: Annotated[Level, BeforeValidator(_upper)] = "INFO"
    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] = "json"
    webhook_url: Annotated[SecretStr, AfterValidator(_secret_web_address)] | None = None
    """A secret, because many receivers know their senders by the address alone."""
    webhook_secret: SecretStr | None = None
    webhook_rate: Annotated[int, BeforeValidator(_rate)] | None = None
    """Messages a minute."""
    heartbeat_url: Annotated[SecretStr, AfterValidator(_secret_web_address)] | None = None
    """Who watches us; a secret, because whoever knows the address can say in our name that we live."""
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] | None = None
    mail_from: Annotated[str, AfterValidator(_sender)] | None = None
    mail_rate: Annotated[int, BeforeValidator(_rate)] | None = None
    """Messages a minute."""
    pagerduty_routing_key: SecretStr | None = None
    pagerduty_webhook_secret: SecretStr | None = None
    """One secret, or several with commas between them while they are being changed."""
    pagerduty_events_url: Annotated[str, AfterValidator(_web_address)] | None = None
    pagerduty_api_key: SecretStr | None = None
    """Reads schedules that are targets."""
    pagerduty_api_url: Annotated[str, AfterValidator(_web_address)] | None = None
    twilio_account_sid: Annotated[str, AfterValidator(_account)] | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: Annotated[str, AfterValidator(_caller)] | None = None
    twilio_api_url: Annotated[str, AfterValidator(_web_address)] | None = None
    slack_bot_token: Annotated[SecretStr, AfterValidator(_bot_token)] | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: Annotated[SecretStr, AfterValidator(_app_token)] | None = None
    slack_api_url: Annotated[str, AfterValidator(_web_address)] | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_team_id: Annotated[str, AfterValidator(_team)] | None = None
    """The workspace whose members sign in; that of the bot's own token where it is left out."""
    slack_issuer: Annotated[str, AfterValidator(_issuer)] = "https://slack.com"
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    status_dir: Path | None = None
    """A folder that a web server shows: the status page is written there on each change."""
    default_channel: Annotated[str, AfterValidator(_channel)] = Field(default_factory=_default_channel)
    """The notifier for channel messages, and for people none of whose channels is set up."""
    _more: dict[str, SecretStr] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the names of the parameters are pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing but what is handed in: `load` reads the mapping it is given, not the process's."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from this mapping; raises Refused with one line for each that is wrong."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for field in cls.model_fields:
            name = variable(field)
            try:
                plain = environ.get(name, "").strip()
                value = read_secret(environ, name) if field.upper() in SECRETS else plain
            except ValueError as error:
                wrong.append(str(error))
            else:
                if value:
                    values[field] = value
        more = _more(environ, wrong)
        named = {
            key.removeprefix(PREFIX).removesuffix("_FILE") for key, value in environ.items() if value.strip()
        }
        wrong += _halves(named)
        try:
            settings = cls(**values)
        except ValidationError as error:
            found = error.errors(include_input=False)
            # A default that follows from a wrong setting cannot be made; only the wrong one is to be mended.
            told = [item for item in found if item["type"] != "default_factory_not_called"]
            wrong += [_line(item["loc"], item["type"], item["msg"]) for item in told]
        else:
            if not wrong:
                settings._more.update(more)
                return settings
        raise Refused("\n".join(sorted(wrong)))

    @property
    def auth_configured(self) -> bool:
        """Say whether a token opens the interface; without one we serve loopback only."""
        return self.api_token is not None

    @property
    def sign_in_configured(self) -> bool:
        """Say whether people sign in with a provider: then nobody is let in for being on this machine."""
        return self.oidc_issuer is not None or self.slack_client_id is not None

    @property
    def loopback(self) -> bool:
        """Say whether the host we listen on is reached from this machine alone."""
        return is_loopback(self.host)

    @property
    def public(self) -> bool:
        """Say whether somebody told us where people reach us: only then a secret link may go out."""
        return "public_url" in self.model_fields_set

    def reveal(self) -> dict[str, str]:
        """Give every value under its variable's name, secrets in clear: for notifiers, never to be shown."""
        shown: dict[str, str] = {}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if value is not None:
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                shown[variable(field)] = text
        return shown | {name: secret.get_secret_value() for name, secret in self._more.items()}


def _halves(named: set[str]) -> list[str]:
    """Say what is set without its other half."""
    wrong: list[str] = []
    if "WEBHOOK_SECRET" in named and "WEBHOOK_URL" not in named:
        wrong.append(f"{PREFIX}WEBHOOK_SECRET: signs nothing; set {PREFIX}WEBHOOK_URL as well")
    if "MAIL_FROM" in named and "SMTP_URL" not in named:
        wrong.append(f"{PREFIX}MAIL_FROM: nothing is sent without a server; set SMTP_URL as well")
    if "SMTP_URL" in named and "MAIL_FROM" not in named:
        wrong.append(f"SMTP_URL: mail needs a sender; set {PREFIX}MAIL_FROM as well")
    twilio = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    if any(name in named for name in twilio):
        wrong += [f"{name}: Twilio needs it; set it as well" for name in twilio if name not in named]
    slack = {"SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"} & named
    if slack and "SLACK_BOT_TOKEN" not in named:
        wrong.append(f"{min(slack)}: says nothing without a bot; set SLACK_BOT_TOKEN as well")
    return wrong + _sign_in_halves(named)


def _sign_in_halves(named: set[str]) -> list[str]:
    wrong: list[str] = []
    oidc = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    if any(name in named for name in oidc):
        missing = [name for name in oidc if name not in named]
        wrong += [f"{PREFIX}{name}: signing in with a provider needs it; set it as well" for name in missing]
    slack = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
    if any(name in named for name in slack):
        wrong += [
            f"{name}: signing in with Slack needs it; set it as well" for name in slack if name not in named
        ]
        if not {"SLACK_TEAM_ID", "SLACK_BOT_TOKEN"} & named:
            wrong.append(
                "SLACK_TEAM_ID: everybody with an account at Slack could try; set it, or SLACK_BOT_TOKEN"
            )
    return wrong


def _more(environ: Mapping[str, str], wrong: list[str]) -> dict[str, SecretStr]:
    """Read the variables that begin as `MORE` does, each possibly from a file."""
    names = sorted({name.removesuffix("_FILE") for name in environ if name.startswith(MORE)})
    found: dict[str, SecretStr] = {}
    for name in names:
        if not name.startswith(MORE):
            continue  # PAGERDUTY_ROUTING_KEY_FILE: the file of the one without a name
        try:
            secret = read_secret(environ, name)
        except ValueError as error:
            wrong.append(str(error))
        else:
            if secret is not None:
                found[name] = secret
    return found


def _line(location: tuple[int | str, ...], kind: str, message: str) -> str:
    """Write one problem; never its input, which may be a secret."""
    name = variable(str(location[0])) if location else "environment"
    text = message.removeprefix("Value error, ")
    if kind == "literal_error":
        text = f"write one of {text.removeprefix('Input should be ')}"
    return f"{name}: {text}"


def is_loopback(host: str) -> bool:
    """Say whether a host, with or without brackets and port, names this machine and nothing else."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    name = name.removesuffix(".")
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
