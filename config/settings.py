"""Every setting of tapewire, with its default, its unit and a line of documentation.

Struct fields are the keys of the TOML file; the docstring under a field is its
documentation, and a test compares both with `docs/configuration.md`. Loading, environment
variables and checks: `config.load`.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import fields

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
NonNegative = Annotated[int, Meta(ge=0)]
Filled = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Owner = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Speed = Annotated[str, Meta(pattern=r"^(max|(?=.*[1-9])[0-9]{1,6}(\.[0-9]{1,6})?)$")]


SECRET_WORDS: Final = ("secret", "token", "password", "key")
"""A text setting whose name contains one of these is a secret: it is never printed."""
MASK: Final = "********"
"""What is printed in place of a secret."""


def is_secret(name: str) -> bool:
    """Whether the text setting `name` holds a secret; the name of a file that holds one is none."""
    return not name.endswith("_file") and any(word in name.lower() for word in SECRET_WORDS)


class Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """Base of all sections: frozen, an unknown key is an error, and secrets have no `repr`."""

    def __repr__(self) -> str:
        shown = []
        for field in fields(self):
            value = getattr(self, field.name)
            masked = isinstance(value, str) and value and is_secret(field.name)
            shown.append(f"{field.name}={MASK if masked else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


class TapeSettings(Section, frozen=True):
    """`[tape]`: numbering and the journal."""

    segment_bytes: Annotated[int, Meta(ge=65_536, le=1 << 32)] = 64 * 1024 * 1024
    """Size at which a journal segment is sealed, bytes."""
    sync_interval_ms: Annotated[int, Meta(ge=0, le=60_000)] = 20
    """Longest time between a write and its fdatasync, ms."""
    reserve_marks: Annotated[int, Meta(ge=64, le=1 << 32)] = 1 << 22
    """How many marks are reserved ahead on disk, marks."""
    table_rows: Annotated[int, Meta(ge=16, le=1 << 24)] = 65_536
    """Rows between two channel tables, and in one block of the archive, rows."""
    tape_retention_s: Positive = 7 * 86_400
    """How long the tape is kept on disk, s."""
    tape_retention_bytes: NonNegative = 0
    """Disk budget of journal and archive, bytes; 0 = none."""
    ring_ticks: Annotated[int, Meta(ge=1_024)] = 262_144
    """Ticks kept in memory for readers that are a little behind, ticks."""
    unsynced_bytes: Positive = 64 * 1024 * 1024
    """Written but not yet durable bytes kept for rewriting after a failed fdatasync, bytes."""
    retry_ms: Positive = 1_000
    """How often a journal that cannot be written is tried again, ms."""
    boot_id_path: str = "/proc/sys/kernel/random/boot_id"
    """The file that changes with each boot of the machine."""


class BarSettings(Section, frozen=True):
    """`[bars]`: the bars made from the tape's trades."""

    grace_ms: Annotated[int, Meta(ge=0, le=1_000)] = 100
    """How long a minute bar waits for late trades once the feed's time has passed its end, ms."""
    wait_ms: Annotated[int, Meta(ge=0, le=25_000)] = 1_000
    """Longest wait after its end, also when the feed lags or is quiet, ms."""
    kept_trades: Annotated[int, Meta(ge=1_024)] = 1_000_000
    """Trades kept so that a cancelled one can be taken out of its bar, 40 bytes each."""


class StorageSettings(Section, frozen=True):
    """`[storage]`: the store and its writer."""

    url: str = "sqlite:"
    """Which store; `sqlite:` keeps files in the data folder."""
    round_rows: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """Most rows in one transaction, rows."""
    round_ms: Annotated[int, Meta(ge=1, le=60_000)] = 100
    """Longest wait before a smaller transaction is committed, ms."""
    cache_kib: Positive = 65_536
    """Page cache of one open database file, KiB."""
    open_files: Annotated[int, Meta(ge=2, le=1_000)] = 16
    """Most database files the writer keeps open."""
    readers: Annotated[int, Meta(ge=1, le=64)] = 2
    """Workers for history queries."""


class HttpSettings(Section, frozen=True):
    """`[http]`: the one port."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 8080
    """Port to listen on; 0 = any free one."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of the proxies that end TLS before us, such as `10.0.0.0/8`; without
    any, only a loopback `host` is allowed, and other peers than these and loopback are refused."""
    page_rows: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    """Default and largest number of rows in one JSON page, rows."""
    cursor_ttl_s: Positive = 7 * 86_400
    """How long a cursor stays valid, s."""
    shutdown_s: Annotated[int, Meta(ge=0, le=600)] = 10
    """How long requests in flight may take after SIGTERM, s."""


class HubSettings(Section, frozen=True):
    """`[hub]`: fan-out to WebSocket clients."""

    raw_flush_ms: Annotated[int, Meta(ge=0, le=1_000)] = 0
    """How long raw ticks wait for others before they are written, ms; 0 = until the end of the loop turn
    that brought them. Under load they wait as long as the last writing took."""
    channels_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """Most channels of one connection."""
    subs_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Most subscriptions of one connection."""
    connections_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """Most connections at a time; others are asked to come again later."""
    connections_per_user_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    """Most connections of one user at a time; a dead one makes room for a new one."""
    message_bytes: Annotated[int, Meta(ge=1_024, le=16_777_216)] = 10_240
    """Largest message that a client may send, bytes."""
    commands_per_s: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """Messages that a client may send for long, messages/s."""
    commands_burst: Annotated[int, Meta(ge=1, le=100_000)] = 60
    """Messages that a client may send at once, messages."""
    hello_s: Annotated[int, Meta(ge=1, le=600)] = 10
    """How long a client may take to say hello, s."""
    ping_s: Annotated[int, Meta(ge=1, le=3_600)] = 20
    """A client hears something at least this often, and has to show that it lives within twice this, s."""
    stall_s: Annotated[int, Meta(ge=1, le=3_600)] = 60
    """How long a client may take nothing before it is disconnected, s."""
    write_buffer_bytes: Annotated[int, Meta(ge=4_096, le=16_777_216)] = 16_384
    """Bytes written to a client that it has not taken, beyond which it counts as stalled, bytes."""
    resume_ticks_max: Annotated[int, Meta(ge=1)] = 10_000_000
    """A subscription further behind than this goes on from the present, ticks."""
    origins: tuple[str, ...] = ()
    """Pages that may connect, as `https://example.com`; `*` = all. The hub's own page always may, unless
    it is opened by a name and the port is open to this machine only (behind a proxy, say): list it then."""


