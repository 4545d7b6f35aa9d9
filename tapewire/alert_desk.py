"""Everything that is asked about alerts, for HTTP and WebSockets alike: rights, receivers, then the runtime.

Whoever puts an alert must be allowed to see live what it watches. A receiver's URL in a rule's
channels becomes an endpoint of its owner. Errors are those of `alerts.errors`, and `NotEntitled`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from accounts import Access, Accounts, Principal
from alerts.errors import Invalid, NotFound
from alerts.form import rule_form, rule_of
from alerts.model import WEBHOOK_PREFIX, AlertView, Owner, Rule, StoredFire
from alerts.outbox import Outbox
from alerts.runtime import AlertRuntime
from alerts.store import AlertStore
from alerts.webhooks.endpoints import Endpoints

KIND_OF: Final = {"last": "t", "bid": "q", "ask": "q", "mid": "q"}
"""Feature → kind of the channels in which its values are seen."""
FIRES_MAX: Final = 1_000
"""Most rings of one answer."""
_WINDOW: Final = 1_000


class NotEntitled(Exception):
    """The caller may not see live what the rule watches."""

    def __init__(self, symbol: str, kind: str) -> None:
        super().__init__(f"not entitled to {kind}:{symbol} live")
        self.symbol = symbol


def owner_of(principal: Principal) -> Owner:
    """Whose objects a principal may see: its own."""
    return Owner(principal.tenant, principal.user)


class AlertDesk:
    """Answers what users ask about their alerts and rings."""

    def __init__(
        self, alerts: AlertRuntime, endpoints: Endpoints, accounts: Accounts, clock_ns: Callable[[], int]
    ) -> None:
        self.alerts = alerts
        self.endpoints = endpoints
        self._accounts = accounts
        self._clock_ns = clock_ns

    async def put(
        self,
        principal: Principal,
        data: object,
        *,
        alert_id: str | None = None,
        replace_named: bool = False,
        if_rev: int | None = None,
    ) -> AlertView:
        """Watch a new alert, or change one, by its rule as decoded JSON; `AlertRuntime.put` has the rest.

        Raises:
            Invalid: it is no rule, or names a receiver that is not called.
            NotEntitled: the caller may not see that live.
            AlertsError: as `AlertRuntime.put`.
        """
        rule = rule_of(data, self._clock_ns())
        self._check_rights(principal, rule)
        owner = owner_of(principal)
        await self._check_channels(owner, rule)
        return await self.alerts.put(
            owner, rule, alert_id=alert_id, replace_named=replace_named, if_rev=if_rev
        )

    async def patch(
        self, principal: Principal, reference: str, patch: object, if_rev: int | None = None
    ) -> AlertView:
        """Change some members of a rule (RFC 7396, one level deep); null takes one away.

        Raises:
            NotFound: the caller has no such alert.
            Invalid, NotEntitled, AlertsError: as `put`.
        """
        view = self.find(principal, reference)
        if not isinstance(patch, dict):
            raise Invalid("malformed", "", "an object is due here")
        merged: dict[str, Any] = rule_form(view.alert.rule) | patch
        kept = {name: value for name, value in merged.items() if value is not None}
        rev = view.alert.rev if if_rev is None else if_rev
        return await self.put(principal, kept, alert_id=view.alert.id, if_rev=rev)

    def find(self, principal: Principal, reference: str) -> AlertView:
        """One of the caller's alerts, by its id or the caller's own name for it.

        Raises:
            NotFound: there is none.
        """
        owner = owner_of(principal)
        try:
            return self.alerts.get(owner, reference)
        except NotFound:
            return self.alerts.named(owner, reference)

    async def delete(self, principal: Principal, reference: str) -> None:
        """Watch an alert no longer.

        Raises:
            NotFound: the caller has no such alert.
        """
        view = self.find(principal, reference)
        await self.alerts.delete(view.alert.owner, view.alert.id)

    async def fires(
        self, principal: Principal, *, place: int | None, limit: int, newest_first: bool, alert_id: str | None
    ) -> Sequence[StoredFire]:
        """A page of the caller's rings.

        Args:
            principal: whose.
            place: the offset of the last ring of the page before; None = from the beginning.
            limit: how many at most.
            newest_first: which way.
            alert_id: of one alert only; None = of all.
        """
        owner = owner_of(principal)
        if not newest_first:
            return await self.alerts.fires(owner, place or 0, limit, alert_id)
        return await self.alerts.in_store(lambda store, _: _newest(store, owner, place, limit, alert_id))

    async def acknowledge(self, principal: Principal, offset: int) -> int:
        """A client has all rings up to an offset; returns up to where the caller's clients have all."""
        owner, now_ns = owner_of(principal), self._clock_ns()

        def acknowledge(_: AlertStore, outbox: Outbox) -> int:
            return outbox.acknowledge(owner, offset, now_ns)

        return await self.alerts.in_store(acknowledge)

    def _check_rights(self, principal: Principal, rule: Rule) -> None:
        now_ns = self._clock_ns()
        for kind in sorted({KIND_OF[condition.feature] for condition in rule.conditions}):
            access = self._accounts.may(principal, rule.lineup, kind, rule.symbol, now_ns)
            if access is not Access.LIVE:
                raise NotEntitled(rule.symbol, kind)

    async def _check_channels(self, owner: Owner, rule: Rule) -> None:
        """Make sure that each receiver is called; one that is written as a URL becomes an endpoint."""
        named = [
            (f"/channels/{place}", channel.removeprefix(WEBHOOK_PREFIX))
            for place, channel in enumerate(rule.channels)
            if channel.startswith(WEBHOOK_PREFIX)
        ]
        for pointer, name in named:
            if ":" in name:
                self.endpoints.check(name, pointer)
            elif not any(one.id == name for one in self.endpoints.list(owner)):
                raise Invalid("unknown_channel", pointer, "there is no such webhook endpoint")
        for pointer, name in named:
            if ":" in name:
                await asyncio.to_thread(self.endpoints.add, owner, name, self._clock_ns(), pointer)


def _newest(
    store: AlertStore, owner: Owner, place: int | None, limit: int, alert_id: str | None
) -> list[StoredFire]:
    """Rings before a place, the newest first. Offsets have no holes, so windows of them do."""
    end = store.last_offset(owner) + 1 if place is None else place
    found: list[StoredFire] = []
    while end > 1 and len(found) < limit:
        begin = max(0, end - 1 - (limit if alert_id is None else _WINDOW))
        window = store.fires(owner, begin, end - 1 - begin, alert_id)
        rows = [one for one in window if one.offset < end]
        found += reversed(rows)
        if alert_id is None and not rows:
            break  # older ones are no longer kept
        end = begin + 1
    return found[:limit]
