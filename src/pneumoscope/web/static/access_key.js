/* The key that some servers ask for: typed in once, kept until the tab is closed. */

const NAME = "pneumoscope-key";
const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
const wrong = document.getElementById("key-wrong");
let asking = null;

export function keptKey() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

/* What is copied often has a space or a line's end around it. */
input.addEventListener("input", () => {
  if (input.value !== input.value.trim()) input.value = input.value.trim();
});

/* Ask for a key, once for all who wait for it; null where the person closes the dialog. `refused` is the key that failed. */
export function askedKey(refused) {
  const kept = keptKey();
  if (kept !== null && kept !== refused) return Promise.resolve(kept);
  asking ??= new Promise((answer) => {
    input.value = "";
    wrong.hidden = refused === null;
    dialog.returnValue = "close";
    dialog.addEventListener(
      "close",
      () => {
        asking = null;
        const key = dialog.returnValue === "use" ? input.value : null;
        if (key) {
          try {
            sessionStorage.setItem(NAME, key);
          } catch {
            /* then it is asked for again */
          }
        }
        answer(key);
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
