/* Keys of the viewer: single letters work where the focus is in it, but not while a control takes them itself. */

const PAN_PX = 60;

export function listenToKeys(element, viewer) {
  const { zoom } = viewer;
  const everywhere = {
    "+": () => zoom.closer(),
    "=": () => zoom.closer(),
    "-": () => zoom.farther(),
    0: () => zoom.reset(),
    o: () => viewer.toggleEvidence(),
    s: () => viewer.toggleSideBySide(),
    w: () => viewer.dragging.toggle(),
    j: () => viewer.step(1),
    k: () => viewer.step(-1),
  };
  const onPicture = { Enter: () => viewer.toggleSize() };
  const onZoomedPicture = {
    ArrowLeft: () => zoom.pan(PAN_PX, 0),
    ArrowRight: () => zoom.pan(-PAN_PX, 0),
    ArrowUp: () => zoom.pan(0, PAN_PX),
    ArrowDown: () => zoom.pan(0, -PAN_PX),
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, input")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const picture = event.target.matches(".stage");
    const action = everywhere[key] ?? (picture && (onPicture[key] ?? (zoom.zoom > 1 && onZoomedPicture[key])));
    if (!action) return;
    event.preventDefault();
    action();
  });
}
