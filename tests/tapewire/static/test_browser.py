"""The page in a real browser, at a live market. Needs Chromium (`apt-get install chromium`)."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from config.settings import HubSettings
from tests.tapewire.static.alerting import PATTERNS, Desk
from tests.tapewire.static.browser import CHROMIUM, Tab, browsing
from tests.tapewire.static.market import Market

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it to try the page"),
]

CELLS = """Object.fromEntries([...document.querySelectorAll('#rows tr')].map(line => [
    line.querySelector('[data-cell=symbol]').textContent,
    Object.fromEntries([...line.querySelectorAll('[data-cell]')].map(
        cell => [cell.dataset.cell, cell.textContent])),
]))"""
TAB, ENTER = ("Tab", 9), ("Enter", 13)
LABEL = "document.activeElement.getAttribute('aria-label')"


@pytest.fixture
def desk() -> Desk:
    """Takes the alerts that the page sets."""
    return Desk()


@pytest.fixture
async def tab(tmp_path: Path, desk: Desk) -> AsyncIterator[Tab]:
    """A browser, for pages of a market that has no alerts of its own."""
    async with browsing(tmp_path / "profile") as tab:
        await tab.show()
        await tab.answer(PATTERNS, desk.answer)
        yield tab


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """A market that is still closed."""
    return Market(tmp_path / "market")


def text(of: str) -> str:
    """The text of the element with an id, as an expression."""
    return f"(document.getElementById('{of}')?.textContent ?? '')"


async def rows(tab: Tab) -> dict[str, dict[str, str]]:
    """Symbol → cell → text."""
    found: dict[str, dict[str, str]] = await tab.value(CELLS)
    return found


async def ticking(tab: Tab, symbol: str = "AAPL") -> None:
    """Wait until the page is connected and a symbol has prices."""
    await tab.until(f"{text('connection')} === 'Connected'")
    await tab.until(f"(row => row && row.last !== '–' && row.bid !== '–')(({CELLS})['{symbol}'])")


async def counted(tab: Tab, symbol: str = "AAPL") -> int:
    """How many ticks of a symbol the page has counted."""
    return int((await rows(tab))[symbol]["ticks"].replace(",", ""))


async def more_ticks(tab: Tab, than: int, symbol: str = "AAPL") -> None:
    """Wait until it has counted more than so many."""
    await tab.until(f"Number(({CELLS})['{symbol}'].ticks.replace(',', '')) > {than}")


async def all_counted(tab: Tab, market: Market) -> None:
    """Stop trading: the page has every tick of its symbols, and has found no hole."""
    market.bell.clear()
    for symbol in await rows(tab):
        await tab.until(f"({CELLS})['{symbol}'].ticks.replace(',', '') === '{market.published(symbol)}'")
    assert await tab.value(text("holes")) == "0 / 0"


def but_for_the_outage(tab: Tab) -> list[str]:
    """The complaints, without the browser's own words about a server that was not there."""
    return [line for line in tab.complaints if "WebSocket" not in line and "net::ERR_" not in line]


async def test_the_page_shows_a_live_market_without_being_asked_for_anything(
    tab: Tab, market: Market
) -> None:
    """In the demo: twelve symbols, prices, the feed's badge, figures that add up, and no complaint."""
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab)
        await tab.until(f"{text('feed')} === 'SIMULATED' && {text('mark')} !== '–'")
        await more_ticks(tab, 20)
        shown = await rows(tab)
        assert list(shown)[:3] == ["AAPL", "MSFT", "SPY"]
        assert len(shown) == 12
        await tab.until(f"/^[\\d,]+ ms . [\\d,]+ ms$/.test({text('delay')})")
        await tab.until(f"/^[1-9]\\d* . [1-9]\\d*$/.test({text('rate')})")
        assert await tab.value(text("holes")) == "0 / 0"
        # the sign is told in words' place, beside the arrow and the colour
        moved = await tab.until(f"Object.values({CELLS}).find(row => row.arrow)")
        assert (moved["arrow"], moved["change"][0]) in (("▲", "+"), ("▼", "−"))
    assert tab.complaints == []


