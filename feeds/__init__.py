"""Vendor bytes in, ticks out: protocol cores, recordings and their replay.

May import `tape`, `ticks` and `config`; never a sibling (`hub`, `storage`, `alerts`, `accounts`).

Cores: capture_writer, captures, contract, datagrams, errors, iex, message_kinds, pacing, packets, pcap,
playback, synthetic.
Shells: recordings, replay, synthetic_file.
"""
