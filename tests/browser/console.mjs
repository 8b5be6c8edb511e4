// Uses the console in a browser, while rollouts of the command line work on a simulated cluster.
//
//   node console.mjs MODULES CHROMIUM PROGRAM PICTURES

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [modules, executablePath, program, pictures] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const golden = resolve(import.meta.dirname, "../golden");
const folder = mkdtempSync(join(tmpdir(), "axlpaper-console-"));
const children = [];

// Starts the program, and returns what waits for words in what it says.
function start(args, env) {
  const child = spawn(resolve(program), args, { cwd: folder, env: { HOME: folder, PATH: process.env.PATH, TZ: "UTC", ...env } });
  children.push(child);
  let text = "";
  const waiting = [];
  const add = (chunk) => {
    text += chunk;
    for (const look of [...waiting]) look();
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  child.ended = new Promise((done) => child.on("exit", (code) => done({ code, text })));
  child.says = (pattern) =>
    new Promise((done, failed) => {
      const look = () => {
        const found = text.match(pattern);
        if (found) {
          waiting.splice(waiting.indexOf(look), 1);
          done(found);
        }
      };
      waiting.push(look);
      child.on("exit", () => setTimeout(() => failed(new Error(`${args[0]} ended without ${pattern}: ${text}`)), 100));
      look();
    });
  return child;
}

// A page that notes everything it should not do.
async function open(browser, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => wrong.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  return { context, page, wrong };
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document));
  const problems = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  assert.deepEqual(problems, [], what);
}

// The address of a phone that a run pushed to.
async function phoneOf(page, base) {
  await page.goto(`${base}/phones?outcome=verified`);
  return page.getAttribute("tbody a", "href");
}

// Makes a rollout with the mouse: a picture, its focus point, two waves with a gate. Returns the page of its run.
async function makeRollout(page, base, picture) {
  await page.goto(`${base}/rollouts/new`);
  await accessible(page, "new rollout");
  await page.setInputFiles("input[type=file]", picture);
  await page.click("text=Take this picture");
  await page.waitForSelector("#focus");
  const box = await page.locator("#focus").boundingBox();
  const before = await page.getAttribute("#part-panels image", "href");
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.25);
  await page.mouse.up();
  assert.equal(Math.round(await page.inputValue("input[name=focus-x]")), 90);
  assert.ok(await page.isChecked("input[name=focus][value=point]"));
  // The panels follow without a reload.
  await page.waitForFunction((was) => document.querySelector("#part-panels image").getAttribute("href") !== was, before, { timeout: 30_000 });
  await page.fill("input[name=canary]", "2");
  await page.check("input[name=gate]");
  await page.waitForSelector("#part-count code:has-text('--canary 2')", { timeout: 30_000 });
  await accessible(page, "choice of a rollout");
  await page.click("button:text-is('Audit and plan')");
  // The page renews itself while the cluster is read.
  await page.waitForSelector("text=Confirmation", { timeout: 60_000 });
}

async function confirmRollout(page, number) {
  await page.waitForSelector(".confirm input[name=phones]", { timeout: 60_000 });
  await accessible(page, "confirmation");
  const [, phones] = (await page.textContent(".confirm label")).match(/touches (\d+) phone/);
  await page.fill(".confirm input[name=phones]", number ?? phones);
  await page.click("text=Begin the rollout");
  return phones;
}

// Starts a simulated cluster, and returns how it is reached.
async function simulate() {
  const sim = start(["sim", "--port", "0", "--phones", "40", "--limits", "off"]);
  const [, host] = await sim.says(/CUCM_HOST=(\S+)/);
  const [, pin] = await sim.says(/--pin-sha256 ([0-9a-f]{64})/);
  const [, port] = await sim.says(/--phone-port (\d+)/);
  return { host, pin, port };
}