async def test_a_restart_of_the_hub_leaves_no_hole_in_the_page(tab: Tab, market: Market) -> None:
    """It comes back by itself, resumes from its mark, and has counted every tick there ever was."""
    market.bell.clear()
    async with market.trading():
        await tab.open(market.url)
        await market.subscribed(2)
        market.bell.set()
        await ticking(tab)
        await more_ticks(tab, 50)
        before = await counted(tab)
    await tab.until(f"{text('connection')} === 'Reconnecting'")
    async with market.trading():
        await tab.until(f"{text('connection')} === 'Connected'")
        await more_ticks(tab, before + 50)
        await all_counted(tab, market)
        assert market.hub is not None
        assert market.hub.counters["resumes"] >= 1
    assert but_for_the_outage(tab) == []


@pytest.mark.parametrize("head_start_s", [0, 70], ids=["shorter", "longer"])
async def test_another_tape_behind_the_same_address_is_begun_anew(
    head_start_s: int, tab: Tab, market: Market
) -> None:
    """A demo that was started again in an empty folder does not leave the page standing still.

    The page's mark is beyond the new tape, or on it by chance while its numbers are not.
    """
    market.symbols, market.head_start_s = 1, 60
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        await tab.until(f"{text('mark')} > 0")
        old = market.published("AAPL")
    rmtree(market.folder)
    market.symbols, market.head_start_s = 12, head_start_s
    async with market.trading():
        await tab.until(f"{text('connection')} === 'Connected'")
        await more_ticks(tab, await counted(tab) + 50)
        assert market.published("AAPL") < old
        assert await tab.value(text("holes")) == "0 / 0"


async def press_until(tab: Tab, condition: str, presses_max: int = 60) -> int:
    """Press Tab until an expression is true; how often that was."""
    for count in range(1, presses_max + 1):
        await tab.press(*TAB)
        if await tab.value(condition):
            return count
    raise AssertionError(f"not reached with Tab: {condition}")


async def test_symbols_are_added_and_removed_by_keyboard(tab: Tab, market: Market) -> None:
    """The list is kept in the address, and removing one costs the others nothing."""
    market.bell.clear()
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,MSFT")
        await market.subscribed(2)
        await press_until(tab, "document.activeElement.textContent === 'Add a symbol'")
        await tab.press(*ENTER)
        assert await tab.value("document.activeElement.id") == "symbol"
        assert await tab.value("location.hash") == ""
        await tab.type("spy, Tsla")
        await tab.press(*ENTER)
        assert await tab.value("location.search") == "?symbols=AAPL,MSFT,SPY,TSLA"
        market.bell.set()
        for symbol in ("MSFT", "SPY", "TSLA"):
            await more_ticks(tab, 20, symbol)
        await press_until(tab, f"{LABEL} === 'Remove AAPL'")
        await tab.press(*ENTER)
        assert await tab.value(LABEL) == "Remove MSFT"
        assert list(await rows(tab)) == ["MSFT", "SPY", "TSLA"]
        for symbol in ("MSFT", "SPY", "TSLA"):
            await more_ticks(tab, await counted(tab, symbol) + 5, symbol)
        await all_counted(tab, market)
        assert await tab.value("location.search") == "?symbols=MSFT,SPY,TSLA"
        market.bell.set()
        for symbol in ("SPY", "TSLA"):
            await tab.value(f"document.querySelector('[aria-label=\"Remove {symbol}\"]').click()")
        await market.subscribed(3)  # feed, list, chart: what nobody looks at is not sent
    assert tab.complaints == []


