/* The probability on a scale from 0 to 100 % that shows the operating points and the three zones. */

import { choices } from "./choices.js";
import { called, facts, percent, roundPercent, say } from "./words.js";

const scale = document.getElementById("scale");
const [, zones, points] = scale.children;

new ResizeObserver(() => place()).observe(scale);

export function showScale(probability) {
  scale.style.setProperty("--probability", `${100 * probability}%`);
  const grouped = groupedPoints();
  scale.setAttribute(
    "aria-label",
    say("answer.scale", {
      probability: percent(probability),
      points: grouped
        .map(({ names, threshold }) => say("answer.scale_point", { name: names, threshold: percent(threshold) }))
        .join(" "),
      zones: facts.zones
        ? say("answer.scale_zones", { low: percent(facts.zones.low), high: percent(facts.zones.high) })
        : "",
    }),
  );
  showZones();
  showPoints(grouped);
  place();
}

/* Operating points at one threshold share a mark. */
function groupedPoints() {
  const groups = new Map();
  for (const { name, threshold } of facts.operating_points) {
    const group = groups.get(threshold) ?? { threshold, names: [], chosen: false };
    group.names.push(called("points", name));
    group.chosen ||= name === choices.operatingPoint;
    groups.set(threshold, group);
  }
  return [...groups.values()]
    .sort((one, other) => one.threshold - other.threshold)
    .map((group) => ({ ...group, names: group.names.join(", ") }));
}

function showZones() {
  if (!facts.zones) return;
  const { low, high } = facts.zones;
  const parts = [
    ["unlikely", 0, low],
    ["uncertain", low, high],
    ["likely", high, 1],
  ];
  zones.replaceChildren(
    ...parts.map(([name, start, end]) => {
      const part = document.createElement("span");
      part.className = `scale-zone ${name}`;
      part.style.left = `${100 * start}%`;
      part.style.width = `${100 * (end - start)}%`;
      part.textContent = say(`answer.${name}`);
      part.title = `${roundPercent(start)} – ${roundPercent(end)}`;
      return part;
    }),
  );
}

function showPoints(grouped) {
  points.replaceChildren(
    ...grouped.map(({ names, threshold, chosen }) => {
      const point = document.createElement("span");
      point.className = chosen ? "scale-point chosen" : "scale-point";
      point.style.left = `${100 * threshold}%`;
      const name = document.createElement("span");
      name.className = "scale-point-name";
      name.textContent = `${names} ${percent(threshold)}`;
      point.append(name);
      return point;
    }),
  );
}

/* Each label below its mark, moved inwards at the ends and down a row where it would lie on another; zones that are too
   narrow for their name go without. */
function place() {
  const width = scale.clientWidth;
  if (!width) return;
  for (const part of zones.children) {
    part.classList.remove("narrow");
    part.classList.toggle("narrow", part.scrollWidth > part.clientWidth);
  }
  const ends = [];
  for (const point of points.children) {
    const name = point.firstElementChild;
    const middle = (parseFloat(point.style.left) / 100) * width;
    const half = (name.offsetWidth + 1) / 2;
    const left = Math.min(Math.max(middle - half, 0), Math.max(0, width - 2 * half));
    let row = ends.findIndex((end) => left > end + 6);
    if (row < 0) row = ends.length;
    ends[row] = left + 2 * half;
    name.style.left = `${left - middle}px`;
    point.style.setProperty("--row", row);
  }
  points.style.setProperty("--rows", ends.length);
}
