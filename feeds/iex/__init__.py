"""IEX: the exchange's own feeds (TOPS 1.5 and 1.6, DEEP 1.0) over its transport IEX-TP.

`IexSession` is the protocol core; see `feeds.contract.ProtocolCore`.
"""

from feeds.iex.session import IexSession

__all__ = ["IexSession"]
