/* Pictures, reports and numbers to take along. They are named after the file here; the server never learns its name. */

import { choices, chosenPoint, decisionOf } from "./choices.js";
import { askAbout } from "./server.js";
import { facts, language, say } from "./words.js";

const part = (name) => document.getElementById(name);
const state = part("download-state");

export function openDownloads(current, all) {
  part("download-picture").addEventListener("click", () => made(current(), "/page/sheet.png", "png"));
  part("download-report").addEventListener("click", () => made(current(), "/page/report.html", "html"));
  part("download-numbers").addEventListener("click", () => {
    const entry = current();
    save(asJson(numbersOf(entry)), `${stem(entry)}.json`);
  });
  part("download-all").addEventListener("click", () => save(asJson(all().map(contentOf)), "pneumoscope.json"));
}

/* The numbers of an entry, or why there are none. */
function contentOf(entry) {
  if (entry.state === "read") return numbersOf(entry);
  return { file: entry.name, code: entry.refusal.code, detail: entry.refusal.detail };
}

/* What `predict --json` says, at the chosen operating point, with the maps and cases that were asked for. */
export function numbersOf(entry) {
  const { result, evidence, similar } = entry.answer;
  const point = chosenPoint();
  return {
    ...result,
    file: entry.name,
    decision: decisionOf(entry),
    operating_point: point.name,
    threshold: point.threshold,
    evidence,
    explanations: [...entry.explanations.values()],
    similar: similar.map(({ thumbnail, ...numbers }) => numbers),
  };
}

async function made(entry, path, suffix) {
  const query = new URLSearchParams({
    operating_point: choices.operatingPoint,
    method: entry.method,
    color_map: choices.colorMap,
    alpha: choices.show === "nothing" ? 0 : choices.strength / 100,
    style: choices.show === "contours" ? "contours" : choices.sideBySide ? "side-by-side" : "overlay",
    language,
  });
  state.textContent = say("download.making");
  try {
    const response = await askAbout(entry, `${path}?${query}`);
    save(await response.blob(), `${stem(entry)}.${suffix}`);
    state.textContent = "";
  } catch (error) {
    state.textContent = say("download.failed", { why: error.message });
  }
}

function asJson(content) {
  return new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" });
}

function stem({ name }) {
  return `${name.replace(/\.[^.]{1,5}$/, "")}.pneumoscope`;
}

function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
