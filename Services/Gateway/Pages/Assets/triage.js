// Keys of lists that are worked through: j and k go to the next and the previous row, Enter opens it (its link has the focus), other keys press the button
// of the row, else of the page, that names them in data-key, follow the link or go to the field that does, or open what is folded and go to its first field.
// "/" goes to the search. Everything can be done without them. Elements say their key themselves; beside the list stands which there are.
"use strict";
for (const hint of document.querySelectorAll("[data-keys]")) hint.hidden = false;
const rows = [...document.querySelectorAll("[data-row]")];
function go(index) {
  const row = rows[Math.max(0, Math.min(index, rows.length - 1))];
  row?.querySelector("a")?.focus();
  row?.scrollIntoView({ block: "nearest" });
}
function reach(target) {
  if (target.matches("button, a")) return target.click();
  const folded = target.closest("details");
  if (folded) folded.open = true;
  const field = target.matches("summary") ? folded?.querySelector("input:not([type=hidden]), select") : target;
  field?.focus();
  field?.select?.();
}
// A link may lead to a field of another page, or to what is folded there.
const named = document.getElementById(location.hash.slice(1));
if (named?.matches("[data-key]")) reach(named);
if (named?.matches("details")) named.open = true;
// After a decision the list comes again, and the work goes on where it was.
const place = /^#row-(\d+)$/.exec(location.hash);
if (place) go(Number(place[1]));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const current = rows.indexOf(document.activeElement?.closest("[data-row]"));
  if (event.key === "j" || event.key === "k") {
    go(event.key === "j" ? current + 1 : current - 1);
  } else if (event.key === "/") {
    document.querySelector("[type=search]")?.focus();
  } else if (/^[a-z]$/.test(event.key)) {
    const key = `[data-key="${event.key}"]`;
    const target = rows[current]?.querySelector(key) ?? [...document.querySelectorAll(key)].find((other) => !other.closest("[data-row]"));
    if (!target) return;
    reach(target);
  } else {
    return;
  }
  event.preventDefault();
});
