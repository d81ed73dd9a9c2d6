/* Window level and width, and inversion, as a filter over the picture as it was read (DICOM PS3.3 C.11.2.1.2, LINEAR). */

import { say } from "./words.js";

const part = (name) => document.getElementById(name);
const [level, width, invert] = [part("level"), part("width"), part("invert")];
const START = { level: 128, width: 256 };

export class Grayscale {
  constructor(canvases) {
    this.canvases = canvases;
    for (const control of [level, width]) control.addEventListener("input", () => this.apply());
    invert.addEventListener("click", () => {
      invert.setAttribute("aria-pressed", String(!this.inverted));
      this.apply();
    });
    part("reset-window").addEventListener("click", () => this.reset());
    this.reset();
  }

  get inverted() {
    return invert.getAttribute("aria-pressed") === "true";
  }

  reset() {
    level.value = START.level;
    width.value = START.width;
    invert.setAttribute("aria-pressed", "false");
    this.apply();
  }

  apply() {
    const [centre, wide] = [Number(level.value), Number(width.value)];
    const sign = this.inverted ? -1 : 1;
    const slope = 255 / (wide - 1);
    const intercept = 0.5 - (centre - 0.5) / (wide - 1);
    for (const channel of document.querySelectorAll("#window feComponentTransfer > *")) {
      channel.setAttribute("slope", sign * slope);
      channel.setAttribute("intercept", this.inverted ? 1 - intercept : intercept);
    }
    const asRead = centre === START.level && wide === START.width && !this.inverted;
    for (const canvas of this.canvases) canvas.style.filter = asRead ? "" : "url(#window)";
    for (const [control, name] of [
      [level, "viewer.level"],
      [width, "viewer.width"],
    ]) {
      control.nextElementSibling.textContent = control.value;
      control.setAttribute("aria-valuetext", `${say(name)} ${control.value}`);
    }
    part("reset-window").disabled = asRead;
  }
}
