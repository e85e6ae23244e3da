"""The report in a real browser: what it shows, filters, finds, sorts and opens; with 30,000 cases too."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compat_suite import report
from compat_suite.registry import RECORDED, SEMANTIC, page_of
from compat_suite.runner import CRASH, FAIL, MISSING, PASS, Result

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ABOUT = {"module": "some_torch", "version": "2.13.0", "python": "3.11", "date": "2026-01-02"}
EVIL = '</script><b id="evil">&amp; <!-- '

# appended to the page: presses what a user would press, and leaves what it sees as JSON in an element
DRIVER = """
<script>
onerror = message => report({error: message});
const all = query => [...document.querySelectorAll(query)];
const wait = ms => new Promise(done => setTimeout(done, ms));
function report(seen) { document.body.append(make("pre", {id: "seen"}, JSON.stringify(seen))); }
(async () => { try { report(await (async () => { SCRIPT })()); } catch (error) { report({error: String(error)}); } })();
</script>
"""


def _browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} (Debian: apt-get install chromium)")
    return found


def _see(
    tmp_path: Path, results: list[Result], script: str, *, address: str = "", size: str = "1200,900"
) -> dict[str, Any]:
    """What a script sees in the report of some results."""
    page = tmp_path / "report.html"
    page.write_text(report.text(results, ABOUT) + DRIVER.replace("SCRIPT", script))
    command = [
        _browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size}", "--virtual-time-budget=8000", "--dump-dom",
        f"{page.as_uri()}#{address}",
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    seen = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.S)
    assert seen, f"the page did not run: {shown[-2000:]}"
    return json.loads(html.unescape(seen[1]))


def _result(api: str, name: str, outcome: str = PASS, **said: str) -> Result:
    kind = SEMANTIC if name.isalpha() else RECORDED
    return Result(f"{api}:{name}", api, page_of(api), kind, outcome, 0.01, **said)


@pytest.fixture(scope="module")
def few() -> list[Result]:
    failed = {
        "message": "values differ",
        "expected": "values [1, 2]",
        "got": f"[1, 3] {EVIL}",
        "trace": "File x\nMismatch",
    }
    return [
        *(_result("torch.add", f"float32/{i}") for i in (1, 2, 10)),
        _result("torch.add", "broadcasts", FAIL, **failed),
        _result("torch.nn.Linear", "bias", CRASH, message="SIGSEGV", reason="not there yet"),
        _result("torch.nn.functional.relu", "inplace", MISSING, message="no attribute 'relu'"),
        _result("torch.nn.functional.gelu", "float32/1"),
    ]


def test_summary_and_tables(tmp_path: Path, few: list[Result]) -> None:
    seen = _see(tmp_path, few, """
        return {title: document.title, share: $("share").textContent, counts: $("counts").textContent,
                chips: all(".chip").map(c => c.textContent), about: $("about").textContent,
                namespaces: all("[data-namespace]").map(r => r.textContent), apis: all("[data-api]").map(r => r.dataset.api),
                bars: all("#namespaces .bar").map(b => b.getAttribute("aria-label")), evil: !!$("evil")};
    """)  # fmt: skip
    assert seen["title"] == "some_torch: compatibility with PyTorch" and "2.13.0" in seen["about"]
    assert seen["share"] == "57.1 %" and "4 of 7 cases pass; they cover 4 names" in seen["counts"]
    assert seen["chips"] == ["pass 4", "fail 1", "missing 1", "known failure 1"]
    assert seen["namespaces"] == ["torch3 of 4 · 75 %", "torch.nn0 of 1 · 0 %", "torch.nn.functional1 of 2 · 50 %"]
    assert seen["bars"][0] == "3 pass, 1 fail" and not seen["evil"]
    assert seen["apis"] == ["torch.add", "torch.nn.functional.relu", "torch.nn.Linear", "torch.nn.functional.gelu"]


def test_filters_search_and_order(tmp_path: Path, few: list[Result]) -> None:
    seen = _see(tmp_path, few, """
        const seen = {}, apis = () => all("[data-api]").map(r => r.dataset.api);
        document.querySelector("[data-status='1']").click();
        seen.failed = apis();
        seen.address = location.hash;
        document.querySelector("[data-status='1']").click();
        document.querySelector("[data-namespace='torch.nn.functional']").click();
        seen.namespace = apis();
        $("namespace").value = "";
        $("namespace").dispatchEvent(new Event("change"));
        $("order").value = "name";
        $("order").dispatchEvent(new Event("change"));
        seen.ordered = apis();
        $("kind").value = "1";
        $("kind").dispatchEvent(new Event("change"));
        seen.recorded = apis();
        $("kind").value = "";
        $("kind").dispatchEvent(new Event("change"));
        document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}));
        seen.focus = document.activeElement.id;
        $("text").value = "LINEAR sigsegv";
        $("text").dispatchEvent(new Event("input"));
        await wait(300);
        seen.searched = apis();
        $("text").value = "nowhere";
        $("text").dispatchEvent(new Event("input"));
        await wait(300);
        seen.nothing = $("apis").textContent;
        return seen;
    """)  # fmt: skip
    assert seen["failed"] == ["torch.add"] and seen["address"] == "#status=fail"
    assert sorted(seen["namespace"]) == ["torch.nn.functional.gelu", "torch.nn.functional.relu"]
    assert seen["ordered"] == sorted(seen["ordered"]) and len(seen["ordered"]) == 4
    assert seen["recorded"] == ["torch.add", "torch.nn.functional.gelu"]
    assert seen["focus"] == "text" and seen["searched"] == ["torch.nn.Linear"] and seen["nothing"] == "Nothing fits."


def test_failures_open_and_say_everything(tmp_path: Path, few: list[Result]) -> None:
    seen = _see(tmp_path, few, """
        const row = document.querySelector("[data-api='torch.add']");
        row.focus();
        row.click();
        const open = row.getAttribute("aria-expanded"), cases = all("[data-case]").map(r => r.dataset.case);
        document.querySelector("[data-case='torch.add:broadcasts']").click();
        const said = document.querySelector("dl").innerText, link = document.querySelector("dl a").href;
        row.click();
        return {open, cases, said, link, closed: row.getAttribute("aria-expanded"), left: all("[data-case]").length};
    """)  # fmt: skip
    assert seen["open"] == "true" and seen["closed"] == "false" and seen["left"] == 0
    assert [c.partition(":")[2] for c in seen["cases"]] == ["broadcasts", "float32/1", "float32/2", "float32/10"]
    for words in ("values [1, 2]", f"[1, 3] {EVIL.strip()}", "Mismatch", "hand-written"):
        assert words in seen["said"]
    assert seen["link"] == page_of("torch.add")


def test_an_address_brings_a_view_back_and_one_name_is_open(tmp_path: Path, few: list[Result]) -> None:
    script = 'return {cases: all("[data-case]").map(r => r.dataset.case), pressed: all("[aria-pressed=true]").length};'
    seen = _see(tmp_path, few, script, address="status=known+failure&namespace=torch.nn")
    assert seen == {"cases": ["torch.nn.Linear:bias"], "pressed": 1}


def test_thirty_thousand_cases_on_a_phone(tmp_path: Path) -> None:
    outcomes = [PASS] * 19 + [FAIL]
    results = [_result(f"torch.nn.op{i // 20:04d}", f"float32/{i % 20}", outcomes[i % 20]) for i in range(30_000)]
    seen = _see(tmp_path, results, """
        const rows = all("[data-api]").length, started = performance.now();
        $("text").value = "op1234";
        $("text").dispatchEvent(new Event("input"));
        await wait(400);
        const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
        return {rows, wide, found: $("found").textContent, elements: all("*").length, width: innerWidth};
    """, size="500,900")  # fmt: skip
    assert seen["rows"] <= 300, "rows come on demand"
    assert seen["found"] == "20 cases of 1 name" and seen["elements"] < 1000
    assert seen["wide"] <= 0, "nothing is wider than the screen"


def test_the_page_needs_nothing_from_elsewhere(few: list[Result]) -> None:
    text = report.text(few, ABOUT)
    assert not re.search(r"<link|<img|<script[^>]+src|@import|url\(|fetch\(|XMLHttpRequest", text)
    assert text.count("</script>") == 2
