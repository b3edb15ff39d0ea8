// Fills a run in while it runs: figures from each event, lists by asking for the page again and taking its parts.
"use strict";
(() => {
  const root = document.querySelector("[data-events]");
  if (!root) return;
  const every = 3000;
  let lastRefresh = 0, timer = 0, running = false;

  // Takes the parts marked data-part from a fresh copy of this page. Typing in a field is not disturbed.
  async function refresh() {
    if (running) return plan(every);
    running = true;
    lastRefresh = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!other || part.contains(document.activeElement) && document.activeElement.matches("input, select")) continue;
        if (part.innerHTML !== other.innerHTML) part.innerHTML = other.innerHTML;
        for (const name of Object.keys(other.dataset)) part.dataset[name] = other.dataset[name];
      }
    } catch { /* the next event tries again */ } finally { running = false; }
  }
  function plan(delay) {
    clearTimeout(timer);
    timer = setTimeout(refresh, delay);
  }

  function show(run) {
    const counts = run.counts || {};
    let x = 0;
    for (const name of ["passed", "failed", "errored", "skipped", "pending"]) {
      const number = Number(counts[name] || 0);
      const figure = root.querySelector(`[data-count="${name}"]`);
      if (figure) {
        figure.textContent = number.toLocaleString("en");
        figure.closest("li").classList.toggle("zero", number === 0);
      }
      const rect = root.querySelector(`rect[data-bar="${name}"]`);
      const width = counts.total ? number / counts.total * 100 : 0;
      if (rect) { rect.setAttribute("x", x); rect.setAttribute("width", width); }
      x += width;
    }
    const done = root.querySelector("[data-done]");
    if (done) done.textContent = `${Number((counts.total || 0) - (counts.pending || 0)).toLocaleString("en")} of ${Number(counts.total || 0).toLocaleString("en")} tests done`;
  }

  // Looked up each time: it is replaced when the run has ended.
  function say(text, isLost) {
    const status = root.querySelector("[data-status]");
    if (!status) return;
    status.classList.toggle("lost", isLost);
    if (status.textContent !== text) status.textContent = text;
  }
  const source = new EventSource(root.dataset.events);
  source.addEventListener("open", () => say("Live", false));
  source.addEventListener("error", () => say("Reconnecting…", true));
  source.addEventListener("updated", (event) => {
    show(JSON.parse(event.data).run || {});
    plan(Math.max(0, lastRefresh + every - Date.now()));
  });
  source.addEventListener("finished", (event) => {
    source.close();
    show(JSON.parse(event.data).run || {});
    // Failures are filed a moment after the run is over.
    for (const delay of [0, 1000, 3000, 8000]) setTimeout(refresh, delay);
  });
})();
