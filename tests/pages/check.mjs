// Looks at pages in a browser without a screen: in light and dark, wide and narrow, and printed.
//
//   node check.mjs FOLDER PAGE.html...   keeps a picture of each sight, and the print, in FOLDER
//   node check.mjs --self-check          plants a fault of each kind, and fails unless each is found
//
// A page must be silent on its console, ask for nothing but itself, have no serious or critical
// finding of axe-core, fit its width, keep its letters readable and its labels apart, and print.
// CHROME names the browser. Exit codes: 0 all is well, 1 a page is at fault, 64 usage.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// The packages stand where they were installed, which is not beside this file.
const { default: puppeteer } = await import(
  pathToFileURL(createRequire(join(process.cwd(), "here.js")).resolve("puppeteer-core"))
);
const axe = readFileSync(
  createRequire(join(process.cwd(), "here.js")).resolve("axe-core/axe.min.js"),
  "utf8",
);

const SIGHTS = [1280, 390].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));
const LEAST_LETTER_PX = 9.5;

/** Opens a page as one sight of it, and gives back what is wrong with it. */
async function look(browser, url, { width, scheme }, picture) {
  const faults = [];
  const page = await browser.newPage();
  try {
    page.on("console", (said) => faults.push(`console: ${said.type()}: ${said.text()}`));
    page.on("pageerror", (error) => faults.push(`console: ${error.message}`));
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      const asked = request.url();
      if (asked === url || asked.startsWith("data:")) {
        request.continue();
        return;
      }
      faults.push(`request: ${asked}`);
      request.abort();
    });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(url, { waitUntil: "load" });
    faults.push(...(await accessible(page)));
    faults.push(...(await page.evaluate(laidOut, LEAST_LETTER_PX)));
    if (picture) {
      await page.screenshot({ path: picture, fullPage: true });
    }
    return faults;
  } finally {
    await page.close();
  }
}

/** What axe-core finds that is serious or critical. */
async function accessible(page) {
  // Evaluated by the debugger, and so in spite of the page's policy, which allows no script.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations, passes } = await globalThis.axe.run(document, {
      resultTypes: ["violations", "passes"],
    });
    return {
      passed: passes.length,
      violations: violations.map(({ id, impact, help, nodes }) => ({
        id, impact, help, where: nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)),
      })),
    };
  });
  const faults = found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, help, where }) => `axe: ${impact}: ${id}: ${help}: ${where.join(" | ")}`);
  if (found.passed === 0) {
    faults.push("axe: it looked at nothing");
  }
  return faults;
}

/** Runs in the page: what is too wide, too small, or on top of each other. */
function laidOut(leastLetter) {
  const faults = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const wide = [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
      .filter((element) => !element.parentElement.closest(".scroll"))
      .slice(0, 3)
      .map((element) => element.outerHTML.slice(0, 100));
    faults.push(`overflow: ${scrollWidth} px wide in ${clientWidth}: ${wide.join(" | ")}`);
  }
  for (const picture of document.querySelectorAll("svg.chart")) {
    if (picture.getBoundingClientRect().width === 0) {
      continue;
    }
    const name = picture.querySelector("title")?.textContent ?? "";
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll("text")].filter((text) => text.textContent !== "");
    const boxes = texts.map((text) => ({ text, box: text.getBoundingClientRect() }));
    for (const { text, box } of boxes) {
      const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
      if (size < leastLetter) {
        faults.push(`letters: ${size.toFixed(1)} px: ${name}: ${text.textContent}`);
      }
      if (box.left < frame.left - 1 || box.right > frame.right + 1) {
        faults.push(`cut off: ${name}: ${text.textContent}`);
      }
    }
    boxes.forEach((one, place) => {
      for (const other of boxes.slice(place + 1)) {
        const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (across > 1 && down > 3) {
          faults.push(`labels: ${name}: ${one.text.textContent} on ${other.text.textContent}`);
        }
      }
    });
  }
  return faults;
}

