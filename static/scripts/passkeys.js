// Passkeys: what the browser has to do for them. Its buttons are hidden where it cannot.

import "./console.js";
import { toast } from "./toasts.js";

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  for (const button of document.querySelectorAll("[data-passkey]")) {
    button.closest("[data-passkeys]").hidden = false;
    button.addEventListener("click", () => perform(button));
  }
}

async function perform(button) {
  const form = button.form;
  button.disabled = true;
  try {
    const { publicKey } = await optionsOf(form);
    const credential = await (button.dataset.passkey === "add" ? make(publicKey, form) : use(publicKey));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    const words = error instanceof DOMException ? "The passkey was not used." : error.message;
    toast(words, true);
    button.disabled = false;
  }
}

/** What the server asks for: in the page, or, for a log-in, asked for when it is needed. */
async function optionsOf(form) {
  const inPage = document.getElementById("passkey-options");
  const told = inPage ? JSON.parse(inPage.textContent) : await fetched(form.action);
  return told.creation_options ?? told.request_options;
}

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("Passkeys cannot be used right now.");
  return answer.json();
}

function make(publicKey, form) {
  const alone = form.elements.passwordless.checked;
  const selection = {
    ...publicKey.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    ...(alone ? { userVerification: "required" } : {}),
  };
  const wanted = { ...publicKey, authenticatorSelection: selection };
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(wanted) });
}

function use(publicKey) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
}
