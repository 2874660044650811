"""Samples and corpora made of spheres (make_samples.py, make_lifted.py), and pages in a Chromium without a network."""

from __future__ import annotations

import base64
import json
import runpy
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from selenium import webdriver

OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
)


@pytest.fixture(scope="session")
def spheres() -> SimpleNamespace:
    """The functions of make_samples.py (this folder is no package: it would hide Python's inspect)."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_samples.py"))))


@pytest.fixture(scope="session")
def lifted() -> SimpleNamespace:
    """The functions of make_lifted.py."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_lifted.py"))))


class Page:
    """An open report."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def js(self, script: str, *arguments: object) -> object:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def texts(self, selector: str) -> list[str]:
        return [node.text for node in self.driver.find_elements("css selector", selector)]

    def press(self, key: str) -> None:
        self.driver.find_element("tag name", "body").send_keys(key)

    def picture(self, selector: str) -> np.ndarray:
        """(H, W, 3) RGB of an element as it is on the screen."""
        png = self.driver.find_element("css selector", selector).screenshot_as_png
        return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)

    def canvas(self) -> np.ndarray:
        """(H, W, 4) pixels of the 3D view."""
        self.js("return document.getElementById('view').scrollIntoView({block: 'end'})")
        time.sleep(0.15)  # two animation frames, with a margin
        width, height, data = self.js(
            "const c = document.getElementById('view'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let s = ''; for (let i = 0; i < d.length; i += 8192) s += String.fromCharCode(...d.subarray(i, i + 8192));"
            "return [c.width, c.height, btoa(s)];"
        )
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4).astype(int)

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true; fails after twenty seconds."""
        until = time.monotonic() + 20
        while not self.js(f"return Boolean({condition})"):
            assert time.monotonic() < until, (
                f"the page never came to: {condition}; console: {self.complaints()}"
            )
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last call, but for one about :meth:`canvas`."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in messages if "willReadFrequently" not in message]

    def requests(self) -> list[str]:
        """Addresses asked for since the last call, data URIs aside."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        addresses = [
            e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
        ]
        return [address for address in addresses if not address.startswith("data:")]


@pytest.fixture(scope="session")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in [*OPTIONS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser: webdriver.Chrome) -> Callable[..., Page]:
    """``open_page(file, width, height)``: the report in a window of that size, drawn to the end."""

    def opened(file: Path, width: int = 1280, height: int = 900) -> Page:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get("about:blank")
        page = Page(browser)
        page.complaints(), page.requests()
        browser.get(file.as_uri())
        page.wait("document.documentElement.dataset.ready")
        page.wait("[...document.images].every((image) => image.complete)")
        return page

    return opened
