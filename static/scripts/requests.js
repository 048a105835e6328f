// Requests that htmx does not make, and what is said of those that fail.

const LOGIN = "/login/";
const FAILED = "The server could not do that. Nothing was changed.";
const SAID = {
  403: "You may not do that.",
  404: "That is not there any more.",
  413: "That is more than this server takes.",
  429: "Too many requests; wait a moment.",
};

export const UNREACHABLE = "The server cannot be reached. Check your connection.";

/** What proves that a request is this page's: as it is now, for logging in again in another window changes it. */
export function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
}

/** Why a request failed, in the server's words where it sent any. */
export function reasonOf(response, text) {
  const isPlain = (response.headers.get("Content-Type") ?? "").startsWith("text/plain");
  return isPlain && text ? text : (SAID[response.status] ?? FAILED);
}

/**
 * A request that htmx does not make, with what makes it count as one of its own.
 *
 * Resolves to {status, html (a document, of an HTML answer), data (of a JSON answer), message (in words, of a
 * failure)}; never, where the session has ended and the browser goes to the log in.
 */
export async function send(url, fields) {
  const headers = {
    "HX-Request": "true",
    "HX-Request-Type": "partial",
    "HX-Current-URL": location.href,
    "X-CSRFToken": token(),
  };
  let response, text;
  try {
    const body = fields && new URLSearchParams(fields);
    // What is being saved arrives even if the page is left meanwhile; browsers promise that for 64 KiB.
    const keepalive = body?.toString().length < 60_000;
    response = await fetch(url, body ? { method: "POST", headers, body, keepalive } : { headers });
    text = await response.text();
  } catch {
    return { status: 0, message: UNREACHABLE };
  }
  const elsewhere = response.headers.get("HX-Redirect");
  if (elsewhere) {
    if (elsewhere.startsWith(LOGIN)) document.dispatchEvent(new CustomEvent("tablekeep:logged-out"));
    location.assign(elsewhere);
    return new Promise(() => {});
  }
  const kind = response.headers.get("Content-Type") ?? "";
  const answer = { status: response.status };
  if (kind.startsWith("text/html")) answer.html = new DOMParser().parseFromString(text, "text/html");
  if (kind.startsWith("application/json")) answer.data = JSON.parse(text);
  if (!response.ok) answer.message = reasonOf(response, text);
  return answer;
}
