// The words of a text in colour, with their numbers on hover, by touch, and by the arrow keys.
import { make } from "./shared.js";

const PALE = 0.03; // of the strongest word; a weaker one gets no colour
const HINT = "Point at a word, or move along with the arrow keys, for its numbers.";

const signed = (value, places = 2) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(places)}`;
const logit = (probability) => Math.log(probability / (1 - probability));

// Returns the elements for one answer and one label (a number). labels: their names.
export function words(answer, label, labels, isExclusive) {
  const weights = answer.pieces.filter(([, weights]) => weights).map(([, weights]) => Math.abs(weights[label]));
  // the scale is at least one unit of log-odds, so that unimportant words stay pale
  const top = Math.max(...weights, answer.method === "attention" ? 1e-9 : 1);
  const numbers = make("p", { className: "numbers note", textContent: HINT });
  numbers.setAttribute("aria-live", "polite");
  const text = make("bdi", { className: "words" });
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", `words, coloured for ${labels[label]}`);
  for (const [piece, own] of answer.pieces) {
    if (!own) { text.append(piece); continue; }
    const word = make("span", { textContent: piece, tabIndex: -1 });
    word.setAttribute("role", "button");
    const strength = own[label] / top;
    if (Math.abs(strength) >= PALE) {
      word.style.background = `rgba(var(--${strength > 0 ? "raise" : "lower"}), ${(0.7 * Math.abs(strength)).toFixed(3)})`;
    }
    const tell = () => { numbers.textContent = describe(piece, own, answer, label, labels, isExclusive); };
    for (const event of ["mouseenter", "focus", "click"]) word.addEventListener(event, tell);
    text.append(word);
  }
  const all = [...text.querySelectorAll("span")];
  if (all.length) all[0].tabIndex = 0;
  text.addEventListener("keydown", (event) => move(event, all));
  return [text, numbers];
}

// One word is in the order of the Tab key; the arrow keys lead to the others.
function move(event, all) {
  const index = all.indexOf(event.target);
  const last = all.length - 1;
  const next = { ArrowRight: Math.min(index + 1, last), ArrowLeft: Math.max(index - 1, 0), Home: 0, End: last }[event.key];
  if (index < 0 || next === undefined) return;
  event.preventDefault();
  all[index].tabIndex = -1;
  all[next].tabIndex = 0;
  all[next].focus();
}

// Says what a word does to the chosen label, then to the other labels that it counts for most.
function describe(piece, weights, answer, label, labels, isExclusive) {
  if (answer.method === "attention") return `“${piece}”: ${(100 * weights[label]).toFixed(1)} % of the attention`;
  const others = labels.map((_, index) => index).filter((index) => index !== label);
  others.sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  const parts = [label, ...others.slice(0, 2)].map((index) => {
    const probability = answer.probabilities[index];
    const without = 1 / (1 + Math.exp(weights[index] - logit(probability)));
    const effect = answer.method === "occlusion" && !isExclusive
      ? `, ${probability.toFixed(3)} → ${without.toFixed(3)} without it` : "";
    return `${labels[index]} ${signed(weights[index])}${effect}`;
  });
  return `“${piece}”: ${parts.join("; ")}`;
}
