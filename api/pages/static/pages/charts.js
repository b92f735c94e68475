// Draws each figure from the table beneath it, so that the numbers stand in one place. Without a script, the table is all.
"use strict";

const DASHES = [[], [9, 4], [2, 4], [10, 3, 2, 3]];
const COLOURS = ["--accent", "--yes", "--no", "--soft"];
const SHARE = (value) => `${+(100 * value).toFixed(2)} %`;
const PLAIN = (value) => `${+value.toFixed(3)}`;
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const at = (cell) => cell.querySelector("time");
const named = (time) => DAY.format(new Date(1000 * time));
const number = (cell) => (cell.textContent.trim() === "-" ? null : Number(cell.textContent));

function columnsOf(table) {
  const heads = [...table.querySelectorAll("thead th")];
  const rows = [...table.querySelectorAll("tbody tr")];
  const columns = heads.map((head, place) => ({ title: head.textContent, as: head.dataset.as || "", cells: rows.map((row) => row.cells[place]) }));
  if (!columns.some((column) => column.as)) columns[columns.length - 1].as = "line";
  return columns;
}

// The places of the axis beneath: numbers as they are, times in seconds, and names one after the other.
function placesOf(kind, cells) {
  if (kind === "time") return cells.map((cell) => Date.parse(at(cell).dateTime) / 1000);
  return kind === "number" ? cells.map(number) : cells.map((_, place) => place);
}

function axisBeneath(kind, names, width) {
  if (kind === "time") return { values: (_, splits) => splits.map((time) => (new Date(1000 * time).getHours() ? HOUR.format(new Date(1000 * time)) : named(time))), space: 70 };
  if (kind === "number") return { values: (_, splits) => splits.map(PLAIN) };
  const step = Math.ceil(names.length / Math.max(1, width / 110));
  return { splits: () => names.map((_, place) => place).filter((place) => place % step === 0), values: (_, splits) => splits.map((place) => names[place]) };
}

function seriesOf(columns, colour, bars) {
  let lines = 0;
  return columns.map((column) => {
    if (column.as === "low" || column.as === "high") return { label: column.title, stroke: "transparent", points: { show: false }, class: "edge", edge: column.as };
    if (column.as === "points") return { label: column.title, stroke: colour("--yes"), paths: () => null, points: { show: true, size: 9, fill: colour("--yes") } };
    const stroke = colour(COLOURS[lines % COLOURS.length]);
    const series = { label: column.title, stroke, width: 2, dash: DASHES[lines % DASHES.length], points: { show: !bars && column.cells.length < 40, size: 6, fill: stroke } };
    if (bars) Object.assign(series, { fill: stroke, paths: uPlot.paths.bars({ size: [0.8, 60] }) });
    lines += 1;
    return series;
  });
}

function draw(figure) {
  const place = figure.querySelector(".chart");
  const table = figure.querySelector(".wide table"); // the legend is a table, too
  if (!place || !table) return;
  const columns = columnsOf(table);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name);
  const { draw: shape, x: kind, y: unit } = figure.dataset;
  const [beneath, ...rest] = columns;
  const drawn = rest.filter((column) => column.as);
  const series = seriesOf(drawn, colour, shape === "bars");
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const names = beneath.cells.map((cell) => cell.textContent);
  const edges = (low, high) => (kind === "number" ? [0, 1] : kind === "time" ? [low, high] : [low - 0.5, high + 0.5]);
  // Shares begin at nothing; figures such as F1 lie close together, and show their differences.
  const upright = (_, low, high) => (unit === "figure" ? uPlot.rangeNum(low, high, 0.15, true) : [0, kind === "number" ? 1 : high || 1]);
  const options = {
    width: place.clientWidth, height: 220, cursor: { show: false }, series: [{}, ...series],
    legend: { show: series.filter((one) => !one.edge).length > 1, live: false, markers: { width: 3, dash: (_, n) => (series[n - 1]?.dash?.length ? "dashed" : "solid") } },
    bands: series.flatMap((one, n) => (one.edge === "high" ? [{ series: [n + 1, n], fill: colour("--band") }] : [])),
    scales: { x: { time: kind === "time", range: (_, low, high) => edges(low, high) }, y: { range: upright } },
    axes: [
      { ...axis, ...axisBeneath(kind, names, place.clientWidth), label: kind === "number" ? beneath.title : undefined, labelSize: 18 },
      { ...axis, size: 60, values: (_, splits) => splits.map(unit === "figure" ? PLAIN : SHARE) },
    ],
  };
  place.replaceChildren();
  new uPlot(options, [placesOf(kind, beneath.cells), ...drawn.map((column) => column.cells.map(number))], place);
}

const drawAll = () => document.querySelectorAll("figure[data-draw]").forEach(draw);
drawAll();
addEventListener("resize", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
