/* The radiograph with the evidence over it, alone or side by side, in the page or enlarged over all of it. */

import { choices } from "./choices.js";
import { Dragging } from "./dragging.js";
import { Grayscale } from "./grayscale.js";
import { listenToKeys } from "./keys.js";
import { Layers, explanationOf } from "./layers.js";
import { showKey, showMethod, showResolution, showStrength } from "./legend.js";
import { drawn, pictureIn, pictureOf } from "./pictures.js";
import { askAbout } from "./server.js";
import { valuesOf } from "./values.js";
import { roundPercent, say } from "./words.js";
import { Zoom } from "./zoom.js";

/* Milliseconds after which a layer that is not there yet is told of. */
const PATIENCE = 400;
/* Colours are smooth and may be enlarged; lines are drawn at the size they are shown at, in steps. */
const COLORS_PX = 640;
const STEP_PX = 160;
const SLOW = ["occlusion", "rise"];

const part = (name) => document.getElementById(name);
const canvas = (pane, name) => part(pane).querySelector(`canvas.${name}`);

export class Viewer {
  constructor({ pictured, step }) {
    this.pictured = pictured;
    this.step = step;
    this.entry = null;
    this.pictureShown = false;
    this.turn = 0;
    this.layers = new Layers();
    this.stop = new AbortController();
    const radiographs = [canvas("pane", "radiograph"), canvas("plain-pane", "radiograph")];
    this.grayscale = new Grayscale(radiographs, { changed: () => this.#showResolution() });
    this.dragging = new Dragging(this.grayscale);
    this.zoom = new Zoom([part("stage"), part("plain-stage")], {
      free: () => part("enlarged").open,
      taker: () => this.dragging.taker(),
      changed: (zoom) => {
        part("zoom-value").textContent = roundPercent(zoom);
      },
      tapped: () => this.#tapped(),
    });
    this.#controls();
  }

  /* Show an entry that is read, or nothing. Nothing of the one before stays, however long the new picture takes. */
  async show(entry) {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.entry = entry;
    part("viewer-home").hidden = entry === null;
    this.#clear();
    if (!entry) return;
    this.#busy(entry.png ? "" : say("viewer.drawing"));
    const { columns_px, rows_px } = entry.answer.result;
    part("panes").style.setProperty("--aspect", `${columns_px} / ${rows_px}`);
    this.zoom.open(columns_px, rows_px);
    part("method").value = entry.method;
    try {
      const picture = await this.#radiographOf(entry, signal);
      if (signal.aborted) return;
      this.#showRadiograph(picture);
    } catch (error) {
      if (!signal.aborted) this.#busy(say("viewer.no_picture", { why: error.message }));
      return;
    }
    this.#loadValues(entry, signal);
    await this.refresh();
    if (part("enlarged").open) await this.#wholeResolution();
  }

  /* Draw the layers anew after a choice; the newest choice counts, whichever answer comes last. */
  async refresh() {
    const { entry } = this;
    if (!entry) return;
    this.#showChoices();
    if (!this.pictureShown) return;
    const { signal } = this.stop;
    const turn = (this.turn += 1);
    const outdated = () => signal.aborted || turn !== this.turn;
    const slow = SLOW.includes(entry.method) && !entry.explanations.has(entry.method);
    const told = setTimeout(() => this.#busy(say(slow ? "viewer.working" : "viewer.drawing")), slow ? 0 : PATIENCE);
    if (slow) this.#clearLayers();
    try {
      const explanation = await explanationOf(entry, entry.method, signal);
      const layers = await this.#layersOf(entry, explanation, signal);
      if (outdated()) return;
      for (const [name, layer] of Object.entries(layers)) drawn(canvas("pane", name), layer);
      this.#busy("");
      showMethod(explanation);
    } catch (error) {
      if (outdated()) return;
      this.#clearLayers();
      this.#busy(say("viewer.failed", { why: error.message }));
    } finally {
      clearTimeout(told);
    }
  }

  enlarge() {
    if (!this.entry) return;
    part("enlarged").append(part("viewer"));
    part("enlarged").showModal();
    part("enlarge").textContent = say("viewer.shrink");
    part("stage").focus();
    this.#wholeResolution();
    this.refresh();
  }

  shrink() {
    part("enlarged").close();
  }

  toggleSize() {
    if (part("enlarged").open) this.shrink();
    else this.enlarge();
  }

  /* Evidence off and on again. */
  toggleEvidence() {
    if (choices.show !== "nothing") this.shown = choices.show;
    choices.show = choices.show === "nothing" ? (this.shown ?? "colors") : "nothing";
    part("show").value = choices.show;
    this.refresh();
  }

  toggleSideBySide() {
    choices.sideBySide = !choices.sideBySide;
    this.refresh();
  }

  #controls() {
    const onChange = (name, set) =>
      part(name).addEventListener("change", () => {
        set(part(name).value);
        this.refresh();
      });
    onChange("show", (value) => (choices.show = value));
    onChange("color-map", (value) => (choices.colorMap = value));
    onChange("method", (value) => (this.entry.method = value));
    part("strength").value = choices.strength;
    part("strength").addEventListener("input", () => {
      choices.strength = Number(part("strength").value);
      showStrength();
    });
    part("side-by-side").addEventListener("click", () => this.toggleSideBySide());
    part("zoom-in").addEventListener("click", () => this.zoom.closer());
    part("zoom-out").addEventListener("click", () => this.zoom.farther());
    part("fit").addEventListener("click", () => this.zoom.reset());
    part("enlarge").addEventListener("click", () => this.toggleSize());
    part("enlarged").addEventListener("close", () => {
      part("viewer-home").append(part("viewer"));
      part("enlarge").textContent = say("viewer.enlarge");
      this.zoom.reset();
      part("enlarge").focus();
      this.refresh();
    });
    listenToKeys(part("viewer"), this);
  }

  #tapped() {
    if (!part("enlarged").open && this.zoom.zoom === 1) this.enlarge();
  }

  async #radiographOf(entry, signal) {
    if (entry.png) {
      this.pictured(entry, entry.png);
      return pictureOf(entry.png);
    }
    return pictureIn(await askAbout(entry, "/page/radiograph.png", { signal }));
  }

