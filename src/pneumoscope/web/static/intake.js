/* Ways in: choose, drop, paste, an example, or an address. Each gives sources to whoever takes them. */

import { say } from "./words.js";

const drop = document.getElementById("drop");
const chooser = document.getElementById("files");
const fromUrl = document.getElementById("from-url");
const examples = document.getElementById("examples");
let pasted = 0;

export function openIntake(take) {
  const takeFiles = (files) => {
    const sources = [...files].map((file) => ({ name: file.name || nextPasted(), file }));
    if (sources.length) take(sources);
  };
  chooser.addEventListener("change", () => {
    takeFiles(chooser.files);
    chooser.value = "";
  });
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
    takeFiles(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => takeFiles(event.clipboardData.files));
  fromUrl?.addEventListener("submit", (event) => {
    event.preventDefault();
    const url = document.getElementById("url").value.trim();
    take([{ name: nameOf(url), url }]);
    fromUrl.reset();
  });
  examples.addEventListener("click", async (event) => {
    const name = event.target.closest("[data-example]")?.dataset.example;
    if (!name) return;
    const failed = document.getElementById("example-failed");
    failed.textContent = "";
    try {
      take([{ name, file: new File([await contentOf(`/static/examples/${name}`)], name) }]);
      document.getElementById("answer").focus(); // the button is gone
    } catch (error) {
      failed.textContent = error.message;
    }
  });
}

async function contentOf(address) {
  const response = await fetch(address).catch(() => {
    throw new Error(say("problem.no_answer"));
  });
  if (!response.ok) throw new Error(say("problem.other", { status: response.status }));
  return response.blob();
}

function nextPasted() {
  pasted += 1;
  return say("list.pasted", { number: pasted });
}

function nameOf(url) {
  const { pathname, host } = new URL(url);
  return pathname.split("/").pop() || host;
}
