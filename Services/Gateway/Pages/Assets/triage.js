// Keys of lists that are worked through: j and k go to the next and the previous row, Enter opens it (its link has the focus), other keys press the button
// of the row, or of the page, that names them in data-key. "/" goes to the search. Everything can be done without them.
"use strict";
for (const hint of document.querySelectorAll("[data-keys]")) hint.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  const current = rows.indexOf(document.activeElement?.closest("[data-row]"));
  if (event.key === "j" || event.key === "k") {
    const next = event.key === "j" ? Math.min(current + 1, rows.length - 1) : Math.max(current - 1, 0);
    rows[next]?.querySelector("a")?.focus();
    rows[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "/") {
    document.querySelector("[type=search]")?.focus();
  } else if (/^[a-z]$/.test(event.key)) {
    const scope = current >= 0 ? rows[current] : rows.length ? null : document;
    const button = scope?.querySelector(`[data-key="${event.key}"]`);
    if (!button) return;
    button.click();
  } else {
    return;
  }
  event.preventDefault();
});
