// Uploads that go on where they broke off: a form with `data-upload` sends its file in pieces (tus, /uploads/), and
// then itself with what the file has become there. Without scripts the same form posts the file as it is.
// `data-drop-page` takes files dropped anywhere on the page.

import { token } from "./requests.js";
import { toast } from "./toasts.js";
import "../vendor/tus-js-client-4.3.1/tus.min.js";

// A classic script, which leaves its one name in the global scope.
const { tus } = globalThis;
const ENDPOINT = "/uploads/";
const PIECE_BYTES = 8 * 1024 * 1024;
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
// Lets the server answer with where to go instead of a page that nobody would see.
const ASKS_FOR_ADDRESS = "tablekeep-upload";
// Seconds over which speed is measured.
const RECENT = 8;
// Tried again for as long as the server keeps what it has: a day, every five seconds.
const RETRY_DELAYS = Array.from({ length: 17280 }, (_, attempt) => Math.min(attempt * 1000, 5000));

const OFFLINE = "The connection is gone; the upload goes on when it is back.";
const STRAINED = "The server cannot take it just now; the upload goes on as soon as it can.";
const STARTS = "The import starts as soon as the file is there.";
const NOT_TAKEN = "The server could not take this file. Nothing was imported.";

function size(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return unit ? `${bytes.toFixed(1)} ${UNITS[unit]}` : `${bytes} bytes`;
}

function duration(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function part(form, name) {
  return form.querySelector(`[data-upload-${name}]`);
}

/** The form as it was before a file was chosen. */
function reset(form) {
  form.classList.remove("is-uploading", "is-waiting");
  delete form.dataset.pressed;
  part(form, "status").hidden = true;
  form.querySelector("input[type=file]").value = "";
}

function fail(form, text) {
  reset(form);
  const error = part(form, "error");
  error.textContent = text;
  error.hidden = false;
}

function note(form, text) {
  const place = part(form, "note");
  if (place.textContent !== text) place.textContent = text;
  form.classList.toggle("is-waiting", text === OFFLINE || text === STRAINED);
}

/** What is shown of one upload: how much of it is there, how fast it goes, how long it will take. */
class Meter {
  constructor(form, total) {
    this.form = form;
    this.total = total;
    this.kept = 0; // what the server has for good
    this.samples = [];
  }

  show(sent) {
    const now = performance.now() / 1000;
    this.samples.push({ now, sent });
    while (this.samples.length > 2 && now - this.samples[0].now > RECENT) this.samples.shift();
    const first = this.samples[0];
    const speed = now - first.now > 0.5 ? Math.max(0, (sent - first.sent) / (now - first.now)) : 0;
    const share = this.total ? (100 * sent) / this.total : 0;
    const bar = part(this.form, "bar");
    bar.setAttribute("aria-valuenow", String(Math.floor(share)));
    bar.querySelector("rect").setAttribute("width", `${share.toFixed(1)}%`);
    const pace = speed ? `, ${size(speed)}/s, ${duration((this.total - sent) / speed)} left` : "";
    this.text(sent < this.total ? `${size(sent)} of ${size(this.total)}${pace}` : `${size(this.total)}, all of it`);
  }

  /** After a break only what the server has counts, and what was fast before says nothing any more. */
  rest() {
    this.samples = [];
    this.show(this.kept);
    this.samples = [];
  }

  text(words) {
    part(this.form, "numbers").textContent = words;
  }
}

// What is on its way, by form.
const uploads = new WeakMap();

/** Upload `file`. `task` is what the server is to do with it: start the import, or show what is in it. */
async function send(form, file, task) {
  if (form.classList.contains("is-uploading")) return;
  form.classList.add("is-uploading");
  part(form, "error").hidden = true;
  part(form, "name").textContent = file.name;
  part(form, "status").hidden = false;
  part(form, "cancel").hidden = false;
  note(form, "");
  const meter = new Meter(form, file.size);
  meter.show(0);
  const upload = new tus.Upload(file, {
    endpoint: ENDPOINT,
    chunkSize: PIECE_BYTES,
    metadata: { filename: file.name },
    headers: { "X-CSRFToken": token() },
    retryDelays: RETRY_DELAYS,
    removeFingerprintOnSuccess: true,
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      // 409 and 423: a piece from before the break is still being written.
      const passes = status === 0 || status >= 500 || status === 409 || status === 423;
      if (passes) note(form, status === 0 ? OFFLINE : STRAINED);
      meter.rest();
      return passes;
    },
    onProgress: (sent) => {
      if (sent) meter.show(sent);
    },
    onAfterResponse: (_, response) => {
      meter.kept = Number(response.getHeader("Upload-Offset") ?? meter.kept);
    },
    onChunkComplete: () => note(form, form.dataset.pressed ? STARTS : ""),
    onError: (error) => fail(form, error.originalResponse?.getBody() || NOT_TAKEN),
    onSuccess: () => {
      part(form, "cancel").hidden = true;
      note(form, "");
      meter.text("Stored. Reading what is in it…");
      form.dataset.draft = decodeURIComponent(new URL(upload.url, document.baseURI).pathname.split("/").at(-2));
      post(form, form.dataset.pressed ? "start" : task);
    },
  });
  uploads.set(form, upload);
  const known = await upload.findPreviousUploads();
  const [before] = known.toSorted((a, b) => b.creationTime.localeCompare(a.creationTime));
  if (before) {
    note(form, "This file was on its way before; the upload goes on where it stopped.");
    upload.resumeFromPreviousUpload(before);
  }
  if (uploads.get(form) === upload) upload.start();
}

