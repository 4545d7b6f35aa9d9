"""The documents: links lead somewhere, targets exist, notes of changes have their form."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests import checkout

LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DOCUMENTS: Final = [path for path in checkout.files() if path.suffix == ".md"]
NOTES: Final = [path for path in DOCUMENTS if path.parts[0] == "changes" and path.name != "README.md"]


def prose(path: Path) -> str:
    """A document without its code blocks, in which brackets mean other things."""
    return re.sub(r"^```.*?^```", "", (checkout.ROOT / path).read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The names under which a document's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A relative link names a file that exists, and a heading that is in it."""
    for link in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name) if name else document
        assert (checkout.ROOT / target).exists(), f"{document}: no such file: {link}"
        if anchor:
            assert anchor in anchors(target), f"{document}: no such heading: {link}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    """Following links from README.md leads to every page under docs/."""
    reached, waiting = set(), [Path("README.md")]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for link in LINK.findall(prose(page)):
            if re.match(r"[a-z]+:", link) or link.startswith("#"):
                continue
            resolved = (checkout.ROOT / page.parent / link.partition("#")[0]).resolve()
            target = resolved.relative_to(checkout.ROOT)
            if target.suffix == ".md" and resolved.is_file() and target not in reached:
                waiting.append(target)
    pages = {path for path in DOCUMENTS if path.parts[0] == "docs"}
    assert pages <= reached, f"linked from nowhere: {sorted(map(str, pages - reached))}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_make_targets_in_documents_exist(document: Path) -> None:
    """What a document tells the reader to type, the Makefile knows."""
    targets = set(re.findall(r"^([a-z-]+):", (checkout.ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(
        re.findall(r"(?:^|`)make ([a-z][a-z-]*)\b(?!=)", (checkout.ROOT / document).read_text(), re.MULTILINE)
    )
    assert named <= targets, f"{document}: no such target: {named - targets}"


def test_make_alone_lists_the_targets() -> None:
    """`make` prints each target with a line on what it does, and does nothing else."""
    listing = subprocess.run(
        ["make", "--no-print-directory"], cwd=checkout.ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in (
        "demo",
        "test",
        "test-slow",
        "check",
        "bench",
        "prove",
        "prove-proofs",
        "services",
        "clean",
    ):
        assert re.search(rf"^ *{target} +\S", listing, re.MULTILINE), f"{target} is not in:\n{listing}"


@pytest.mark.parametrize("note", NOTES, ids=str)
def test_a_note_of_a_change_has_its_form(note: Path) -> None:
    """`changes/NNN-name.md` holds one to four lines that end as a sentence does."""
    assert re.fullmatch(r"\d{3}-[a-z0-9]+(?:-[a-z0-9]+)*\.md", note.name), (
        f"{note}: call it NNN-short-name.md"
    )
    text = (checkout.ROOT / note).read_text()
    lines = text.strip().splitlines()
    assert 1 <= len(lines) <= 4, f"{note}: one or two sentences that a user understands"
    assert text.endswith("\n"), f"{note}: ends without a line break"
    assert lines[-1].endswith((".", ".`", ".)")), f"{note}: ends without a full stop"
    assert not lines[0].startswith("#"), f"{note}: needs no heading"


@pytest.mark.parametrize("decision", [p for p in DOCUMENTS if p.parts[:2] == ("docs", "decisions")], ids=str)
def test_a_decision_answers_four_questions(decision: Path) -> None:
    """A decision says what was asked, chosen and refused, and what would change it."""
    headings = re.findall(r"^## (.+)$", prose(decision), re.MULTILINE)
    assert headings[:4] == ["Question", "Chosen", "Refused", "What would change our mind"]


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.parts[0] != "changes"], ids=str)
def test_files_named_in_documents_exist(document: Path) -> None:
    """A document that says where something is is right about it."""
    named = re.findall(r"`([a-z_]+/[\w/.-]+\.(?:py|md|toml))`", (checkout.ROOT / document).read_text())
    ours = {name for name in named if name.split("/")[0] in (*checkout.PACKAGES, "tests", "proofs", "docs")}
    missing = sorted(name for name in ours if not (checkout.ROOT / name).exists())
    assert not missing, f"{document}: {missing}"
