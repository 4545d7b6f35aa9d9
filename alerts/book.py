"""Whose alerts there are: ownership, names, revisions and limits in front of the engine."""

from collections.abc import Iterable

from msgspec.structs import replace

from alerts.changes import Changes
from alerts.engine import Engine, Kept
from alerts.errors import Conflict, LimitReached, NotFound
from alerts.model import EXPIRED, FIRED, Alert, AlertView, Owner, Rule
from config.settings import AlertSettings


class AlertBook:
    """The alerts of all owners. Another owner's alert is as if it did not exist."""

    def __init__(self, settings: AlertSettings, engine: Engine, kept: Iterable[Kept] = ()) -> None:
        """`kept` is what the engine has been given to load."""
        self._settings = settings
        self._engine = engine
        self._alerts: dict[Owner, dict[str, Alert]] = {}
        self._client_ids: dict[tuple[Owner, str], str] = {}
        for one in sorted(kept, key=lambda kept: kept.number):
            self._note(one.alert)

    def __len__(self) -> int:
        return len(self._engine)

    def put(
        self,
        owner: Owner,
        rule: Rule,
        now_ns: int,
        changes: Changes,
        new_id: str,
        *,
        alert_id: str | None = None,
        replace_named: bool = False,
        if_rev: int | None = None,
    ) -> AlertView:
        """Watch a new alert, or change one; the same rule again changes nothing.

        Args:
            owner: whose it is.
            rule: what it watches.
            now_ns: our clock.
            changes: where the change is noted.
            new_id: the id of the alert, if it is a new one: a UUID that was never used.
            alert_id: the alert to change; None = a new one.
            replace_named: when the owner has an alert of the rule's `client_id`, change that one.
            if_rev: the revision that the alert to change must be at.

        Raises:
            NotFound: the owner has no alert of this id.
            Conflict: `client_id` is another alert's, or the revision is another.
            LimitReached: the owner, or the hub, has too many.
            AlreadyTrue: it is, and the rule asked to be refused then.
        """
        named = self._client_ids.get((owner, rule.client_id)) if rule.client_id else None
        if alert_id is None and replace_named:
            alert_id = named
        before = None if alert_id is None else self._own(owner, alert_id)
        if named is not None and named != alert_id:
            raise Conflict(f"client_id {rule.client_id} is another alert's", self._own(owner, named).rev)
        if before is None:
            self._check_limits(owner)
            alert = Alert(new_id, owner, 1, rule, now_ns, now_ns)
        else:
            if if_rev is not None and if_rev != before.rev:
                raise Conflict("the alert is at another revision", before.rev)
            if before.rule == rule and not self._is_over(before.id):
                return self._engine.view(before.id)
            alert = replace(before, rev=before.rev + 1, rule=rule, updated_ns=now_ns)
        state = self._engine.put(alert)
        if before is not None:
            self._forget(before)
        self._note(alert)
        changes.alerts[owner, alert.id] = Kept(self._engine.number(alert.id), alert, state)
        return self._engine.view(alert.id)

    def get(self, owner: Owner, alert_id: str, now_ns: int) -> AlertView:
        """An alert of this owner.

        Raises:
            NotFound: there is none.
        """
        return self._shown(self._own(owner, alert_id), now_ns)

    def named(self, owner: Owner, client_id: str, now_ns: int) -> AlertView:
        """The alert that this owner calls so.

        Raises:
            NotFound: there is none.
        """
        return self.get(owner, self._client_ids.get((owner, client_id), ""), now_ns)

    def list(self, owner: Owner, now_ns: int, symbol: str | None = None) -> list[AlertView]:
        """All alerts of this owner, those that were put first in front; `symbol` leaves out others."""
        return [
            self._shown(alert, now_ns)
            for alert in self._alerts.get(owner, {}).values()
            if symbol is None or alert.rule.symbol == symbol
        ]

    def delete(self, owner: Owner, alert_id: str, changes: Changes) -> None:
        """Watch an alert no longer. What it has rung stays.

        Raises:
            NotFound: the owner has none of this id.
        """
        alert = self._own(owner, alert_id)
        self._engine.remove(alert_id)
        self._forget(alert)
        owned = self._alerts[owner]
        del owned[alert_id]
        if not owned:
            del self._alerts[owner]
        changes.alerts[owner, alert_id] = None

    def _own(self, owner: Owner, alert_id: str) -> Alert:
        alert = self._alerts.get(owner, {}).get(alert_id)
        if alert is None:
            raise NotFound("no such alert")
        return alert

    def _is_over(self, alert_id: str) -> bool:
        return self._engine.view(alert_id).state.phase in (FIRED, EXPIRED)

    def _shown(self, alert: Alert, now_ns: int) -> AlertView:
        """As the engine has it; the engine itself looks at the time only when a level is reached."""
        view = self._engine.view(alert.id)
        expires_ns = alert.rule.expires_ns
        if 0 < expires_ns <= now_ns and view.state.phase != FIRED:
            return replace(view, state=replace(view.state, phase=EXPIRED, side=0))
        return view

    def _check_limits(self, owner: Owner) -> None:
        used = len(self._alerts.get(owner, {}))
        if used >= self._settings.per_user_max:
            raise LimitReached("alerts", self._settings.per_user_max, used)
        if len(self) >= self._settings.total_max:
            raise LimitReached("alerts of all users together", self._settings.total_max, len(self))

    def _note(self, alert: Alert) -> None:
        self._alerts.setdefault(alert.owner, {})[alert.id] = alert
        if alert.rule.client_id:
            self._client_ids[alert.owner, alert.rule.client_id] = alert.id

    def _forget(self, alert: Alert) -> None:
        if alert.rule.client_id:
            del self._client_ids[alert.owner, alert.rule.client_id]
