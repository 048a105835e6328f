// Uploads with progress: a form with `data-upload` sends its file by XMLHttpRequest, which alone tells how far it is.
// Without this script the same form posts as it is. `data-drop-page` takes files dropped anywhere on the page.
"use strict";

(() => {
  const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
  // Lets the server answer with where to go instead of a page that nobody would see.
  const ASKS_FOR_ADDRESS = "tablekeep-upload";

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
    delete form.dataset.pressed;
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

  /** Send the form with `file`. `task` is what the server is to do with it: start the import, or show what is in it. */
  function send(form, file, task) {
    if (form.classList.contains("is-uploading")) return;
    const data = new FormData(form);
    data.set("file", file, file.name);
    data.set("do", task);
    part(form, "error").hidden = true;
    part(form, "name").textContent = file.name;
    part(form, "status").hidden = false;
    form.classList.add("is-uploading");
    const since = performance.now();
    show(form, 0, file.size, since);
    post(form, data, (event) => show(form, event.loaded, event.total, since));
  }

  function post(form, data, onProgress) {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", ASKS_FOR_ADDRESS);
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    if (onProgress) request.upload.addEventListener("progress", onProgress);
    request.addEventListener("load", () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // not our own answer: a proxy's page, or an error of the server
      }
      if (answer.location) goOn(form, answer.location);
      else fail(form, answer.message ?? "The server could not take this file. Nothing was imported.");
    });
    request.addEventListener("error", () => fail(form, "The upload broke off. Check your connection and try again."));
    request.send(data);
  }

  /** To the next page; straight to the import where “Start import” was pressed while the file was on its way. */
  function goOn(form, location) {
    const draft = new URL(location, document.baseURI).searchParams.get("draft");
    if (draft) form.dataset.draft = draft;
    if (draft && form.dataset.pressed) startFromDraft(form);
    else window.location.assign(location);
  }

  function startFromDraft(form) {
    const data = new FormData(form);
    data.delete("file");
    data.set("draft", form.dataset.draft);
    data.set("do", "start");
    delete form.dataset.draft;
    post(form, data);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-upload]");
    const file = form?.querySelector("input[type=file]")?.files[0];
    if (!file) return;
    event.preventDefault();
    form.dataset.pressed = "yes";
    if (form.dataset.draft) startFromDraft(form);
    else send(form, file, "start");
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-upload-at-once]");
    if (form && event.target.type === "file" && event.target.files[0]) {
      send(form, event.target.files[0], form.dataset.uploadAtOnce);
    }
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
    if (files[0]) send(form, files[0], form.dataset.uploadAtOnce ?? "start");
  });
})();
