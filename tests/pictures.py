"""Make the pictures of README.md from finished runs: the head of their report and the page of play.py, light and dark.

    python tests/pictures.py --run minilm linear

Give --data and --workspace as for report.py. The first run is asked on the page; the texts are the project's own, and
the head of a report holds no text. Needs the tests' packages, chromium and chromedriver.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from browsing import find_chromium, set_scheme, set_width, start_browser
from PIL import Image
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "src" / "pictures"
TEXTS = ("You are an idiot and nobody wants you here.", "You are kind and everybody wants you here.")
WIDTH, COLOURS = 1080, 256  # pixels; colours of a picture's palette
SECONDS = 300  # to wait for the scores


def main() -> None:
    """Make the report, take its picture, then serve the page and take its picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", nargs="+", required=True, metavar="NAME")
    args, options = parser.parse_known_args()  # the others are those of report.py
    found = find_chromium()
    if found is None:
        sys.exit(
            "pictures.py: needs chromium and chromedriver (Debian: apt install chromium chromium-driver)"
        )
    PICTURES.mkdir(exist_ok=True)
    browser = start_browser(*found)
    try:
        with tempfile.TemporaryDirectory() as folder:
            command("report.py", *options, "--run", *args.run, "--no-explanations", "--output", folder)
            browser.get((Path(folder) / "report.html").as_uri())
            take(browser, "report", "document.querySelector('main > figure')")
        workspace = options[options.index("--workspace") :][:2] if "--workspace" in options else []
        show_page(browser, *workspace, "--run", args.run[0])
    finally:
        browser.quit()


def show_page(browser, *options: str) -> None:
    """Serve the page, compare the two texts on it, and take its picture."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "src" / "play.py", *options, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        browser.get(process.stdout.readline().split()[0])
        browser.execute_script("document.getElementById('compare').click()")
        for name, text in zip(("text", "other-text"), TEXTS, strict=True):
            script = "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
            browser.execute_script(
                f"{script} field.dispatchEvent(new Event('input')); field.blur()", name, text
            )
        done = "return document.querySelectorAll('.words').length === 2 && !document.querySelector('#status.busy')"
        WebDriverWait(browser, SECONDS).until(lambda _: browser.execute_script(done))
        browser.execute_script("document.querySelector('.words span:nth-of-type(4)').click()")
        take(browser, "page", "document.getElementById('note')")
    finally:
        process.terminate()
        process.wait()


def take(browser, name: str, last: str) -> None:
    """Take the picture of the open page down to the element ``last``, in both colour schemes."""
    for scheme in ("light", "dark"):
        set_scheme(browser, scheme)
        set_width(browser, WIDTH)
        height = browser.execute_script(f"return {last}.getBoundingClientRect().bottom + 12")
        set_width(browser, WIDTH, round(height))
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
        path = PICTURES / f"{name}-{scheme}.png"
        picture.quantize(COLOURS).save(path, optimize=True)
        print(
            f"{path.relative_to(ROOT)}: {picture.width} × {picture.height}, {path.stat().st_size // 1024} KB"
        )


def command(name: str, *options: str) -> None:
    """Run a command of src/, which must succeed."""
    subprocess.run([sys.executable, str(ROOT / "src" / name), *options], check=True)


if __name__ == "__main__":
    main()
