/* The answer to one radiograph in words: decision, probability, zone, warnings; or why there is none. */

import { choices, chosenPoint, decisionOf } from "./choices.js";
import { showScale } from "./scale.js";
import { called, decimals, facts, language, percent, roundPercent, say, titleOf } from "./words.js";

const part = (name) => document.getElementById(name);
const panel = part("answer");
const PENDING = { waiting: "list.waiting", reading: "list.reading", cancelled: "list.cancelled" };

export function showAnswer(entry) {
  part("answer-file").textContent = entry.name;
  part("answered").hidden = entry.state !== "read";
  part("refused").hidden = entry.state !== "refused";
  part("pending").hidden = entry.state === "read" || entry.state === "refused";
  part("pending").textContent = PENDING[entry.state] ? say(PENDING[entry.state]) : "";
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
    part: called("parts", point.chosen_on),
    sensitivity: percent(point.sensitivity),
    specificity: percent(point.specificity),
  });
  showTested(facts.tested[point.name]);
  part("operating-point").value = choices.operatingPoint;
  showZone(result.zone);
  showScale(result.probability);
  showWarnings(entry.answer.warnings);
  part("file-facts").textContent = factsOf(result).join(", ");
}

/* What was measured where nothing was chosen, beside what the choice promises. */
function showTested(tested) {
  part("point-tested").hidden = !tested;
  if (!tested) return;
  part("point-tested").textContent = say("answer.point_tested", {
    radiographs: tested.radiographs,
    sensitivity: percent(tested.sensitivity),
    specificity: percent(tested.specificity),
  });
}

function showZone(zone) {
  part("zone").hidden = !zone;
  if (!zone) return;
  part("zone").dataset.zone = zone;
  const [name, meaning] = part("zone").children;
  const { low, high, alpha, part: chosenOn } = facts.zones;
  name.textContent = say(`answer.zone_${zone}`, { low: percent(low), high: percent(high) });
  meaning.textContent = say(`answer.zone_${zone}_words`, {
    alpha: roundPercent(alpha),
    part: called("parts", chosenOn),
  });
}

function showWarnings(warnings) {
  part("warnings").replaceChildren(
    ...warnings.map(({ title, text, language: spoken, original }) => {
      const line = document.createElement("li");
      if (title) line.append(inElement("strong", `${title}.`), " ");
      line.append(spoken === language ? text : inEnglish(text));
      if (original) line.append(inTheServersWords(original));
      return line;
    }),
  );
}

function showRefusal({ message, remedy, code, title: itsTitle, english, original }) {
  const [title, why, what, more] = part("refused").children;
  const inItsLanguage = (text) => (english ? inEnglish(text) : inElement("span", text));
  title.textContent = titleOf("refusals", code) || itsTitle || say("problem.title");
  why.replaceChildren(inItsLanguage(message));
  what.hidden = !remedy;
  what.replaceChildren(inElement("strong", `${say("problem.remedy")}:`), " ", inItsLanguage(remedy ?? ""));
  more.replaceChildren(...(original ? [inTheServersWords(original)] : []));
}

/* What the page says in its own language, as the server said it: with all numbers. */
function inTheServersWords(text) {
  const more = document.createElement("details");
  more.className = "original";
  more.append(inElement("summary", say("problem.original")), inEnglish(text));
  return more;
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
  const found = [say("answer.size", { columns: columns_px, rows: rows_px }), kindOf(media_type)];
  if (age_years !== null) found.push(say("answer.age", { years: decimals(age_years, age_years % 1 ? 1 : 0) }));
  if (sex) found.push(sex);
  if (view_position) found.push(say("answer.view", { view: view_position }));
  return [...found, `SHA-256 ${sha256.slice(0, 16)}…`];
}

/* "JPEG" of image/jpeg, "DICOM" of application/dicom. */
function kindOf(mediaType) {
  return mediaType.split("/").pop().toUpperCase();
}
