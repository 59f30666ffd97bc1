// One request to the service: JSON out, JSON or an error in.

/** A Problem (RFC 9457): the service's answer that it doesn't do it. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{type?: string, title?: string, detail?: string}} problem
   * @param {number} [retryAfter] seconds
   */
  constructor(status, problem, retryAfter) {
    super(problem.title ?? `status ${status}`);
    this.name = "ApiError";
    this.status = status;
    /** The kind of problem: the URN's last part. */
    this.kind = problem.type?.split(":").pop() ?? "";
    this.detail = problem.detail;
    this.retryAfter = retryAfter;
  }
}

/** No answer at all. */
export class Unreachable extends Error {
  constructor(cause) {
    super("the service can't be reached", { cause });
    this.name = "Unreachable";
  }
}

/** Longest that an answer may take, in milliseconds, unless a request says otherwise. */
const PATIENCE = 20_000;

/**
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {{token?: string, body?: object, signal?: AbortSignal, patience?: number}} [more]
 *   `patience` is the longest that the answer may take, in milliseconds
 * @returns {Promise<any>} what the answer's body says, or nothing if it has none
 * @throws {ApiError | Unreachable}
 */
export async function call(method, path, { token, body, signal, patience = PATIENCE } = {}) {
  const late = AbortSignal.timeout(patience);
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: signal ? either(signal, late) : late,
      credentials: "omit",
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error);
  }
  const json = parsed(text);
  if (response.ok) return json;
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  throw new ApiError(response.status, json ?? {}, Number.isFinite(seconds) ? seconds : undefined);
}

/** What aborts with the first of two; `AbortSignal.any` is younger than modules. */
function either(one, other) {
  const controller = new AbortController();
  for (const signal of [one, other]) {
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

function parsed(text) {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" ? json : undefined;
  } catch {
    return undefined;
  }
}
