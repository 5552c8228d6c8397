"""play.py as a command of its own, and its page in a browser."""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from browsing import HOSTILE, set_width
from conftest import ROOT, VERY_LONG

from pooled_bert.benchmarks.jigsaw import JIGSAW
from pooled_bert.predict.play_text import MAX_WORDS


@pytest.fixture
def address(tiny_run):
    """Where play.py serves the tiny run; afterwards it must have said nothing but that, and end on Ctrl-C."""
    command = [sys.executable, ROOT / "src" / "play.py", "--workspace", tiny_run.parents[3], "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)
    try:
        first = process.stdout.readline()
        assert first.startswith("http://127.0.0.1:"), process.stderr.read()
        yield first.split()[0]
        process.send_signal(signal.SIGINT)
        out, said = process.communicate()
    finally:
        process.kill()
    assert (out, said, process.returncode) == ("", "", 0)


@pytest.mark.slow
def test_command_answers_until_it_is_interrupted(address):
    body = json.dumps({"text": "one two", "run": "bert"}).encode()
    request = urllib.request.Request(f"{address}predict", body, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert len(json.load(answer)["probabilities"]) == len(JIGSAW.labels)


@pytest.mark.slow
def test_in_a_browser_scores_appear_while_typing_and_hostile_text_stays_text(address, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def see(selector):
        return WebDriverWait(browser, VERY_LONG).until(
            lambda page: page.find_elements(By.CSS_SELECTOR, selector)
        )

    browser.get(address)
    see("#examples button")[0].click()
    assert len(see(".label")) == len(JIGSAW.labels)
    paste = "const box = document.getElementById('text'); box.value = arguments[0];"
    browser.execute_script(f"{paste} box.dispatchEvent(new Event('input'))", HOSTILE)
    WebDriverWait(browser, VERY_LONG).until(
        lambda page: "onerror" in "".join(words.text for words in see(".words"))
    )
    assert not browser.find_elements(By.CSS_SELECTOR, "#results img, #results script")
    assert browser.title == "Play with BERT"
    see(".label")[3].click()
    assert see(".label")[3].get_attribute("aria-pressed") == "true"

    browser.execute_script(f"{paste} box.dispatchEvent(new Event('input'))", "x" * 1_000_000)
    WebDriverWait(browser, VERY_LONG).until(
        lambda page: "1,000,000" in page.find_element(By.ID, "status").text
    )
    for width in (360, 1200):
        set_width(browser, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.slow
def test_in_a_browser_two_texts_are_compared_and_each_word_tells_its_numbers(address, browser, accessibility):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    def see(selector):
        return browser.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(condition):
        return WebDriverWait(browser, VERY_LONG).until(lambda _: condition())

    def is_done(cards):
        return len(see(".words")) == cards and not see("#status.busy") and see("#status")[0].text == ""

    browser.get(address)
    wait_for(lambda: see("#examples button"))
    see("#text")[0].send_keys("one two three")
    wait_for(lambda: is_done(1))
    assert len(see(".bar b")) == len(JIGSAW.labels)  # a stroke at each threshold
    assert see(".verdict")[0].text.startswith(("No label", *JIGSAW.labels))

    first = see(".words span")[0]
    browser.execute_script("arguments[0].focus()", first)
    assert "“one”: " in see(".numbers")[0].text
    first.send_keys(Keys.ARROW_RIGHT)
    assert "“two”: " in see(".numbers")[0].text
    assert "without it" in see(".numbers")[0].text
    assert [word.get_attribute("tabindex") for word in see(".words span")] == ["-1", "0", "-1"]

    see("#compare")[0].click()
    see("#other-text")[0].send_keys("four")
    wait_for(lambda: is_done(2))
    assert len(see("small.number")) == len(JIGSAW.labels)  # the second differs from the first by these
    see("#compare")[0].click()
    wait_for(lambda: is_done(1))

    see("#text")[0].clear()
    see("#text")[0].send_keys("eleven")
    wait_for(lambda: is_done(1) and see(".words")[0].text == "eleven")
    see("#history summary")[0].click()
    assert [entry.text.split("\n")[0] for entry in see("#typed button")] == ["eleven", "one two three"]
    see("#typed button")[1].click()
    wait_for(lambda: is_done(1) and see(".words")[0].text == "one two three")
    storage = "return [localStorage.length, sessionStorage.length, document.cookie, location.href]"
    assert browser.execute_script(storage) == [0, 0, "", address]
    assert accessibility() == []


@pytest.mark.slow
def test_in_a_browser_scores_stay_if_the_text_is_too_long_to_be_explained(address, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    WebDriverWait(browser, VERY_LONG).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, "#examples button")
    )
    paste = "const box = document.getElementById('text'); box.value = arguments[0];"
    browser.execute_script(f"{paste} box.dispatchEvent(new Event('input'))", "word " * (MAX_WORDS + 1))
    WebDriverWait(browser, VERY_LONG).until(
        lambda page: f"more than {MAX_WORDS} words" in page.find_element(By.ID, "status").text
    )
    assert len(browser.find_elements(By.CSS_SELECTOR, ".label")) == len(JIGSAW.labels)
