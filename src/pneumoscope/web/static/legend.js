/* What stands around the picture: how strong the colours are, what they and the method show, at which resolution. */

import { choices } from "./choices.js";
import { called, decimals, facts, say } from "./words.js";

/* The level below which nothing of a colour can be seen. */
const FAINTEST = 0.05;

const part = (name) => document.getElementById(name);

export function showStrength() {
  const { strength } = choices;
  part("pane").querySelector("canvas.colors").style.opacity = strength / 100;
  part("strength").nextElementSibling.textContent = `${strength} %`;
  part("strength").setAttribute("aria-valuetext", `${strength} %`);
}

export function showKey() {
  part("key-strip").src = `/page/key.png?${new URLSearchParams({ color_map: choices.colorMap })}`;
  const bothSigns = facts.both_signs.includes(choices.colorMap);
  part("key-low").textContent = say(bothSigns ? "viewer.key_against" : "viewer.key_none");
  part("key-high").textContent = say("viewer.key_for");
}

/* Of a map that is shown: what its method shows, and how much of it was done. */
export function showMethod({ method, equals, map, masks, planned_masks }) {
  const notes = [say(`method_words.${method}`)];
  if (equals) notes.push(say("viewer.equals", { method: called("methods", equals) }));
  if (planned_masks) notes.push(say("viewer.masks", { masks, planned: planned_masks }));
  if (masks < planned_masks) notes.push(say("viewer.time_ran_out"));
  if (Math.max(...map.flat()) < FAINTEST * facts.scale_logit) notes.push(say("viewer.no_evidence"));
  part("method-note").textContent = notes.join(" ");
  part("key-note").textContent = say("viewer.key_note", {
    scale: decimals(facts.scale_logit, 2),
    unit: called("units", method),
  });
}

/* Nothing where all columns and rows are shown. */
export function showResolution({ width, height }, { columns_px, rows_px }) {
  part("resolution").textContent =
    width < columns_px
      ? say("viewer.resolution_shown", {
          columns: width,
          rows: height,
          full_columns: columns_px,
          full_rows: rows_px,
        })
      : "";
}
