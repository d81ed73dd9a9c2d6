/* The values that a file holds before any window, as the server gives them, and a picture of them through a window. */

import { askAbout } from "./server.js";

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const BLACK = LITTLE_ENDIAN ? 0xff000000 : 0x000000ff;
const ONE_LEVEL = LITTLE_ENDIAN ? 0x00010101 : 0x01010100;
const PADDING = 0;

/* The values of an entry's file, or null where it holds no more than its picture shows. */
export async function valuesOf(entry, signal) {
  const response = await askAbout(entry, "/page/values", { signal });
  if (response.status === 204) return null;
  const meaning = JSON.parse(response.headers.get("X-Values"));
  const bytes = new DataView(await response.arrayBuffer());
  const codes = new Uint16Array(meaning.columns_px * meaning.rows_px);
  for (let place = 0; place < codes.length; place += 1) codes[place] = bytes.getUint16(2 * place, true);
  return { ...meaning, codes };
}

/* Brightness of a value in [0, 1]: LINEAR_EXACT or LINEAR (DICOM PS3.3 C.11.2.1.3.2 and C.11.2.1.2.1). */
export function brightness(value, { center, width, exact }) {
  if (!exact && width <= 1) return value > center - 0.5 ? 1 : 0;
  const place = exact ? (value - center) / width : (value - (center - 0.5)) / (width - 1);
  return Math.min(1, Math.max(0, place + 0.5));
}

/* Fill a canvas with values through a window; padding stays black. */
export function paint(canvas, values, window) {
  const { codes, columns_px: columns, rows_px: rows, smallest, largest, step, inverted } = values;
  const table = new Uint32Array(65_536).fill(BLACK);
  const last = Math.min(65_535, 1 + Math.round((largest - smallest) / step));
  for (let code = PADDING + 1; code <= last; code += 1) {
    const bright = brightness(smallest + step * (code - 1), window);
    table[code] = BLACK + ONE_LEVEL * Math.round(255 * (inverted ? 1 - bright : bright));
  }
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const picture = new ImageData(columns, rows);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let place = 0; place < pixels.length; place += 1) pixels[place] = table[codes[place]];
  canvas.getContext("2d").putImageData(picture, 0, 0);
}
