/* The radiographs of this session: each waits, is read, and stays in memory with its answer until it is removed. */

import { askAbout, concernsAll } from "./server.js";
import { facts } from "./words.js";

/* So many pictures are kept beside their answers; older ones are asked for again when they are looked at. */
const MOST_PICTURES = 40;

export class Queue extends EventTarget {
  constructor() {
    super();
    this.entries = [];
    this.running = 0;
    this.added = 0;
    this.pictured = [];
    this.stopped = null; // by a refusal that every further entry would meet too
  }

  /* Sources are {name, file} or {name, url}. The first of the new entries is returned. */
  add(sources) {
    const entries = sources.map((source) => ({
      ...source,
      number: (this.added += 1),
      state: "waiting",
      busy: false,
      stop: new AbortController(),
      answer: null,
      png: null,
      refusal: null,
      method: "grad-cam",
      explanations: new Map(),
    }));
    this.entries.push(...entries);
    this.goOn();
    return entries[0];
  }

  count(...states) {
    return this.entries.filter((entry) => states.includes(entry.state)).length;
  }

  /* What waits or is being read is given up; what is read is taken off the list. */
  drop(entry) {
    const unfinished = entry.state === "waiting" || entry.state === "reading";
    entry.stop.abort();
    if (unfinished) entry.state = "cancelled";
    else this.entries = this.entries.filter((other) => other !== entry);
    this.#work();
  }

  again(entry) {
    Object.assign(entry, { state: "waiting", stop: new AbortController(), refusal: null });
    this.goOn();
  }

  goOn() {
    this.stopped = null;
    this.#work();
  }

  cancelAll() {
    for (const entry of this.entries) {
      if (entry.state === "waiting" || entry.state === "reading") {
        entry.stop.abort();
        entry.state = "cancelled";
      }
    }
    this.#work();
  }

  clear() {
    this.cancelAll();
    this.entries = [];
    this.pictured = [];
    this.#tell();
  }

  /* Keep an entry's picture, and forget the one that was looked at longest ago. */
  picture(entry, png) {
    entry.png = png;
    this.pictured = [...this.pictured.filter((other) => other !== entry), entry];
    if (this.pictured.length > MOST_PICTURES) this.pictured.shift().png = null;
  }

  #work() {
    while (!this.stopped && this.running < facts.at_a_time) {
      const entry = this.entries.find(({ state }) => state === "waiting");
      if (!entry) break;
      this.running += 1;
      entry.state = "reading";
      this.#read(entry).finally(() => {
        this.running -= 1;
        this.#work();
      });
    }
    this.#tell();
  }

  async #read(entry) {
    const busy = () => {
      entry.busy = true;
      this.#tell();
    };
    const { signal } = entry.stop;
    try {
      const { radiograph, ...answer } = await (await askAbout(entry, "/page/prediction", { signal, busy })).json();
      if (signal.aborted) return;
      entry.answer = answer;
      entry.explanations.set(answer.explanation.method, answer.explanation);
      entry.state = "read";
      this.picture(entry, radiograph.png);
    } catch (error) {
      if (signal.aborted) return;
      if (concernsAll(error)) {
        this.stopped = error;
        Object.assign(entry, { state: "waiting", busy: false });
        return;
      }
      entry.refusal = error;
      entry.state = "refused";
    }
    entry.busy = false;
    this.dispatchEvent(new CustomEvent("done", { detail: entry }));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
