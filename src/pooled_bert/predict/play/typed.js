// The texts that were typed since the page was opened. They are kept in this page only, and nowhere else.
import { find, make } from "./shared.js";

const MOST = 30;
let entries = []; // {texts, verdict}, the newest first

// Adds a text with its verdict; a text that goes on with the newest one, as typing does, takes its place.
export function remember(texts, verdict, restore) {
  const key = texts.join("\n");
  const last = entries[0]?.texts.join("\n");
  if (last !== undefined && (key.startsWith(last) || last.startsWith(key))) entries.shift();
  entries = [{ texts, verdict }, ...entries.filter((entry) => entry.texts.join("\n") !== key)].slice(0, MOST);
  show(restore);
}

export function forget() {
  entries = [];
  show();
}

function show(restore) {
  find("history").hidden = !entries.length;
  find("typed").replaceChildren(...entries.map(({ texts, verdict }) => {
    const button = make("button", { type: "button", onclick: () => restore(texts) },
      make("span", { className: "short", textContent: texts.join(" ‖ ") }), make("small", { textContent: verdict }));
    return make("li", {}, button);
  }));
}
