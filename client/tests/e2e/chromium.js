// The browser of the machine.

import { chromium } from "playwright-core";

/** A browser with a new, empty profile. */
export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"],
  });