async def test_a_row_is_walked_chosen_and_removed_by_its_keys(tab: Tab, market: Market) -> None:
    """Arrows go to other rows, Enter shows the chart, A goes to the alert, Delete removes."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,MSFT,SPY")
        await ticking(tab)
        await press_until(tab, "document.activeElement.dataset.do === 'select'")
        await tab.press("ArrowDown", 40)
        await tab.press("ArrowDown", 40)
        await tab.press("ArrowDown", 40)
        await tab.press("ArrowUp", 38)
        assert await tab.value("document.activeElement.textContent") == "MSFT"
        await tab.press(*ENTER)
        assert await tab.value(text("chart-head")) == "MSFT"
        assert await tab.value("document.querySelectorAll('[aria-pressed=true].name').length") == 1
        await tab.press("Delete", 46)
        assert list(await rows(tab)) == ["AAPL", "SPY"]
        assert await tab.value("document.activeElement.textContent") == "SPY"
        assert await tab.value(text("chart-head")) == "AAPL"
        await tab.press("a", 65)
        assert await tab.value("document.activeElement.id") == "level"
        assert (await tab.value(text("alert-of"))).startswith("SPY, now ")
        for _ in range(2):
            await tab.value("document.querySelector('[data-do=remove]').click()")
        assert await tab.value("document.activeElement.id") == "symbol"
        assert await tab.value(text("chart-head")) == "No symbol"
    assert tab.complaints == []


async def test_another_chart_costs_no_tick_and_makes_no_hole(tab: Tab, market: Market) -> None:
    """The symbol's trades come by two subscriptions then, and each is counted once."""
    market.bell.clear()
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,MSFT,SPY")
        await market.subscribed(2)
        market.bell.set()
        await market.subscribed(3)
        for symbol in ("MSFT", "SPY", "AAPL", "SPY"):
            await tab.value(
                f"[...document.querySelectorAll('.name')].find(e => e.textContent === '{symbol}').click()"
            )
            await more_ticks(tab, await counted(tab, symbol) + 30, symbol)
            assert await tab.value(text("chart-head")) == symbol
        assert [told["mode"] for told in tab.sent if told.get("id") == 1 and told["op"] == "sub"] == [
            "raw"
        ] * 5
        await all_counted(tab, market)
    assert tab.complaints == []


