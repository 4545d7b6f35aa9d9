"""What axe-core has to object to the page: nothing, in dark and light, on a phone and a desk."""

import pytest

from tests.tapewire.static.alerting import Desk
from tests.tapewire.static.browser import CHROMIUM, Tab, axe
from tests.tapewire.static.market import Market
from tests.tapewire.static.test_browser import desk, market, tab, text, ticking
from tests.web.script import needs_node

__all__ = ["desk", "market", "tab"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it to try the page"),
    needs_node,
]


@pytest.fixture(scope="module")
def source() -> str:
    """The source of axe-core."""
    return axe()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_there_is_nothing_to_object_to(
    width: int, dark: bool, tab: Tab, market: Market, desk: Desk, source: str
) -> None:
    """Also with everything open, an alert set, one rung, a notice shown and a symbol denied."""
    await tab.show(width, 800, dark=dark)
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab, "IWM")
        assert await tab.audit(source) == []
        desk.alerts.append(
            {"id": "a1", "symbol": "AAPL", "state": "blind", "distance": -1.5, "when": {"all": []}}
            | {"when": {"feature": "last", "op": ">=", "level": "5"}}
        )
        await tab.reload()
        await ticking(tab, "IWM")
        market.tell(desk.ring("AAPL", 1))
        market.tell({**desk.ring("MSFT", 2), "retract": "cancelled"})
        market.feed_event("gap_open", "outage")
        await tab.until("document.querySelectorAll('#ringing .ring').length === 2")
        await tab.until(f"{text('outage')} !== ''")
        await tab.value("for (const one of document.querySelectorAll('details')) one.open = true")
        await tab.until("document.querySelectorAll('#candles tbody tr').length")
        assert await tab.audit(source) == []
        assert await tab.value("document.documentElement.scrollWidth") <= width
        await tab.value("document.getElementById('sign-out').click()")
        await tab.until("document.activeElement.id === 'token'")
        assert await tab.audit(source) == []
    assert tab.complaints == []


async def test_a_mistake_is_found(tab: Tab, market: Market, source: str) -> None:
    """A picture without words, and text that can hardly be read: the search is not blind."""
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab)
        await tab.value(
            "document.querySelector('main').prepend(document.createElement('img'));"
            "document.querySelector('h1').style.color = '#bbb'"
        )
        found = await tab.audit(source)
    assert {line.split(" ")[0] for line in found} == {"image-alt", "color-contrast"}
