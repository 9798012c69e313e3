"""The page in a real browser: it is drawn, complains of nothing and asks the network for nothing."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("page"),  # it is drawn once
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: the report was not opened in a browser"),
]


FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr")


def browse(place, folder, *flags):
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND", *flags,
         place.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def page(full_page, tmp_path):
    place = tmp_path / "report.html"
    place.write_text(full_page, encoding="utf-8")
    return place


@pytest.mark.parametrize("width", [1200, 500])
def test_the_page_is_drawn_without_a_complaint(page, tmp_path, width):
    shot = tmp_path / "report.png"
    browse(page, tmp_path, f"--window-size={width},14000", f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert pixels.shape[1] == width
    vermillion, blue = (213, 94, 0), (0, 114, 178)  # what only the pictures hold: champions and curves
    for colour in (vermillion, blue):
        assert (np.abs(pixels - colour).max(axis=2) < 3).sum() > 500


def test_nothing_overflows_on_a_phone(page, tmp_path):
    frame = tmp_path / "phone.html"  # a window is never narrower than 500 px, a frame may be
    measured = "document.title = this.contentDocument.documentElement.scrollWidth"
    frame.write_text(f'<iframe src="{page.name}" style="width: 390px; border: 0" onload="{measured}"></iframe>')
    told = browse(frame, tmp_path, "--allow-file-access-from-files", "--dump-dom")
    assert "<title>390</title>" in told