async def test_what_is_no_symbol_is_said_and_not_kept(tab: Tab, market: Market) -> None:
    """Neither from the address nor from the form; the others go on."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,%3C%3E,MSFT")
        await ticking(tab)
        await tab.until(f"{text('problem')}.startsWith('<> is no symbol')")
        assert list(await rows(tab)) == ["AAPL", "MSFT"]
        await more_ticks(tab, await counted(tab, "MSFT") + 5, "MSFT")
    assert tab.complaints == []


async def test_a_token_is_asked_for_checked_and_kept_for_the_tab(tab: Tab, tmp_path: Path) -> None:
    """A wrong one is refused with a reason; a right one survives a reload; some symbols may be denied."""
    market = Market(tmp_path / "market", tokens=False)
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL,MSFT,TSLA")
        await tab.until("document.activeElement.id === 'token'")
        await tab.type("wrong")
        await tab.press(*ENTER)
        await tab.until(f"{text('sign-in-problem')}.includes('not known')")
        assert await tab.value("sessionStorage.getItem('tapewire-token')") is None
        await tab.value("document.getElementById('token').select()")
        await tab.type("only-apple")
        await tab.press(*ENTER)
        await ticking(tab)
        await tab.until(f"({CELLS})['TSLA'].note === 'not entitled'")
        assert (await rows(tab))["MSFT"]["note"] == "delayed only"
        await tab.reload()
        await ticking(tab)
    assert tab.complaints == []


async def test_a_replay_is_called_one_and_no_delay_is_made_up_for_it(tab: Tab, tmp_path: Path) -> None:
    """The times of recorded ticks say when they were recorded."""
    market = Market(tmp_path / "market", as_replay=True)
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab)
        await tab.until(f"{text('feed')} === 'REPLAY'")
        assert await tab.value(text("delay")) == "– / –"
        assert "T" in await tab.value(text("newest"))
        await tab.until(f"/^\\d\\.\\d s$/.test(({CELLS})['AAPL'].age)")
    assert tab.complaints == []


async def test_a_feed_that_is_down_is_said_and_so_is_what_it_missed(tab: Tab, market: Market) -> None:
    """As long as it is down, also to a page that is opened meanwhile; then once, with how much."""
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab)
        assert await tab.value(f"{text('notices')}.trim()") == ""
        market.feed_event("gap_open", "outage")
        await tab.until(f"{text('outage')}.startsWith('The feed is down since ')")
        await tab.reload()
        await tab.until(f"{text('outage')}.endsWith('(outage).')")
        market.feed_event("gap_close", "outage", lost=3)
        await tab.until(f"{text('missed')}.startsWith('The feed missed 3 messages from ')")
        await tab.until(f"{text('outage')} === ''")
        await tab.reload()
        await ticking(tab)
        assert await tab.value(text("missed")) == ""
    assert tab.complaints == []


async def test_a_gap_that_the_hub_declares_is_said(tab: Tab, market: Market) -> None:
    """With its reason and its marks, and counted; it is no hole."""
    market.limits = HubSettings(resume_ticks_max=1)
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        await tab.until(f"{text('mark')} > 0")
        market.fall_silent()
        await tab.value("document.dispatchEvent(new Event('visibilitychange'))")
        await tab.until(f"{text('gap')}.startsWith('The hub declared a gap (budget): ticks between ')")
        await tab.until(f"/^0 . [1-9]$/.test({text('holes')})")
        await ticking(tab)
        await more_ticks(tab, await counted(tab) + 20)
        assert (await tab.value(text("holes")))[0] == "0"
    assert tab.complaints == []


async def test_a_server_without_a_stream_is_called_one(tab: Tab, market: Market) -> None:
    """The page does not pretend to be connecting; it goes on by itself when there is one."""
    market.with_stream = False
    async with market.trading():
        await tab.open(market.url)
        await tab.until(f"{text('failure')}.startsWith('This server has no stream')")
        assert await tab.value(text("connection")) == "Not connected"
        assert await tab.value(text("feed")) == "No ticks yet"
    await tab.until(f"{text('failure')}.startsWith('The hub cannot be reached')")
    market.with_stream = True
    async with market.trading():
        await ticking(tab)
        await tab.until(f"{text('failure')} === ''")


async def test_a_connection_that_died_without_a_word_is_noticed_when_the_tab_is_shown(
    tab: Tab, market: Market
) -> None:
    """A phone that slept finds out in seconds, and resumes without a hole."""
    market.bell.clear()
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await market.subscribed(2)
        market.bell.set()
        await more_ticks(tab, 50)
        market.fall_silent()
        await tab.value("document.dispatchEvent(new Event('visibilitychange'))")
        await tab.until(f"{text('connection')} === 'Reconnecting'")
        await ticking(tab)
        await all_counted(tab, market)
    assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
async def test_the_page_fits_and_can_be_read(width: int, dark: bool, tab: Tab, market: Market) -> None:
    """No sideways scrolling at a phone's width; text stands out from its ground as WCAG AA asks (4.5)."""
    await tab.show(width, 740, dark=dark)
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab, "IWM")
        assert await tab.value("document.documentElement.scrollWidth") <= width
        assert await tab.value(CONTRASTS) == []
    assert tab.complaints == []


async def test_the_table_is_a_table_to_a_screen_reader_at_any_width(tab: Tab, market: Market) -> None:
    """Also where it is laid out as a grid."""
    async with market.trading():
        for width, cells in ((1000, 16), (360, 14)):  # a phone is spared the counts of ticks
            await tab.show(width, 740)
            await tab.open(f"{market.url}?symbols=AAPL,MSFT")
            await ticking(tab)
            tree = await tab.call("Accessibility.getFullAXTree")
            roles = [node["role"]["value"] for node in tree["nodes"] if not node["ignored"]]
            assert (roles.count("table"), roles.count("row"), roles.count("rowheader")) == (1, 3, 2)
            assert (roles.count("columnheader"), roles.count("cell")) == (9, cells)


