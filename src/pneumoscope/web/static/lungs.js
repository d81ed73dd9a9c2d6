/* What each lung and the rest of the picture add to the answer: numbers that add up to the logit. */

import { facts, percent, roundPercent, say, signed } from "./words.js";

const section = document.getElementById("lungs");
const rows = document.getElementById("lung-rows");
const share = document.getElementById("lung-share");

export function showLungs({ result: { lungs, logit, probability } }) {
  const evidence = lungs?.evidence_logit;
  section.hidden = !evidence;
  if (!evidence) return;
  const parts = [
    ["right", evidence.right_lung],
    ["left", evidence.left_lung],
    ["outside", evidence.outside],
    ["bias", evidence.bias],
  ];
  const largest = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-6);
  rows.replaceChildren(...parts.map(([name, value]) => row(say(`lungs.${name}`), value, largest)));
  const sum = row(say("lungs.sum"), logit, null);
  sum.className = "sum";
  const { slope, intercept } = facts.calibration;
  const calibrated = say("lungs.calibrated", { probability: percent(probability) });
  rows.append(sum, row(calibrated, slope * logit + intercept, null));
  share.hidden = lungs.heat_inside_lungs === null;
  if (!share.hidden) share.textContent = say("lungs.share", { share: roundPercent(lungs.heat_inside_lungs) });
}

function row(name, value, largest) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const bar = document.createElement("td");
  bar.className = "lung-bar";
  if (largest !== null) {
    const fill = document.createElement("span");
    fill.className = value < 0 ? "against" : "for";
    fill.style.width = `${(50 * Math.abs(value)) / largest}%`;
    bar.append(fill);
  }
  const number = document.createElement("td");
  number.className = "number";
  number.textContent = signed(value);
  line.append(head, bar, number);
  return line;
}
