// Arrow keys go from square to square of a grid, Home and End to the ends of a row. Every square is a link, so Tab and Enter work without this.
"use strict";
for (const grid of document.querySelectorAll("[data-grid]")) {
  // Where there is no room for all columns the newest are shown first.
  grid.parentElement.scrollLeft = grid.parentElement.scrollWidth;
  // The row of times has its first column in the row above, which spans both; the row of days leads nowhere.
  const rows = [...grid.rows].map((row) => row.matches(".times") ? [null, ...row.cells] : [...row.cells]).slice(1);
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td, th");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    let row = rows.findIndex((cells) => cells.includes(cell));
    if (row < 0) return;
    let column = rows[row].indexOf(cell) + step[1];
    row += step[0];
    if (Math.abs(step[1]) === Infinity) {
      column = step[1] < 0 ? 0 : rows[row].length - 1;
      step[1] = -Math.sign(step[1]);
    }
    // Over what did not run to what did.
    while (rows[row]?.[column] !== undefined) {
      const link = rows[row][column]?.querySelector("a");
      if (link) return link.focus();
      row += step[0];
      column += step[1];
    }
  });
}
