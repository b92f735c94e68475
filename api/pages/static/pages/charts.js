// Draws each figure from the table beneath it, so that the numbers stand in one place. Without a script, the table is all.
"use strict";

function draw(figure) {
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
  const place = figure.querySelector(".chart");
  if (!place || rows.length === 0) return;
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--soft"), line = style.getPropertyValue("--line"), accent = style.getPropertyValue("--accent");
  const bars = figure.dataset.draw === "bars";
  const last = rows[0].length - 1;
  const labels = rows.map((row) => row[0]);
  const heading = figure.querySelectorAll("thead th")[last].textContent;
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  const series = { label: heading, stroke: accent, width: 2, fill: bars ? accent : undefined, points: { show: !bars } };
  if (bars) series.paths = uPlot.paths.bars({ size: [0.8, 60] });
  const options = {
    width: place.clientWidth, height: 200, legend: { show: false }, cursor: { show: false }, series: [{}, series],
    scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] }, y: { range: (_, __, high) => [0, high || 1] } },
    axes: [
      { ...axis, splits: () => labels.map((_, n) => n).filter((n) => n % Math.ceil(labels.length / Math.max(1, place.clientWidth / 110)) === 0), values: (_, at) => at.map((n) => labels[n]) },
      { ...axis, size: 60, values: (_, at) => at.map((value) => `${+(100 * value).toFixed(1)} %`) },
    ],
  };
  place.replaceChildren();
  new uPlot(options, [rows.map((_, n) => n), rows.map((row) => Number(row[last]))], place);
}

const drawAll = () => document.querySelectorAll("figure[data-draw]").forEach(draw);
drawAll();
addEventListener("resize", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