  /* What a DICOM file holds beyond its own window. Without it, the window works on gray levels. */
  async #loadValues(entry, signal) {
    if (!entry.answer.may_hold_values) return;
    this.grayscale.wait();
    try {
      const values = await valuesOf(entry, signal);
      if (!signal.aborted) this.grayscale.use(values);
    } catch (error) {
      if (!signal.aborted) this.grayscale.use(null, { why: error.message });
    }
  }

  /* Enlarged, the radiograph is shown in its own resolution where less was sent at first. */
  async #wholeResolution() {
    const { entry } = this;
    const { signal } = this.stop;
    if (!this.pictureShown) return;
    const { columns_px, rows_px } = entry.answer.result;
    const { picture: small } = this.grayscale;
    if (small.width * small.height >= columns_px * rows_px) return;
    part("resolution").textContent = say("viewer.resolution_loading");
    try {
      const picture = await pictureIn(await askAbout(entry, "/page/radiograph.png", { signal }));
      if (!signal.aborted) this.#showRadiograph(picture);
    } catch {
      if (!signal.aborted) this.#showResolution();
    }
  }

  async #layersOf(entry, explanation, signal) {
    const of = (kind, longer) =>
      choices.show === kind || choices.show === "both"
        ? this.layers.layer(entry, explanation, { kind, colorMap: choices.colorMap, longer, signal })
        : null;
    const shown = STEP_PX * Math.ceil((this.zoom.fitted() * window.devicePixelRatio) / STEP_PX);
    const [colors, contours] = await Promise.all([of("colors", COLORS_PX), of("contours", shown)]);
    return { colors, contours };
  }

  #clear() {
    this.pictureShown = false;
    this.grayscale.clear();
    this.#clearLayers();
    this.#busy("");
    part("resolution").textContent = "";
  }

  #clearLayers() {
    for (const name of ["colors", "contours"]) drawn(canvas("pane", name), null);
    part("method-note").textContent = "";
  }

  #busy(text) {
    part("busy").textContent = text;
    part("busy").hidden = text === "";
  }

  #showRadiograph(picture) {
    this.pictureShown = true;
    this.grayscale.show(picture);
  }

  #showResolution() {
    showResolution(this.grayscale.shown, this.entry.answer.result);
  }

  #showChoices() {
    const { sideBySide } = choices;
    showStrength();
    showKey();
    part("side-by-side").setAttribute("aria-pressed", String(sideBySide));
    part("plain-pane").hidden = !sideBySide;
    part("panes").classList.toggle("two", sideBySide);
  }
}