/** Prints a page, and gives back what is wrong with the print. */
async function print(browser, url, path) {
  const page = await browser.newPage();
  try {
    await page.goto(url, { waitUntil: "load" });
    const pdf = Buffer.from(await page.pdf({ format: "A4", printBackground: false }));
    if (path) {
      writeFileSync(path, pdf);
    }
    const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    return pdf.subarray(0, 5).toString() === "%PDF-" && sheets > 0 ? [] : ["print: no sheet came of it"];
  } finally {
    await page.close();
  }
}

async function check(browser, folder, file) {
  const url = pathToFileURL(resolve(file)).href;
  const name = basename(file, ".html");
  const faults = [];
  for (const sight of SIGHTS) {
    const as = `${sight.scheme}-${sight.width}`;
    const found = await look(browser, url, sight, join(folder, `${name}-${as}.png`));
    faults.push(...found.map((fault) => `${name}, ${as}: ${fault}`));
  }
  const printed = await print(browser, url, join(folder, `${name}.pdf`));
  faults.push(...printed.map((fault) => `${name}: ${fault}`));
  for (const fault of faults) {
    console.error(fault);
  }
  if (faults.length === 0) {
    console.log(`${name}: sound in ${SIGHTS.length} sights and in print`);
  }
  return faults.length === 0;
}

const PLANTED = {
  sound: ["", undefined],
  console: ["<script>throw new Error('planted')</script>", "console: planted"],
  request: ["<img alt='x' src='http://127.0.0.1:9/planted.png'/>", "request: http://127.0.0.1:9/planted.png"],
  alt: ["<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='/>", "axe: critical: image-alt"],
  contrast: ["<p style='color: #ccc; background: #fff'>planted</p>", "axe: serious: color-contrast"],
  overflow: ["<p style='width: 3000px'>planted</p>", "overflow: 30"],
  letters: ["<svg class='chart' style='width: 50px' viewBox='0 0 400 40' role='img' aria-label='x'><text x='9' y='20'>planted</text></svg>", "letters: "],
  cut: ["<svg class='chart' width='100' height='40' viewBox='0 0 100 40' role='img' aria-label='x'><text x='80' y='20'>planted</text></svg>", "cut off: "],
  labels: ["<svg class='chart' width='300' height='40' viewBox='0 0 300 40' role='img' aria-label='x'><text x='9' y='20'>one</text><text x='12' y='22'>other</text></svg>", "labels: : one on other"],
};

async function selfCheck(browser) {
  let all = true;
  for (const [name, [fault, expected]] of Object.entries(PLANTED)) {
    const file = join(tmpdir(), `waika-planted-${process.pid}-${name}.html`);
    writeFileSync(
      file,
      `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/><title>Planted</title></head><body><main><h1>Planted</h1>${fault}</main></body></html>`,
    );
    const faults = await look(browser, pathToFileURL(file).href, SIGHTS[2]).finally(() => rmSync(file));
    const isFound = expected ? faults.some((found) => found.startsWith(expected)) : faults.length === 0;
    if (!isFound) {
      console.error(`self-check: ${name}: expected ${expected ?? "nothing"}, found ${faults.join("; ") || "nothing"}`);
      all = false;
    }
  }
  if (all) {
    console.log(`self-check: ${Object.keys(PLANTED).length - 1} planted faults found, and none where there is none`);
  }
  return all;
}

const [first, ...files] = process.argv.slice(2);
if (!first || (first !== "--self-check" && files.length === 0)) {
  console.error("usage: node check.mjs FOLDER PAGE.html... | --self-check");
  process.exit(64);
}
// As root there is no sandbox to be had. The proxy answers nobody: nothing leaves the machine.
const browser = await puppeteer.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"],
});
let isSound = true;
try {
  if (first === "--self-check") {
    isSound = await selfCheck(browser);
  } else {
    mkdirSync(first, { recursive: true });
    for (const file of files) {
      isSound = (await check(browser, first, file)) && isSound;
    }
  }
} finally {
  await browser.close();
}
process.exit(isSound ? 0 : 1);
