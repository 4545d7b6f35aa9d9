"""Requests of the command line to a hub, one at a time.

HubError
├── HubRefused      the hub said no, and why
└── HubAway         nobody answers, or not as a hub does, or it cannot now
"""

import http.client
import json
from decimal import Decimal
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tapewire.alert_words import problem_text

TIMEOUT_SECONDS: Final = 30
ANSWER_BYTES_MAX: Final = 64 << 20


class HubError(Exception):
    """A request that came to nothing."""


class HubRefused(HubError):
    """The hub said no."""


class HubAway(HubError):
    """Nobody answers, or not as a hub does, or it cannot now."""


class _Stay(HTTPRedirectHandler):
    """A token is shown to the hub that was named, and to nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


class HubRequests:
    """The HTTP routes of one hub, as one user."""

    def __init__(self, base: str, token: str | None) -> None:
        self.base = base
        self._token = token
        self._opener = build_opener(_Stay)

    def ask(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """The JSON answer, numbers exact; None when there is none to give (204).

        Raises:
            HubRefused: the hub said no.
            HubAway: nobody answers, or not as a hub does, or it cannot now.
        """
        target = f"{self.base}{path}" + (f"?{urlencode(query)}" if query else "")
        request = Request(target, method=method)
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                answered = answer.read(ANSWER_BYTES_MAX)
        except HTTPError as error:
            with error:
                said = error.read(ANSWER_BYTES_MAX)
            text = problem_text(error.code, _json(said))
            if error.code == 429 or error.code >= 500:
                raise HubAway(f"{self.base}: {text}") from None
            raise HubRefused(text) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise HubAway(f"{self.base}: {why}") from error
        if not answered:
            return None
        found = _json(answered)
        if found is None:
            raise HubAway(f"{self.base}: what answers there is no hub")
        return found


def _json(text: bytes) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return None
