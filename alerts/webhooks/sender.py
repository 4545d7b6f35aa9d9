"""One attempt: a signed POST to an address that may be called, with bounds on time and bytes.

Names are resolved for each connection and the connection goes to an address that was looked at, so
a name that answers differently a moment later (DNS rebinding) gains nothing. Redirects are not
followed, proxies of the environment are not used, answers are not inflated, and of a refusal only
the beginning is read.
"""

import asyncio
import socket
from typing import Final

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from alerts.form import fire_form
from alerts.model import StoredFire
from alerts.webhooks.address import UnsafeUrl, check_url, is_public
from alerts.webhooks.endpoints import Endpoint
from alerts.webhooks.plan import Outcome, retry_after_s
from alerts.webhooks.signature import sign
from config.settings import WebhookSettings
from ticks.times import format_time

ANSWER_BYTES_MAX: Final = 1_024
"""Of a refusal, to be shown to the endpoint's owner."""
FIELD_BYTES_MAX: Final = 8_190
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "tapewire"}


class AddressRefused(OSError):
    """A name stands for addresses inside only."""


def body_of(stored: StoredFire) -> bytes:
    """The body for a ring: the same bytes at every attempt."""
    return msgspec.json.encode(
        {
            "type": "alert.fired",
            "timestamp": format_time(stored.committed_ns),
            "data": fire_form(stored),
        }
    )


class GuardedResolver(AbstractResolver):
    """Resolves names to those of their addresses that may be called."""

    def __init__(self, inner: AbstractResolver, *, private: bool) -> None:
        self._inner = inner
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses for one connection.

        Raises:
            AddressRefused: none of them may be called.
            OSError: the name cannot be resolved.
        """
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._private or is_public(one["host"])]
        if not allowed:
            raise AddressRefused("the name stands for an address inside")
        return allowed

    async def close(self) -> None:
        """Close the resolver behind it."""
        await self._inner.close()


class Sender:
    """Makes attempts. Used within one loop; `close` ends it."""

    def __init__(self, settings: WebhookSettings, resolver: AbstractResolver | None = None) -> None:
        """`resolver`: who is asked for addresses; None = the system."""
        self._settings = settings
        self._inner = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(self, endpoint: Endpoint, stored: StoredFire, now_ns: int) -> Outcome:
        """Make one attempt; it ends within `webhooks.timeout_s`."""
        settings, body = self._settings, body_of(stored)
        headers = sign(endpoint.secrets(now_ns), stored.fire.event_id, now_ns // 1_000_000_000, body)
        try:
            check_url(endpoint.url, ports=settings.ports, private=settings.private_addresses)
            async with asyncio.timeout(settings.timeout_s):
                return await self._post(endpoint.url, body, headers)
        except TimeoutError:
            return Outcome(error=f"no answer within {settings.timeout_s} s")
        except UnsafeUrl as error:
            return Outcome(error=str(error), refused=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failure(error)

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        session = self._opened()
        async with session.post(url, data=body, headers=HEADERS | headers, allow_redirects=False) as answer:
            try:
                error = "" if answer.ok else await _beginning(answer)
                wait_s = retry_after_s(answer.headers.get("Retry-After"))
                return Outcome(answer.status, error, wait_s)
            finally:
                # Whatever else it has to say is not waited for.
                answer.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            private = self._settings.private_addresses
            resolver = GuardedResolver(self._inner or aiohttp.ThreadedResolver(), private=private)
            connector = aiohttp.TCPConnector(
                resolver=resolver, use_dns_cache=False, force_close=True, limit=0
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                max_line_size=FIELD_BYTES_MAX,
                max_field_size=FIELD_BYTES_MAX,
                trust_env=False,
            )
        return self._session


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """How an answer begins, on one line."""
    text = (await answer.content.read(ANSWER_BYTES_MAX)).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()


def _failure(error: Exception) -> Outcome:
    """What went wrong, in words that hold nothing of ours."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressRefused):
        return Outcome(error=str(cause), refused=True)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Outcome(error="the name cannot be resolved")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Outcome(error="no connection")
    return Outcome(error="the answer is not HTTP, or ends early")
