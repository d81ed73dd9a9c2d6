/* Ask the server, patiently: again when it is busy, with a key when it asks for one; every refusal in one form. */

import { askedKey, keptKey } from "./access_key.js";
import { facts, language, say, titleOf } from "./words.js";

const MOST_TRIES = 20;

/* Why there is no answer. `title` is for what is not the file's fault; `english` tells that the server wrote the words,
   which are in `original` where the page has words of its own for them; `detail` is what programs are told. */
export class Refusal extends Error {
  constructor(why, remedy, { code = "", title = "", english = false, detail = why, original = "" } = {}) {
    super(why);
    Object.assign(this, { remedy, code, title, english, detail, original });
  }
}

/* Whether no other file would fare better: the server is gone, or wants a key that nobody has given. */
export function concernsAll({ code }) {
  return code === "no-answer" || code === "no-key";
}

/* Send a radiograph ({file} or {url}) to an address; the answer is a Response that is fine. */
export async function askAbout(source, path, { signal, busy } = {}) {
  const response = await ask(path, () => bodyOf(source), { signal, busy });
  refuseAnother(source, response);
  return response;
}

/* What lies at an address may change: then nothing more is said of it beside the first answer. */
function refuseAnother({ answer }, response) {
  const sha256 = response.headers.get("X-Content-SHA256");
  if (!answer || !sha256 || sha256 === answer.result.sha256) return;
  throw new Refusal(say("problem.changed"), say("problem.changed_remedy"), { code: "changed" });
}

/* Send an object as JSON. */
export async function askWith(content, path, { signal } = {}) {
  return ask(path, () => jsonBody(content), { signal });
}

function bodyOf({ file, url }) {
  if (url) return jsonBody({ url });
  if (file.size > facts.most_bytes) {
    throw new Refusal(say("problem.too_large", { limit: facts.limit }), say("problem.too_large_remedy"), {
      code: "upload-too-large",
    });
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
      if (key === null) {
        throw new Refusal(say("problem.key_missing"), say("problem.key_missing_remedy"), {
          code: "no-key",
          title: say("problem.key_title"),
        });
      }
      continue;
    }
    if ((response.status === 503 || response.status === 429) && attempt < MOST_TRIES) {
      busy?.();
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 2), signal);
      continue;
    }
    throw refusalIn(await response.json().catch(() => ({})), response.status);
  }
}

/* In the words of the page's language where it has some for the code, else in those of the server. */
function refusalIn({ detail, remedy, code }, status) {
  const title = status >= 500 || status === 429 ? say("problem.server_title") : "";
  if (typeof detail !== "string" || detail === "") {
    return new Refusal(say("problem.other", { status }), say("problem.other_remedy"), { code, title });
  }
  const why = titleOf("refusal_words", code);
  if (language === "en" || !why) return new Refusal(detail, remedy, { code, title, english: true });
  return new Refusal(why.replace("{limit}", facts.limit), titleOf("refusal_remedies", code), {
    code,
    title,
    detail,
    original: `${detail} ${remedy}`,
  });
}

async function sent(path, { body, headers }, key, signal) {
  headers["Accept-Language"] = language; // the page's, which need not be the browser's
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  try {
    return await fetch(path, { method: "POST", body, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!(await canBeOpened(body))) {
      throw new Refusal(say("problem.no_file"), say("problem.no_file_remedy"), { code: "no-file" });
    }
    const title = say("problem.server_title");
    if (await isThere()) {
      throw new Refusal(say("problem.broken_off"), say("problem.other_remedy"), { code: "broken-off", title });
    }
    throw new Refusal(say("problem.no_answer"), say("problem.no_answer_remedy"), { code: "no-answer", title });
  }
}

/* Whether the server answers at all, so that it was this one request that it broke off. */
async function isThere() {
  try {
    await fetch("/livez");
    return true;
  } catch {
    return false;
  }
}

/* Whether the file of a form is still there: a browser tells of a moved file as of a server that is gone. */
async function canBeOpened(body) {
  if (!(body instanceof FormData)) return true;
  try {
    await body.get("file").slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
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
