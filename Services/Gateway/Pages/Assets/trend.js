// Draws the table of a trend as a chart in place of the plain drawing. Without this file, or without Chart.js, the plain drawing stays.
"use strict";
(() => {
  const figure = document.querySelector("[data-trend]");
  if (!figure || typeof Chart === "undefined") return;
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => row.dataset);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === "" ? null : Number(text));
  const time = (ms) => (ms === 0 ? "0" : ms < 1 ? Math.round(ms * 1000) + " µs" : ms < 1000 ? Math.round(ms) + " ms" : Math.round(ms / 100) / 10 + " s");
  const said = (axis, value) => (value === null ? "–" : axis === "time" ? time(value) : axis === "rate" ? value + " %" : value);
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.dataset.trend);
  const place = figure.querySelector(".chart");
  // A dashed line wherever something is at another level since; what it is stands in the tooltip and in the table.
  const marks = {
    id: "marks",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      ctx.save();
      ctx.setLineDash([4, 3]);
      rows.forEach((row, index) => {
        if (!row.change) return;
        ctx.strokeStyle = colour("worse" in row ? "--failed" : "--passed");
        ctx.beginPath();
        ctx.moveTo(scales.x.getPixelForValue(index), chartArea.top);
        ctx.lineTo(scales.x.getPixelForValue(index), chartArea.bottom);
        ctx.stroke();
      });
      ctx.restore();
    },
  };
  let chart;
  function draw() {
    if (chart) chart.destroy();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.color = colour("--muted");
    // From the next ten below the lowest day: between 98 % and 99 % lies what a lead wants to see, and an axis from 0 hides it.
    const lowest = Math.min(100, ...rows.filter((row) => row.rate !== "").map((row) => Number(row.rate)));
    const floor = Math.max(0, Math.floor((lowest - 1) / 10) * 10);
    const percent = { callback: (value) => value + " %" };
    const isTimed = rows.some((row) => row.p95 !== "");
    const line = { type: "line", borderWidth: 2, pointRadius: 2, clip: 8, spanGaps: true, tension: 0.2 };
    const durations = { ...line, label: "Duration, p95", data: rows.map((row) => number(row.p95)), yAxisID: "time", borderColor: colour("--text"),
      backgroundColor: colour("--text"), borderWidth: 1, borderDash: [2, 2] };
    chart = new Chart(canvas, {
      data: {
        labels: rows.map((row) => row.day + ("partial" in row ? ", so far" : "")),
        datasets: [
          { ...line, label: "Pass rate", data: rows.map((row) => number(row.rate)), yAxisID: "rate", borderColor: colour("--accent"),
            backgroundColor: colour("--accent") },
          ...(isTimed ? [durations] : []),
          { type: "bar", label: "Passed", data: rows.map((row) => Number(row.passed)), backgroundColor: colour("--passed"), stack: "tests" },
          { type: "bar", label: "Failed or errored", data: rows.map((row) => Number(row.failed)), backgroundColor: colour("--failed"), stack: "tests" },
        ],
      },
      options: {
        responsive: true, maintainAspectRatio: false, layout: { padding: { top: 6 } }, animation: false, interaction: { mode: "index", intersect: false },
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } },
          y: { stacked: true, beginAtZero: true, grid: { color: colour("--line") }, ticks: { precision: 0, maxTicksLimit: 5 } },
          rate: { position: "right", min: floor, max: 100, grid: { display: false }, ticks: { ...percent, maxTicksLimit: 3 } },
          ...(isTimed
            ? { time: { position: "right", beginAtZero: true, grid: { display: false }, ticks: { callback: time, maxTicksLimit: 3 } } }
            : {}),
        },
        plugins: {
          legend: { position: "bottom", labels: { boxWidth: 10, boxHeight: 10 } },
          tooltip: {
            callbacks: {
              label: ({ dataset, parsed }) => dataset.label + ": " + said(dataset.yAxisID, parsed.y),
              afterBody: ([item]) => rows[item.dataIndex].change ?? "",
            },
          },
        },
      },
      plugins: [marks],
    });
  }
  place.replaceChildren(canvas);
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
