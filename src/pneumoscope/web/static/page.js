"use strict";

/* The page: a queue of radiographs, sent two at a time, each answered in its own panel. All text that comes from a
   file or the server is set as text, never as HTML. */

const AT_A_TIME = 2;
const MOST_TRIES = 20;

const results = document.getElementById("results");
const drop = document.getElementById("drop");
const chooser = document.getElementById("files");
const progress = document.getElementById("progress");
const statusLine = document.getElementById("status");
const pattern = document.getElementById("result");
const { mostBytes, limit, alpha } = document.body.dataset;

let waiting = [];
let entries = [];
let running = 0;

function add(files) {
  for (const file of files) {
    const panel = pattern.content.firstElementChild.cloneNode(true);
    panel.querySelector(".file").textContent = file.name || "pasted picture";
    results.append(panel);
    const entry = { file, panel, state: "waiting", stop: new AbortController() };
    entries.push(entry);
    waiting.push(entry);
  }
  if (entries.length) drop.classList.add("small");
  work();
}

function work() {
  while (running < AT_A_TIME && waiting.length) {
    const entry = waiting.shift();
    running += 1;
    entry.state = "reading";
    entry.panel.querySelector(".waiting").textContent = "Reading…";
    read(entry).finally(() => {
      running -= 1;
      work();
    });
  }
  tellProgress();
}

async function read(entry) {
  try {
    show(entry, await answerFor(entry));
    entry.state = "read";
  } catch (error) {
    if (error.name === "AbortError") return;
    showRefusal(entry, error);
    entry.state = "refused";
  }
  entry.panel.querySelector(".waiting").hidden = true;
}

async function answerFor(entry) {
  if (entry.file.size > Number(mostBytes)) {
    throw refusal(`The file is larger than ${limit}.`, "Export one radiograph a file.");
  }
  const form = new FormData();
  form.append("file", entry.file, "upload");
  for (let attempt = 0; ; attempt += 1) {
    const response = await send(form, entry.stop.signal);
    if (response.status === 503 && attempt < MOST_TRIES) {
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 2));
      entry.stop.signal.throwIfAborted();
      continue;
    }
    const content = await response.json().catch(() => ({}));
    if (response.ok) return content;
    throw refusal(
      content.detail || `The server answered ${response.status}.`,
      content.remedy || "Try again, or ask who runs it.",
    );
  }
}

async function send(form, signal) {
  try {
    return await fetch("/page/prediction", { method: "POST", body: form, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw refusal(
      "The server did not answer, or the file could not be opened.",
      "Check that the file is still there and that pneumoscope serve is running, then choose the file again.",
    );
  }
}

function refusal(why, remedy) {
  return Object.assign(new Error(why), { remedy });
}

function pause(milliseconds) {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}

function showRefusal(entry, error) {
  const place = entry.panel.querySelector(".refused");
  place.querySelector(".refused-why").textContent = error.message;
  place.querySelector(".refused-remedy").textContent = `What to do: ${error.remedy || "Reload the page and try again."}`;
  place.hidden = false;
}

const ZONE_WORDS = {
  likely: "Of the three zones: pneumonia likely.",
  unlikely: "Of the three zones: pneumonia unlikely.",
  uncertain: "Of the three zones: uncertain. Neither answer keeps the error rate it was promised with.",
};

function show({ panel }, answer) {
  const part = (name) => panel.querySelector(`.${name}`);
  const found = answer.decision === "PNEUMONIA";
  panel.classList.add(found ? "pneumonia" : "normal");
  part("decision").textContent = found ? "PNEUMONIA suggested" : "NORMAL: pneumonia not suggested";
  part("probability-value").textContent = percent(answer.probability);
  part("reason").textContent =
    `${found ? "At or above" : "Below"} the threshold of the operating point “${answer.operating_point}”.` +
    (answer.zone ? ` ${ZONE_WORDS[answer.zone]}` : "");
  showScale(part, answer);
  for (const warning of answer.warnings) {
    const line = document.createElement("li");
    const word = document.createElement("b");
    word.textContent = "Warning: ";
    line.append(word, warning.message);
    part("warnings").append(line);
  }
  showPictures(panel, answer);
  part("answer").hidden = false;
}

function showScale(part, { probability, threshold }) {
  const scale = part("scale");
  scale.style.setProperty("--probability", `${100 * probability}%`);
  scale.style.setProperty("--threshold", `${100 * threshold}%`);
  scale.setAttribute(
    "aria-label",
    `Probability ${percent(probability)} on a scale from 0 to 100 %, threshold ${percent(threshold)}`,
  );
  part("threshold-name").textContent = `threshold ${percent(threshold)}`;
  for (const [word, there] of [
    ["lowest", threshold < 0.2],
    ["low", threshold < 0.3],
    ["high", threshold > 0.7],
    ["highest", threshold > 0.8],
  ]) {
    scale.classList.toggle(word, there);
  }
}

function showPictures(panel, answer) {
  const [columns, rows] = answer.shown_px;
  for (const picture of panel.querySelectorAll("img.radiograph")) {
    picture.width = columns;
    picture.height = rows;
    picture.src = `data:image/png;base64,${answer.radiograph_png}`;
  }
  panel.querySelector(".heat-map").src = `data:image/png;base64,${answer.heat_map_png}`;
  if (!answer.evidence_shown) {
    panel.querySelector(".overlay-name").textContent = "Overlay: the model found no evidence to colour";
  }
  const slider = panel.querySelector(".strength input");
  const value = panel.querySelector(".strength output");
  const set = () => {
    panel.style.setProperty("--strength", slider.value / 100);
    value.textContent = `${slider.value} %`;
    slider.setAttribute("aria-valuetext", `${slider.value} percent`);
  };
  slider.value = alpha;
  slider.addEventListener("input", set);
  set();
}

/* Never "0.0 %" or "100.0 %": the model is not certain. */
function percent(fraction) {
  const value = 100 * fraction;
  if (value < 0.1) return "< 0.1 %";
  if (value > 99.9) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

function tellProgress() {
  progress.hidden = entries.length === 0;
  const count = (state) => entries.filter((entry) => entry.state === state).length;
  const left = count("waiting") + count("reading");
  const refused = count("refused");
  const parts = [`${count("read")} of ${entries.length} read`];
  if (refused) parts.push(`${refused} could not be read`);
  if (left) parts.push(`${left} to go`);
  statusLine.textContent = parts.join(", ");
}

function clear() {
  for (const entry of entries) entry.stop.abort();
  waiting = [];
  entries = [];
  results.replaceChildren();
  drop.classList.remove("small");
  tellProgress();
  chooser.focus();
}

chooser.addEventListener("change", () => {
  add(chooser.files);
  chooser.value = "";
});
document.getElementById("clear").addEventListener("click", clear);
drop.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => add(event.clipboardData.files));
document.getElementById("origin").textContent = window.location.origin;