class AlertSettings(Section, frozen=True):
    """`[alerts]`: rules, rings and watchlists."""

    per_user_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_000
    """Most alerts of one user."""
    total_max: Annotated[int, Meta(ge=1, le=10_000_000)] = 1_000_000
    """Most alerts of all users together; about 1.5 KB of memory each."""
    watchlists_per_user_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Most watchlists of one user."""
    watchlist_symbols_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Most symbols of one watchlist."""
    fires_kept: Annotated[int, Meta(ge=10, le=10_000_000)] = 10_000
    """Rings kept for each user; the oldest go, with what is left of their deliveries."""
    use_by_s: Annotated[int, Meta(ge=1, le=86_400)] = 900
    """How long a ring is worth delivering, unless its rule says otherwise, s."""
    commit_ms: Annotated[int, Meta(ge=10, le=60_000)] = 1_000
    """Longest time between two notes of how far the tape is evaluated, ms; rings are written at once."""
    queue_fires: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000
    """Rings that may wait to be written; beyond that evaluation pauses, and catches up from the tape."""


class WebhookSettings(Section, frozen=True):
    """`[webhooks]`: rings to HTTP receivers."""

    private_addresses: bool = False
    """Whether receivers on this machine and in private networks are called; only for a demo or a test."""
    ports: tuple[Port, ...] = (80, 443)
    """Ports that are called; any, when private addresses are."""
    timeout_s: Annotated[int, Meta(ge=1, le=60)] = 15
    """How long one attempt may take, s."""
    in_flight: Annotated[int, Meta(ge=8, le=1_000)] = 64
    """Attempts at a time, of all users together."""
    endpoints_per_user_max: Annotated[int, Meta(ge=1, le=10_000)] = 50
    """Most receivers of one user."""


class TokenSettings(Section, frozen=True):
    """`[[accounts.tokens]]`: one static bearer token."""

    user: Owner
    """Whose token it is."""
    token: str = ""
    """The token itself; better kept out of this file with `token_file`."""
    token_file: str = ""
    """A file that holds the token."""
    tenant: Owner = "default"
    """The tenant the user belongs to."""
    roles: tuple[str, ...] = ()
    """Roles, such as `admin`."""
    live: tuple[str, ...] = ("*",)
    """What may be read at once: `*`, a line-up (`@iex`), a kind (`t:*`) or a channel (`t:AAPL`); the
    last two are of the default line-up unless they name another (`t:*@iex`)."""
    delayed: tuple[str, ...] = ()
    """What may be read fifteen minutes late, in the same notation."""
    expires: str = ""
    """When the token ends, RFC 3339; empty = never."""


class AccountsSettings(Section, frozen=True):
    """`[accounts]`: who may read what."""

    tokens: tuple[TokenSettings, ...] = ()
    """Static bearer tokens."""


class LogSettings(Section, frozen=True):
    """`[log]`: structured logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""
    format: Literal["auto", "json", "text"] = "auto"
    """`json` lines, readable `text`, or `auto`: text on a terminal, else JSON."""


class SourceSettings(Section, frozen=True):
    """`[[sources]]`: one feed that `tapewire run` starts."""

    name: Name
    """Its name."""
    type: Literal["replay"]
    """What kind of feed it is."""
    files: tuple[str, ...] = ()
    """Recordings to play, in order."""
    speed: Speed = "1"
    """Playing speed: `1` as recorded, a factor, or `max`."""
    lineup: Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,30})?$")] = ""
    """The line-up it is published in; empty = the default one."""


class Settings(Section, frozen=True):
    """All of tapewire's settings."""

    data_dir: Filled = "var"
    """Where tape and store live; relative to the working directory."""
    tape: TapeSettings = TapeSettings()
    """Numbering and the journal."""
    bars: BarSettings = BarSettings()
    """The bars made from the tape's trades."""
    storage: StorageSettings = StorageSettings()
    """The store and its writer."""
    http: HttpSettings = HttpSettings()
    """The one port."""
    hub: HubSettings = HubSettings()
    """Fan-out to WebSocket clients."""
    alerts: AlertSettings = AlertSettings()
    """Rules, rings and watchlists."""
    webhooks: WebhookSettings = WebhookSettings()
    """Rings to HTTP receivers."""
    accounts: AccountsSettings = AccountsSettings()
    """Who may read what."""
    log: LogSettings = LogSettings()
    """Structured logs."""
    sources: tuple[SourceSettings, ...] = ()
    """The feeds that `tapewire run` starts."""