function cancel(form) {
  uploads.get(form)?.abort(true).catch(() => {}); // what stays on the server is gone in a day
  uploads.delete(form);
  reset(form);
  form.querySelector("input[type=file]").focus();
}

/** Send the form with its file's draft, and go where the server says. */
async function post(form, task, isAgain = false) {
  const data = new FormData(form);
  data.delete("file");
  data.delete("csrfmiddlewaretoken"); // the one of the header is newer
  data.set("draft", form.dataset.draft);
  data.set("do", task);
  let response;
  try {
    const headers = { "X-Requested-With": ASKS_FOR_ADDRESS, "X-CSRFToken": token() };
    response = await fetch(form.action, { method: "POST", body: data, headers });
  } catch {
    note(form, OFFLINE);
    setTimeout(() => post(form, task, true), 2000);
    return;
  }
  if (response.redirected) return location.assign(response.url); // nobody is logged in any more
  // The draft is used up: the first time did come through, and only its answer did not.
  if (isAgain && task === "start" && response.status === 404) return location.assign("/imports/");
  const answer = await response.json().catch(() => ({})); // a proxy's page, or an error of the server
  if (!answer.location) fail(form, answer.message ?? NOT_TAKEN);
  else if (task !== "start" && form.dataset.pressed) post(form, "start");
  else location.assign(answer.location);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  const file = form?.querySelector("input[type=file]")?.files[0];
  const isUploading = form?.classList.contains("is-uploading");
  if (!file && !isUploading) return;
  event.preventDefault();
  form.dataset.pressed = "yes"; // a file on its way is imported as soon as it is there
  if (isUploading) note(form, STARTS);
  else send(form, file, "start");
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-upload-at-once]");
  if (form && event.target.type === "file" && event.target.files[0]) {
    send(form, event.target.files[0], form.dataset.uploadAtOnce);
  }
});

document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-upload-cancel]")?.closest("form");
  if (form) cancel(form);
});

window.addEventListener("offline", () => {
  for (const form of document.querySelectorAll("form.is-uploading")) note(form, OFFLINE);
});

// Dragging crosses many elements, each with its own enter and leave: count them.
let depth = 0;
const dropForm = () => document.querySelector("form[data-drop-page]");
const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

function dropping(is) {
  depth = is ? depth : 0;
  document.body.classList.toggle("is-dropping", is);
}

document.addEventListener("dragenter", (event) => {
  if (!dropForm() || !carriesFile(event)) return;
  depth += 1;
  dropping(true);
});
document.addEventListener("dragleave", () => {
  depth -= 1;
  if (depth <= 0) dropping(false);
});
document.addEventListener("dragover", (event) => {
  if (dropForm() && carriesFile(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const form = dropForm();
  if (!form || !carriesFile(event)) return;
  event.preventDefault();
  dropping(false);
  const files = event.dataTransfer.files;
  if (files.length > 1) toast("One file at a time: only the first is taken.", true);
  if (files[0]) send(form, files[0], form.dataset.uploadAtOnce ?? "start");
});
