/* Ask the server, patiently: again when it is busy, with a key when it asks for one; every refusal in one form. */

import { askedKey, keptKey } from "./access_key.js";
import { facts, say } from "./words.js";

const MOST_TRIES = 20;

export class Refusal extends Error {
  constructor(why, remedy, code = "") {
    super(why);
    this.remedy = remedy;
    this.code = code;
  }
}

/* Send a radiograph ({file} or {url}) to an address; the answer is a Response that is fine. */
export async function askAbout(source, path, { signal, busy } = {}) {
  return ask(path, () => bodyOf(source), { signal, busy });
}

/* Send an object as JSON. */
export async function askWith(content, path, { signal } = {}) {
  return ask(path, () => jsonBody(content), { signal });
}

function bodyOf({ file, url }) {
  if (url) return jsonBody({ url });
  if (file.size > facts.most_bytes) {
    throw new Refusal(
      say("problem.too_large", { limit: facts.limit }),
      say("problem.too_large_remedy"),
      "upload-too-large",
    );
  }
  const form = new FormData();
  form.append("file", file, "upload"); // the file's own name stays here
  return { body: form, headers: {} };
}

function jsonBody(content) {
  return { body: JSON.stringify(content), headers: { "Content-Type": "application/json" } };
}

async function ask(path, prepare, { signal, busy }) {
  let key = keptKey();
  for (let attempt = 0; ; attempt += 1) {
    const response = await sent(path, prepare(), key, signal);
    if (response.ok) return response;
    if (response.status === 401) {
      key = await askedKey(key);
      if (key === null) throw new Refusal(say("problem.key_missing"), say("problem.key_missing_remedy"));
      continue;
    }
    if ((response.status === 503 || response.status === 429) && attempt < MOST_TRIES) {
      busy?.();
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 2), signal);
      continue;
    }
    const problem = await response.json().catch(() => ({}));
    throw new Refusal(
      problem.detail && typeof problem.detail === "string"
        ? problem.detail
        : say("problem.other", { status: response.status }),
      problem.remedy || say("problem.other_remedy"),
      problem.code,
    );
  }
}

async function sent(path, { body, headers }, key, signal) {
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  try {
    return await fetch(path, { method: "POST", body, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(say("problem.no_answer"), say("problem.no_answer_remedy"));
  }
}

function pause(milliseconds, signal) {
  return new Promise((resume, stop) => {
    const timer = setTimeout(resume, milliseconds);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        stop(signal.reason);
      },
      { once: true },
    );
  });
}
