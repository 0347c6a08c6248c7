// Pages work without this script. It asks for the place in the queue instead of reloading, and checks a file's size.
"use strict";

const state = document.getElementById("state");
if (state) {
  const ask = async (wait) => {
    try {
      const answer = await fetch(state.dataset.status);
      if (answer.status >= 500) throw new Error(answer.statusText);
      if (!answer.ok) return location.reload(); // signed out, or hidden: the page says so
      const { waiting, text } = await answer.json();
      if (!waiting) return location.reload();
      if (state.textContent !== text) state.textContent = text;
    } catch {
      state.textContent = "The server does not answer. Your notebook is stored; this page goes on trying.";
      wait = 5000;
    }
    setTimeout(ask, wait, Math.min(wait * 1.3, 5000));
  };
  setTimeout(ask, 300, 400);
}

const file = document.getElementById("file");
if (file) {
  const form = file.form;
  const fault = document.getElementById("too-large");
  file.addEventListener("change", () => {
    const large = file.files.length > 0 && file.files[0].size > Number(form.dataset.largest);
    fault.hidden = !large;
    file.setCustomValidity(large ? fault.textContent : "");
  });
  // A second click while the file is on its way would send it twice.
  form.addEventListener("submit", () => form.querySelector("button").setAttribute("disabled", ""));
  addEventListener("pageshow", (event) => event.persisted && form.querySelector("button").removeAttribute("disabled"));
}
