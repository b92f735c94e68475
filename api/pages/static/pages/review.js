// The desk: answers by keyboard, sent without a reload. One that cannot be sent is kept in this browser, without its
// text, and sent again until it arrives.
"use strict";

const KEPT = "unsent-answers";
const AGAIN_MS = 5000;
const desk = document.getElementById("desk");
const unsent = document.getElementById("unsent");
let busy = false;

const kept = () => JSON.parse(localStorage.getItem(KEPT) || "[]");

function keep(list) {
  localStorage.setItem(KEPT, JSON.stringify(list));
  unsent.hidden = list.length === 0;
  if (list.length) unsent.textContent = `${list.length} answer${list.length > 1 ? "s are" : " is"} kept in this browser and not sent yet. It is tried again by itself.`;
}

function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

async function post(entry) {
  const body = new URLSearchParams(entry.fields);
  const headers = { "X-CSRFToken": token(), "HX-Request": "true" };
  const response = await fetch(entry.path, { method: "POST", body, headers, credentials: "same-origin" });
  if (!response.ok) throw new Error(response.status === 403 ? "403" : "failed");
  return response.text();
}

async function sendKept() {
  if (busy) return;
  busy = true;
  desk.setAttribute("aria-busy", "true");
  try {
    let list = kept();
    while (list.length) {
      const part = await post(list[0]);
      list = list.slice(1);
      keep(list);
      desk.innerHTML = part;
    }
    say("");
  } catch (error) {
    keep(kept());
    if (error.message === "403") say("Your session has ended, or this is not allowed. Sign in again and reload: the answer is sent then.");
    setTimeout(sendKept, AGAIN_MS);
  } finally {
    busy = false;
    desk.removeAttribute("aria-busy");
  }
}

desk.addEventListener("submit", (event) => {
  event.preventDefault();
  if (busy || kept().length) return;
  const form = event.target;
  const fields = [...new FormData(form, event.submitter)].filter(([name]) => name !== "csrfmiddlewaretoken");
  keepQuietly({ path: event.submitter?.getAttribute("formaction") || form.getAttribute("action"), fields });
  sendKept();
});

// Kept before it is sent, in case the browser is closed meanwhile; said only where sending fails.
function keepQuietly(entry) {
  localStorage.setItem(KEPT, JSON.stringify([...kept(), entry]));
}

if (kept().length) sendKept();