// Two users: what one of them makes, another one confirms; then failures and a retry.
async function rolloutsOfUsers(browser) {
  const sim = await simulate();
  const config = join(folder, "config.toml");
  const secret = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  secret("axl.password", "simulator-only-admin\n");
  secret("push.password", "simulator-only-push\n");
  secret("config.toml", `[defaults]
phone_port = ${sim.port}
[cluster.lab]
host = "${sim.host}"
username = "simadmin"
password_file = "${join(folder, "axl.password")}"
pin_sha256 = "${sim.pin}"
push_user = "bgpush"
push_password_file = "${join(folder, "push.password")}"
[console]
four_eyes = true
`);
  for (const user of ["ada", "anna"]) {
    const child = start(["console", "user", "add", user, "--role", "approver", "--config", config]);
    child.stdin.end("a password\n");
    await child.ended;
  }
  const web = start(["console", "--listen", "127.0.0.1:0", "--config", config], { AXLPAPER_STATE: join(folder, "users.sqlite3") });
  const [, base] = await web.says(/(http:\/\/127\.0\.0\.1:\d+)\/login/);
  const logIn = async (name, options) => {
    const opened = await open(browser, options);
    await opened.page.goto(`${base}/login`);
    await opened.page.fill("input[name=name]", name);
    await opened.page.fill("input[name=password]", "a password");
    await opened.page.click("main button");
    await opened.page.waitForURL(`${base}/`);
    return opened;
  };
  const [ada, anna] = [await logIn("ada"), await logIn("anna")];
  await makeRollout(ada.page, base, join(golden, "480x240x24-cover.png"));
  await ada.page.waitForSelector("text=It waits for another user");
  // The overview of the other one shows it by itself.
  await anna.page.waitForSelector("text=waits for the confirmation", { timeout: 20_000 });
  await accessible(anna.page, "overview with a rollout");
  await anna.page.click("main a[href^='/rollouts/']");
  await confirmRollout(anna.page, "1");
  await anna.page.waitForSelector("text=the number that was typed is not that of the phones");
  await anna.page.goBack();
  await confirmRollout(anna.page);
  await anna.page.waitForURL(`${base}/runs/1`);
  await anna.page.click("button:text-is('Approve the next wave')", { timeout: 60_000 });
  await anna.page.waitForSelector("h2:text-is('Outcome')", { timeout: 120_000 });
  await accessible(anna.page, "run with retries");
  // A retry of what failed waits for the other user too.
  await anna.page.click("button:text-is('Retry these') >> nth=0");
  await anna.page.waitForURL(/\/rollouts\/\d+$/);
  await anna.page.waitForSelector("text=It waits for another user", { timeout: 60_000 });
  // A refused number is an error to the browser too.
  const unexpected = [ada, anna].flatMap((one) => one.wrong).filter((text) => !text.includes("status of 409"));
  assert.deepEqual(unexpected, []);
  web.kill("SIGTERM");
  assert.equal((await web.ended).code, 0);
}

