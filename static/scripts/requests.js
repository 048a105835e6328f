// Requests that htmx does not make, and the messages for failed ones.

const LOGIN = "/login/";
const FAILED = "Something went wrong on the server. Nothing was changed.";
const SAID = {
  403: "You do not have the right to do that.",
  404: "This no longer exists. Reload the page.",
  413: "This is too large for the server.",
  429: "Too many requests. Wait a moment and try again.",
};

export const UNREACHABLE = "The server cannot be reached. Check your connection.";

/** The token that proves that a request comes from this page; logging in again in another window changes it. */
export function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
}

/** Why a request failed, in the server's words if it sent any. */
export function reasonOf(response, text) {
  const isPlain = (response.headers.get("Content-Type") ?? "").startsWith("text/plain");
  return isPlain && text ? text : (SAID[response.status] ?? FAILED);
}

/**
 * A request that htmx does not make, with the headers of htmx's own requests.
 *
 * Resolves to {status, html (a document, of an HTML answer), data (of a JSON answer), message (in words, of a
 * failure)}; never if the session has ended and the browser goes to the log-in.
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
    // Saving continues even if the page is left; browsers guarantee that for 64 KiB.
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
