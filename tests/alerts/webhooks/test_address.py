"""Where nothing is sent, in every way to write it."""

import pytest

from alerts.webhooks.address import Target, UnsafeUrl, check_url, is_public

INSIDE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1",
    "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:db8::1",
    "2001:0:7f00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "100::1",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("text", INSIDE)
def test_an_address_inside_is_not_public(text: str) -> None:
    """Loopback, private, link-local, shared, multicast, reserved, documentation, and what wraps them."""
    assert not is_public(text)
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(UnsafeUrl):
        check_url(f"https://{host}/hook", ports=(443,), private=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    """In both families."""
    assert is_public(text)
    host = f"[{text}]" if ":" in text else text
    assert check_url(f"https://{host}/hook", ports=(443,), private=False).port == 443


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "0x7f.1", "8.8.8.8%eth0", "fe80::1%eth0"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    """Whoever asks has resolved the name before."""
    assert not is_public(text)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x",
        "//example.com", "https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://8.8.8.8./",
        "https://user:pw@example.com/", "https://user@example.com/", "https://example.com:99999/",
        "https://example.com:x/", "https://example.com:22/", "http://example.com:6379/",
        "https://localhost/", "https://LOCALHOST/", "https://a.localhost/", "https://printer.local/",
        "https://metadata.google.internal/", "https://exämple.com/", "https://example.com/ x",
        "https://example.com/\nHost: y", "https://example.com\\@127.0.0.1/", "https://[::1",
        "https://[fe80::1%25eth0]/", "https://example.com/#x", "https://example.com/" + "x" * 2_048,
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    """Other schemes, credentials, odd ports, names inside, characters that confuse parsers."""
    with pytest.raises(UnsafeUrl):
        check_url(url, ports=(80, 443), private=False)


def test_a_url_gives_scheme_host_and_port() -> None:
    """The port that the scheme means, when none is written."""
    assert check_url("http://Example.com/x?y=1", ports=(80,), private=False) == Target(
        "http", "example.com", 80
    )
    assert check_url("https://example.com:443/", ports=(443,), private=False).port == 443


def test_in_a_demo_this_machine_may_be_called_on_any_port() -> None:
    """And still no other scheme, and no credentials."""
    assert check_url("http://localhost:9000/", ports=(), private=True).port == 9000
    for url in ("file:///etc/passwd", "http://a:b@localhost/"):
        with pytest.raises(UnsafeUrl):
            check_url(url, ports=(), private=True)
