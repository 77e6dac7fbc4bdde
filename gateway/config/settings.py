"""Every setting, once: name, type, default and reason.

The classes below are the table.  The loader (config/load_settings.py), ``config.example.toml`` and ``docs/settings.md``
all come from it (``python -m gateway.config.settings_text --write`` renews the two files; a test fails
while they differ).

A value is looked for in the environment first (``BITCACHE_SERVER__PORT=8403``), then in the TOML
file, then here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from bitcache.money import MAX_MONEY
from gateway.config import parse_urls

ENVIRONMENT_PREFIX = "BITCACHE_"
GIB = 2**30
HOUR, DAY = 3_600, 86_400

Network = Literal["main", "test", "testnet4", "signet", "regtest"]


def _origin(text: str) -> str:
    """Return an origin: ``https://gateway.example``, without a path."""
    return text and parse_urls.origin(text)


def _address_range(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def _unless_empty(check: Callable[[str], str]) -> Callable[[str], str]:
    """``check``, for a setting whose empty text means that it is not set."""
    return lambda text: text and check(text)


def _home(path: Path) -> Path:
    return path.expanduser()


class Section(BaseModel):
    """A table of the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Bitcoin(Section):
    """The Bitcoin network."""

    network: Network = Field(
        "main", description="The network that sellers are paid on; the node must follow the same one."
    )


class Chain(Section):
    """Where blocks come from."""

    source: Literal["bitcoind", "light", "simulated"] = Field(
        "bitcoind",
        description="bitcoind: your own Bitcoin Core. light: no node of your own; compact block filters from the "
        "network, payments are seen only once they are in a block (docs/light-client.md). simulated: a pretend chain "
        "in this process, for trying things out; nothing on it is money.",
    )
    rpc_url: Annotated[str, AfterValidator(_unless_empty(parse_urls.rpc_url))] = Field(
        "", description="Address of the node's RPC. Empty: this machine, at the port that the network usually has."
    )
    rpc_cookie: Annotated[Path, AfterValidator(_home)] | None = Field(
        None,
        examples=["~/.bitcoin/.cookie"],
        description="The node's cookie file, read again whenever the node restarts. Unset: where Bitcoin Core puts it. "
        "A cookie is better than a password: it is never written down.",
    )
    rpc_user: Annotated[str, AfterValidator(parse_urls.rpc_user)] = Field(
        "", description="RPC user name; only without a cookie file."
    )
    rpc_password: SecretStr = Field(
        SecretStr(""),
        description="RPC password. Prefer the cookie, or the environment: BITCACHE_CHAIN__RPC_PASSWORD.",
    )
    zmq_rawtx: Annotated[str, AfterValidator(_unless_empty(parse_urls.zmq_address))] = Field(
        "",
        description="The node's zmqpubrawtx address, for example tcp://127.0.0.1:28332: payments are seen within a "
        "second. Empty: within ten.",
    )
    light_peers: tuple[str, ...] = Field(
        (),
        examples=[["127.0.0.1:8333"]],
        description="Nodes that the light client asks, as host:port, and no others; they must serve compact filters "
        "(peerblockfilters=1). Empty: it finds its own.",
    )
    light_connections: int = Field(
        2,
        ge=1,
        le=8,
        description="How many different peers of the light client must agree on a block before it counts; with fewer "
        "it waits. One alone could hide payments from you: keep at least 2 where money is real, and name more in "
        "chain.light_peers than must agree, so that one may be down.",
    )
    light_max_sat: int = Field(
        10_000_000,
        ge=1_000,
        le=MAX_MONEY,
        description="The dearest file that is sold on what the light client says. Cheating it takes all of its peers "
        "and the mining of a block, whose reward was 312 500 000 sat in 2026: stay well below that.",
    )
    light_proxy: str = Field(
        "", description="SOCKS5 proxy of the light client, for example 127.0.0.1:9050 for Tor. Empty: none."
    )
    watch_from: int | None = Field(
        None,
        ge=0,
        examples=[900_000],
        description="Block height from which a new installation watches. Unset: from now on, which is right unless you "
        "rebuild a lost database.",
    )


class Server(Section):
    """How people reach the gateway."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. The default is this machine alone: put nginx or Caddy before it.",
    )
    port: int = Field(8402, ge=0, le=65535, description="Port to listen on (HTTP 402 is 'Payment Required').")
    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        "", description="The origin that buyers see, for example https://gateway.example. Empty: http://host:port."
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(_address_range)], ...] = Field(
        (),
        description="Addresses or ranges of your own proxies, whose X-Forwarded-For is believed. Caps count per "
        "buyer's address, so behind a proxy that is not listed here all buyers look like one.",
    )


