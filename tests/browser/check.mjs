// Opens reports in a browser and compares what it shows with what the test suite says that they should show.
//
//   node check.mjs MODULES CHROMIUM REPORTS PICTURES
//
// REPORTS holds pairs of NAME.html and NAME.json; pictures of the pages are drawn into PICTURES.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, reports, pictures] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const count = new Intl.NumberFormat("en");
const phones = (number) => `${count.format(number)} ${number === 1 ? "phone" : "phones"}`;
const urlOf = (name) => pathToFileURL(resolve(reports, `${name}.html`)).href;
const expectedOf = (name) => JSON.parse(readFileSync(join(reports, `${name}.json`), "utf8"));

// A page that notes everything it should not do.
async function open(browser, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => wrong.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => {
    const url = request.url();
    if (url !== urlOf(name) && !url.startsWith("data:") && !url.startsWith("blob:")) wrong.push(`request: ${url}`);
  });
  const began = performance.now();
  await page.goto(urlOf(name));
  return { page, wrong, opened: performance.now() - began, close: () => context.close() };
}

const told = (page) => page.textContent("#told");
const firstName = (page) => page.textContent("#rows tr:first-child button");
const choose = (page, filter, value) => page.selectOption(`#by-${filter}`, `=${value}`);
const reset = (page) => page.click("#filters button[type=reset]");

// Every filter leaves as many phones as there should be.
async function filtersCount(page, expected) {
  const all = phones(expected.phones);
  for (const [filter, key] of [["outcome", "outcomes"], ["verdict", "verdicts"], ["finding", "findings"], ["pool", "pools"], ["cluster", "clusters"]]) {
    for (const [word, number] of Object.entries(expected[key] ?? {}).slice(0, 20)) {
      await choose(page, filter, word);
      assert.equal(await told(page), number === expected.phones ? all : `${count.format(number)} of ${all}`, `${filter} ${word}`);
      await page.selectOption(`#by-${filter}`, "");
    }
  }
  assert.equal(await told(page), all);
}

// The texts of a column in the order of the page.
const column = (page, at) => page.$$eval("#rows tr:not(.detail)", (rows, at) => rows.map((row) => row.cells[at].innerText.trim()), at);

async function columnsSort(page, expected) {
  const heads = await page.$$eval("#table thead th", (cells) => cells.map((cell) => cell.dataset.sort));
  const byDefault = await firstName(page);
  for (const [at, head] of heads.entries()) {
    const button = page.locator(`#table thead th[data-sort=${head}] button`);
    await button.click();
    assert.equal(await page.getAttribute(`th[data-sort=${head}]`, "aria-sort"), "ascending");
    const up = (await column(page, at)).filter(Boolean);
    if (head === "took") {
      const seconds = up.map((text) => Number.parseFloat(text));
      assert.deepEqual(seconds, seconds.toSorted((a, b) => a - b), "took");
    }
    if (head === "name" && expected.first) assert.equal(await firstName(page), expected.first);
    await button.click();
    assert.equal(await page.getAttribute(`th[data-sort=${head}]`, "aria-sort"), "descending");
    if (head === "name" && expected.last) assert.equal(await firstName(page), expected.last);
    await button.click();
    assert.equal(await page.getAttribute(`th[data-sort=${head}]`, "aria-sort"), null);
    assert.equal(await firstName(page), byDefault, "the third click brings the first order back");
  }
}

async function searchFinds(page, name, expected) {
  await page.fill("#search", `${name.toLowerCase()} `);
  await page.waitForFunction((told) => document.getElementById("told").textContent === told, `1 of ${phones(expected.phones)}`);
  assert.equal(await firstName(page), name);
  await page.fill("#search", "no phone is called so");
  await page.waitForFunction(() => document.getElementById("told").textContent.startsWith("0 of "));
  assert.ok(await page.isDisabled("#save"));
  await reset(page);
  await page.waitForFunction((told) => document.getElementById("told").textContent === told, phones(expected.phones));
}

// Keys alone open and close a phone.
async function keysOpenRows(page) {
  const button = page.locator("#rows button").first();
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  assert.ok(await page.locator("#rows tr.detail").first().isVisible());
  const outline = await button.evaluate((element) => getComputedStyle(element).outlineStyle);
  assert.equal(outline, "solid", "the focus can be seen");
  await page.keyboard.press("Space");
  assert.equal(await page.locator("#rows tr.detail").count(), 0);
}

