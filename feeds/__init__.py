"""Vendor bytes in, ticks out: protocol cores, recordings and their replay.

May import `tape`, `ticks` and `config`; never a sibling (`hub`, `storage`, `alerts`, `accounts`).

Cores: capture_writer, captures, contract, datagrams, errors, iex, message_kinds, pacing, packets, pcap,
playback, sim.auction, sim.book, sim.exchange, sim.listing, sim.load, sim.makers, sim.market, sim.noise,
sim.prices, sim.prints, sim.settings, sim.takers, sim.trading, sim.view, synthetic.
Shells: recordings, replay, sim.feed, synthetic_file.
"""
