// Uploads that continue after an interruption: a form with `data-upload` sends its file in pieces (tus, /uploads/), and
// then itself with the resulting draft. Without scripts the form posts the file itself.
// `data-drop-page` takes files dropped anywhere on the page.

import "./console.js";
import { token } from "./requests.js";
import { toast } from "./toasts.js";
import "../vendor/tus-js-client-4.3.1/tus.min.js";

// A classic script, which defines one global name.
const { tus } = globalThis;
const ENDPOINT = "/uploads/";
const PIECE_BYTES = 8 * 1024 * 1024;
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
// Makes the server answer with a URL instead of a page that nobody would see.
const ASKS_FOR_ADDRESS = "tablekeep-upload";
// Seconds over which the speed is measured.
const RECENT = 8;
// Retried every five seconds, as long as the server keeps the upload: for a day.
const RETRY_DELAYS = Array.from({ length: 17280 }, (_, attempt) => Math.min(attempt * 1000, 5000));

const OFFLINE = "The connection was lost. The upload will continue when it is back.";
const STRAINED = "The server cannot receive the file right now. The upload will continue as soon as possible.";
const STARTS = "The import starts as soon as the file has arrived.";
const NOT_TAKEN = "The server could not receive this file. Nothing was imported.";

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

/** Reset the form to its state before a file was chosen. */
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

/** Shows the progress of one upload: how much has arrived, the speed, and the time left. */
class Meter {
  constructor(form, total) {
    this.form = form;
    this.total = total;
    this.kept = 0; // what the server has stored
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

  /** After an interruption only the bytes on the server count, and the earlier speed no longer applies. */
  rest() {
    this.samples = [];
    this.show(this.kept);
    this.samples = [];
  }

  text(words) {
    part(this.form, "numbers").textContent = words;
  }
}

// Running uploads, by form.
const uploads = new WeakMap();

/** Upload `file`. `task` is what the server should do with it: start the import, or show a preview. */
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
    metadata: { filename: file.name, ...(form.dataset.table && { table: form.dataset.table }) },
    headers: { "X-CSRFToken": token() },
    retryDelays: RETRY_DELAYS,
    removeFingerprintOnSuccess: true,
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      // 409 and 423: a piece from before the interruption is still being written.
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
      meter.text("Uploaded. Reading the file…");
      form.dataset.draft = decodeURIComponent(new URL(upload.url, document.baseURI).pathname.split("/").at(-2));
      post(form, form.dataset.pressed ? "start" : task);
    },
  });
  uploads.set(form, upload);
  const known = await upload.findPreviousUploads();
  const [before] = known.toSorted((a, b) => b.creationTime.localeCompare(a.creationTime));
  if (before) {
    note(form, "This file was already partly uploaded. The upload continues where it stopped.");
    upload.resumeFromPreviousUpload(before);
  }
  if (uploads.get(form) === upload) upload.start();
}

function cancel(form) {
  uploads.get(form)?.abort(true).catch(() => {}); // the server deletes the rest after a day
  uploads.delete(form);
  reset(form);
  form.querySelector("input[type=file]").focus();
}

/** Send the form with the file's draft, and go to the URL in the answer. */
async function post(form, task, isAgain = false) {
  const data = new FormData(form);
  data.delete("file");
  data.delete("csrfmiddlewaretoken"); // the one in the header is newer
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
  if (response.redirected) return location.assign(response.url); // the user was logged out
  // The draft is used up: the first request succeeded, but its answer was lost.
  if (isAgain && task === "start" && response.status === 404) return location.assign("/imports/");
  const answer = await response.json().catch(() => ({})); // a proxy's page or a server error
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
  form.dataset.pressed = "yes"; // import a file that is still being uploaded once it has arrived
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

// Dragging crosses many elements, each with its own enter and leave, so count them.
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
  if (files.length > 1) toast("One file at a time: only the first one is uploaded.", true);
  if (files[0]) send(form, files[0], form.dataset.uploadAtOnce ?? "start");
});
