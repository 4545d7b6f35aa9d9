"""Python client of tapewire's native protocol v1.

    async with tapewire_client.connect("ws://127.0.0.1:8080/v1/stream", token="demo") as client:
        await client.subscribe(["AAPL", "MSFT"], kinds=["t", "q"])
        async for message in client:
            print(message)

Cores: backoff, budget, codec, continuity, errors, messages, outcome.
Shells: client, opening.
"""

from tapewire_client.backoff import Backoff
from tapewire_client.client import Client, connect
from tapewire_client.continuity import DATA_OPS, Continuity, Hole
from tapewire_client.errors import (
    ClientError,
    ConnectionLost,
    ConnectionPostponed,
    ConnectionRefused,
    ProtocolError,
    RequestRefused,
)
from tapewire_client.messages import Data, Message

__all__ = [
    "DATA_OPS",
    "Backoff",
    "Client",
    "ClientError",
    "ConnectionLost",
    "ConnectionPostponed",
    "ConnectionRefused",
    "Continuity",
    "Data",
    "Hole",
    "Message",
    "ProtocolError",
    "RequestRefused",
    "connect",
]
