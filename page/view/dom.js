// Elements, made and kept in order. Text is only ever text: nothing parses HTML.

/** The element of that id, which `index.html` has. */
export const $ = (id) => document.getElementById(id);

/**
 * A new element.
 * @param {string} tag
 * @param {Record<string, string | boolean | EventListener | undefined>} attributes
 *   A function listens to the event of that name; `true` is an empty attribute,
 *   `false` and `undefined` are none.
 * @param {...(Node | string)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else set(element, name, value);
  }
  element.append(...children);
  return element;
}

/** Sets an attribute if it isn't so already. */
export function set(element, name, value) {
  if (value === false || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value === true ? "" : value)) element.setAttribute(name, value === true ? "" : value);
}

/** Sets the text if it isn't so already: a live region then says nothing twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether something is under way there: nothing else is begun meanwhile. */
export const isBusy = (element) => element.getAttribute("aria-busy") === "true";

/** Something is under way there, by that button. Not disabled, which would lose the focus. */
export function busy(element, button, is) {
  set(element, "aria-busy", String(is));
  set(button, "data-busy", is);
}

const kept = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in their order. An element
 * whose key was there before stays: what is focused stays focused, and a screen
 * reader hears only what is new.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => unknown} key
 * @param {(item: T) => Element} make
 * @param {(element: Element, item: T, index: number) => void} update
 */
export function list(parent, items, key, make, update) {
  const before = kept.get(parent) ?? new Map();
  const after = new Map();
  let next = parent.firstElementChild;
  items.forEach((item, index) => {
    const element = before.get(key(item)) ?? make(item);
    after.set(key(item), element);
    update(element, item, index);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  });
  for (const [name, element] of before) if (!after.has(name)) element.remove();
  kept.set(parent, after);
}
