"""Rings to HTTP receivers: signed, tried again, and never to an address inside.

    outbox ─claim─▶ deliverer ─▶ lanes (who may send now) ─▶ sender ─▶ receiver
                        └── plan (done, again, dead) ◀───────────┘

`signature` signs, `address` says where nothing is sent, `endpoints` keeps receivers and secrets.
"""