class Metrics(Section):
    """Numbers for Prometheus, at /metrics on a port of their own."""

    enabled: bool = Field(
        False, description="Serve /metrics. The numbers tell how a business goes, so it is off unless you want it."
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to serve metrics on. Whoever reaches it reads them: this machine alone, or an address of "
        "a private network. Never put it behind the public proxy.",
    )
    port: int = Field(9402, ge=0, le=65535, description="Port to serve metrics on.")


class Storage(Section):
    """Where everything is kept."""

    directory: Annotated[Path, AfterValidator(_home)] = Field(
        Path("data"), description="Folder of the database, the master key and the sealed files."
    )
    max_file_bytes: int = Field(
        16 * GIB, ge=1024, le=2**52, description="Largest sealed file taken, in bytes; also bounded by the free space."
    )
    min_free_bytes: int = Field(
        1 * GIB,
        ge=0,
        description="Uploads are refused when they would leave less free space than this: the database must always be "
        "able to write a payment.",
    )
    upload_days: int = Field(
        7, ge=1, le=3650, description="An unfinished upload that has not grown for this many days is deleted."
    )
    deleted_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="For so many days after a seller deleted a file, or a buyer's payment released it, it can still be "
        "downloaded by those who bought it. Sellers are told before they delete.",
    )
    event_days: int = Field(
        7, ge=1, le=3650, description="Events (purchase.seen, listing.created, …) are kept for this many days."
    )

    @property
    def upload_seconds(self) -> int:
        """For how long an unfinished upload that does not grow is kept."""
        return self.upload_days * DAY

    @property
    def deleted_seconds(self) -> int:
        """For how long buyers can still download a file that was deleted."""
        return self.deleted_days * DAY


class Accounts(Section):
    """Who may sell here."""

    sign_up: Literal["open", "invite", "closed"] = Field(
        "closed",
        description="Whether new sellers can sign up on the seller's page. open: anybody; invite: whoever has an "
        "invitation (bitcache invite); closed: nobody.",
    )
    most_sellers: int = Field(
        100_000,
        ge=1,
        description="Sellers in all, whoever signs up. Each may keep an index of 2 MiB beside what they sell.",
    )
    bytes_per_seller: int = Field(
        100 * GIB,
        ge=2**20,
        le=2**52,
        description="Sealed bytes that one seller may keep here, unfinished uploads included.",
    )
    listings_per_seller: int = Field(10_000, ge=1, description="Files that one seller may have on sale.")


