// What every page does: examples, copying, times in the reader's zone, the blur, and saying when a request failed.
"use strict";

const trouble = document.getElementById("trouble");

function say(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

function showTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

// A choice that the browser remembers: a class of the body, and a cookie, so that the server writes the class at once.
function choose(name, on) {
  document.body.classList.toggle(name, on);
  document.cookie = `${name}=${on ? 1 : 0}; path=/; max-age=31536000; samesite=lax`;
  for (const button of document.querySelectorAll(`[data-choice="${name}"]`)) button.setAttribute("aria-pressed", String(on));
}

// A key of the keyboard for each button and box that names one.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
  const control = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (control) {
    event.preventDefault();
    control.click();
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("example" in button.dataset) {
    const field = document.getElementById("tweet");
    field.value = button.textContent;
    field.form.requestSubmit();
    field.focus();
  } else if (button.dataset.copy) {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Press Ctrl-C to copy";
    }
  } else if (button.dataset.choice) {
    choose(button.dataset.choice, !document.body.classList.contains(button.dataset.choice));
  }
});

document.body.addEventListener("htmx:afterSwap", (event) => showTimes(event.detail.target));
document.body.addEventListener("htmx:beforeRequest", () => say(""));
document.body.addEventListener("htmx:sendError", () => say("The service cannot be reached. Try again in a moment."));
document.body.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  say(status === 403 ? "Your session has ended, or this is not allowed. Reload the page." : `That failed (status ${status}). Try again in a moment.`);
});

showTimes(document);
