// The browser of the machine.

import { chromium } from "playwright-core";

/** A browser with a new, empty profile, which is closed at the end of the test. */
export async function launch(t) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"],
  });
  t.after(() => browser.close());
  return browser;
}
