"""Labels memes in Chromium without a window: label_pages.py URL PICTURE [FOLDER FOR SCREENSHOTS].

The store behind the URL has the binary task 'mean', some labels by others already, and nobody named Ada.
"""

import os
import pathlib
import sys

from browser import Browser

url, picture = sys.argv[1:3]
shots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None


def check(condition, what):
    if not condition:
        raise SystemExit(f"label_pages: {what}")


def shown(browser):
    return browser.script("return document.querySelector('[name=meme]').value")


def announced(browser, text):
    browser.wait(f"document.getElementById('announcer').textContent.includes({text!r})", f"the announcement {text!r}")


def labels_by_keyboard(browser):
    browser.open(url)
    browser.wait("document.querySelector('#name')", "the question for a name")
    browser.type("#name", "Ada")
    browser.press("\ue007")  # return
    browser.wait("document.querySelector('#question')", "the first meme")
    first = shown(browser)
    browser.press("1")
    announced(browser, "Saved for")
    check(shown(browser) != first, "a label did not lead to the next meme")
    check(
        browser.script("return document.getElementById('main').contains(document.activeElement)"),
        "the focus was lost after a label",
    )
    browser.press("u")
    announced(browser, "Undone")
    check(shown(browser) == first, "undo did not lead back")
    # In the note a number is text.
    browser.press("n")
    browser.press("1")
    check(browser.script("return document.activeElement.value") == "1", "the note did not take a number")
    check(shown(browser) == first, "a number in the note chose a label")
    browser.click("[data-key='2']")
    announced(browser, "Saved for")
    browser.open(f"{url}/meme/{first}?task=mean")
    row = browser.wait("document.querySelector('details tbody').innerText", "the history")
    check("not mean" in row and "undone" in row, f"the history says {row!r}")
    # Keys can be switched off, as a speech input or a cat on the keyboard may want.
    browser.open(url + "/?task=mean")
    before = shown(browser)
    browser.click("#keys")
    browser.script("document.activeElement.blur()")
    browser.press("1")
    check(shown(browser) == before, "a key chose a label though keys are off")
    browser.click("#keys")


def tells_screen_readers(browser):
    for selector, role in [("figure img", "image"), ("#note", "textbox"), ("progress", "progressbar")]:
        found, name = browser.role_and_name(selector)
        check(found in (role, "img") and name, f"{selector} is a {found!r} named {name!r} to screen readers")
    check(browser.script("return document.querySelectorAll('h1').length") == 1, "a page has more than one h1")


def works_without_script(browser):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url + "/?task=mean")
    browser.click("[data-key='1']")
    check("Saved for" in browser.call("GET", "/source"), "without script a label was not saved")
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def trains_and_explains(browser):
    browser.open(url + "/model?task=mean")
    browser.click("main form button")
    browser.wait("document.querySelectorAll('main tbody tr').length > 0", "the end of a training", seconds=180)
    browser.open(url + "/try?task=mean")
    browser.type("#image", os.path.abspath(picture))
    browser.type("#text", "my boss is a terrible horrible person")
    browser.click("main form button")
    browser.wait("document.querySelector('#answer')", "an answer of the model", seconds=60)
    text = browser.text()
    for part in ["Picture alone", "Words alone", "Which words moved it", "Which regions moved it", "nearest labelled"]:
        check(part.lower() in text.lower(), f"the answer has no {part!r}")
    check(browser.script("return document.querySelectorAll('.regions rect').length") == 16, "there are not 16 regions")
    check(browser.script("return document.querySelectorAll('.words mark, .words span').length") == 7, "not every word is there")


def shows_categories(browser):
    browser.open(url + "/model?task=mean")
    rows = browser.wait("document.querySelector('#categories tbody').innerText", "the categories of other services")
    # No word of 'mean' speaks of a category, so that the positive class is the usual one.
    check(rows.split() == ["mean", "harassment", "TOXICITY"], f"the categories say {rows!r}")
    role, name = browser.role_and_name("#categories table")
    check((role, name) == ("table", "Categories of other services that each label feeds"), f"a {role} named {name!r}")
    text = browser.script("return document.getElementById('categories').innerText")
    for part in ["model.json", "self-harm/intent", "SEVERE_TOXICITY", "status 400"]:
        check(part in text, f"the categories do not say {part!r}")


def fits(browser):
    pages = ["/?task=mean", "/progress?task=mean", "/model?task=mean", "/try?task=mean", "/exchange", "/annotator"]
    for scheme in ["light", "dark"]:
        browser.scheme(scheme)
        for width in [390, 1200]:
            browser.size(width, 844, mobile=width == 390)
            for number, page in enumerate(pages):
                browser.open(url + page)
                browser.wait("[...document.images].every((image) => image.complete)", "the pictures")
                over = browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                check(over <= 0, f"{page} is {over} pixels wider than a screen of {width}")
                if shots:
                    browser.shot(shots / f"{scheme}-{width}-{number}.png")
        ground = browser.script("return getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in ground.strip("rgb()").split(",")[:3]) > 380
        check(light == (scheme == "light"), f"the ground is {ground} in the {scheme} scheme")


with Browser() as browser:
    labels_by_keyboard(browser)
    tells_screen_readers(browser)
    trains_and_explains(browser)
    if shots:
        browser.shot(shots / "explanation.png")
    shows_categories(browser)
    fits(browser)
    works_without_script(browser)
    faults = browser.faults()
    check(not faults, f"the browser complains: {faults}")
print("label_pages: everything is there")
