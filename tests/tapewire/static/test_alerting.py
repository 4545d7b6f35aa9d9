"""Alerts on the page, in a real browser: set, listed, rung, withdrawn, removed, and all of it by keyboard."""

import pytest

from tests.tapewire.static.alerting import Desk
from tests.tapewire.static.browser import CHROMIUM, Tab
from tests.tapewire.static.market import Market
from tests.tapewire.static.test_browser import (
    ENTER,
    LABEL,
    TAB,
    desk,
    market,
    press_until,
    tab,
    text,
    ticking,
)

__all__ = ["desk", "market", "tab"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it to try the page"),
]
RINGING = "document.querySelectorAll('#ringing .ring').length"


async def test_an_alert_is_set_by_four_actions_of_the_keyboard(tab: Tab, market: Market, desk: Desk) -> None:
    """Tab, Enter, a level, Enter: the side follows from the price; the hub's own module takes the rule."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,MSFT")
        await ticking(tab)
        await tab.press(*TAB)
        await tab.press(*ENTER)
        assert await tab.value("document.activeElement.id") == "level"
        await tab.type("99999")
        assert await tab.until(text("level-side")) == "Rings when AAPL rises to it."
        await tab.press(*ENTER)
        await tab.until(f"{text('alert-done')} === 'Set: AAPL last is at or above 99999.'")
        assert [one["when"]["op"] for one in desk.alerts] == [">="]
        assert await tab.value("document.querySelector('#alert-list').textContent.includes('armed')")
        assert await tab.value("document.getElementById('level').value") == ""
        await tab.type("0.01")
        await tab.press(*ENTER)
        await tab.until("document.querySelectorAll('#alert-list li').length === 2")
        assert [one["when"]["op"] for one in desk.alerts] == [">=", "<="]
        # another symbol's: one key in its row
        await tab.value("[...document.querySelectorAll('.name')].at(-1).focus()")
        await tab.press("a", 65)
        await tab.type("99999.5")
        await tab.press(*ENTER)
        await tab.until("document.querySelectorAll('#alert-list li').length === 3")
        assert desk.alerts[-1]["symbol"] == "MSFT"
        await press_until(tab, f"{LABEL} === 'Remove the alert: MSFT last is at or above 99999.5'")
        await tab.press(*ENTER)
        await tab.until("document.querySelectorAll('#alert-list li').length === 2")
        assert [one["symbol"] for one in desk.alerts] == ["AAPL", "AAPL"]
        await tab.reload()
        await tab.until("document.querySelectorAll('#alert-list li').length === 2")
    assert tab.complaints == []


async def test_a_level_that_is_none_is_told_and_the_focus_stays(tab: Tab, market: Market, desk: Desk) -> None:
    """What the page can tell it tells; what the hub refuses is shown in its words."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        await tab.value("document.getElementById('level').focus()")
        await tab.type("abc")
        await tab.press(*ENTER)
        await tab.until(f"{text('alert-problem')}.startsWith('The level is a price')")
        assert await tab.value("document.activeElement.id") == "level"
        assert desk.alerts == []
        await tab.value("document.getElementById('level').select()")
        await tab.type("5")
        await tab.value("document.querySelector('[name=webhook]').value = 'ftp:x y'")
        await tab.press(*ENTER)
        await tab.until(f"{text('alert-problem')}.startsWith('/channels/1: ')")
    assert [line for line in tab.complaints if "422" not in line] == []


async def test_a_ring_is_told_with_its_proof_acknowledged_and_dismissed(
    tab: Tab, market: Market, desk: Desk
) -> None:
    """Said once, however often it comes; withdrawn in place; kept below after it was dismissed."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        market.tell(desk.ring("AAPL", 7))
        await tab.until(f"{RINGING} === 1")
        shown = await tab.value("document.querySelector('#ringing').innerText")
        for part in (
            "AAPL rose to 192.31 (level 192.30)",
            "The tick",
            "The one before",
            "The quote",
            "192.30 / 192.32",
        ):
            assert part in shown
        assert "n 9, m 77" in shown
        assert await tab.value("document.title") == "(1) tapewire"
        said = await tab.until("document.querySelector('[role=alert]').textContent")
        assert said.startswith("AAPL rose to 192.31")
        assert [told["off"] for told in tab.sent if told["op"] == "alert.ack"] == [7]
        market.tell(desk.ring("AAPL", 7))
        market.tell({**desk.ring("AAPL", 7), "retract": "cancelled"})
        await tab.until("document.querySelector('#ringing .withdrawn') !== null")
        assert await tab.value(RINGING) == 1
        await press_until(tab, f"{LABEL} === 'Dismiss the alert of AAPL'")
        await tab.press(*ENTER)
        await tab.until(f"{RINGING} === 0")
        assert await tab.value("document.title") == "tapewire"
        assert (await tab.value("document.querySelector('#past summary').textContent")).startswith(
            "Withdrawn: AAPL"
        )
    assert tab.complaints == []


async def test_many_rings_at_once_are_told_as_one(tab: Tab, market: Market, desk: Desk) -> None:
    """Three are shown on top, the rest below; a screen reader hears how many there are."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        await tab.value(
            "window.said = []; new MutationObserver(() => window.said.push(document"
            ".querySelector('[role=alert]').textContent)).observe(document.querySelector('[role=alert]'), "
            "{subtree: true, characterData: true, childList: true})"
        )
        for off in range(1, 31):
            market.tell(desk.ring("AAPL", off))
        await tab.until(f"{RINGING} === 3")
        await tab.until("document.querySelector('#ringing').innerText.includes('And 27 more, below.')")
        await tab.until("window.said.at(-1)?.startsWith('30 alerts have rung.')")
        assert await tab.value("window.said.length") <= 2


async def test_a_hub_without_alerts_is_called_one(tab: Tab, market: Market, desk: Desk) -> None:
    """At once, not when somebody has typed a level; prices go on."""
    desk.is_there = False
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        await tab.until(
            "document.querySelector('#alerts .notice')?.textContent.startsWith('This hub has no alerts')"
        )
        await tab.value("document.getElementById('level').focus()")
        await tab.type("5")
        await tab.press(*ENTER)
        await tab.until(f"{text('alert-problem')}.startsWith('This hub has no alerts')")
    assert [line for line in tab.complaints if "404" not in line] == []
