/* Zoom and pan of one or two panes in step: wheel, drag, pinch and keys. Places are pixels of the radiograph. */

const LARGEST = 16;
const STEP = 1.25;
const STILL_PX = 4;

export class Zoom {
  /* `free` says whether wheel and touch belong to the picture (enlarged) or to the page. `taker` is asked for what takes
     a drag of one pointer that begins, in place of moving: it hears of all pixels so far, right and down. */
  constructor(stages, { free, taker, changed, tapped }) {
    this.stages = stages;
    this.free = free;
    this.taker = taker;
    this.changed = changed;
    this.tapped = tapped;
    this.size = [1, 1];
    this.pointers = new Map();
    this.reset();
    const watch = new ResizeObserver(() => this.apply());
    for (const stage of stages) {
      watch.observe(stage);
      stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
      stage.addEventListener("pointerdown", (event) => this.#down(event));
      stage.addEventListener("pointermove", (event) => this.#move(event));
      for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.#up(event));
    }
  }

  /* Show a radiograph of so many columns and rows, whole. */
  open(columns, rows) {
    this.size = [columns, rows];
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.centre = [0.5 * this.size[0], 0.5 * this.size[1]];
    this.apply();
  }

  /* Larger or smaller by a factor; what lies under `at` (a point of `stage`) stays there. */
  by(factor, stage = this.stages[0], at = null) {
    const before = this.#scale(stage);
    const zoom = Math.min(LARGEST, Math.max(1, this.zoom * factor));
    const after = (before * zoom) / this.zoom;
    if (at) {
      const offset = [at[0] - stage.clientWidth / 2, at[1] - stage.clientHeight / 2];
      this.centre = this.centre.map((place, axis) => place + offset[axis] / before - offset[axis] / after);
    }
    this.zoom = zoom;
    this.apply();
  }

  closer() {
    this.by(STEP);
  }

  farther() {
    this.by(1 / STEP);
  }

  /* Move the picture by so many pixels of the screen. */
  pan(right, down) {
    const scale = this.#scale(this.stages[0]);
    this.centre = [this.centre[0] - right / scale, this.centre[1] - down / scale];
    this.apply();
  }

  apply() {
    for (const stage of this.stages) {
      if (!stage.clientWidth) continue;
      const scale = this.#scale(stage);
      const view = [stage.clientWidth / scale, stage.clientHeight / scale];
      this.centre = this.centre.map((place, axis) =>
        view[axis] >= this.size[axis]
          ? this.size[axis] / 2
          : Math.min(Math.max(place, view[axis] / 2), this.size[axis] - view[axis] / 2),
      );
      const picture = stage.firstElementChild;
      picture.style.width = `${this.size[0]}px`;
      picture.style.height = `${this.size[1]}px`;
      const [x, y] = [0, 1].map((axis) => (view[axis] / 2 - this.centre[axis]) * scale);
      picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      stage.classList.toggle("zoomed", this.zoom > 1);
    }
    this.changed(this.zoom);
  }

  /* The longer side of the whole radiograph on the screen before any zoom, in pixels. */
  fitted() {
    return (this.#scale(this.stages[0]) / this.zoom) * Math.max(...this.size);
  }

  #scale(stage) {
    return Math.min(stage.clientWidth / this.size[0], stage.clientHeight / this.size[1]) * this.zoom;
  }

  #wheel(event) {
    if (!this.free() && !event.ctrlKey) return;
    event.preventDefault();
    const stage = event.currentTarget;
    this.by(2 ** (-event.deltaY / (event.ctrlKey ? 100 : 300)), stage, pointOn(stage, event));
  }

  #down(event) {
    if (event.button !== 0) return;
    const stage = event.currentTarget;
    const at = [event.clientX, event.clientY];
    const take = this.pointers.size ? null : this.taker();
    for (const pointer of this.pointers.values()) pointer.take = null; // two fingers zoom
    this.pointers.set(event.pointerId, { from: at, at, moved: 0, take });
    if (event.pointerType === "mouse" || this.free() || take) stage.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const stage = event.currentTarget;
    const before = this.#spread();
    const step = [event.clientX - pointer.at[0], event.clientY - pointer.at[1]];
    pointer.at = [event.clientX, event.clientY];
    pointer.moved += Math.hypot(...step);
    if (pointer.take) {
      if (pointer.moved >= STILL_PX) pointer.take(...pointer.at.map((place, axis) => place - pointer.from[axis]));
      return;
    }
    const share = 1 / this.pointers.size;
    if (this.free() || event.pointerType === "mouse") this.pan(step[0] * share, step[1] * share);
    const after = this.#spread();
    if (before && after) this.by(after.apart / before.apart, stage, pointOn(stage, after));
  }

  #up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (pointer && event.type === "pointerup" && pointer.moved < STILL_PX) this.tapped();
  }

  #spread() {
    if (this.pointers.size !== 2) return null;
    const [one, other] = [...this.pointers.values()].map(({ at }) => at);
    return {
      apart: Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1])),
      clientX: (one[0] + other[0]) / 2,
      clientY: (one[1] + other[1]) / 2,
    };
  }
}

function pointOn(stage, { clientX, clientY }) {
  const { left, top } = stage.getBoundingClientRect();
  return [clientX - left - stage.clientLeft, clientY - top - stage.clientTop];
}
