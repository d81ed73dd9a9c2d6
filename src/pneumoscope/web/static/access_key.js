/* The key that some servers ask for: typed in once, kept until the tab is closed. */

const NAME = "pneumoscope-key";
const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
let asking = null;

export function keptKey() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

/* Ask for a key, once for all who wait for it; null where the person closes the dialog. `refused` is the key that failed. */
export function askedKey(refused) {
  const kept = keptKey();
  if (kept !== null && kept !== refused) return Promise.resolve(kept);
  asking ??= new Promise((answer) => {
    input.value = "";
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
