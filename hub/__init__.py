"""Who wants what: the router, the flush wheel, the back-pressure ladder, resume and the dialects.

No module yet: clients of this version read the tape over HTTP (`storage`, `tapewire`). The
WebSocket fan-out comes here. May import `tape`, `ticks` and `config`; never a sibling.

Cores: none.
Shells: none.
"""
