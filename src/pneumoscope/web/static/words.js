/* The page's words and numbers in its language; the server has put them into the page. */

const words = JSON.parse(document.body.dataset.words);
const sign = words["language.decimal"];

export const facts = JSON.parse(document.body.dataset.facts);
export const language = document.documentElement.lang;

/* The words of a key, with values in its {places}. */
export function say(key, values = {}) {
  const text = words[key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/* The word for a name out of a card or a file, or the name itself. */
export function called(section, name) {
  return words[`${section}.${name}`] ?? name;
}

/* A short title for a reason code, or nothing. */
export function titleOf(section, code) {
  return words[`${section}.${code}`] ?? "";
}

/* A share with one decimal; never 0.0 or 100.0 %, since the model is not certain. */
export function percent(share) {
  if (share < 0.001) return number("< 0.1\u00a0%");
  if (share > 0.999) return number("> 99.9\u00a0%");
  return number(`${(100 * share).toFixed(1)}\u00a0%`);
}

export function roundPercent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

/* With its sign and two decimals, and no zero with a minus. */
export function signed(value) {
  const rounded = Math.abs(value) < 0.005 ? 0 : value;
  return number(`${rounded < 0 ? "−" : "+"}${Math.abs(rounded).toFixed(2)}`);
}

export function decimals(value, places) {
  return number(value.toFixed(places));
}

function number(text) {
  return text.replace(".", sign);
}
