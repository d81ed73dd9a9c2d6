/* Window level and width, and inversion. Where the file's own values are there, they are shown through any window (DICOM
   PS3.3 C.11.2.1); else a filter does it to the 256 gray levels of the picture as it was read. */

import { drawn } from "./pictures.js";
import { paint } from "./values.js";
import { decimals, roundPercent, say } from "./words.js";

const part = (name) => document.getElementById(name);
const [level, width, invert, preset] = [part("level"), part("width"), part("invert"), part("window-preset")];
const SLIDER_STEPS = 256;
/* A drag of so many pixels of the screen goes through all that a slider reaches. */
const SPAN_PX = 512;
const GRAY_LEVELS = {
  smallest: 0,
  largest: 255,
  step: 1,
  unit: "",
  window: { center: 128, width: 256, exact: false, stated: false },
};

export class Grayscale {
  /* `changed` hears when another picture, of another size, is shown. */
  constructor(canvases, { changed }) {
    this.canvases = canvases;
    this.changed = changed;
    this.picture = null;
    this.values = null;
    this.painting = false;
    for (const [slider, name] of [
      [level, "center"],
      [width, "width"],
    ]) {
      const exactly = part(`${slider.id}-number`);
      slider.addEventListener("input", () => this.#move({ [name]: Number(slider.value) }));
      slider.addEventListener("dblclick", () => this.reset());
      exactly.addEventListener("change", () => {
        if (exactly.value !== "") this.#move({ [name]: Number(exactly.value) });
        else this.apply();
      });
    }
    preset.addEventListener("change", () => this.#choose(preset.value));
    invert.addEventListener("click", () => {
      invert.setAttribute("aria-pressed", String(!this.inverted));
      this.apply();
    });
    part("reset-window").addEventListener("click", () => this.reset());
    this.clear();
  }

  get inverted() {
    return invert.getAttribute("aria-pressed") === "true";
  }

  /* What the canvases hold: the picture as it was read, or the values through a window that somebody chose. */
  get shown() {
    return this.values && this.moved
      ? { width: this.values.columns_px, height: this.values.rows_px }
      : { width: this.picture?.width ?? 1, height: this.picture?.height ?? 1 };
  }

  clear() {
    this.picture = null;
    this.source = null;
    for (const canvas of this.canvases) drawn(canvas, null);
    this.use(null);
  }

  /* Show a picture as it was read, or the same one in a better resolution. */
  show(picture) {
    this.picture = picture;
    this.#paint();
  }

  /* Values have been asked for: until they are there nothing can be moved. */
  wait() {
    this.waiting = true;
    this.#showControls();
  }

  /* Work on the values of a file, or on gray levels (null). */
  use(values, { why } = {}) {
    this.values = values;
    this.waiting = false;
    this.range = rangeOf(values ?? GRAY_LEVELS);
    this.failure = why ? say("viewer.values_failed", { why }) : "";
    part("preset-field").hidden = !values;
    this.#offer(this.range.further);
    part("window-unit").textContent = values?.unit ? `(${values.unit})` : "";
    for (const [control, low, high] of [
      [level, this.range.lowest, this.range.highest],
      [width, this.range.narrowest, this.range.widest],
    ]) {
      Object.assign(control, { min: low, max: high, step: this.range.step });
      Object.assign(part(`${control.id}-number`), { min: control === width ? low : "", step: "any" });
    }
    this.reset();
  }

  /* As in the file. */
  reset() {
    invert.setAttribute("aria-pressed", "false");
    this.#choose("file");
  }

  /* Take hold of the window: what is returned moves it by a drag of so many pixels, to the right wider, down higher. */
  hold() {
    const { window: held, range } = this;
    const { lowest, highest, narrowest, widest, grain } = range;
    const along = (from, share, low, high) =>
      Math.min(high, Math.max(low, grain * Math.round((from + share * (high - low)) / grain)));
    return (right, down) => {
      if (this.waiting || this.range !== range) return;
      this.#move({
        center: along(held.center, down / SPAN_PX, lowest, highest),
        width: along(held.width, right / SPAN_PX, narrowest, widest),
      });
    };
  }

  apply() {
    this.#showControls();
    this.#filter();
    if (this.painting) return;
    this.painting = true;
    requestAnimationFrame(() => {
      this.painting = false;
      this.#paint();
    });
  }