// A phone that is open takes the whole width of the table, and no more, whichever columns there is room for.
async function openRowsFit(page) {
  await page.locator("#rows button").first().click();
  for (const width of [1600, 1100, 900, 500]) {
    await fits(page, width);
    // The page hears of its new width a moment after it has it.
    const edges = () => page.evaluate(() => {
      const right = (element) => Math.round(element.getBoundingClientRect().right);
      const heads = [...document.querySelectorAll("#table thead th")].filter((cell) => cell.getClientRects().length > 0);
      return [right(document.getElementById("table")), right(heads.at(-1)), right(document.querySelector("#rows .detail td"))];
    });
    let found = await edges();
    for (let tries = 0; tries < 50 && new Set(found).size > 1; tries += 1) {
      await page.waitForTimeout(20);
      found = await edges();
    }
    assert.equal(new Set(found).size, 1, `${found} at ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.locator("#rows button").first().click();
}

const addressOf = (page) => page.evaluate(() => decodeURIComponent(location.hash));

// The legend and the parts of bars filter by the address, and the address alone brings the same rows back.
async function chartsFilter(page, expected) {
  const [word, number] = Object.entries(expected.outcomes)[0];
  await page.click(`.legend a[href="#outcome=${word}"]`);
  await page.waitForFunction((word) => document.getElementById("by-outcome").value === `=${word}`, word);
  assert.ok((await told(page)).startsWith(count.format(number)));
  assert.ok(await page.locator("#h-phones").evaluate((heading) => document.activeElement === heading), "the table has the focus");
  await page.click("th[data-sort=name] button");
  await page.click("th[data-sort=name] button");
  await page.fill("#search", "sep");
  await page.waitForFunction(() => location.hash.includes("q=sep"));
  const address = await addressOf(page);
  assert.equal(address, `#outcome=${word}&q=sep&sort=-name`);
  const shown = [await told(page), await firstName(page)];
  // Another part of the page is no filter.
  await page.click("body > nav a[href='#h-how']");
  assert.deepEqual([await told(page), await firstName(page)], shown);
  await page.goBack();
  await page.reload();
  assert.deepEqual([await told(page), await firstName(page)], shown, "the address brings it back");
  assert.equal(await page.inputValue("#search"), "sep");
  // One part of a bar selects its device pool and its outcome, and nothing that was selected before.
  const part = page.locator(".groups .shares a").first();
  const filters = Object.fromEntries(new URLSearchParams((await part.getAttribute("href")).slice(1)));
  await part.click();
  await page.waitForFunction(() => location.hash.includes("pool="));
  assert.deepEqual(Object.keys(filters), ["pool", "outcome"]);
  assert.equal(await page.inputValue("#by-pool"), `=${filters.pool}`);
  assert.equal(await page.inputValue("#by-outcome"), `=${filters.outcome}`);
  assert.equal(await page.inputValue("#search"), "");
  assert.ok((await told(page)).startsWith(Number.parseInt(await part.textContent(), 10)));
  // A value that no phone has leaves none.
  await page.evaluate(() => { location.hash = "#pool=nowhere&foo=bar&sort=foo"; });
  await page.waitForFunction(() => document.getElementById("told").textContent.startsWith("0 of "));
  await reset(page);
  await page.waitForFunction(() => location.hash === "");
}

// The file has what is shown, as the program would write it.
async function savesCsv(page, expected, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#save-csv")]);
  assert.equal(file.suggestedFilename(), name);
  const lines = readFileSync(await file.path(), "utf8").split("\n");
  const wanted = expected.csv.split("\n");
  assert.equal(lines[0], wanted[0]);
  assert.deepEqual(lines.toSorted(), wanted.toSorted());
}

async function isAccessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  });
  assert.deepEqual(found, [], `${what} is not accessible`);
}

async function fits(page, width) {
  await page.setViewportSize({ width, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `the page is ${wide} wide on a screen of ${width}`);
}

const pagesOf = (pdf) => pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;

// The summary has two pages at most; phones are printed where that is asked for.
async function printsSummary(page, path) {
  const pdf = await page.pdf({ path, format: "A4" });
  assert.ok(pdf.length > 20_000, "there is nothing on the paper");
  assert.ok(pagesOf(pdf) <= 2, `the summary has ${pagesOf(pdf)} pages`);
  return pdf;
}

async function prints(page, expected, path) {
  const pdf = await printsSummary(page, path);
  await page.evaluate(() => { window.print = () => {}; });
  await page.click("#print");
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.isVisible("#table"));
  await page.emulateMedia({ media: null });
  const whole = await page.pdf({ path: path.replace(".pdf", "-phones.pdf"), format: "A4" });
  assert.ok(pagesOf(whole) > pagesOf(pdf), "the phones are on no page");
  assert.ok(!(await page.evaluate(() => document.documentElement.classList.contains("print-phones"))));
  assert.ok((await page.locator("#rows tr").count()) <= 100, "the table is as before");
  assert.equal(await told(page), phones(expected.phones));
}

