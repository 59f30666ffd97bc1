// The README's picture: two people in one room, side by side.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Person } from "./person.js";
import { story } from "./stage.js";

const PICTURE = fileURLToPath(new URL("../../page/screenshot.png", import.meta.url));
const viewport = { width: 740, height: 600 };

story("two tabs talk", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile({ viewport }));
  const bob = await Person.opens(await stage.profile({ viewport, colorScheme: "dark" }));
  await ann.registers("ann");
  await bob.registers("bob");
  await ann.makesRoom("Tea at five");
  await ann.adds("bob");
  await bob.goesTo("Tea at five");
  for (const [person, text] of [[ann, "Who brings cake?"], [bob, "I do. Chocolate?"], [ann, "Always."], [bob, "Then I'll bring two."]]) {
    await person.says(text);
    await Promise.all([ann, bob].map((one) => one.hears(text)));
  }
  await Promise.all([ann, bob].map((one) => one.sees(2)));

  const pictures = await Promise.all([ann, bob].map(({ page }) => page.screenshot({ animations: "disabled", caret: "hide" })));
  const page = await (await stage.profile({ viewport: { width: 2 * viewport.width + 12, height: viewport.height } })).newPage();
  const images = pictures.map((png) => `<img src="data:image/png;base64,${png.toString("base64")}">`);
  await page.setContent(`<body style="margin: 0; display: flex; gap: 12px">${images.join("")}</body>`);
  await page.screenshot({ path: PICTURE, omitBackground: true });
  assert.ok((await stat(PICTURE)).size < 150_000, "it is small enough for a README");
});
