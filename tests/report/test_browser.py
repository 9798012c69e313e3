"""The page in a real browser: it is drawn, complains of nothing and asks the network for nothing."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from patron.report import write_report

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: the report was not opened in a browser"),
]


@pytest.mark.parametrize("width", [1200, 500])
def test_the_page_is_drawn_without_a_complaint(full, tmp_path, width):
    page = write_report(tmp_path / "report.html", full)
    shot = tmp_path / "report.png"
    done = subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *(f"--window-size={width},9000", f"--screenshot={shot}", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert pixels.shape[1] == width
    vermillion, blue = (213, 94, 0), (0, 114, 178)  # what only the pictures hold: champions and curves
    for colour in (vermillion, blue):
        assert (np.abs(pixels - colour).max(axis=2) < 3).sum() > 500
