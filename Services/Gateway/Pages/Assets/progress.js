// Keeps a page fresh on which something is under way: every three seconds the parts marked data-part are taken from a new copy of it, until that says that
// it is over. A reload shows the same.
"use strict";
(() => {
  const every = 3000;
  async function refresh() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
        if (other && part.innerHTML !== other.innerHTML) part.innerHTML = other.innerHTML;
      }
      if (!fresh.querySelector("[data-under-way]")) return;
    } catch { /* tried again */ }
    setTimeout(refresh, every);
  }
  if (document.querySelector("[data-under-way]")) setTimeout(refresh, every);
})();
