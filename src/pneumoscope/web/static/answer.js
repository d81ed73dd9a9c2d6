/* The answer to one radiograph in words: decision, probability, zone, warnings; or why there is none. */

import { choices, chosenPoint, decisionOf } from "./choices.js";
import { showScale } from "./scale.js";
import { called, decimals, facts, language, percent, roundPercent, say, titleOf } from "./words.js";

const part = (name) => document.getElementById(name);
const panel = part("answer");

export function showAnswer(entry) {
  part("answer-file").textContent = entry.name;
  part("answered").hidden = entry.state !== "read";
  part("refused").hidden = entry.state !== "refused";
  part("pending").hidden = entry.state === "read" || entry.state === "refused";
  part("pending").textContent = entry.state === "cancelled" ? say("list.cancelled") : say("list.reading");
  part("again").hidden = entry.state !== "refused" && entry.state !== "cancelled";
  if (entry.state === "read") showRead(entry);
  if (entry.state === "refused") showRefusal(entry.refusal);
}

/* What screen readers are told when an answer arrives. */
export function spoken(entry) {
  if (entry.state === "refused") {
    return say("list.announce_refused", { name: entry.name, why: entry.refusal.message });
  }
  return say("list.announce", {
    name: entry.name,
    decision: words(decisionOf(entry)),
    probability: percent(entry.answer.result.probability),
  });
}

function words(decision) {
  return say(decision === "PNEUMONIA" ? "answer.pneumonia" : "answer.normal");
}

function showRead(entry) {
  const { result } = entry.answer;
  const decision = decisionOf(entry);
  const point = chosenPoint();
  panel.dataset.decision = decision;
  part("decision").textContent = words(decision);
  part("probability").textContent = percent(result.probability);
  const values = { name: called("points", point.name), threshold: percent(point.threshold) };
  part("point-reason").textContent = say(
    decision === "PNEUMONIA" ? "answer.reason_above" : "answer.reason_below",
    values,
  );
  part("point-numbers").textContent = say("answer.point_numbers", {
    part: point.chosen_on,
    sensitivity: percent(point.sensitivity),
    specificity: percent(point.specificity),
  });
  part("operating-point").value = choices.operatingPoint;
  showZone(result.zone);
  showScale(result.probability);
  showWarnings(result.warnings);
  part("file-facts").textContent = factsOf(result).join(", ");
}

function showZone(zone) {
  part("zone").hidden = !zone;
  if (!zone) return;
  part("zone").dataset.zone = zone;
  const [name, meaning] = part("zone").children;
  name.textContent = `${say(`answer.zone_${zone}`)}.`;
  meaning.textContent = say(`answer.zone_${zone}_words`, { alpha: roundPercent(facts.zones.alpha) });
}

function showWarnings(warnings) {
  part("warnings").replaceChildren(
    ...warnings.map(({ code, message }) => {
      const line = document.createElement("li");
      const title = titleOf("warnings", code);
      if (title) line.append(inElement("strong", `${title}.`), " ");
      line.append(inEnglish(message));
      return line;
    }),
  );
}

function showRefusal({ message, remedy, code }) {
  const [title, why, what] = part("refused").children;
  title.textContent = titleOf("refusals", code) || say("problem.title");
  why.replaceChildren(inEnglish(message));
  what.replaceChildren(inElement("strong", `${say("problem.remedy")}:`), " ", inEnglish(remedy ?? ""));
}

/* Sentences of the server are English, whatever the page speaks; screen readers are told. */
function inEnglish(text) {
  const place = inElement("span", text);
  if (language !== "en") place.lang = "en";
  return place;
}

function inElement(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function factsOf({ columns_px, rows_px, age_years, sex, view_position, media_type, sha256 }) {
  const found = [say("answer.size", { columns: columns_px, rows: rows_px }), media_type];
  if (age_years !== null) found.push(say("answer.age", { years: decimals(age_years, age_years % 1 ? 1 : 0) }));
  if (sex) found.push(sex);
  if (view_position) found.push(say("answer.view", { view: view_position }));
  return [...found, `SHA-256 ${sha256.slice(0, 16)}…`];
}
