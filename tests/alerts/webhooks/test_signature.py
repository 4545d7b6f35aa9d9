"""Signatures: checked by the reference libraries of Standard Webhooks."""

import json
import shutil
import subprocess
import time
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.webhooks.signature import key_of, secret_of, sign

SECRET = secret_of(bytes(range(32)))
OTHER = secret_of(bytes(32))


@given(st.binary(min_size=24, max_size=64), st.text(max_size=200))
def test_the_reference_library_accepts_what_we_sign(key: bytes, text: str) -> None:
    """For any key and any body."""
    body = json.dumps({"x": text}).encode()
    secret = secret_of(key)
    headers = sign([secret], "event-1", int(time.time()), body)
    assert Webhook(secret).verify(body, headers) == {"x": text}


def test_while_a_secret_changes_both_are_accepted() -> None:
    """The receiver may hold the old one or the new one."""
    headers = sign([SECRET, OTHER], "event-1", int(time.time()), b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(b"{}", headers)


@pytest.mark.parametrize("spoil", ["body", "id", "timestamp", "secret"])
def test_what_was_changed_on_the_way_is_refused(spoil: str) -> None:
    """Body, id, time and key are all part of the signature."""
    now_s = int(time.time())
    headers = sign([SECRET], "event-1", now_s, b"{}")
    if spoil == "id":
        headers["webhook-id"] = "event-2"
    if spoil == "timestamp":
        headers["webhook-timestamp"] = str(now_s + 1)
    receiver = Webhook(OTHER if spoil == "secret" else SECRET)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(b"[]" if spoil == "body" else b"{}", headers)


@pytest.mark.parametrize("secret", ["", "whsec", "sec_" + b64encode(bytes(32)).decode(), "whsec_?"])
def test_what_is_no_secret_is_refused_without_repeating_it(secret: str) -> None:
    """A log line with the error holds no secret."""
    with pytest.raises(ValueError, match="a secret") as caught:
        key_of(secret)
    assert len(secret) < 7 or secret not in str(caught.value)


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_key_has_a_length_that_the_specification_allows(length: int) -> None:
    """24 to 64 bytes."""
    with pytest.raises(ValueError, match="24 to 64"):
        secret_of(bytes(length))


@pytest.mark.slow
def test_the_javascript_library_accepts_what_we_sign(tmp_path: Path) -> None:
    """As receivers in Node.js use it; needs npm and a registry, and says so when they are not there."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed: the JavaScript library of Standard Webhooks was not tried")
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "standardwebhooks@1"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip("no npm registry: the JavaScript library of Standard Webhooks was not tried")
    headers = sign([OTHER, SECRET], "event-1", int(time.time()), '{"é":1}'.encode())
    script = (
        'const {Webhook} = require("standardwebhooks");'
        "const [secret, headers] = JSON.parse(process.argv[1]);"
        "const got = new Webhook(secret).verify('{\"é\":1}', headers);"
        "let refused = false; try { new Webhook(secret).verify('{}', headers) } catch { refused = true }"
        "console.log(JSON.stringify([got, refused]));"
    )
    for secret in (SECRET, OTHER):
        done = subprocess.run(
            ["node", "-e", script, json.dumps([secret, headers])],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout) == [{"é": 1}, True]
