/* The list of this session, with thumbnails drawn here and kept in memory only. */

import { pictureOf } from "./pictures.js";
import { percent, say, titleOf } from "./words.js";

const list = document.getElementById("entries");
const pattern = document.getElementById("entry");
const statusLine = document.getElementById("status");
const progress = document.getElementById("progress");
const stopped = document.getElementById("stopped");
const goOn = document.getElementById("go-on");
const cancelAll = document.getElementById("cancel-all");
const downloadAll = document.getElementById("download-all");

export class SessionList {
  constructor(queue, { open, drop, decisionOf }) {
    this.queue = queue;
    this.decisionOf = decisionOf;
    this.lines = new Map();
    this.actions = { open, drop };
  }

  /* Bring the list into step with the queue. */
  show(current) {
    const { queue } = this;
    for (const [entry, line] of this.lines) {
      if (!queue.entries.includes(entry)) {
        line.remove();
        this.lines.delete(entry);
      }
    }
    for (const entry of queue.entries) this.#showEntry(entry, entry === current);
    this.#showStatus();
  }

  /* Draw an entry's picture small. */
  async thumbnail(entry) {
    const canvas = this.lines.get(entry)?.querySelector(".entry-picture");
    const picture = await pictureOf(entry.png);
    if (!canvas || !picture) return;
    const side = Math.min(picture.width, picture.height);
    const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
    canvas.getContext("2d").drawImage(picture, left, top, side, side, 0, 0, canvas.width, canvas.height);
  }

  reveal(entry) {
    this.lines.get(entry)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #showEntry(entry, isCurrent) {
    const line = this.lines.get(entry) ?? this.#newLine(entry);
    const open = line.querySelector(".entry-open");
    const drop = line.querySelector(".entry-drop");
    const unfinished = entry.state === "waiting" || entry.state === "reading";
    line.dataset.state = entry.state;
    const state = line.querySelector(".entry-state");
    state.textContent = this.#stateOf(entry);
    state.title = state.textContent; // where it is cut off
    if (isCurrent) open.setAttribute("aria-current", "true");
    else open.removeAttribute("aria-current");
    const label = say(unfinished ? "list.cancel" : "list.remove", { name: entry.name });
    drop.setAttribute("aria-label", label);
    drop.title = label;
  }

  #newLine(entry) {
    const line = pattern.content.firstElementChild.cloneNode(true);
    line.querySelector(".entry-name").textContent = entry.name;
    line.querySelector(".entry-open").title = entry.name;
    line.querySelector(".entry-open").addEventListener("click", () => this.actions.open(entry));
    line.querySelector(".entry-drop").addEventListener("click", () => this.actions.drop(entry));
    this.lines.set(entry, line);
    list.append(line);
    return line;
  }

  #stateOf(entry) {
    if (entry.state === "waiting") return say("list.waiting");
    if (entry.state === "reading") return say(entry.busy ? "problem.busy" : "list.reading");
    if (entry.state === "cancelled") return say("list.cancelled");
    if (entry.state === "refused") return titleOf("refusals", entry.refusal.code) || say("list.unreadable");
    const { probability } = entry.answer.result;
    return `${percent(probability)} · ${say(this.decisionOf(entry) === "PNEUMONIA" ? "list.pneumonia" : "list.normal")}`;
  }

  #showStatus() {
    const { queue } = this;
    const all = queue.entries.length - queue.count("cancelled");
    const left = queue.count("waiting", "reading");
    const refused = queue.count("refused");
    const parts = [say("list.status", { read: queue.count("read"), all })];
    if (refused) parts.push(say("list.refused", { count: refused }));
    if (left) parts.push(say("list.left", { count: left }));
    statusLine.textContent = parts.join(", ");
    const halted = left > 0 ? queue.stopped : null;
    stopped.textContent = halted?.message ?? "";
    goOn.hidden = !halted;
    progress.hidden = left === 0 || all < 2;
    progress.max = Math.max(1, all);
    progress.value = all - left;
    cancelAll.hidden = left < 2;
    downloadAll.hidden = queue.count("read", "refused") < 2;
  }
}
