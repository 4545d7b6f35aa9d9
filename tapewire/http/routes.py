"""The table of routes. Documents and, later, the schema of the API are made from it."""

from typing import Final

from tapewire.http import data, gaps, latest, page, status
from tapewire.http.call import Route
from tapewire.http.questions import bar_parameters, gap_parameters, latest_parameters, row_parameters

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "/v1/trades",
        "GET",
        "token",
        data.trades,
        "Trades, cancels and corrections, by symbol, then event time, then mark.",
        row_parameters,
    ),
    Route(
        "/v1/quotes",
        "GET",
        "token",
        data.quotes,
        "Quotes, by symbol, then event time, then mark.",
        row_parameters,
    ),
    Route(
        "/v1/bars",
        "GET",
        "token",
        data.bars,
        "Minute or daily bars, the newest revision of each, by symbol, then start.",
        bar_parameters,
    ),
    Route(
        "/v1/latest",
        "GET",
        "token",
        latest.latest,
        "The newest trade and quote of each symbol.",
        latest_parameters,
    ),
    Route(
        "/v1/gaps",
        "GET",
        "token",
        gaps.gaps,
        "Stretches of time for which data is known to be missing.",
        gap_parameters,
    ),
    Route(
        "/", "GET", "public", page.page, "The page with a live watchlist.", page.page_parameters, head=True
    ),
    Route("/static/{name}", "GET", "public", page.static, "The page's files.", head=True),
    Route("/v1/marks", "GET", "token", status.marks, "How far the tape has come."),
    Route("/healthz", "GET", "public", status.healthz, "Whether the process lives, and what it lacks."),
    Route("/readyz", "GET", "public", status.readyz, "Whether requests should be sent here."),
    Route("/metrics", "GET", "token", status.metrics, "Counters, in Prometheus' text format."),
)
