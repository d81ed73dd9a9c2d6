/* The maps of a radiograph, and the layers drawn of them; the server draws, so colours are those of every other output. */

import { pictureIn } from "./pictures.js";
import { askAbout, askWith } from "./server.js";
import { facts } from "./words.js";

/* Maps on their way: `${entry.number} ${method}` → {promise, signal}. */
const underWay = new Map();

/* The map of an entry by one method: asked for once, also by those who ask while it is made. */
export async function explanationOf(entry, method, signal) {
  if (entry.explanations.has(method)) return entry.explanations.get(method);
  const name = `${entry.number} ${method}`;
  let asked = underWay.get(name);
  if (!asked || asked.signal.aborted) {
    asked = { promise: askedFor(entry, method, signal), signal };
    underWay.set(name, asked);
  }
  try {
    return await asked.promise;
  } finally {
    if (underWay.get(name) === asked) underWay.delete(name);
  }
}

async function askedFor(entry, method, signal) {
  const path = `/page/map?${new URLSearchParams({ method })}`;
  const explanation = await (await askAbout(entry, path, { signal })).json();
  entry.explanations.set(method, explanation);
  return explanation;
}

export class Layers {
  constructor() {
    this.entry = null;
    this.drawn = new Map();
  }

  /* One layer ("colors" or "contours") of an entry's map, its longer side so many pixels; those of the entry that is
     shown are kept. */
  async layer(entry, explanation, { kind, colorMap, longer, signal }) {
    if (entry !== this.entry) {
      this.entry = entry;
      this.drawn.clear();
    }
    const name = `${explanation.method} ${kind} ${colorMap} ${longer}`;
    if (!this.drawn.has(name)) {
      const { columns_px, rows_px } = entry.answer.result;
      const scale = Math.min(longer, facts.layer_px) / Math.max(columns_px, rows_px);
      const content = {
        kind,
        map: explanation.map,
        color_map: colorMap,
        columns_px: Math.max(1, Math.round(columns_px * scale)),
        rows_px: Math.max(1, Math.round(rows_px * scale)),
      };
      const picture = await pictureIn(await askWith(content, "/page/layer.png", { signal }));
      if (entry === this.entry) this.drawn.set(name, picture);
      return picture;
    }
    return this.drawn.get(name);
  }
}
