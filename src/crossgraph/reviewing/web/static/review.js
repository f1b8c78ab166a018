// Keys press the buttons and links that the page has anyway; without this file everything still works.
"use strict";
(() => {
  const OFF = "crossgraph-keys-off";
  const toggle = document.getElementById("keys");
  const remembered = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
  let off = remembered();

  const show = () => {
    if (!toggle) return;
    toggle.hidden = false;
    toggle.setAttribute("aria-pressed", String(!off));
    toggle.textContent = off ? "Keys are off" : "Keys are on";
  };
  if (toggle) {
    toggle.addEventListener("click", () => {
      off = !off;
      try { localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* only this page remembers */ }
      show();
    });
  }
  show();

  // Reasons may take seconds: who goes on at once never asks for them.
  const reasons = document.querySelector("[data-part]");
  if (reasons) {
    const question = new AbortController();
    const waiting = setTimeout(async () => {
      reasons.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(reasons.dataset.part, { signal: question.signal });
        if (answer.ok) reasons.innerHTML = await answer.text();
      } catch { /* the link is still there */ }
      reasons.removeAttribute("aria-busy");
    }, 400);
    window.addEventListener("pagehide", () => { clearTimeout(waiting); question.abort(); });
  }

  // A key that is pressed twice must not decide about the pair that comes next.
  let sent = false;
  document.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Escape" && typing) typing.blur();
    if (off || typing || sent || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const pressed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!pressed) return;
    event.preventDefault();
    if (pressed.matches("input")) pressed.focus();
    else pressed.click();
  });
})();
