// A person with the service's page in front of them.

import assert from "node:assert/strict";

export const PASSWORD = "plum-tractor-91-violin";

export class Person {
  /** What the page sent, frame by frame, and how many sockets it opened. */
  sent = [];
  sockets = 0;

  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    page.on("websocket", (socket) => {
      this.sockets += 1;
      socket.on("framesent", ({ payload }) => this.sent.push(JSON.parse(payload)));
    });
  }

  /** With a page of their own: a tab of the profile. */
  static async opens(profile) {
    const person = new Person(await profile.newPage());
    await person.page.goto("/");
    return person;
  }

  /**
   * What the page asks at that path isn't passed on until it is released.
   * @returns {Promise<{asked: number, release: () => void}>} how often it has asked
   */
  async holds(path) {
    const held = { asked: 0 };
    const released = new Promise((resolve) => (held.release = resolve));
    await this.page.route(`**${path}`, async (route) => {
      held.asked += 1;
      await released;
      // The page may have stopped waiting for it.
      await route.continue().catch(() => {});
    });
    return held;
  }

  /** The part of the page that is called so. */
  the(name) {
    return this.page.getByTestId(name);
  }

  async fillIn(username, password = PASSWORD) {
    await this.the("username").fill(username);
    await this.the("password").fill(password);
  }

  async registers(username) {
    await this.fillIn(username);
    await this.the("register").click();
    await this.isConnected();
  }

  async signsIn(username) {
    await this.fillIn(username);
    await this.the("sign-in").click();
    await this.isConnected();
  }

  async isConnected() {
    await this.connection("open");
  }

  /** The connection is in that state. */
  async connection(...states) {
    const those = states.map((state) => `[data-testid=connection][data-state=${state}]`);
    await this.page.locator(those.join(", ")).waitFor();
  }

  async makesRoom(title) {
    await this.the("new-room").click();
    await this.the("new-room-title").fill(title);
    await this.the("create-room").click();
    await this.isIn(title);
    // Whom to add is asked at once.
    await this.the("add-name").waitFor();
  }

  async adds(username) {
    if (!(await this.the("add-name").isVisible())) await this.the("add-person").click();
    await this.the("add-name").fill(username);
    await this.the("add").click();
    await this.the("people").getByText(username, { exact: true }).waitFor();
  }

  /** Goes to a room that somebody else may just have made. */
  async goesTo(title) {
    await this.the("look").click();
    await this.the("rooms").getByRole("button", { name: title }).click();
    await this.isIn(title);
  }

  async isIn(title) {
    await this.the("room").filter({ hasText: title }).waitFor();
  }

  /** So many people are here, besides those who are away. */
  async sees(count) {
    await this.the("people").locator("[data-here=true]").nth(count - 1).waitFor();
  }

  async says(text) {
    await this.the("message").fill(text);
    await this.the("send").click();
  }

  message(text) {
    return this.the("messages").locator("li[data-seq]").filter({ has: this.the("text").getByText(text, { exact: true }) });
  }

  /** Each of these is there, with its number: it was heard, or acknowledged. */
  async hears(...texts) {
    for (const text of texts) await this.message(text).first().waitFor();
  }

  /** All that is shown, in order. */
  async transcript() {
    return this.the("messages").getByTestId("text").allInnerTexts();
  }

  /** These, each once, and nothing else was said. */
  async heardJust(texts) {
    await this.hears(...texts);
    assert.deepEqual((await this.transcript()).toSorted(), texts.toSorted());
  }

  /** What the page says is wrong, once it says something like that. */
  async isTold(words) {
    const alert = this.the("alert").filter({ hasText: words });
    await alert.waitFor();
    const text = await alert.innerText();
    assert.doesNotMatch(text, /[{}]|urn:|https?:|undefined|null|\bstatus\b|\b[45]\d\d\b/, "in words that a person can act on");
    const live = await alert.evaluate((element) => element.closest("[role=alert], [aria-live]") !== null);
    assert.ok(live, "who can't see it hears it");
    return text;
  }
}
