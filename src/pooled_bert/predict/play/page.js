// Shows scores while the user types, then the words that carried them. Texts are inserted as text nodes only, never as
// HTML.
import { ask, chosenRuns, find, introduce, make, say, score } from "./shared.js";

const DELAY = 250; // milliseconds without a keystroke before the text is sent
let about = null;
let chosen = null; // the label whose words are coloured; null: the likeliest
let shown = [];
let timer = null;
let busy = false;
let again = false;

const send = (path, content) => ask(path, "application/json", JSON.stringify(content));

// The field of a text, or the two fields of a pair.
const fields = () => ["text", "second"].slice(0, about.columns.length).map(find);

function fill(texts) {
  fields().forEach((field, index) => { field.value = texts[index]; });
  update();
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(update, DELAY);
}

// One request at a time: a text that is typed meanwhile is sent when the answer has arrived.
async function update() {
  if (busy) { again = true; return; }
  busy = true;
  const texts = fields().map((field) => field.value);
  const text = texts.length === 1 ? texts[0] : texts;
  const length = [...texts.join("")].length;
  try {
    if (!texts.some((part) => part.trim())) { find("results").replaceChildren(); say(""); return; }
    if (length > about.max_characters) {
      throw new Error(`the text has ${length.toLocaleString("en")} characters; at most ${about.max_characters.toLocaleString("en")} can be predicted here`);
    }
    say("…");
    const answers = [];
    for (const run of chosenRuns()) answers.push({ run, ...(await send("predict", { text, run })) });
    show(answers);
    for (const answer of answers) {
      if (again) break;
      const methods = about.runs[answer.run];
      const method = methods.includes(find("method").value) ? find("method").value : methods[0];
      Object.assign(answer, await send("explain", { text, run: answer.run, method }), { method });
      show(answers);
    }
    say("");
  } catch (error) {
    find("results").replaceChildren();
    say(error.message);
  } finally {
    busy = false;
    if (again) { again = false; update(); }
  }
}

function show(answers) {
  shown = answers;
  find("results").replaceChildren(...answers.map(model));
  const methods = new Set(answers.map((answer) => answer.method).filter(Boolean));
  find("note").textContent = [...methods].map((method) => about.notes[method]).join(" ");
}

function model(answer) {
  const likeliest = answer.probabilities.indexOf(Math.max(...answer.probabilities));
  const label = chosen ?? likeliest;
  const card = make("section", { className: "model" }, make("h2", { textContent: answer.run }));
  about.labels.forEach((name, index) => {
    const row = make("button", { className: "label", type: "button", onclick: () => { chosen = index; show(shown); } },
      ...score(name, answer.probabilities[index]));
    row.setAttribute("aria-pressed", String(index === label));
    card.append(row);
  });
  if (answer.pieces) card.append(words(answer, label));
  if (answer.bins) card.append(bins(answer.bins));
  return card;
}

function words(answer, label) {
  const sizes = answer.pieces.filter(([, weights]) => weights).map(([, weights]) => Math.abs(weights[label]));
  // the scale is at least one unit of log-odds, so that unimportant words stay pale
  const top = Math.max(...sizes, answer.method === "attention" ? 1e-9 : 1);
  const text = make("bdi", { className: "words" });
  for (const [piece, weights] of answer.pieces) {
    if (!weights) { text.append(piece); continue; }
    const weight = weights[label];
    const word = make("span", { textContent: piece, title: `${weight > 0 ? "+" : ""}${weight.toFixed(2)}` });
    const side = weight > 0 ? "raise" : "lower";
    word.style.background = `rgba(var(--${side}), ${(0.7 * Math.abs(weight) / top).toFixed(3)})`;
    text.append(word);
  }
  return text;
}

function bins(values) {
  const top = Math.max(...values, 1e-9);
  const box = make("div", { className: "bins", title: "attention over the text, in tenths" });
  for (const value of values) {
    const bar = make("i");
    bar.style.height = `${100 * value / top}%`;
    box.append(bar);
  }
  return box;
}

async function start() {
  about = await ask("about");
  introduce(about);
  const methods = new Set(Object.values(about.runs).flat());
  find("method").append(...[...methods].map((name) => make("option", { value: name, textContent: name })));
  find("examples").append(...about.examples.map((example) => {
    const texts = [example].flat();
    const shown = texts.join(" ‖ ");
    return make("button", { type: "button", textContent: shown, title: shown, onclick: () => fill(texts) });
  }));
  if (about.columns.length > 1) {
    find("pair").hidden = false;
    about.columns.forEach((name, index) => { find(["first-name", "second-name"][index]).textContent = name; });
  }
  for (const field of fields()) field.addEventListener("input", soon);
  for (const id of ["run", "other", "method"]) find(id).addEventListener("change", update);
  find("text").focus();
}

start().catch((error) => say(error.message));
