// Who has an authenticator app is asked for its code.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { PASSWORD, Person } from "./person.js";
import { story } from "./stage.js";

const STEP = 30;
const now = () => Date.now() / 1000;

/** RFC 6238, and RFC 4226, section 5.3. */
function code(secret, at) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / STEP)));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

function base32(text) {
  const bits = [...text].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

test("codes are those of RFC 6238, appendix B", () => {
  assert.equal(code(Buffer.from("12345678901234567890"), 59), "287082");
  assert.equal(code(base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), 1234567890), "005924");
});

/** Adds an app to somebody's account, as a page of one's own would; its secret. */
async function withAnApp(stage, username) {
  const post = async (path, body, token) => {
    const answer = await fetch(`${stage.origin}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  await post("/auth/register", { username, password: PASSWORD });
  const { access_token: token } = await post("/auth/login", { username, password: PASSWORD });
  const { secret } = await post("/auth/totp", { current_password: PASSWORD }, token);
  const key = base32(secret);
  // The code of the step before, early in this one: what follows has this one's.
  while (now() % STEP > STEP / 2) await new Promise((resolve) => setTimeout(resolve, 200));
  await post("/auth/totp/confirm", { code: code(key, now() - STEP) }, token);
  return key;
}

story("who has an authenticator app is asked for its code, and signs in with it", {
  env: { TOTP_KEY: "a-secret-of-tests-77aa02cd914fb6e0" },
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const key = await withAnApp(stage, "ann");
  const ann = await Person.opens(await stage.profile());
  assert.equal(await ann.the("code").isVisible(), false);
  await ann.fillIn("ann");
  await ann.the("sign-in").click();
  await ann.the("code").waitFor();
  assert.equal(await ann.the("alert").innerText(), "Type the code that your authenticator app shows.");
  assert.equal(await ann.the("code").evaluate((field) => document.activeElement === field), true);
  await stage.photograph(ann.page, "a code is asked for");

  // One of a day ago.
  await ann.the("code").fill(code(key, now() - 24 * 3600));
  await ann.the("sign-in").click();
  await ann.page.getByText("That code is wrong, or was used before. Wait for the next one.").waitFor();
  await ann.the("code").fill(code(key, now()));
  await ann.the("sign-in").click();
  await ann.isConnected();

  // Whoever comes next finds neither the code nor the question.
  await ann.the("sign-out").click();
  await ann.the("username").waitFor();
  assert.equal(await ann.the("code").isVisible(), false);
  assert.equal(await ann.the("code").inputValue(), "");
});
