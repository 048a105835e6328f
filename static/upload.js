// Uploads with progress: a form with `data-upload` sends its file by XMLHttpRequest, which alone tells how far it is.
// Without this script the same form posts as it is. `data-drop-page` takes files dropped anywhere on the page.
"use strict";

(() => {
  const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
  // Lets the server answer with where to go instead of a page that nobody would see.
  const ASKS_FOR_ADDRESS = { "X-Requested-With": "tablekeep-upload" };

  function size(bytes) {
    let unit = 0;
    while (bytes >= 1000 && unit < UNITS.length - 1) {
      bytes /= 1000;
      unit += 1;
    }
    return unit ? `${bytes.toFixed(1)} ${UNITS[unit]}` : `${bytes} bytes`;
  }

  function part(form, name) {
    return form.querySelector(`[data-upload-${name}]`);
  }

  function fail(form, text) {
    form.classList.remove("is-uploading");
    part(form, "status").hidden = true;
    const error = part(form, "error");
    error.textContent = text;
    error.hidden = false;
    form.querySelector("input[type=file]").value = "";
  }

  function show(form, sent, total, since) {
    const share = total ? sent / total : 0;
    const bar = part(form, "bar");
    bar.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
    bar.querySelector("rect").setAttribute("width", `${(share * 100).toFixed(1)}%`);
    const seconds = (performance.now() - since) / 1000;
    const speed = seconds > 0.5 ? `, ${size(sent / seconds)}/s` : "";
    part(form, "numbers").textContent =
      sent < total ? `${size(sent)} of ${size(total)}${speed}` : "Stored. Reading what is in it…";
  }

  function send(form, file, submitter) {
    if (form.classList.contains("is-uploading")) return;
    const data = new FormData(form, submitter ?? undefined);
    data.set("file", file, file.name);
    if (submitter === null && form.dataset.uploadDo) data.set("do", form.dataset.uploadDo);
    part(form, "error").hidden = true;
    part(form, "name").textContent = file.name;
    part(form, "status").hidden = false;
    form.classList.add("is-uploading");
    const since = performance.now();
    show(form, 0, file.size, since);

    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    for (const [name, value] of Object.entries(ASKS_FOR_ADDRESS)) request.setRequestHeader(name, value);
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.upload.addEventListener("progress", (event) => show(form, event.loaded, event.total, since));
    request.addEventListener("load", () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // not our own answer: a proxy's page, or an error of the server
      }
      if (answer.location) window.location.assign(answer.location);
      else fail(form, answer.message ?? "The server could not take this file. Nothing was imported.");
    });
    request.addEventListener("error", () => fail(form, "The upload broke off. Check your connection and try again."));
    request.send(data);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-upload]");
    const file = form?.querySelector("input[type=file]")?.files[0];
    if (!file) return;
    event.preventDefault();
    send(form, file, event.submitter);
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-upload][data-upload-at-once]");
    if (form && event.target.type === "file" && event.target.files[0]) send(form, event.target.files[0], null);
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
    if (files.length > 1) window.tablekeep.toast("One file at a time: only the first is taken.", true);
    if (files[0]) send(form, files[0], null);
  });
})();
