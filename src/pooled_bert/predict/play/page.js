// Shows scores while the user types, then the words that carried them. Texts are inserted as text nodes only, never as
// HTML.
import { ask, chosenRuns, find, heading, introduce, make, say, score } from "./shared.js";
import { forget, remember } from "./typed.js";
import { words } from "./words.js";

const DELAY = 250; // milliseconds without a keystroke before the text is sent
const TUNED = "tuned"; // the choice of each label's own threshold
let about = null;
let chosen = null; // the label whose words are coloured; null: the likeliest
let shown = [];
let timer = null;
let busy = false;
let again = false;

const send = (path, content) => ask(path, "application/json", JSON.stringify(content));

// The fields of the first and of the second item: one of a text, two of a pair.
const fieldsOf = (item) => [...find(item).querySelectorAll("textarea")];
const textsOf = (item) => fieldsOf(item).map((field) => field.value);
const isComparing = () => !find("other-item").hidden;

function fill(texts) {
  fieldsOf("first-item").forEach((field, index) => { field.value = texts[index]; });
  update();
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(update, DELAY);
}

// The items that hold a text, the first before the second.
function items() {
  const all = ["first-item", ...(isComparing() ? ["other-item"] : [])].map(textsOf);
  return all.filter((texts) => texts.some((text) => text.trim()));
}

function checkLength(texts) {
  const length = [...texts.join("")].length;
  if (length <= about.max_characters) return;
  throw new Error(`the text has ${length.toLocaleString("en")} characters; at most ${about.max_characters.toLocaleString("en")} can be predicted here`);
}

// One request at a time: a text that is typed meanwhile is sent when the answers have arrived.
async function update() {
  if (busy) { again = true; return; }
  busy = true;
  const asked = items();
  try {
    asked.forEach(checkLength);
    if (!asked.length) { clear(); say(""); return; }
    const answers = asked.flatMap((texts, number) => chosenRuns().map((run) => ({ run, texts, number })));
    find("results").classList.add("stale");
    for (const answer of answers) {
      await working(`${answer.run} reads the text`, () => add(answer, "predict"));
    }
    show(answers);
    remember(asked[0], verdictText(answers[0]), fill);
    say(await explained(answers));
  } catch (error) {
    clear();
    say(error.message);
  } finally {
    busy = false;
    if (again) { again = false; update(); }
  }
}

// Adds explanations to answers; returns the reason if they cannot be had, and the scores stay as they are.
async function explained(answers) {
  try {
    for (const answer of answers) {
      if (again) break;
      const { methods } = about.runs[answer.run];
      answer.method = methods.includes(find("method").value) ? find("method").value : methods[0];
      await working(task(answer), () => add(answer, "explain"));
      show(answers);
    }
    return "";
  } catch (error) {
    return error.message;
  }
}

async function add(answer, path) {
  const { run, texts, method } = answer;
  const text = texts.length === 1 ? texts[0] : texts;
  Object.assign(answer, await send(path, path === "predict" ? { text, run } : { text, run, method }));
}

function task({ run, texts, method }) {
  const n = texts.join(" ").split(/\s+/).filter(Boolean).length;
  if (method === "occlusion") return `${run} reads the text again without each of its ${n} words`;
  return `${run}: words by ${about.methods[method]}`;
}

// Says what is computed, and for how long, until it is.
async function working(what, job) {
  const start = performance.now();
  const tell = () => {
    const seconds = (performance.now() - start) / 1000;
    say(`${what} …${seconds > 1 ? ` ${seconds.toFixed(0)} s` : ""}`);
  };
  tell();
  const clock = setInterval(tell, 1000);
  find("status").classList.add("busy");
  find("results").setAttribute("aria-busy", "true");
  try {
    await job();
  } finally {
    clearInterval(clock);
    find("status").classList.remove("busy");
    find("results").setAttribute("aria-busy", "false");
  }
}

function clear() {
  shown = [];
  show(shown);
}

function show(answers) {
  shown = answers;
  find("results").classList.remove("stale");
  find("results").replaceChildren(...answers.map(card));
  const methods = new Set(answers.filter((answer) => answer.pieces).map((answer) => answer.method));
  const colours = methods.size && !methods.has("attention") ? "Red words raised the score, blue words lowered it. " : "";
  find("note").textContent = colours + [...methods].map((method) => about.notes[method]).join(" ");
}

// The verdict

const likeliest = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

// The threshold of each label; undefined for classes, of which the likeliest is assigned.
function thresholds(run) {
  if (about.is_exclusive) return undefined;
  const tuned = find("threshold").value === TUNED && about.runs[run].thresholds;
  return tuned || about.labels.map(() => about.threshold);
}

function assigned({ run, probabilities }) {
  if (about.is_exclusive) return [likeliest(probabilities)];
  const limits = thresholds(run);
  return about.labels.map((_, index) => index).filter((index) => probabilities[index] > limits[index]);
}

function verdictText(answer) {
  const names = assigned(answer).map((index) => about.labels[index]);
  return names.length ? names.join(", ") : "no label";
}

