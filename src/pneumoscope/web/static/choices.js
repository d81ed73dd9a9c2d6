/* What the controls stand at, the same for every radiograph of the session. */

import { facts } from "./words.js";

export const choices = {
  operatingPoint: document.getElementById("operating-point").value,
  show: "colors",
  colorMap: document.getElementById("color-map").value,
  strength: facts.strength_percent,
  sideBySide: false,
};

export function chosenPoint() {
  return facts.operating_points.find(({ name }) => name === choices.operatingPoint);
}

/* The decision at the chosen operating point, as the server made it. */
export function decisionOf(entry) {
  return entry.answer.decisions[choices.operatingPoint];
}