async function main() {
  const { host, pin, port } = await simulate();
  const env = {
    AXLPAPER_STATE: join(folder, "journal.sqlite3"), CUCM_HOST: host, CUCM_USERNAME: "simadmin", CUCM_PASSWORD: "simulator-only-admin",
    PHONE_USERNAME: "bgpush", PHONE_PASSWORD: "simulator-only-push",
  };
  const rollout = (picture) =>
    start(["rollout", join(golden, picture), "--pin-sha256", pin, "--phone-port", port, "--canary", "2", "--gate", "--yes",
      "--no-report", "--verify-timeout", "1", "--retry-delay", "0"], env);
  const first = rollout("480x240x24-cover.png");
  writeFileSync(join(folder, "config.toml"), [
    "[cluster.lab]", `host = "${host}"`, 'username = "simadmin"', `pin_sha256 = "${pin}"`, 'password_env = "CUCM_PASSWORD"',
    'push_user = "bgpush"', 'push_password_env = "PHONE_PASSWORD"', `phone_port = ${port}`,
    "[[image]]", `file = "${join(golden, "480x240x24-cover.png")}"`, 'every = "12-01..12-31"',
    "[[image]]", `file = "${join(golden, "320x212x12-stretch.png")}"`, 'keep = "enforced"',
    "[[image]]", 'file = "never.png"', "",
  ].join("\n"));
  const web = start(["console", "--listen", "127.0.0.1:0", "--config", "config.toml"], env);
  const [, base, path] = await web.says(/(http:\/\/127\.0\.0\.1:\d+)(\/login\?token=\w+)/);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const { context, page, wrong } = await open(browser);

  await page.goto(base + path);
  await page.waitForURL(`${base}/`);
  // The page was opened before the wave waits, and learns of it by itself.
  await page.waitForSelector("text=Approve the next wave", { timeout: 60_000 });
  await accessible(page, "overview");
  await page.click("text=Run 1");
  await page.waitForSelector("text=waits for approval");
  await accessible(page, "run");
  await page.click("button:text-is('Pause')");
  await page.waitForSelector("text=The run is paused");
  await page.click("button:text-is('Continue')");
  await page.waitForSelector("text=The run goes on");
  await page.click("button:text-is('Approve the next wave')");
  await page.waitForSelector("text=The wave that waited is approved");
  await first.ended;
  // Without a reload: the buttons go, and the outcome comes.
  await page.waitForSelector("h2:text-is('Outcome')", { timeout: 20_000 });
  assert.equal(await page.locator("button:text-is('Pause')").count(), 0);
  const filter = await page.getAttribute(".legend a", "href");
  assert.match(filter, /^\/runs\/1\/report#outcome=/);
  await page.click(".legend a");
  await page.waitForSelector("#rows tr");
  assert.match(await page.textContent("#told"), /of \d+ phones/);

  // Without a script: look, and approve.
  const second = rollout("320x212x12-stretch.png");
  await second.says(/waits for an approval/);
  const plain = await open(browser, { javaScriptEnabled: false, storageState: await context.storageState() });
  await plain.page.goto(`${base}/runs`);
  await plain.page.click("tbody tr:first-child a");
  assert.match(await plain.page.textContent(".state"), /waits for approval/);
  await plain.page.click("text=Approve the next wave");
  assert.match(await plain.page.textContent("[role=status]"), /is approved/);
  await second.ended;
  await plain.page.reload();
  assert.match(await plain.page.textContent("h2"), /Outcome/);
  assert.deepEqual(plain.wrong, []);

  // The wall fills by itself; a phone is looked at when a button is pressed; doctor shows its progress.
  await page.goto(`${base}/screens?outcome=verified`);
  await page.waitForSelector(".tile.proven img", { timeout: 60_000 });
  await page.goto(base + (await phoneOf(page, base)));
  await page.click("button:text-is('Take a screenshot')");
  await page.waitForSelector("#screen img, #screen .note");
  await page.goto(`${base}/doctor`);
  await page.click("button:text-is('Check')");
  await page.waitForSelector("button:text-is('Check again')", { timeout: 60_000 });
  assert.match(await page.textContent(".checks"), /push user's password is right/);

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [390, 1280, 2200]) {
      const seen = await open(browser, { colorScheme, viewport: { width, height: 900 }, storageState: await context.storageState() });
      for (const [name, address] of [["overview", "/"], ["runs", "/runs"], ["run", "/runs/2"], ["phones", "/phones"], ["phone", await phoneOf(page, base)], ["screens", "/screens?outcome=verified"], ["choose", "/screens"], ["rules", "/rules"], ["doctor", "/doctor"], ["none", "/nothing"], ["login", "/login"]]) {
        await seen.page.goto(base + address);
        await accessible(seen.page, `${name} ${width} ${colorScheme}`);
        const more = await seen.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(more <= 0, `${name} is ${more} pixels wider than ${width}`);
        await seen.page.screenshot({ path: join(pictures, `console-${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
      // The answer to a wrong address is an error to the browser too.
      const unexpected = seen.wrong.filter((text) => !text.includes("status of 404"));
      assert.deepEqual(unexpected, []);
      await seen.context.close();
    }
  }

  // The address worked once.
  const other = await open(browser);
  await other.page.goto(base + path);
  assert.match(await other.page.textContent("main"), /was used already/);
  // The page says when the console is gone.
  await page.goto(`${base}/`);
  assert.deepEqual(wrong, []);
  web.kill("SIGTERM");
  const { code } = await web.ended;
  assert.equal(code, 0);
  await page.waitForSelector("text=The console does not answer", { timeout: 10_000 });
  await rolloutsOfUsers(browser);
  await browser.close();
  console.log("console: log-in, live run, pause, approval, no script, screens, doctor, three widths, two schemes, rollouts of two users");
}

try {
  await main();
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