function verdict(answer) {
  const found = assigned(answer);
  if (about.is_exclusive) {
    return make("p", { className: "verdict" }, make("b", { textContent: about.labels[found[0]] }),
      ` is likeliest, ${answer.probabilities[found[0]].toFixed(3)}`);
  }
  const limits = thresholds(answer.run);
  if (found.length) {
    return make("p", { className: "verdict found" }, make("b", { textContent: verdictText(answer) }),
      found.length > 1 ? " lie above their thresholds" : ` lies above its threshold of ${limits[found[0]].toFixed(2)}`);
  }
  const shares = answer.probabilities.map((probability, index) => probability / Math.max(limits[index], 1e-9));
  const nearest = likeliest(shares);
  return make("p", { className: "verdict" }, make("b", { textContent: "No label" }),
    ` · nearest is ${about.labels[nearest]}: ${answer.probabilities[nearest].toFixed(3)} of ${limits[nearest].toFixed(2)}`);
}

// A run's answer about an item. The differences are from the first answer.
function card(answer) {
  const label = chosen ?? likeliest(shown[0].probabilities);
  const found = assigned(answer);
  const limits = thresholds(answer.run);
  const content = [heading(answer.run, about.runs[answer.run].facts)];
  if (new Set(shown.map(({ number }) => number)).size > 1) {
    content.push(make("p", { className: "short note", textContent: answer.texts.join(" ‖ ") }));
  }
  content.push(verdict(answer));
  about.labels.forEach((name, index) => {
    const row = make("button", { className: found.includes(index) ? "label above" : "label", type: "button",
      onclick: () => { chosen = index; show(shown); } }, ...score(name, answer.probabilities[index], limits?.[index]));
    if (answer !== shown[0]) row.append(difference(answer.probabilities[index] - shown[0].probabilities[index]));
    row.setAttribute("aria-pressed", String(index === label));
    content.push(row);
  });
  if (answer.pieces) content.push(...words(answer, label, about.labels, about.is_exclusive));
  if (answer.bins) content.push(bins(answer.bins));
  return make("section", { className: "model", ariaLabel: `run ${answer.run}` }, ...content);
}

function difference(value) {
  const sign = value > 0 ? "+" : "−";
  return make("small", { className: "number", title: "difference from the first",
    textContent: Math.abs(value) < 0.0005 ? "=" : `${sign}${Math.abs(value).toFixed(3)}` });
}

function bins(values) {
  const top = Math.max(...values, 1e-9);
  const box = make("div", { className: "bins", title: "attention over the text, in tenths" });
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", "attention over the text, in tenths");
  for (const value of values) {
    const bar = make("i");
    bar.style.height = `${100 * value / top}%`;
    box.append(bar);
  }
  return box;
}

// The fields and the controls

// Gives each item of a pair a second field, and names the fields by their columns.
function makePairs() {
  const names = { "first-item": "", "other-item": "Second pair: " };
  for (const [item, prefix] of Object.entries(names)) {
    const [label, field] = find(item).children;
    label.textContent = prefix + about.columns[0];
    const second = Object.assign(field.cloneNode(), { id: `${field.id}-2` });
    find(item).append(make("label", { htmlFor: second.id, textContent: prefix + about.columns[1] }), second);
  }
}

function compare() {
  const isOn = find("other-item").hidden;
  find("other-item").hidden = !isOn;
  const noun = about.columns.length > 1 ? "pair" : "text";
  find("compare").textContent = isOn ? `Close the second ${noun}` : `Compare with a second ${noun}`;
  find("compare").setAttribute("aria-expanded", String(isOn));
  if (isOn) fieldsOf("other-item")[0].focus();
  update();
}

function makeChoices() {
  const runs = Object.values(about.runs);
  const methods = new Set(runs.flatMap((run) => run.methods));
  find("method").append(...[...methods].map((name) => make("option", { value: name, textContent: about.methods[name] })));
  find("decide").hidden = about.is_exclusive;
  if (runs.some((run) => run.thresholds)) {
    find("threshold").append(make("option", { value: TUNED, textContent: "each label's best threshold" }));
  }
  find("threshold").append(make("option", { value: "same", textContent: `${about.threshold} for all labels` }));
}

async function start() {
  about = await ask("about");
  introduce(about);
  makeChoices();
  find("examples").append(...about.examples.map((example) => {
    const texts = [example].flat();
    const whole = texts.join(" ‖ ");
    return make("button", { type: "button", textContent: whole, title: whole, onclick: () => fill(texts) });
  }));
  if (about.columns.length > 1) {
    makePairs();
    find("compare").textContent = "Compare with a second pair";
  }
  for (const field of [...fieldsOf("first-item"), ...fieldsOf("other-item")]) field.addEventListener("input", soon);
  for (const id of ["run", "other", "method"]) find(id).addEventListener("change", update);
  find("threshold").addEventListener("change", () => show(shown));
  find("compare").addEventListener("click", compare);
  find("forget").addEventListener("click", forget);
  find("text").focus();
}

start().catch((error) => say(error.message));
