// Shows scores while the user types, then the words that carried them. Texts are inserted as text nodes only, never as
// HTML.
"use strict";

const find = (id) => document.getElementById(id);
const DELAY = 250; // milliseconds without a keystroke before the text is sent
let about = null;
let chosen = null; // the label whose words are coloured; null: the likeliest
let shown = [];
let timer = null;
let busy = false;
let again = false;

function make(tag, options = {}, ...children) {
  const element = Object.assign(document.createElement(tag), options);
  element.append(...children);
  return element;
}

async function ask(path, content) {
  const options = content && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  };
  const response = await fetch(path, options);
  const answer = await response.json().catch(() => ({ error: `status ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(update, DELAY);
}

// One request at a time: a text that is typed meanwhile is sent when the answer has arrived.
async function update() {
  if (busy) { again = true; return; }
  busy = true;
  const text = find("text").value;
  try {
    if (!text.trim()) { find("results").replaceChildren(); say(""); return; }
    if ([...text].length > about.max_characters) {
      throw new Error(`the text has ${[...text].length.toLocaleString("en")} characters; at most ${about.max_characters.toLocaleString("en")} can be predicted here`);
    }
    const runs = [...new Set([find("run").value, find("other").value])].filter(Boolean);
    say("…");
    const answers = [];
    for (const run of runs) answers.push({ run, ...(await ask("predict", { text, run })) });
    show(answers);
    for (const answer of answers) {
      if (again) break;
      const methods = about.runs[answer.run];
      const method = methods.includes(find("method").value) ? find("method").value : methods[0];
      Object.assign(answer, await ask("explain", { text, run: answer.run, method }), { method });
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

function say(message) { find("status").textContent = message; }

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
    const bar = make("i");
    bar.style.width = `${100 * answer.probabilities[index]}%`;
    const row = make("button", { className: "label", type: "button", onclick: () => { chosen = index; show(shown); } },
      make("span", { textContent: name }), make("span", { className: "bar" }, bar),
      make("span", { className: "number", textContent: answer.probabilities[index].toFixed(3) }));
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
  find("title").textContent = about.title;
  for (const name of Object.keys(about.runs)) {
    find("run").append(make("option", { value: name, textContent: name }));
    find("other").append(make("option", { value: name, textContent: name }));
  }
  const methods = new Set(Object.values(about.runs).flat());
  find("method").append(...[...methods].map((name) => make("option", { value: name, textContent: name })));
  find("examples").append(...about.examples.map((text) => make("button", {
    type: "button", textContent: text, title: text, onclick: () => { find("text").value = text; update(); },
  })));
  find("limits").append(...about.limits.map((text) => make("li", { textContent: text })));
  find("text").addEventListener("input", soon);
  for (const id of ["run", "other", "method"]) find(id).addEventListener("change", update);
  find("text").focus();
}

start().catch((error) => say(error.message));
