"""What `/metrics` says of the hub."""

from contextlib import closing
from pathlib import Path

from accounts import Accounts
from config.settings import AccountsSettings, HubSettings, TapeSettings
from tape.tape import Tape
from tapewire.fanout import TapeHistory, make_hub
from tapewire.hub_metrics import hub_metrics
from tapewire.metrics import render


def test_connections_and_what_happened_to_them_are_told(tmp_path: Path) -> None:
    """Gauges as they are now, one counter for each kind of event."""
    with closing(Tape(TapeSettings(), tmp_path, 0)) as tape, closing(TapeHistory(tape, tmp_path)) as history:
        hub = make_hub(HubSettings(), tape, Accounts(AccountsSettings()), history)
        hub.counters["stalls"] = 3
        text = render(hub_metrics(hub)).decode()
    assert "tapewire_hub_connections 0" in text
    assert "tapewire_hub_backlog_marks 0" in text
    assert 'tapewire_hub_events_total{event="stalls"} 3' in text
