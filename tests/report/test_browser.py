"""The page in a real browser: drawn without a complaint or a request, chosen from by mouse and keyboard, printed."""

import re
import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("page"),  # it is drawn once
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: the report was not opened in a browser"),
]


@pytest.fixture(scope="module")
def place(full_page, tmp_path_factory):
    place = tmp_path_factory.mktemp("page") / "report.html"
    place.write_text(full_page, encoding="utf-8")
    return place.as_uri()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, place):
    """Open the page in a window of its own; what the console said and what was asked for is kept beside it."""

    def visit(**window):
        page = browser.new_page(**window)
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(place)
        return page

    return visit


@pytest.fixture(scope="module")
def opened(visit):
    return visit(viewport={"width": 1200, "height": 900})


@pytest.fixture
def page(opened):
    """The page with all customers shown."""
    opened.get_by_role("button", name="Show all").click()
    return opened


def customers(page):
    return page.locator("#acting tbody tr")


def told(page):
    return page.locator("#acting_info").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "dark"), (390, "light")])
def test_the_page_is_drawn_without_a_complaint_or_a_request_and_anyone_can_use_it(visit, place, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    drawn = page.locator(".chart svg")
    assert drawn.count() == page.locator(".chart").count() == 9
    assert all(box.bounding_box()["height"] > 100 for box in drawn.all())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    room = page.locator(".room:has(#risk-map)")
    assert room.evaluate("room => { room.scrollLeft = 9999; return room.scrollLeft > 0 }") == (width == 390)
    faults = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [fault for fault in faults if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in serious] == []
    assert page.said == []
    assert page.asked == [place]


def test_a_script_that_is_not_the_pages_own_is_not_run_and_a_request_is_not_made(page, place):
    said = len(page.said)
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("fetch('data:text/plain,1').then(() => 'made', () => 'refused')") == "refused"
    assert page.asked == [place]
    assert all("Content Security Policy" in words for words in page.said[said:])


def test_customers_are_sorted_and_searched_by_keyboard(full, page):
    assert told(page) == "1 to 25 of 500 customers"
    by_risk = page.locator("#acting thead th", has_text="Churn").locator("[role=button]")
    by_risk.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=descending] >> text=Churn")
    risks = [float(text.split()[0]) for text in page.locator("#acting tbody td:nth-child(3)").all_inner_texts()]
    assert risks == sorted(risks, reverse=True)
    one = customers(page).nth(3).locator("th").inner_text()
    page.get_by_label("Search").focus()
    page.keyboard.type(one)
    assert customers(page).locator("th").all_inner_texts() == [one]
    assert told(page) == "1 to 1 of 1 customer chosen from 500 listed"
    page.get_by_role("button", name="Show all").press("Enter")
    assert told(page) == "1 to 25 of 500 customers"


def test_a_filter_narrows_the_customers_and_the_next_narrows_them_further(full, page):
    page.get_by_role("combobox", name="Churn band").select_option("high")
    high = told(page)
    assert set(page.locator("#acting tbody td:nth-child(4)").all_inner_texts()) == {"high"}
    page.get_by_role("combobox", name="Segment").select_option("Champions")
    assert told(page) != high
    assert page.locator("#acting_info").get_attribute("aria-live") == "polite"
    first = full.customers().head(500)
    both = ((first["churn_band"] == "high") & (first["segment"] == "Champions")).sum()
    assert f"of {both} customers" in told(page)


def test_bands_and_segments_of_the_tables_choose_their_customers(page):
    page.get_by_role("button", name="Lost").press("Enter")
    assert page.get_by_role("combobox", name="Segment").input_value() == "Lost"
    assert page.evaluate("document.activeElement.id") == "customers"
    page.get_by_role("button", name="medium").first.press("Enter")
    assert page.get_by_role("combobox", name="Segment").input_value() == ""
    assert page.get_by_role("combobox", name="Churn band").input_value() == "medium"


def test_a_cell_of_the_map_chooses_its_customers_by_mouse_and_from_its_table_by_keyboard(full, page):
    def listed():
        return int(re.search(r"; (\d+) listed below", page.locator("#picked").inner_text())[1])

    page.locator("#risk-map text", has_text=re.compile(r"^\d+$")).first.click()
    by_mouse = page.locator("#picked").inner_text()
    assert told(page).startswith(f"1 to {min(listed(), 25)} of {listed()} customer" if listed() else "0 customers")
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#picked").inner_text() == ""
    page.locator("summary", has_text="Where risk meets value").press("Enter")
    page.locator("[data-pick^=cell] button").first.press("Enter")
    assert page.locator("#picked").inner_text() == by_mouse


def test_on_paper_charts_fit_and_the_rows_shown_are_there_without_their_controls(visit):
    page = visit(viewport={"width": 700, "height": 1000})
    page.emulate_media(media="print")
    for chart in page.locator(".chart svg").all():
        box = chart.bounding_box()
        assert 200 < box["width"] <= 700
        assert box["height"] > 60
    assert customers(page).count() == 25
    for control in ("#filters", ".dt-search", ".dt-paging", "summary", "nav"):
        assert not page.locator(control).first.is_visible()


def test_without_script_the_customers_and_the_figures_can_be_read(visit):
    page = visit(viewport={"width": 1200, "height": 900}, java_script_enabled=False)
    assert customers(page).count() == 500
    assert customers(page).nth(400).is_visible()
    for control in ("#filters", ".chart"):
        assert not page.locator(control).first.is_visible()
    page.locator("summary", has_text="Retention").click()
    assert page.get_by_role("rowheader", name="1997-02").first.is_visible()