async def test_prices_are_spoken_when_asked_and_not_all_the_time(tab: Tab, market: Market) -> None:
    """A screen reader is told the chosen symbol's price once in ten seconds; no row is a live region."""
    async with market.trading():
        await tab.open(f"{market.url}?symbols=AAPL")
        await ticking(tab)
        assert (
            await tab.value("document.querySelector('#rows').closest('[aria-live], [role=status]')") is None
        )
        spoken = "document.querySelector('[aria-live=polite]').textContent"
        assert await tab.value(spoken) == ""
        await tab.value("document.getElementById('speak').click()")
        first = await tab.until(spoken)
        assert first.startswith("AAPL ")
        await tab.value(
            "window.changes = 0; new MutationObserver(() => window.changes++).observe(document"
            ".querySelector('[aria-live=polite]'), {subtree: true, characterData: true, childList: true})"
        )
        await more_ticks(tab, await counted(tab) + 40)
        assert await tab.value("window.changes") <= 1


async def test_nothing_moves_for_who_wants_calm(tab: Tab, market: Market) -> None:
    """Prices that change flash for others."""
    moving = "document.getAnimations().some(one => /^(up|down)-[ab]$/.test(one.animationName))"
    async with market.trading():
        await tab.show()
        await tab.open(market.url)
        await tab.until(moving)
        await tab.show(calm=True)
        await tab.open(market.url)
        await ticking(tab)
        await more_ticks(tab, await counted(tab) + 20)
        assert await tab.value("document.getAnimations().length") == 0


async def test_colours_can_be_chosen_and_are_kept(tab: Tab, market: Market) -> None:
    """Against the system's, from before the first paint on, until one goes back to it."""
    ground = "getComputedStyle(document.body).backgroundColor"
    async with market.trading():
        await tab.show(dark=False)
        await tab.open(market.url)
        light = await tab.value(ground)
        change = "e.dispatchEvent(new Event('change', {{bubbles: true}}))"
        choose = f"(e => {{{{ e.value = '{{}}'; {change} }}}})(document.getElementById('theme'))"
        await tab.value(choose.format("dark"))
        dark = await tab.until(f"{ground} !== '{light}' && {ground}")
        await tab.reload()
        assert await tab.value(ground) == dark
        assert await tab.value("document.documentElement.dataset.theme") == "dark"
        await tab.value(choose.format("auto"))
        await tab.until(f"{ground} === '{light}'")
        await tab.show(dark=True)
        await tab.until(f"{ground} === '{dark}'")


async def test_two_tabs_and_a_reload_need_no_file_twice(tab: Tab, market: Market) -> None:
    """The second time only the page itself is asked for, and has not changed."""
    async with market.trading():
        await tab.open(market.url)
        await ticking(tab)
        await tab.open("about:blank")
        await tab.open(market.url)
        await ticking(tab)
        loaded: list[dict[str, Any]] = await tab.value(
            "performance.getEntriesByType('resource').map(({name, transferSize}) => ({name, transferSize}))"
        )
        files = [entry for entry in loaded if "/static/" in entry["name"]]
        assert len(files) >= 4
        assert [entry for entry in files if entry["transferSize"]] == []


CONTRASTS = """(() => {
    const read = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (; element; element = element.parentElement) {
            const colour = read(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const weak = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!own || !element.checkVisibility()) continue;
        const [a, b] = [light(read(getComputedStyle(element).color)), light(ground(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) weak.push([element.outerHTML, ratio]);
    }
    return weak;
})()"""
"""Texts that are too hard to tell from their ground, with their contrast."""