  /* The other windows that a file states, beside its first. */
  #offer(windows) {
    for (const option of [...preset.options]) if (/^\d$/.test(option.value)) option.remove();
    windows.forEach((_, place) => {
      const option = new Option(say("viewer.preset_further", { number: place + 2 }), String(place));
      preset.querySelector("[value=full]").before(option);
    });
  }

  #choose(name) {
    const { file, full, further } = this.range;
    this.window = { ...({ file, full }[name] ?? further[Number(name)]) };
    this.moved = name !== "file";
    this.preset = name;
    this.apply();
  }

  #move(change) {
    const { narrowest, file } = this.range;
    this.window = { ...this.window, ...change };
    this.window.width = Math.max(narrowest, this.window.width);
    this.moved = this.window.center !== file.center || this.window.width !== file.width;
    this.preset = this.moved ? "own" : "file";
    this.apply();
  }

  #paint() {
    if (!this.picture) return;
    const source = this.values && this.moved ? this.values : this.picture;
    if (source === this.values) {
      const [first, ...others] = this.canvases;
      paint(first, this.values, this.window);
      for (const other of others) drawn(other, first);
    } else if (source !== this.source) {
      for (const canvas of this.canvases) drawn(canvas, source);
    }
    this.source = source;
    this.changed();
  }

  #filter() {
    const byFilter = !this.values && this.moved;
    const { center, width: wide } = byFilter ? this.window : GRAY_LEVELS.window;
    const sign = this.inverted ? -1 : 1;
    const slope = 255 / (wide - 1);
    const intercept = 0.5 - (center - 0.5) / (wide - 1);
    for (const channel of document.querySelectorAll("#window feComponentTransfer > *")) {
      channel.setAttribute("slope", sign * slope);
      channel.setAttribute("intercept", this.inverted ? 1 - intercept : intercept);
    }
    for (const canvas of this.canvases) canvas.style.filter = byFilter || this.inverted ? "url(#window)" : "";
  }

  #showControls() {
    const { places } = this.range;
    part("window-controls").disabled = this.waiting;
    for (const [control, value, name] of [
      [level, this.window.center, "viewer.level"],
      [width, this.window.width, "viewer.width"],
    ]) {
      control.value = value;
      part(`${control.id}-number`).value = Number(value.toFixed(places));
      control.setAttribute("aria-valuetext", `${say(name)} ${decimals(value, places)} ${this.values?.unit ?? ""}`.trim());
    }
    preset.value = this.preset;
    part("reset-window").disabled = !this.moved && !this.inverted;
    part("window-note").textContent = this.#note();
  }

  #note() {
    if (this.waiting) return say("viewer.values_loading");
    if (!this.values) return this.failure;
    if (this.moved) return say("viewer.window_moved");
    const { black_share: black, white_share: white } = this.values;
    const shares = { black: roundPercent(black ?? 0), white: roundPercent(white ?? 0) };
    if (black && white) return say("viewer.hidden_both", shares);
    if (black) return say("viewer.hidden_black", shares);
    return white ? say("viewer.hidden_white", shares) : "";
  }
}

/* How far the controls reach, and the windows to start from: as in the file, and from the smallest to the largest value. */
function rangeOf({ smallest, largest, step, window: file, further_windows: further = [] }) {
  const { exact } = file;
  const stated = [file, ...further];
  const one = exact ? 0 : 1; // LINEAR is one wider and half a value farther than what it reaches
  const span = Math.max(largest - smallest, step);
  const fine = 10 ** Math.floor(Math.log10(span / SLIDER_STEPS));
  return {
    file,
    further,
    full: { center: (smallest + largest + one) / 2, width: span + one, exact },
    lowest: Math.min(smallest, ...stated.map(({ center }) => center)),
    highest: Math.max(largest, ...stated.map(({ center }) => center)),
    narrowest: Math.min(step + one, ...stated.map(({ width: wide }) => wide)),
    widest: Math.max(span + one, ...stated.map(({ width: wide }) => wide)),
    step: Math.max(step, fine),
    grain: step,
    places: Math.min(6, Math.max(0, Math.ceil(-Math.log10(step / 2)))),
  };
}
