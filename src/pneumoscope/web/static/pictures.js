/* PNG as the server sends it, decoded; never an address of a file, so nothing is written to disk. */

/* From base64 text; null where there is none. */
export async function pictureOf(png) {
  if (!png) return null;
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  return picture;
}

/* From a response of the server. */
export async function pictureIn(response) {
  return createImageBitmap(await response.blob());
}

/* Fill a canvas with a picture, or empty it. */
export function drawn(canvas, picture) {
  canvas.width = picture?.width ?? 1;
  canvas.height = picture?.height ?? 1;
  if (picture) canvas.getContext("2d").drawImage(picture, 0, 0);
}
