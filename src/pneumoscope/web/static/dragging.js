/* What dragging on the picture does: it moves the picture, or its window, as viewers of DICOM files do. */

const TOOLS = ["move", "window"];

const part = (name) => document.getElementById(name);

export class Dragging {
  constructor(grayscale) {
    this.grayscale = grayscale;
    for (const tool of TOOLS) part(`drag-${tool}`).addEventListener("click", () => this.choose(tool));
    this.choose("move");
  }

  choose(tool) {
    this.tool = tool;
    part("viewer").dataset.drag = tool;
    for (const each of TOOLS) part(`drag-${each}`).setAttribute("aria-pressed", String(each === tool));
  }

  toggle() {
    this.choose(this.tool === "move" ? "window" : "move");
  }

  /* What takes a drag that begins; null where it moves the picture. */
  taker() {
    return this.tool === "window" ? this.grayscale.hold() : null;
  }
}