const tests = {
  async "a mixed run shows its counts, sorts, filters and prints"(browser) {
    const expected = expectedOf("mixed");
    const { page, wrong, close } = await open(browser, "mixed");
    assert.equal(await told(page), phones(expected.phones));
    for (const [word, number] of Object.entries(expected.outcomes)) {
      assert.match((await page.textContent(`.legend a[data-filter="outcome=${word}"]`)).trim(), new RegExp(`^[A-Z].* ${number}$`));
    }
    await filtersCount(page, expected);
    await columnsSort(page, expected);
    await searchFinds(page, "SEP000000000003", expected);
    await keysOpenRows(page);
    await openRowsFit(page);
    await chartsFilter(page, expected);
    await savesCsv(page, expected, "axlpaper-run-1-phones.csv");
    await page.evaluate(() => window.scrollTo(0, 0));
    await isAccessible(page, "light");
    await page.screenshot({ path: join(pictures, "light.png") });
    await prints(page, expected, join(pictures, "print.pdf"));
    for (const width of [1600, 1000, 700, 400, 390, 320]) await fits(page, width);
    await fits(page, 390);
    for (const outcome of [".groups .bar", ".ring", "#rows .t-outcome"]) {
      const box = await page.locator(outcome).first().boundingBox();
      assert.ok(box.width > 80 && box.x >= 0 && box.x + box.width <= 390, `${outcome}: ${JSON.stringify(box)}`);
    }
    await page.screenshot({ path: join(pictures, "narrow.png") });
    assert.deepEqual(wrong, []);
    await close();
  },

  async "the dark page is accessible too"(browser) {
    const { page, wrong, close } = await open(browser, "mixed", { colorScheme: "dark" });
    await keysOpenRows(page);
    await isAccessible(page, "dark");
    await page.screenshot({ path: join(pictures, "dark.png") });
    assert.deepEqual(wrong, []);
    await close();
  },

  async "a run in which nothing worked says why, beside its history"(browser) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, wrong, close } = await open(browser, "vain", { colorScheme });
      assert.match(await page.textContent("#cause"), /phones: Not reachable/);
      assert.equal(await page.locator(".history svg text.axis").count(), 8, "four runs with their days");
      await isAccessible(page, colorScheme);
      await page.screenshot({ path: join(pictures, `vain-${colorScheme}.png`) });
      for (const width of [1600, 800, 390]) await fits(page, width);
      assert.deepEqual(wrong, []);
      await close();
    }
  },

  async "a night of failures with a history prints on two pages"(browser) {
    const expected = expectedOf("night");
    const { page, wrong, close } = await open(browser, "night");
    assert.ok((await page.textContent("#unlisted")).startsWith(`${expected.phones - expected.listed} devices without a screen`));
    assert.equal(await page.locator("#rows tr").count(), Math.min(100, expected.listed));
    await choose(page, "outcome", "no_background");
    assert.ok(await page.isHidden("#unlisted"));
    assert.ok((await page.locator("#rows").textContent()).includes("ATA 191"), "a filter lists them");
    await reset(page);
    await page.waitForFunction((told) => document.getElementById("told").textContent === told, phones(expected.phones));
    await savesCsv(page, expected, "axlpaper-run-7-phones.csv");
    await prints(page, expected, join(pictures, "night.pdf"));
    assert.deepEqual(wrong, []);
    await close();
  },

  async "forty thousand phones are quick"(browser) {
    const expected = expectedOf("fleet");
    const { page, wrong, opened, close } = await open(browser, "fleet");
    assert.equal(await told(page), phones(40_000));
    assert.equal(await page.locator("#rows tr").count(), 100);
    await filtersCount(page, expected);
    await columnsSort(page, expected);
    await searchFinds(page, expected.last, expected);
    await page.click("#pages button[data-go=last]");
    const pages = Math.ceil(expected.listed / 100);
    assert.equal(await page.textContent("#page"), `Page ${pages} of ${pages}`);
    assert.ok(await page.isDisabled("#pages button[data-go=on]"));
    await page.click("#pages button[data-go=first]");
    // Measured in the page: a click's work is done when the click returns.
    const took = await page.evaluate(() => {
      const timed = (work) => {
        const began = performance.now();
        work();
        return performance.now() - began;
      };
      const head = (column) => document.querySelector(`th[data-sort=${column}] button`);
      const outcome = document.getElementById("by-outcome");
      return {
        sort: Math.max(...["name", "ip", "reason"].map((name) => timed(() => head(name).click()))),
        filter: timed(() => {
          outcome.selectedIndex = 1;
          outcome.dispatchEvent(new Event("change", { bubbles: true }));
        }),
      };
    });
    // What a person takes for at once, with room for a slow machine.
    assert.ok(took.sort < 1000 && took.filter < 1000 && opened < 5000, JSON.stringify({ ...took, opened }));
    console.log(`  opened in ${opened.toFixed(0)} ms, sorted in ${took.sort.toFixed(0)} ms, filtered in ${took.filter.toFixed(0)} ms`);
    await page.screenshot({ path: join(pictures, "fleet.png") });
    await printsSummary(page, join(pictures, "fleet.pdf"));
    assert.deepEqual(wrong, []);
    await close();
  },

  async "hostile texts are shown as texts"(browser) {
    const expected = expectedOf("hostile");
    const { page, wrong, close } = await open(browser, "hostile");
    for (const button of await page.locator("#rows button").all()) await button.click();
    // What could reorder or break a line is replaced before it is shown.
    const shown = expected.hostile.map((text) => text.replaceAll(/[\u2028\u202e]/g, "\ufffd"));
    assert.deepEqual((await page.locator("#rows button").allTextContents()).toSorted(), shown.toSorted());
    await filtersCount(page, { phones: expected.phones, outcomes: expected.outcomes });
    await choose(page, "pool", shown[0]);
    assert.equal(await firstName(page), shown[0]);
    await reset(page);
    await page.waitForFunction((told) => document.getElementById("told").textContent === told, phones(expected.phones));
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
    assert.equal(download.suggestedFilename(), "axlpaper-run-7-phones.txt");
    assert.equal(readFileSync(await download.path(), "utf8").split("\n").length, expected.phones + 1);
    await savesCsv(page, expected, "axlpaper-run-7-phones.csv");
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("main img, main [onload], main [onfocus], main [onerror], main script").count(), 0);
    for (const width of [1280, 400]) await fits(page, width);
    assert.deepEqual(wrong, []);
    await close();
  },

  async "several clusters are told apart"(browser) {
    const expected = expectedOf("clusters");
    const { page, wrong, close } = await open(browser, "clusters", { viewport: { width: 1600, height: 900 } });
    assert.equal(await told(page), phones(expected.phones));
    await filtersCount(page, expected);
    await columnsSort(page, expected);
    await openRowsFit(page);
    const [cluster, number] = Object.entries(expected.clusters)[1];
    await page.click(`#h-clusters ~ .wide th a[data-filter="cluster=${cluster}"]`);
    await page.waitForFunction((told) => document.getElementById("told").textContent === told, `${count.format(number)} of ${phones(expected.phones)}`);
    await page.fill("#search", "alpha");
    await page.waitForFunction(() => document.getElementById("told").textContent.startsWith("0 of "));
    await reset(page);
    await page.waitForFunction((told) => document.getElementById("told").textContent === told, phones(expected.phones));
    assert.ok(await page.locator(".note.bad").first().isVisible());
    await isAccessible(page, "light");
    await page.screenshot({ path: join(pictures, "clusters.png") });
    await prints(page, expected, join(pictures, "clusters.pdf"));
    for (const width of [1600, 1000, 700, 400, 320]) await fits(page, width);
    await page.screenshot({ path: join(pictures, "clusters-narrow.png") });
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.deepEqual(wrong, []);
    await close();
    const dark = await open(browser, "clusters", { colorScheme: "dark" });
    await isAccessible(dark.page, "dark");
    await dark.close();
  },

  async "nothing but our script may run"(browser) {
    const { page, close } = await open(browser, "mixed");
    const ran = await page.evaluate(async () => {
      const element = document.createElement("script");
      element.textContent = "window.foreign = true";
      document.body.append(element);
      const fetched = await fetch("https://127.0.0.1:1/").then(() => true, () => false);
      return { foreign: window.foreign ?? false, fetched };
    });
    assert.deepEqual(ran, { foreign: false, fetched: false });
    await close();
  },

  async "a browser without a script shows the phones all the same"(browser) {
    const expected = expectedOf("mixed");
    const { page, wrong, close } = await open(browser, "mixed", { javaScriptEnabled: false });
    assert.equal(await page.locator("noscript tbody tr").count(), expected.phones);
    assert.ok(await page.locator("noscript table").isVisible());
    assert.equal(await page.locator("a[data-filter]:not([href='#h-phones'])").count(), 0, "links lead to the phones");
    assert.ok(!(await page.locator("#filters").isVisible()) && !(await page.locator("#table").isVisible()));
    assert.deepEqual(wrong, []);
    await close();
  },
};

const profile = mkdtempSync(join(tmpdir(), "axlpaper-browser-"));
const browser = await chromium.launch({
  executablePath,
  headless: true,
  downloadsPath: profile,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test(browser);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
