"""Receivers and their secrets: whose they are, and what is kept."""

import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.errors import Invalid, LimitReached, NotFound, StoreUnavailable
from alerts.webhooks.endpoints import FILE_NAME, ROTATION_NS, Endpoints
from config.settings import WebhookSettings
from tests.alerts.webhooks.making import ANN, BOB, NOW

URL = "https://example.com/hook"
SETTINGS = WebhookSettings(endpoints_per_user_max=3)


def test_a_receiver_is_kept_with_its_secret(tmp_path: Path) -> None:
    """Opened again, it is the same; the file is ours alone."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, new = endpoints.add(ANN, URL, NOW)
    assert new
    assert made.secret.startswith("whsec_")
    endpoints.close()
    again = Endpoints(tmp_path, SETTINGS)
    assert again.list(ANN) == [made]
    assert again.find(ANN, f"webhook:{URL}") == again.find(ANN, f"webhook:{made.id}") == made
    again.close()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_the_same_url_again_is_the_same_receiver(tmp_path: Path) -> None:
    """With the secret it has; another owner's is another one."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    assert endpoints.add(ANN, URL, NOW + 1) == (made, False)
    other, new = endpoints.add(BOB, URL, NOW)
    assert new
    assert (other.id == made.id, other.secret == made.secret) == (False, False)
    endpoints.close()


def test_another_owners_receiver_is_as_if_it_did_not_exist(tmp_path: Path) -> None:
    """By every method."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    assert endpoints.list(BOB) == []
    for ask in (
        lambda: endpoints.get(BOB, made.id),
        lambda: endpoints.find(BOB, f"webhook:{made.id}"),
        lambda: endpoints.find(BOB, f"webhook:{URL}"),
        lambda: endpoints.rotate(BOB, made.id, NOW),
        lambda: endpoints.switch(BOB, made.id, "x"),
        lambda: endpoints.delete(BOB, made.id),
    ):
        with pytest.raises(NotFound):
            ask()
    assert endpoints.get(ANN, made.id) == made
    endpoints.close()


def test_a_new_secret_and_the_one_before_both_sign_for_a_day(tmp_path: Path) -> None:
    """Then the new one alone."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    assert made.secrets(NOW) == (made.secret,)
    turned = endpoints.rotate(ANN, made.id, NOW)
    assert turned.secrets(NOW + ROTATION_NS - 1) == (turned.secret, made.secret)
    assert turned.secrets(NOW + ROTATION_NS) == (turned.secret,)
    assert turned.secret != made.secret
    endpoints.close()


def test_a_receiver_can_be_switched_off_and_on_and_deleted(tmp_path: Path) -> None:
    """And that outlives a restart."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    endpoints.switch(ANN, made.id, "gone")
    endpoints.close()
    endpoints = Endpoints(tmp_path, SETTINGS)
    assert endpoints.get(ANN, made.id).disabled == "gone"
    assert endpoints.switch(ANN, made.id, "").disabled == ""
    endpoints.delete(ANN, made.id)
    endpoints.close()
    endpoints = Endpoints(tmp_path, SETTINGS)
    assert endpoints.list(ANN) == []
    endpoints.close()


@pytest.mark.parametrize(
    "url", [None, 5, "", "http://127.0.0.1/", "https://example.com:22/", "ftp://example.com/"]
)
def test_a_url_that_may_not_be_called_is_refused(url: object, tmp_path: Path) -> None:
    """With the place where it stood."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    with pytest.raises(Invalid) as caught:
        endpoints.add(ANN, url, NOW, "/channels/1")
    assert caught.value.pointer == "/channels/1"
    assert endpoints.list(ANN) == []
    endpoints.close()


def test_an_owner_has_so_many_receivers_at_most(tmp_path: Path) -> None:
    """One that is there already counts as itself; others have their own count."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    for number in range(3):
        endpoints.add(ANN, f"{URL}/{number}", NOW)
    assert endpoints.add(ANN, f"{URL}/1", NOW)[1] is False
    with pytest.raises(LimitReached) as caught:
        endpoints.add(ANN, f"{URL}/3", NOW)
    assert (caught.value.limit, caught.value.used) == (3, 3)
    assert endpoints.add(BOB, URL, NOW)[1]
    endpoints.close()


def test_no_repr_holds_a_secret(tmp_path: Path) -> None:
    """Whatever logs an endpoint logs no secret."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    made = replace(made, old_secret=made.secret)
    assert "whsec_" not in repr(made)
    assert "whsec_" not in f"{[made]}"
    endpoints.close()


def test_a_file_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    """It is said, and memory stays as the file is."""
    endpoints = Endpoints(tmp_path, SETTINGS)
    made, _ = endpoints.add(ANN, URL, NOW)
    endpoints.close()
    for change in (
        lambda: endpoints.add(ANN, f"{URL}/2", NOW),
        lambda: endpoints.rotate(ANN, made.id, NOW),
        lambda: endpoints.delete(ANN, made.id),
    ):
        with pytest.raises(StoreUnavailable):
            change()
    assert endpoints.list(ANN) == [made]


def test_what_is_no_file_of_ours_is_said(tmp_path: Path) -> None:
    """Not a database, or not a file."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(StoreUnavailable, match=FILE_NAME):
        Endpoints(tmp_path, SETTINGS)
