/* The page: what comes in goes into a queue, one radiograph of it is shown. All text of a file or the server is set as
   text, never as HTML. */

import { showAnswer, spoken } from "./answer.js";
import { choices, decisionOf } from "./choices.js";
import { openDownloads } from "./downloads.js";
import { openIntake } from "./intake.js";
import { SessionList } from "./list.js";
import { showLungs } from "./lungs.js";
import { Queue } from "./queue.js";
import { showSimilar } from "./similar.js";
import { Viewer } from "./viewer.js";
import { say } from "./words.js";

const part = (name) => document.getElementById(name);
const queue = new Queue();
let current = null;

const viewer = new Viewer({
  pictured: (entry, png) => queue.picture(entry, png),
  step: (by) => open(neighbour(by)),
});
const list = new SessionList(queue, { open, drop, decisionOf });

openIntake((sources) => open(queue.add(sources)));
openDownloads(
  () => current,
  () => queue.entries.filter(({ state }) => state === "read" || state === "refused"),
);

queue.addEventListener("change", () => {
  show();
  if (current && current.state !== "read") showAnswer(current);
});
queue.addEventListener("done", ({ detail: entry }) => {
  if (entry.state === "read") list.thumbnail(entry);
  if (entry !== current) return;
  part("live").textContent = spoken(entry);
  open(entry);
});

/* Show an entry of the list. */
function open(entry) {
  if (!entry) return;
  current = entry;
  show();
  list.reveal(entry);
  const read = entry.state === "read";
  part("session").classList.toggle("unanswered", !read);
  showAnswer(entry);
  if (read) {
    showLungs(entry.answer);
    showSimilar(entry.answer);
  }
  viewer.show(read ? entry : null);
}

/* The next radiograph that is read, forwards (1) or backwards (-1). */
function neighbour(by) {
  for (let place = queue.entries.indexOf(current) + by; queue.entries[place]; place += by) {
    if (queue.entries[place].state === "read") return queue.entries[place];
  }
  return null;
}

function drop(entry) {
  const place = queue.entries.indexOf(entry);
  queue.drop(entry);
  if (queue.entries.includes(entry)) {
    if (entry === current) open(entry);
    return;
  }
  if (entry === current) open(queue.entries[Math.min(place, queue.entries.length - 1)]);
  if (queue.entries.length === 0) clear();
  else document.querySelector(".entry-open[aria-current]")?.focus();
}

function clear() {
  queue.clear();
  current = null;
  viewer.show(null);
  show();
  part("files").focus();
}

function show() {
  const any = queue.entries.length > 0;
  document.body.dataset.view = any ? "session" : "start";
  part("session").hidden = !any;
  document.body.dataset.count = Math.min(queue.entries.length, 2);
  list.show(current);
}

part("operating-point").addEventListener("change", () => {
  choices.operatingPoint = part("operating-point").value;
  show();
  showAnswer(current);
});
part("again").addEventListener("click", () => {
  queue.again(current);
  open(current);
});
part("go-on").addEventListener("click", () => queue.goOn());
part("cancel-all").addEventListener("click", () => {
  queue.cancelAll();
  if (current?.state === "cancelled") open(current);
});
part("clear").addEventListener("click", clear);
part("open-about").addEventListener("click", () => part("about").showModal());
part("languages").addEventListener("click", (event) => {
  if (queue.entries.length && event.target.closest("a") && !window.confirm(say("page.reload"))) event.preventDefault();
});
window.addEventListener("beforeunload", (event) => {
  if (queue.count("waiting", "reading")) event.preventDefault();
});
document.body.dataset.ready = "true";
