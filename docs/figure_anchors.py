"""Makes the picture of ``Anchor poses``: ``python docs/figure_anchors.py`` (a minute, needs Chromium, no data)."""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from selenium import webdriver

from posecorpus.core.errors import InputError
from posecorpus.inspect.anchor_page import write_anchor_page
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import load_config

IMAGES = Path(__file__).parent / "images"
ANCHORS, HELD_OUT_CLIPS = 64, 200
WIDTH, HEIGHT = 1440, 1600


def photograph(page: Path) -> NDArray[np.uint8]:
    """(H, W, 3) BGR the top of a page as a browser shows it, in light colours."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise InputError("docs/figure_anchors.py", "Chromium", "none", "install it")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(page.as_uri())
        driver.execute_script("document.getElementById('near').click()")
        drawn = "const then = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(then, 300)))"
        driver.execute_async_script(drawn)
        png = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    finally:
        driver.quit()
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        anchors = Path(folder) / "anchors.npz"
        held_out = Path(folder) / "renders"
        synthesize(SynthRequest(load_config("surreal"), seed=1, clips=HELD_OUT_CLIPS), held_out)
        cluster_anchors(AnchorsRequest(clusters=ANCHORS, upper_body=True, held_out=str(held_out)), anchors)
        picture = photograph(write_anchor_page(anchors, Path(folder) / "anchors.html"))
    IMAGES.mkdir(exist_ok=True)
    cv2.imwrite(str(IMAGES / "anchors.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(IMAGES / "anchors.jpg")


if __name__ == "__main__":
    main()
