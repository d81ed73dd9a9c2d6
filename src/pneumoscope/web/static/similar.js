/* The training radiographs that the model takes for most alike, with small pictures where the bundle has them. */

import { called, decimals, say } from "./words.js";

const section = document.getElementById("similar");
const list = document.getElementById("cases");

export function showSimilar({ similar }) {
  section.hidden = similar.length === 0;
  list.classList.toggle("pictured", similar.some(({ thumbnail }) => thumbnail));
  list.replaceChildren(...similar.map(caseLine));
}

function caseLine({ case_id, label, subtype, distance, thumbnail }) {
  const line = document.createElement("li");
  if (thumbnail) {
    const picture = document.createElement("img");
    picture.src = thumbnail;
    picture.alt = "";
    line.append(picture);
  }
  const words = document.createElement("div");
  const named = document.createElement("p");
  named.className = "case-label";
  named.textContent = called("labels", label) + (subtype ? ` (${called("labels", subtype)})` : "");
  const name = document.createElement("p");
  name.className = "case-name";
  name.textContent = case_id.split("/").pop().replace(/\.[^.]+$/, "");
  name.title = case_id;
  const distant = document.createElement("p");
  distant.className = "quiet";
  distant.textContent = say("similar.distance", { distance: decimals(distance, 3) });
  words.append(named, name, distant);
  line.append(words);
  return line;
}