class Invoices(Section):
    """What buyers are asked to pay."""

    expiry_seconds: int | None = Field(
        None,
        ge=60,
        le=30 * DAY,
        examples=[HOUR],
        description="How long an unpaid invoice stays open. Unset: an hour; a day with the light client, which sees a "
        "payment only in its block. A payment that comes later still releases the file.",
    )
    confirmations: tuple[tuple[int, int], ...] = Field(
        ((0, 1), (100_000, 2), (1_000_000, 3)),
        description="Pairs of (amount from which, confirmations needed), in satoshis. One block is enough for small "
        "sales; undoing several costs more than a large one brings.",
    )
    zero_conf_below_sat: int = Field(
        0,
        ge=0,
        le=MAX_MONEY,
        description="Invoices under this amount are released as soon as their payment is seen, before any block holds "
        "it. Such a payment can still be replaced, so this is 0 (off) unless you set a budget for losses too.",
    )
    zero_conf_budget_sat: int = Field(
        0,
        ge=0,
        le=MAX_MONEY,
        description="What you are ready to lose. While releases that no block has paid for yet, and all losses so far, "
        "add up to this much, every invoice waits for its blocks. 0: always.",
    )
    cap_per_buyer: int = Field(
        20,
        ge=1,
        description="Open unpaid invoices per buyer's network: an IPv4 /28 or an IPv6 /56, and every address in it. "
        "High enough for an office behind one address. A /24 or /48 may have twice as many, a /16 or /32 eight times. "
        "From half of it on a buyer's page or program does a proof of work first.",
    )
    cap_per_listing: int = Field(
        1_000,
        ge=1,
        description="Open unpaid invoices per listing, at any one moment. The last quarter is kept for networks that "
        "have none open.",
    )
    cap_per_account: int = Field(
        1_000, ge=1, description="The same for all listings that are paid to one account together."
    )
    cap_in_all: int = Field(10_000, ge=1, description="The same for the whole gateway.")
    wallet_gap_limit: int = Field(
        20,
        ge=1,
        description="How many unpaid addresses in a row the sellers' wallets look past (their gap limit; 20 is usual). "
        "Addresses are never given out twice, so from there on a new invoice within a minute of the last costs the "
        "buyer's page or program a little proof of work, until one is paid.",
    )
    longest_unpaid_run: int = Field(
        1_000,
        ge=1,
        description="When so many addresses of an account in a row are unpaid, new invoices are made one every five "
        "minutes, until one is paid. 1000 is what Bitcoin Core looks past; raise it with your wallet's gap limit.",
    )

    @field_validator("confirmations")
    @classmethod
    def _rising(cls, table: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        amounts = [amount for amount, _ in table]
        if not amounts or amounts[0] != 0 or amounts != sorted(set(amounts)) or amounts[-1] > MAX_MONEY:
            raise ValueError("give pairs with rising amounts, the first for 0 sat: [[0, 1], [100000, 2]]")
        if any(not 1 <= needed <= 100 for _, needed in table):
            raise ValueError("confirmations lie between 1 and 100")
        return table


class Limits(Section):
    """What one request may cost."""

    body_bytes: int = Field(
        8 * 2**20,
        ge=2**20,
        description="Largest body of a listing. It carries 43 bytes for each MiB of its file, so 8 MiB is enough for "
        "files of 150 GiB.",
    )
    body_seconds: float = Field(30, gt=0, description="A JSON body must have arrived within this time.")
    stall_seconds: float = Field(
        60, gt=0, description="An upload that sends nothing for this long is closed; what arrived is kept."
    )
    uploads_per_seller: int = Field(100, ge=1, description="Uploads that one seller may have begun and not listed.")
    send_seconds: float = Field(
        30,
        gt=0,
        description="An answer of which a reader takes less than 1 kB/s for this many seconds is cut off (on Linux).",
    )
    connections: int = Field(
        12_000,
        ge=16,
        description="Connections open at once in all; fewer where the system allows fewer open files. The last quarter "
        "is kept for visitors who hold none.",
    )
    connections_per_visitor: int = Field(
        128,
        ge=1,
        description="Connections open at once for one IPv4 address or IPv6 /64, and four times as many for an IPv4 /24 "
        "or IPv6 /48. Trusted proxies may hold as many as there are.",
    )
    answers_per_visitor: int = Field(
        64,
        ge=1,
        description="Requests being answered at once for one visitor, behind a trusted proxy too; event streams apart. "
        "An answer that nobody reads counts until it is cut off.",
    )
    streams_per_visitor: int = Field(
        32,
        ge=1,
        description="Event streams open at once for one visitor, behind a trusted proxy too. Pages that find no room "
        "ask every few seconds.",
    )
    streams_per_purchase: int = Field(
        16, ge=1, description="Event streams open at once for one purchase: a tab or two per device is enough."
    )
    streams: int = Field(
        10_000, ge=1, description="Event streams open at once in all. Pages that find no room ask every few seconds."
    )


class Log(Section):
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least serious level written.")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json: one object per line. console: for reading. auto: console on a terminal, else json."
    )


class Settings(Section):
    """All settings; each member is one table of the TOML file."""

    bitcoin: Bitcoin = Bitcoin()
    chain: Chain = Chain()
    server: Server = Server()
    metrics: Metrics = Metrics()
    storage: Storage = Storage()
    accounts: Accounts = Accounts()
    invoices: Invoices = Invoices()
    limits: Limits = Limits()
    log: Log = Log()

    @property
    def expiry_seconds(self) -> int:
        """How long an unpaid invoice stays open."""
        usual = DAY if self.chain.source == "light" else HOUR
        return self.invoices.expiry_seconds or usual

    @property
    def highest_price_sat(self) -> int | None:
        """The dearest file that is sold; None where there is no such limit."""
        return self.chain.light_max_sat if self.chain.source == "light" else None

    @property
    def public_url(self) -> str:
        """The origin that links are made with."""
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return self.server.public_url or f"http://{host}:{self.server.port}"


def names() -> list[str]:
    """Return every setting as ``section.key``."""
    return [f"{section}.{key}" for section, model in sections() for key in model.model_fields]


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Yield the tables in order, with their classes."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation
