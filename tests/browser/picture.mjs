// Draws the top of a page into a WebP file.
//
//   node picture.mjs MODULES CHROMIUM PAGE FILE

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, report, file] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(modules), "x"))("playwright-core");
const browser = await chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
await page.goto(pathToFileURL(resolve(report)).href);
const session = await page.context().newCDPSession(page);
const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
writeFileSync(file, Buffer.from(data, "base64"));
await browser.close();
