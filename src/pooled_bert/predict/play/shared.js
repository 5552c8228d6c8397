// What the page of texts and the page of sounds have in common. Texts are inserted as text nodes only, never as HTML.

export const find = (id) => document.getElementById(id);

export function make(tag, options = {}, ...children) {
  const element = Object.assign(document.createElement(tag), options);
  element.append(...children);
  return element;
}

export function say(message) { find("status").textContent = message; }

// Returns the answer to a GET, or to a POST if there is a body; throws an Error with the server's message.
export async function ask(path, type, body) {
  const options = type && { method: "POST", headers: { "Content-Type": type }, body };
  const response = await fetch(path, options).catch(() => {
    throw new Error("the server does not answer; start play.py again");
  });
  const answer = await response.json().catch(() => ({ error: `status ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// Shows the benchmark's title, the runs to choose from, and the limits.
export function introduce(about) {
  find("title").textContent = about.title;
  const names = Object.keys(about.runs);
  for (const name of names) {
    find("run").append(make("option", { value: name, textContent: name }));
    find("other").append(make("option", { value: name, textContent: name }));
  }
  find("other").closest("label").hidden = names.length < 2; // there is none to choose
  find("limits").append(...about.limits.map((text) => make("li", { textContent: text })));
}

export function chosenRuns() {
  return [...new Set([find("run").value, find("other").value])].filter(Boolean);
}

// The heading of a run's card.
export function heading(run, facts) {
  return make("h2", {}, run, " ", make("small", { textContent: facts }));
}

// Returns a label's name, bar and probability; without a probability, the bar is empty. A threshold is a stroke on it.
export function score(name, probability, threshold) {
  const bar = make("i");
  bar.style.width = `${100 * (probability ?? 0)}%`;
  const track = make("span", { className: "bar" }, bar);
  if (threshold !== undefined) {
    const stroke = make("b", { title: `threshold ${threshold.toFixed(3)}` });
    stroke.style.left = `${100 * threshold}%`;
    track.append(stroke);
  }
  return [
    make("span", {}, ...[name].flat()), track,
    make("span", { className: "number", textContent: probability?.toFixed(3) ?? "–" }),
  ];
}
