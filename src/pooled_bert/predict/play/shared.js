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
  for (const name of Object.keys(about.runs)) {
    find("run").append(make("option", { value: name, textContent: name }));
    find("other").append(make("option", { value: name, textContent: name }));
  }
  find("limits").append(...about.limits.map((text) => make("li", { textContent: text })));
}

export function chosenRuns() {
  return [...new Set([find("run").value, find("other").value])].filter(Boolean);
}

// Returns a label's name, bar and probability; without a probability, the bar is empty.
export function score(name, probability) {
  const bar = make("i");
  bar.style.width = `${100 * (probability ?? 0)}%`;
  return [
    make("span", {}, ...[name].flat()), make("span", { className: "bar" }, bar),
    make("span", { className: "number", textContent: probability?.toFixed(3) ?? "–" }),
  ];
}
