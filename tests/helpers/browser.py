"""Chromium without a window: pages opened at widths, looked over, and printed."""

import html
import json
import re
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)
# The page is looked at from outside: its own policy lets no script run in it.
_LOOK = """
const out = {};
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255).map(
    v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function parts(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function ground(element, view) {
  for (let e = element; e; e = e.parentElement) {
    const c = parts(view.getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
  }
  return [255, 255, 255];
}
function look(frame) {
  const page = frame.contentDocument, view = frame.contentWindow;
  const width = page.documentElement.clientWidth;
  let contrast = 21, outside = [];
  for (const element of page.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (box.right > width + 0.5) outside.push(element.tagName + ' ' + element.textContent.trim());
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own) continue;
    const [a, b] = [parts(view.getComputedStyle(element).color).slice(0, 3),
      ground(element, view)].map(luminance).sort((x, y) => x - y);
    contrast = Math.min(contrast, (b + 0.05) / (a + 0.05));
  }
  return {
    width, contrast, outside, scrolls: page.documentElement.scrollWidth,
    sections: [...page.querySelectorAll('h2')].map(h => h.id),
    text: page.body.innerText.length,
    broken: [...page.querySelectorAll('a[href^="#"]')].map(a => a.hash.slice(1))
      .filter(id => !page.getElementById(id)),
    pictures: [...page.images].map(i => i.naturalWidth),
    split: [...page.querySelectorAll('.cards b')].filter(b => {
      const range = page.createRange();
      range.selectNodeContents(b);
      return range.getClientRects().length > 1;
    }).map(b => b.textContent),
  };
}
addEventListener('load', () => {
  for (const frame of document.querySelectorAll('iframe')) out[frame.id] = look(frame);
  document.getElementById('found').textContent = JSON.stringify(out);
});
"""


def chromium():
    """The browser's path; None where none is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def look_at(page: str, widths: dict[str, int], printed: int, folder: Path) -> dict[str, dict]:
    """What a browser finds of the page at each width, and at ``printed`` with the print rules."""
    frames = {name: (page, width) for name, width in widths.items()}
    frames["printed"] = page.replace("@media print", "@media all"), printed
    shown = "".join(
        f'<iframe id="{name}" style="border:0;height:600px;width:{width}px"'
        f' srcdoc="{html.escape(text)}"></iframe>'
        for name, (text, width) in frames.items()
    )
    wrapper = folder / "wrapper.html"
    head = f'<!doctype html><meta charset="utf-8"><script>{_LOOK}</script>'
    wrapper.write_text(f'{head}{shown}<pre id="found"></pre>')
    dom = _run("--dump-dom", wrapper.as_uri())
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    return json.loads(html.unescape(found[1]))


def print_to_pdf(page: Path, pdf: Path) -> bytes:
    """The page as a browser prints it."""
    _run("--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri())
    return pdf.read_bytes()


def printed_depths(pdf: bytes) -> list[float]:
    """How far down each page its last line of text stands, as a share of the printable height."""
    objects = dict(re.findall(rb"(?:^|\n)(\d+) 0 obj\b(.*?)endobj", pdf, re.DOTALL))
    depths = []
    for page in objects.values():
        if not re.search(rb"/Type\s*/Page\b(?!s)", page):
            continue
        content = objects[re.search(rb"/Contents (\d+) 0 R", page)[1]]
        drawn = zlib.decompressobj().decompress(content.split(b"stream", 1)[1].lstrip(b"\r\n"))
        height = float(re.search(rb"0 0 [\d.]+ ([\d.]+) re\nf", drawn)[1])
        lines = [float(y) for y in re.findall(rb"1 0 0 -1 [\d.]+ ([\d.]+) Tm", drawn)]
        # Lines are counted from the top of the first page.
        depths.append(max(lines) / height - len(depths))
    return depths


def _run(*arguments: str) -> str:
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium(), *_SWITCHES, f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout
