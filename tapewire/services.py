"""What the HTTP routes get to see of the system."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.cursor import CursorKeeper
from storage.key_file import load_key
from tapewire.alerting import alert_metrics
from tapewire.health import Health, JournalState, States, assess
from tapewire.http.services import Services
from tapewire.hub_metrics import hub_metrics
from tapewire.metrics import Metric

if TYPE_CHECKING:
    from tapewire.app import System


def make_services(system: "System") -> Services:
    """The services of a system whose tape is open."""
    http = system.settings.http
    metrics = _metrics(system)
    return Services(
        settings=http,
        accounts=system.accounts,
        history=system.history,
        cursors=CursorKeeper(load_key(system.directory), http.cursor_ttl_s),
        marks=system.tape.marks,
        latest=system.tape.latest,
        health=lambda: _health(system),
        metrics=lambda: metrics,
        now_ns=time.time_ns,
        desk=system.alerting.desk,
    )


def _health(system: "System") -> Health:
    tape = system.tape
    journal: JournalState = "ok"
    if tape.volatile:
        journal = "stopped" if tape.numbering_stopped else "volatile"
    return assess(
        States(
            started=system.started,
            draining=system.draining,
            journal=journal,
            writer="alive" if system.writer.alive else "restarting",
            accepted=tape.marks.accepted,
            stored=tape.marks.stored,
        )
    )


def _metrics(system: "System") -> Sequence[Metric]:
    tape, journal, history, writer = system.tape, system.tape.journal, system.history, system.writer
    marks = tape.marks
    return (
        Metric(
            "ticks_published",
            "counter",
            "Ticks numbered and handed on since the start, by kind.",
            lambda: {(kind,): count for kind, count in system.pipeline.published().items()},
            ("kind",),
        ),
        Metric(
            "batches_published",
            "counter",
            "Batches handed on since the start.",
            lambda: system.pipeline.batches,
        ),
        Metric(
            "mark",
            "gauge",
            "How far the tape has come: accepted, durable, stored.",
            lambda: {
                ("accepted",): marks.accepted,
                ("durable",): marks.durable,
                ("stored",): marks.stored,
            },
            ("state",),
        ),
        Metric("epoch", "gauge", "The epoch in which ticks are numbered.", lambda: marks.epoch),
        Metric(
            "journal_volatile", "gauge", "1 while the journal cannot be written.", lambda: int(tape.volatile)
        ),
        Metric(
            "journal_written_bytes", "counter", "Bytes written to the journal.", lambda: journal.bytes_written
        ),
        Metric("journal_writes", "counter", "Writes to the journal.", lambda: journal.writes),
        Metric(
            "journal_failures", "counter", "Times the journal could not be written.", lambda: journal.failures
        ),
        Metric(
            "journal_unsynced_bytes",
            "gauge",
            "Bytes written and not yet durable.",
            lambda: journal.unsynced_bytes,
        ),
        Metric(
            "numbering_stopped",
            "counter",
            "Batches turned away because no mark was left.",
            lambda: tape.numbering_stopped,
        ),
        Metric("ring_ticks", "gauge", "Ticks kept in memory.", lambda: tape.ring.ticks),
        Metric("writer_starts", "counter", "Times the writer process was started.", lambda: writer.starts),
        Metric("history_waiting", "gauge", "History queries that wait or run.", lambda: history.waiting),
        Metric("history_answered", "counter", "History queries answered.", lambda: history.answered),
        Metric("history_refused", "counter", "History queries turned away.", lambda: history.refused),
        Metric(
            "bars_published",
            "counter",
            "Bars and their revisions published since the start.",
            lambda: sum(bars.published for bars in system.bars),
        ),
        *hub_metrics(system.hub),
        *alert_metrics(system.alerting),
    )
